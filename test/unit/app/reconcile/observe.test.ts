import { expect, it } from 'vitest';
import type { Cloud, Forge, Store } from '../../../../lib/app/ports/index.ts';
import { observe } from '../../../../lib/app/reconcile/observe.ts';
import type { PoolSettings, Settings } from '../../../../lib/app/settings.ts';
import { systemClock } from '../../../../lib/runtime/clock.ts';
import { pool } from '../../../../testkit/builders.ts';
import { RUNNER } from '../../../../testkit/settings.ts';

const SOURCES = ['runners', 'jobs', 'servers', 'memory', 'beside', 'controls'] as const;

/** Nobody gets an answer before everybody has asked. */
function barrier() {
  const asked: string[] = [];
  let open: () => void = () => undefined;
  const all = new Promise<void>((resolve) => {
    open = resolve;
  });
  const ask = async <T>(source: string, answer: T): Promise<T> => {
    asked.push(source);
    if (asked.length === SOURCES.length) open();
    await all;
    return answer;
  };
  return { asked, ask };
}

const unused = () => Promise.reject(new Error('not part of an observation'));

it('asks every source before any has answered, and reads the clock once, after all have', async () => {
  const { asked, ask } = barrier();
  const forge: Forge = {
    runners: () => ask('runners', []),
    pendingJobs: () => ask('jobs', { jobs: [], unread: [] }),
    createRunner: unused,
    findRunners: unused,
    drainRunner: unused,
    runner: unused,
    hooks: async () => [],
    unfinishedJobs: unused,
    runnerJobs: unused,
    deleteRunner: unused,
    job: unused,
  };
  const cloud: Cloud = {
    servers: () => ask('servers', []),
    createServer: unused,
    deleteServer: unused,
    operation: unused,
    consoleLog: unused,
    quotas: unused,
    flavors: unused,
    image: unused,
  };
  const store: Store = {
    get: (key) => ask(key.endsWith('.beside.json') ? 'beside' : 'memory', undefined),
    put: unused,
    append: unused,
    delete: unused,
    list: () => ask('controls', []),
    presignGet: () => '',
  };
  const log = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const asking: number[] = [];
  const clock = { ...systemClock, now: () => asking.push(asked.length) };
  const services = {
    forge,
    cloud,
    store,
    clock,
    log,
    ulid: () => '',
    worker: { userData: () => '', handoff: () => '' },
    notifiers: [],
  };
  const { time, views } = await observe(services, settings, new AbortController().signal);
  expect([time, asking]).toEqual([1, [SOURCES.length]]);
  expect([...asked].sort()).toEqual([...SOURCES].sort());
  expect(views.map(({ workers, jobs, unread }) => ({ workers, jobs, unread }))).toEqual([{ workers: [], jobs: [], unread: [] }]);
});

const bitbake: PoolSettings = {
  pool: pool({ name: 'bitbake', tags: ['bitbake'] }),
  scope: { kind: 'group', path: 'acme' },
  machine: {
    image: { id: 'image' },
    flavors: ['c4.2xlarge.2'],
    zones: ['eu-de-01'],
    vpcId: 'vpc',
    subnetIds: ['subnet'],
    securityGroups: [],
    rootVolume: { type: 'SSD', sizeGb: 40 },
  },
  runner: RUNNER,
};
const settings: Settings = {
  installation: 'test',
  gitlabUrl: 'https://gitlab.example.com',
  pools: [bitbake],
  launchConcurrency: 4,
  append: true,
  alarms: { oldestPendingMs: 1_800_000 },
};
