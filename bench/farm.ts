import { Agent, request } from 'node:http';
import type { Config } from '../lib/config/load/parse.ts';
import { secretReader } from '../lib/runtime/functiongraph/secret-source.ts';
import { createReaper } from '../lib/runtime/handlers/reaper.ts';
import { createScaler } from '../lib/runtime/handlers/scaler.ts';
import { createWebhook } from '../lib/runtime/handlers/webhook.ts';
import { createLog } from '../lib/runtime/log.ts';
import { RunningClock } from '../sandbox/clock.ts';
import type { SandboxEvent } from '../sandbox/context.ts';
import type { Job } from '../sandbox/gitlab/model.ts';
import { type Farm, type FarmOptions, HOOK_PATH, startFarm } from '../testkit/farm.ts';
import { delivery } from './events.ts';

/** The installation in a sandbox in real time, deployed as docs/deploy.md says. GitLab sends no hooks by itself: the benchmark does. */
export interface BenchFarm {
  readonly farm: Farm;
  /** Sends the job's hook to the gateway. Signs it now, so that signing is no part of what is measured. */
  hook(job: Job): () => Promise<Answer>;
  /** Resolves when the scaler neither runs nor has anything to do. */
  settled(): Promise<void>;
  close(): Promise<void>;
}

export interface Answer {
  readonly status: number;
  readonly ms: number;
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

export async function startBenchFarm(options: BenchFarmOptions): Promise<BenchFarm> {
  const clock = new RunningClock();
  let config: Config | undefined;
  const loadConfig = () => {
    if (!config) throw new Error('called before it was deployed');
    return config;
  };
  const parts = (name: string) => ({
    clock,
    loadConfig,
    readSecret: secretReader({}),
    log: createLog({ clock, fields: { function: name }, write: () => undefined }),
  });
  const functions = {
    webhook: () => {
      const webhook = createWebhook(parts('webhook'));
      const handler: typeof webhook = (event, context) => {
        options.onHook?.();
        return webhook(event, context);
      };
      return handler;
    },
    scaler: () => createScaler(parts('scaler')),
    reaper: () => createReaper(parts('reaper')),
  };
  const farm = await startFarm({ ...options, clock, functions, hooks: false });
  config = farm.config;
  const { sandbox, secrets } = farm;
  for (const name of KINDS) {
    const load = functions[name];
    const limits = { timeoutMs: name === 'webhook' ? 10_000 : 60_000, maxInstances: INSTANCES[name], asyncRetries: 0 };
    sandbox.functions.register({ name, handler: load(), load, userData: secrets, memoryMb: 512, ...limits });
  }
  // GitLab's Sidekiq keeps its connections no longer than a delivery; these are kept to spare the machine that plays every part.
  const agent = new Agent({ keepAlive: true });
  const url = new URL(HOOK_PATH, sandbox.urls.gateway);
  return {
    farm,
    hook: (job) => {
      const { headers, body } = delivery(job, secrets.HOOK_SIGNING_TOKENS ?? '', sandbox.urls.gitlab);
      return () => post(url, agent, headers, body);
    },
    settled: async () => {
      const busy = () => {
        const { running, queued } = sandbox.functions.stats('scaler');
        return running + queued > 0;
      };
      while (busy()) await new Promise((resolve) => setTimeout(resolve, LOOK_MS));
    },
    close: async () => {
      agent.destroy();
      await farm.close();
    },
  };
}

function post(url: URL, agent: Agent, headers: Readonly<Record<string, string>>, body: string): Promise<Answer> {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const sent = request(url, { method: 'POST', agent, headers: { ...headers, 'content-length': Buffer.byteLength(body) } }, (response) => {
      response.resume();
      response.once('end', () => resolve({ status: response.statusCode ?? 0, ms: performance.now() - began }));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

/** Entries of one kind in the ledger so far. */
export async function ledgerEntries({ farm }: BenchFarm, kind: string): Promise<number> {
  const { store } = farm.services();
  let count = 0;
  for (const key of await store.list('ledger/v1/')) {
    const found = await store.get(key);
    const lines = new TextDecoder().decode(found?.body).split('\n');
    count += lines.filter((line) => line.startsWith(`{"kind":"${kind}"`)).length;
  }
  return count;
}
