import type { AlarmMessage, Cloud, Forge } from '../../../lib/app/ports/index.ts';
import { reconcileOnTimer } from '../../../lib/app/reconcile/entry-points.ts';
import type { Services } from '../../../lib/app/services.ts';
import type { Settings } from '../../../lib/app/settings.ts';
import { parseConfig } from '../../../lib/config/load/parse.ts';
import { MemoryStore } from '../../../testkit/memory-store.ts';
import { document, memoryLog } from '../runtime/parts.ts';

export const START = Date.UTC(2026, 10, 23, 16, 20, 5);
export const TURNSTILE = 'state/v1/turnstile/2026-11-23T16.log';

/** Two pools with a waiting job each, on a bucket in memory. */
export function farm() {
  let now = START;
  let serial = 0;
  const store = new MemoryStore();
  const servers: string[] = [];
  const told: AlarmMessage[] = [];
  const forge: Forge = {
    runners: async () => [],
    pendingJobs: async () => ({
      jobs: ['one', 'two'].map((tag, i) => ({ id: i + 1, projectId: 1, tags: [tag], queuedAt: START - 1_000 })),
      unread: [],
    }),
    createRunner: async () => ({ id: ++serial, token: 'glrt-x' }),
    findRunners: async () => [],
    drainRunner: async () => undefined,
    runner: async () => undefined,
    hooks: async () => [],
    unfinishedJobs: async () => [],
    runnerJobs: async () => ({ jobs: [], complete: true }),
    deleteRunner: async () => undefined,
    job: async () => undefined,
  };
  const cloud: Cloud = {
    servers: async () => [],
    createServer: async ({ name }) => {
      servers.push(name);
      return { operationId: `o-${name}`, serverId: `s-${name}` };
    },
    deleteServer: async () => undefined,
    operation: async () => ({ status: 'running' }),
    consoleLog: async () => undefined,
    quotas: async () => [],
    flavors: async () => [],
    image: async () => ({ id: 'image', minDiskGb: 1 }),
  };
  const { log, lines } = memoryLog();
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
  const [pool] = document().pools as readonly Record<string, unknown>[];
  const pools = ['one', 'two'].map((name) => ({ ...pool, name, tags: [name], run_untagged: false }));
  const { settings } = parseConfig(document({ pools, bucket: { name: 'ci-fleet' } }));
  const services: Services = {
    forge,
    cloud,
    store,
    clock,
    log,
    ulid: () => `01JDCZ3N4QJ9ZK5T7V8W9X${String(++serial).padStart(4, '0')}`,
    worker: { userData: () => 'user data', handoff: () => 'handoff' },
    notifiers: [{ notify: async (message) => void told.push(message) }],
  };
  return { services, settings, store, servers, lines, told };
}

const live = { act: new AbortController().signal, all: new AbortController().signal };
export const run = (services: Services, settings: Settings) =>
  reconcileOnTimer({ services, settings, scaler: { trigger: async () => undefined }, deadline: live, holdMs: 60_000 }, 'timer');
