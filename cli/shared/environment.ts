import { readFileSync } from 'node:fs';
import type { Store } from '../../lib/app/ports/index.ts';
import type { Deadline, Services } from '../../lib/app/services.ts';
import { InvalidConfigError, renderProblems } from '../../lib/config/check/problems.ts';
import type { Config } from '../../lib/config/load/parse.ts';
import { loadConfigText } from '../../lib/config/load/yaml.ts';
import { readSecrets, type Secrets } from '../../lib/config/secrets.ts';
import { AccessError, ConfigError, ThrottledError, UnclearError } from '../../lib/core/errors.ts';
import { MINUTE } from '../../lib/core/time.ts';
import { BucketWebsite } from '../../lib/otc/obs/website.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { composeServices, composeStore } from '../../lib/runtime/compose.ts';
import { startDeadline } from '../../lib/runtime/deadline.ts';
import { localContext } from '../../lib/runtime/functiongraph/context.ts';
import { credentialsOf } from '../../lib/runtime/functiongraph/secret-source.ts';
import { createLog } from '../../lib/runtime/log.ts';
import { clean, escaped, oneLine } from './printable.ts';

/** What one pass may take, as in the deployed functions. */
export const PASS_MS = MINUTE;

/** A mistake of the person at the keyboard: shown as it is, without a stack. */
export class UserError extends Error {}

export function loadConfig(file: string): Config {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    throw new UserError(
      `${file} cannot be read. Copy examples/scaler.yml to it and fill it in, or give its path: scaler --config, or provider.config in serverless.yml.`,
    );
  }
  try {
    return loadConfigText(text, file.endsWith('.json') ? 'json' : 'yaml');
  } catch (error) {
    if (error instanceof InvalidConfigError) throw new UserError(`${file} has mistakes:\n${renderProblems(clean(error.problems), file)}`);
    throw error;
  }
}

export function environmentSecrets(): Secrets {
  return readSecrets((key) => process.env[key]);
}

/** What a pass cannot do without. */
export function neededSecrets(): Secrets {
  const secrets = environmentSecrets();
  if (!secrets.gitlabToken) throw notSet('GITLAB_TOKEN is');
  if (!secrets.otcKeys) throw notSet('OTC_ACCESS_KEY and OTC_SECRET_KEY are');
  return secrets;
}

function notSet(keys: string): UserError {
  return new UserError(`${keys} not set: this command reads its secrets from the environment.`);
}

/** The real GitLab and OTC, with the keys of the environment; log lines of the adapters go to standard error. */
export function openServices(config: Config): Services {
  const secrets = neededSecrets();
  const credentials = environmentCredentials(secrets);
  const log = createLog({ clock: systemClock, write: (line) => process.stderr.write(`${escaped(line)}\n`) });
  return composeServices({ config, secrets, credentials, clock: systemClock, log });
}

/** The bucket alone: needs no token of GitLab. */
export function openStore(config: Config): Store {
  return composeStore({ config, credentials: environmentCredentials(environmentSecrets()), clock: systemClock });
}

/** The bucket as a website. */
export function openWebsite({ otc, bucket }: Config): BucketWebsite {
  const credentials = environmentCredentials(environmentSecrets());
  const scheme = bucket.dialect === 's3-v2' ? 'aws' : 'obs';
  return new BucketWebsite({ endpoint: otc.endpoints.obs, bucket: bucket.name, credentials, clock: systemClock, scheme });
}

function environmentCredentials(secrets: Secrets) {
  if (!secrets.otcKeys) throw notSet('OTC_ACCESS_KEY and OTC_SECRET_KEY are');
  return credentialsOf(localContext({ requestId: 'cli', functionName: 'scaler', timeoutMs: MINUTE }), secrets);
}

/** Runs one piece of work under the time that a function would have. */
export async function withinDeadline<T>(ms: number, work: (deadline: Deadline) => Promise<T>): Promise<T> {
  const { deadline, end } = startDeadline(ms);
  try {
    return await work(deadline);
  } finally {
    end();
  }
}

/** What a person reads when a command cannot do its work, and the exit code. */
export function explainFailure(error: unknown): { readonly text: string; readonly code: number } {
  if (error instanceof UserError) return { text: error.message, code: 2 };
  if (error instanceof ConfigError) return { text: `${oneLine(error.message)} (${oneLine(error.code)})`, code: 2 };
  if (error instanceof Error) return { text: `${error.name}: ${oneLine(error.message)}${remedyOf(error)}`, code: 1 };
  return { text: oneLine(String(error)), code: 1 };
}

function remedyOf(error: Error): string {
  if (error instanceof AccessError) return '\n  → A key or token is wrong or lacks a right (docs/rights.md). scaler doctor checks each.';
  if (error instanceof UnclearError)
    return '\n  → Check the network and the addresses in the configuration, then repeat the command: nothing is created twice.';
  if (error instanceof ThrottledError) return `\n  → Try again in ${Math.ceil(error.retryAfterMs / 1000)} s.`;
  return 'code' in error && error.code === 'EADDRINUSE'
    ? '\n  → Another program listens on this port: stop it, or choose another port with --port.'
    : '';
}
