import { LEDGER_PREFIX } from '../lib/core/keys.ts';
import { RunningClock } from '../sandbox/clock.ts';
import type { SandboxEvent } from '../sandbox/context.ts';
import type { FunctionHandler } from '../sandbox/functiongraph/functiongraph.ts';
import type { Job } from '../sandbox/gitlab/model.ts';
import { type Farm, type FarmOptions, type FunctionKind, farmDocument, HOOK_PATH, startFarm } from '../testkit/farm.ts';
import type { Build } from './build.ts';
import { type Delivery, delivery } from './events.ts';
import { type FunctionHost, startFunctionHost } from './host.ts';

/**
 * The installation in a sandbox in real time, deployed as docs/deploy.md says, with built functions that run in processes of their own. GitLab
 * sends no hooks by itself: the benchmark does.
 */
export interface BenchFarm {
  readonly farm: Farm;
  /** Where GitLab sends its hooks. */
  readonly hookUrl: URL;
  /** The job's hook, signed now. */
  delivery(job: Job): Delivery;
  /** Resolves when the scaler neither runs nor has anything to do. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export interface BenchFarmOptions extends Omit<FarmOptions, 'clock' | 'hooks' | 'functions'> {
  readonly onEvent?: (event: SandboxEvent) => void;
  /** A hook has reached the webhook. */
  readonly onHook?: () => void;
}

const KINDS = ['webhook', 'scaler', 'reaper'] as const;
/** Most instances of each function, from docs/deploy.md. */
const INSTANCES = { webhook: 50, scaler: 10, reaper: 2 } as const;
const LOOK_MS = 10;

export async function startBenchFarm(build: Build, options: BenchFarmOptions): Promise<BenchFarm> {
  const farm = await startFarm({ ...options, clock: new RunningClock(), functions: NOT_DEPLOYED, hooks: false });
  const hosts: FunctionHost[] = [];
  const close = async () => {
    for (const host of hosts) host.close();
    await farm.close();
  };
  try {
    const { sandbox, secrets } = farm;
    const env = { SCALER_CONFIG: await build.compile(JSON.stringify(farmDocument(sandbox, options))) };
    for (const name of KINDS) {
      const host = startFunctionHost(env);
      hosts.push(host);
      const load = () => {
        const handler = host.instance(build.bundles[name]);
        return name === 'webhook' ? announced(handler, options.onHook) : handler;
      };
      const limits = { timeoutMs: name === 'webhook' ? 10_000 : 60_000, maxInstances: INSTANCES[name], asyncRetries: 0 };
      sandbox.functions.register({ name, handler: load(), load, userData: secrets, memoryMb: 512, ...limits });
    }
    return {
      farm,
      hookUrl: new URL(HOOK_PATH, sandbox.urls.gateway),
      delivery: (job) => delivery(job, secrets.HOOK_SIGNING_TOKENS ?? '', sandbox.urls.gitlab),
      settled: async () => {
        const busy = () => {
          const { running, queued } = sandbox.functions.stats('scaler');
          return running + queued > 0;
        };
        while (busy()) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
      },
      close,
    };
  } catch (error) {
    await close();
    throw error;
  }
}

/** Until the sandbox is there nobody knows its addresses, which the configuration names. */
const NOT_DEPLOYED: Readonly<Record<FunctionKind, () => FunctionHandler>> = {
  webhook: notDeployed,
  scaler: notDeployed,
  reaper: notDeployed,
};

function notDeployed(): FunctionHandler {
  return () => Promise.reject(new Error('called before it was deployed'));
}

function announced(handler: FunctionHandler, onHook: BenchFarmOptions['onHook']): FunctionHandler {
  return (event, context) => {
    onHook?.();
    return handler(event, context);
  };
}

/** Entries of one kind in the ledger so far. */
export async function ledgerEntries({ farm }: BenchFarm, kind: string): Promise<number> {
  const { store } = farm.services();
  let count = 0;
  for (const key of await store.list(LEDGER_PREFIX)) {
    const found = await store.get(key);
    const lines = new TextDecoder().decode(found?.body).split('\n');
    count += lines.filter((line) => line.startsWith(`{"kind":"${kind}"`)).length;
  }
  return count;
}
