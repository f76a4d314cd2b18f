import { randomBytes, scryptSync } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { parseEnv } from 'node:util';
import { type HookSecrets, makeHookSecrets, readHookSecrets, writeHookSecrets } from '../../cli/shared/hook-secrets.ts';
import { readSecrets, Secret } from '../../lib/config/secrets.ts';
import { ConfigError } from '../../lib/core/errors.ts';
import type { SecretKey } from './schema-functions.ts';

export type DeploySecrets = Readonly<Partial<Record<SecretKey, Secret>>>;

export interface SecretPlaces {
  readonly env: NodeJS.ProcessEnv;
  /** A file of KEY=value, e.g. secrets.env. */
  readonly file: string;
}

export const HOOK_KEYS: readonly SecretKey[] = ['HOOK_TOKENS', 'HOOK_SIGNING_TOKENS'];

/**
 * The secrets that the functions ask for: from the environment, or else from the file. Throws `ConfigError`, which names what is missing. Secrets of
 * hooks that nobody has made yet are made by `make`, which may refuse.
 */
export function deploySecrets(wanted: readonly SecretKey[], places: SecretPlaces, make: () => HookSecrets): DeploySecrets {
  const found: Partial<Record<SecretKey, Secret>> = {};
  for (const key of ['GITLAB_TOKEN', 'ALARM_WEBHOOK_URL'] as const) {
    const value = wanted.includes(key) ? oneSecret(key, places) : undefined;
    if (value !== undefined) found[key] = new Secret(value);
  }
  if (wanted.includes('GITLAB_TOKEN') && !found.GITLAB_TOKEN) {
    throw new ConfigError(
      'missing-secret',
      `GITLAB_TOKEN is not set: put it into the environment or into ${places.file} (docs/deploy.md, "The token")`,
    );
  }
  if (HOOK_KEYS.some((key) => wanted.includes(key))) {
    const hooks = readHookSecrets(places.env, places.file)?.secrets ?? make();
    for (const key of ['HOOK_TOKENS', 'HOOK_SIGNING_TOKENS'] as const)
      if (wanted.includes(key) && hooks[key].length > 0) found[key] = new Secret(hooks[key].join(','));
  }
  // What the function would refuse is refused here.
  readSecrets((key) =>
    Object.entries(found)
      .find(([name]) => name === key)?.[1]
      ?.reveal(),
  );
  return found;
}

export function oneSecret(key: string, { env, file }: SecretPlaces): string | undefined {
  return env[key]?.trim() || fromFile(file)[key]?.trim() || undefined;
}

/** Made once, before the webhook is first deployed: made a second time elsewhere they would shut out the hooks that GitLab has. */
export function hookSecretsMaker(file: string, webhookIsThere: boolean, dryRun: boolean, say: (line: string) => void): () => HookSecrets {
  return () => {
    if (webhookIsThere) {
      throw new ConfigError(
        'missing-secret',
        `HOOK_TOKENS and HOOK_SIGNING_TOKENS are not set, but the deployed webhook already has such secrets: put them into the environment or into ${file}; if they are lost, create new ones with "scaler hook install", then deploy`,
      );
    }
    const made = makeHookSecrets(randomBytes);
    if (dryRun) say(`No hook secrets exist yet: a deployment creates them and writes them to ${file}.`);
    else {
      writeHookSecrets(file, made);
      say(`Hook secrets were created and written to ${file}. Keep the file: every later deployment needs it.`);
    }
    return made;
  };
}

function fromFile(file: string): NodeJS.Dict<string> {
  try {
    return parseEnv(readFileSync(file, 'utf8'));
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return {};
    throw new ConfigError('secrets-unreadable', `${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`);
  }
}

/**
 * OTC never shows a function's encrypted user data. This stands in its description, so that changed secrets are seen and equal ones are left alone.
 * A slow hash, salted with the function's URN: whoever reads descriptions cannot try out many secrets.
 */
export function fingerprint(urn: string, secrets: DeploySecrets): string {
  const sorted = Object.entries(secrets).sort(([a], [b]) => (a < b ? -1 : 1));
  const plain = JSON.stringify(sorted.map(([key, secret]) => [key, secret.reveal()]));
  return scryptSync(plain, urn, 16, { N: 2 ** 13 }).toString('hex');
}
