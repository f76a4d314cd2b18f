import type { Log } from '../lib/app/ports/index.ts';
import type { Services } from '../lib/app/services.ts';
import type { Config } from '../lib/config/load/parse.ts';
import { loadConfigText } from '../lib/config/load/yaml.ts';
import { readSecrets } from '../lib/config/secrets.ts';
import { defined } from '../lib/core/defined.ts';
import { SecretCredentials } from '../lib/otc/credentials.ts';
import type { ServicesInputs } from '../lib/runtime/compose.ts';
import { composeServices } from '../lib/runtime/compose.ts';
import { secretReader } from '../lib/runtime/functiongraph/secret-source.ts';
import { createReaper } from '../lib/runtime/handlers/reaper.ts';
import { createScaler } from '../lib/runtime/handlers/scaler.ts';
import { createWebhook } from '../lib/runtime/handlers/webhook.ts';
import { createLog } from '../lib/runtime/log.ts';
import type { FunctionHandler } from '../sandbox/functiongraph/functiongraph.ts';
import { DEFAULT_CATALOGUE } from '../sandbox/otc/ecs/catalogue.ts';
import { type Sandbox, type SandboxOptions, startSandbox } from '../sandbox/sandbox.ts';

/** Settings of one pool as scaler.yml writes them; name and tags are made up when left out. */
export type PoolDocument = Readonly<Record<string, unknown>>;

export interface FarmOptions extends SandboxOptions {
  readonly pools?: readonly PoolDocument[];
  /** Default: the group `acme`. */
  readonly scope?: Readonly<Record<string, unknown>>;
  /** More of scaler.yml, section by section; a function where it names something of the sandbox. */
  readonly document?: Readonly<Record<string, unknown>> | ((sandbox: Sandbox) => Readonly<Record<string, unknown>>);
  /** Secrets beside those that every farm has. */
  readonly secrets?: Readonly<Record<string, string>>;
  /** Gets each line that the functions log. */
  readonly onLog?: (line: string) => void;
  /** How the functions from source and `Farm.services` build their adapters, e.g. with less patience; as deployed when absent. */
  readonly composeServices?: (inputs: ServicesInputs) => Services;
  /** The functions to deploy, e.g. the built bundles; those of lib/runtime, on the sandbox's clock, when absent. */
  readonly functions?: Readonly<Record<FunctionKind, () => FunctionHandler>>;
  /** Deliver job hooks; default true. */
  readonly hooks?: boolean;
  readonly maxInstances?: number;
}

export type FunctionKind = 'webhook' | 'scaler' | 'reaper';

/** The whole installation in a sandbox: GitLab with a group, a project and a hook, the three functions, the gateway in front of them. */
export interface Farm {
  readonly sandbox: Sandbox;
  readonly config: Config;
  /** Of the deployed functions. */
  readonly secrets: Readonly<Record<string, string>>;
  /** The same adapters that the functions use, for looking at the farm from outside. */
  services(log?: Log): Services;
  /** Runs the timer's function once, to its end. */
  tick(): Promise<void>;
  close(): Promise<void>;
}

export const GROUP = 'acme';
export const HOOK_PATH = '/gitlab';
const SIGNING_TOKEN = `whsec_${Buffer.from('a key of the sandbox, 32 bytes..').toString('base64')}`;

/** Starts a sandbox and deploys the scaler into it. */
export async function startFarm(options: FarmOptions): Promise<Farm> {
  const sandbox = await startSandbox(options);
  try {
    return deploy(sandbox, options);
  } catch (error) {
    await sandbox.close();
    throw error;
  }
}

function deploy(sandbox: Sandbox, options: FarmOptions): Farm {
  const config = loadConfigText(JSON.stringify(farmDocument(sandbox, options)), 'json');
  const { gitlab, functions, ctx } = sandbox;
  const group = gitlab.createGroup(GROUP);
  const token = gitlab.createToken({ scopes: ['api'], admin: true });
  const secrets = { GITLAB_TOKEN: token.value, HOOK_TOKENS: 'sandbox-hook-token', HOOK_SIGNING_TOKENS: SIGNING_TOKEN, ...options.secrets };

  const handlers = options.functions ?? sourceFunctions(config, ctx.clock, options);
  for (const name of ['webhook', 'scaler', 'reaper'] as const) {
    const limits = { timeoutMs: name === 'webhook' ? 10_000 : 60_000, maxInstances: options.maxInstances ?? 20, asyncRetries: 0 };
    const load = handlers[name];
    functions.register({ name, handler: load(), load, userData: secrets, memoryMb: 256, ...limits });
  }
  sandbox.gateway.publish({ functionName: 'webhook', path: HOOK_PATH, method: 'POST', timeoutMs: 10_000 });
  const url = `${sandbox.urls.gateway}${HOOK_PATH}`;
  if (options.hooks ?? true) {
    gitlab.createHook(group, url, { token: secrets.HOOK_TOKENS, signingToken: SIGNING_TOKEN, jobEvents: true, pushEvents: false });
  }

  const inputs = (log: Log): ServicesInputs => {
    const { accessKey, secretKey } = sandbox.credentials;
    const credentials = new SecretCredentials(accessKey, secretKey);
    const read = readSecrets((key) => secrets[key as keyof typeof secrets]);
    return { config, secrets: read, credentials, clock: ctx.clock, log };
  };
  return {
    sandbox,
    config,
    secrets,
    services: (log = createLog({ clock: ctx.clock, write: () => undefined })) => (options.composeServices ?? composeServices)(inputs(log)),
    tick: () => functions.invokeAsync('reaper', { version: 'v1.0', trigger_type: 'TIMER', trigger_name: 'by-hand', user_event: '' }).done,
    close: () => sandbox.close(),
  };
}

function sourceFunctions(
  config: Config,
  clock: Sandbox['ctx']['clock'],
  { onLog, composeServices: compose }: Pick<FarmOptions, 'onLog' | 'composeServices'>,
): Record<FunctionKind, () => FunctionHandler> {
  const parts = (name: FunctionKind) => ({
    clock,
    loadConfig: () => config,
    readSecret: secretReader({}),
    ...defined({ composeServices: compose }),
    log: createLog({ clock, fields: { function: name }, write: (line) => onLog?.(line) }),
  });
  return {
    webhook: () => createWebhook(parts('webhook')),
    scaler: () => createScaler(parts('scaler')),
    reaper: () => createReaper(parts('reaper')),
  };
}

/** scaler.yml of this sandbox, as data. */
export function farmDocument(sandbox: Sandbox, options: Pick<FarmOptions, 'pools' | 'scope' | 'document'>): Record<string, unknown> {
  const { urls } = sandbox;
  const network = DEFAULT_CATALOGUE.networks[0];
  const [group] = DEFAULT_CATALOGUE.securityGroups;
  const machine = {
    image: 'Standard_Debian_12_amd64_latest',
    flavors: ['c4.2xlarge.2', 'c3.4xlarge.2'],
    zones: ['eu-de-01', 'eu-de-02'],
    vpc_id: network?.vpcId,
    subnet_id: network?.subnetId,
    security_groups: [group?.id],
    root_volume: { type: 'SSD', size: 100 },
  };
  return {
    installation: 'sandbox',
    gitlab: { url: urls.gitlab, scope: options.scope ?? { group: GROUP } },
    otc: {
      region: sandbox.region,
      project_id: sandbox.projectId,
      endpoints: { ecs: urls.otc, ims: urls.otc, iam: urls.otc, vpc: urls.otc, smn: urls.otc, functiongraph: urls.otc, obs: urls.obs },
    },
    bucket: { name: sandbox.bucket },
    functions: { scaler: 'scaler' },
    runner: { docker: { image: 'ubuntu:20.04' } },
    machine,
    pools: (options.pools ?? [{}]).map((pool, i) => ({
      name: `pool${i}`,
      tags: [`pool${i}`],
      limit: 20,
      idle_time: 60,
      max_builds: 100,
      ...pool,
    })),
    ...(typeof options.document === 'function' ? options.document(sandbox) : options.document),
  };
}
