import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { loadConfig, UserError } from '../../cli/shared/environment.ts';
import type { Output } from '../../cli/shared/output.ts';
import type { Config } from '../../lib/config/load/parse.ts';
import { compileConfig } from '../../lib/config/load/yaml.ts';
import { readSecrets } from '../../lib/config/secrets.ts';
import { defined } from '../../lib/core/defined.ts';
import { ConfigError } from '../../lib/core/errors.ts';
import { SecretCredentials } from '../../lib/otc/credentials.ts';
import { ROOT } from '../../scripts/bundle.ts';
import { type Clients, openClients } from '../clients/index.ts';
import { desired } from '../state/desired.ts';
import { resourceNames } from '../state/names.ts';
import { readActual } from '../state/read.ts';
import type { Actual, Desired, ResourceNames } from '../state/types.ts';
import { type Bundles, buildBundles, type Packages, packageFunctions } from './package.ts';
import { renderPolicy } from './policies.ts';
import { parseService, type Service } from './schema.ts';
import { type DeploySecrets, deploySecrets, fingerprint, HOOK_KEYS, hookSecretsMaker } from './secrets.ts';
import { type Outline, outline } from './targets.ts';

/** What osls hands over, or a test. */
export interface DeployInputs {
  /** As they stand in serverless.yml, variables resolved. */
  readonly service: unknown;
  readonly provider: unknown;
  readonly functions: unknown;
  readonly stage: string;
  readonly region?: string;
  /** Where serverless.yml lies; paths in it begin here. */
  readonly dir: string;
  readonly env: NodeJS.ProcessEnv;
  readonly output: Output;
  /** Built when absent. */
  readonly bundles?: Bundles;
  /** Made already of this configuration. */
  readonly packages?: Packages;
  /** Waits so many milliseconds, for what takes its time outside. */
  readonly sleep?: (ms: number) => Promise<unknown>;
  /** Per call, in real milliseconds. */
  readonly patience?: { readonly deadlineMs: number; readonly backoffMs: number };
}

/** One deployment, checked and connected; nothing is read from outside yet. */
export interface Deployment {
  readonly inputs: DeployInputs;
  readonly service: Service;
  readonly config: Config;
  readonly configFile: string;
  readonly secretsFile: string;
  readonly outline: Outline;
  readonly clients: Clients;
}

/** Throws `ConfigError` or `UserError` for what a person has to mend. */
export function openDeployment(inputs: DeployInputs): Deployment {
  const { env, dir, patience } = inputs;
  const service = parseService(inputs);
  const configFile = resolve(dir, service.provider.config);
  const config = loadConfig(configFile);
  const plan = outline(service, config, inputs.region);
  const clients = openClients({
    provider: service.provider,
    config,
    region: plan.region,
    projectId: plan.projectId,
    credentials: keysOf(env),
    ...patience,
  });
  return { inputs, service, config, configFile, secretsFile: resolve(dir, service.provider.secrets), outline: plan, clients };
}

/** Works without any key: nothing outside is asked. */
export async function makePackages(inputs: DeployInputs): Promise<Packages> {
  const service = parseService(inputs);
  const configFile = resolve(inputs.dir, service.provider.config);
  const plan = outline(service, loadConfig(configFile), inputs.region);
  return await packagesOf(inputs, plan, configFile);
}

async function packagesOf({ bundles, packages }: DeployInputs, { keys, scalerFunction }: Outline, configFile: string): Promise<Packages> {
  if (packages) return packages;
  const { json } = compileConfig(readFileSync(configFile, 'utf8'), scalerFunction ?? false);
  const built = bundles ?? (await buildBundles(keys));
  return packageFunctions(Object.fromEntries(keys.flatMap((key) => (built[key] ? [[key, built[key]]] : []))), json);
}

function keysOf(env: NodeJS.ProcessEnv): SecretCredentials {
  const { otcKeys } = readSecrets((key) => (key.startsWith('OTC_') ? env[key] : undefined));
  if (!otcKeys) {
    throw new UserError(
      'OTC_ACCESS_KEY and OTC_SECRET_KEY are not set: a deployment needs an access key (console: My Credentials, Access Keys) with the rights of docs/rights.md.',
    );
  }
  return new SecretCredentials(otcKeys.accessKey.reveal(), otcKeys.secretKey.reveal(), otcKeys.securityToken?.reveal());
}

/** Enough to look, and to remove. */
export function namesOf({ service, outline, config }: Deployment): ResourceNames {
  return resourceNames({ service, outline, config, policies: policiesOf(config) });
}

function policiesOf({ bucket }: Config) {
  const read = (name: string) =>
    renderPolicy(readFileSync(join(ROOT, 'deploy', 'policies', `${name}.json`), 'utf8'), { bucket: bucket.name });
  return { project: read('project'), account: read('account') };
}

export interface Wanted {
  readonly desired: Desired;
  readonly actual: Actual;
  readonly packages: Packages;
  readonly certificate?: { readonly cert: string; readonly key: string };
}

/** What is wanted and what is there. Builds the functions. */
export async function compareDeployment(deployment: Deployment, dryRun: boolean): Promise<Wanted> {
  const { inputs, service, config, configFile, secretsFile, outline: plan, clients } = deployment;
  const certificate = certificateOf(service, inputs.dir);
  const [packages, actual] = await Promise.all([packagesOf(inputs, plan, configFile), readActual(namesOf(deployment), clients)]);
  const keys = [...new Set(plan.keys.flatMap((key) => service.functions[key]?.secrets ?? []))];
  const there = actual.functions[`${plan.name}-webhook`] !== undefined;
  const make = hookSecretsMaker(secretsFile, there, dryRun, (line) => inputs.output.say(line));
  const secrets = deploySecrets(keys, { env: inputs.env, file: secretsFile }, make);
  mustTakeHooks(service, plan, secrets);
  const digests = Object.fromEntries(Object.entries(packages).map(([key, { digest }]) => [key, digest]));
  const wanted = desired({ service, outline: plan, config, digests, secrets, policies: policiesOf(config), fingerprint, ...certificate });
  return { desired: wanted, actual, packages, ...defined({ certificate: certificate.material }) };
}

/** Without a secret of hooks the webhook refuses every one. */
function mustTakeHooks({ functions, provider }: Service, { keys }: Outline, secrets: DeploySecrets): void {
  if (!keys.includes('webhook')) return;
  const named = functions.webhook?.secrets.filter((key) => HOOK_KEYS.includes(key)) ?? [];
  if (named.some((key) => secrets[key])) return;
  const what = named.length === 0 ? 'names neither HOOK_TOKENS nor HOOK_SIGNING_TOKENS' : `names ${named.join()}, which is not set`;
  throw new ConfigError(
    'no-hook-secret',
    `functions.webhook.secrets ${what}: the webhook would refuse every hook. Name both; see ${provider.secrets}.`,
  );
}

function certificateOf(
  { provider: { gateway } }: Service,
  dir: string,
): { readonly certificateDigest?: string; readonly material?: { readonly cert: string; readonly key: string } } {
  if (gateway === 'none' || !gateway.certificate) return {};
  const read = (file: string, what: string) => {
    try {
      return readFileSync(resolve(dir, file), 'utf8');
    } catch {
      throw new UserError(`${file} cannot be read: provider.gateway.certificate names it as the ${what}.`);
    }
  };
  const material = { cert: read(gateway.certificate.cert, 'certificate'), key: read(gateway.certificate.key, 'private key') };
  return { material, certificateDigest: createHash('sha256').update(`${material.cert}\n${material.key}`).digest('hex') };
}
