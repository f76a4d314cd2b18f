import { ulid } from 'ulid';
import { workerName } from '../lib/core/fleet/names.ts';
import { handoffKey } from '../lib/core/keys.ts';
import { DEFAULT_CATALOGUE } from '../sandbox/otc/ecs/catalogue.ts';
import type { EcsFleet } from '../sandbox/otc/ecs/fleet.ts';
import { type Farm, farmDocument, GROUP, type PoolDocument } from '../testkit/farm.ts';
import type { Build } from './build.ts';
import { type ChildResult, runChild } from './child.ts';
import { type BenchFarm, ledgerEntries, startBenchFarm } from './farm.ts';
import type { Row, Section } from './row.ts';

const WORKERS = 1000;
const WAITING = 5000;
const LATENCY_MS = 50;
const JOBS_PER_PIPELINE = 100;
const POOL = { name: 'pool0', tags: ['pool0'], limit: WORKERS, idle_time: 60, max_builds: 100 };
const MOST_REQUESTS = 120;
const MOST_SECONDS = 5;
const MOST_MB = 200;
const MEGA = 1_000_000;

/** One tick of the built reaper, in a process of its own, over a farm at its limit: it only looks, plans and records. */
export async function scale(build: Build): Promise<Section> {
  const rows = result(await runTick(build));
  return { name: `scale: one tick, ${WORKERS} busy workers, ${WAITING} waiting jobs, ${LATENCY_MS} ms per upstream answer`, rows };
}

export interface Tick {
  readonly child: ChildResult;
  readonly requests: number;
  /** Of the requests, those of looking at GitLab and ECS. */
  readonly reads: number;
  readonly plans: number;
  readonly launched: number;
}

export async function runTick(build: Build): Promise<Tick> {
  let active = 0;
  let allActive = () => {};
  const bench = await startBenchFarm(build, {
    pools: [POOL],
    times: { acceptMs: 0, buildMs: 0, listLagMs: 0 },
    onEvent: ({ kind }) => {
      if (kind === 'server-active' && ++active === WORKERS) allActive();
    },
  });
  try {
    const ready = new Promise<void>((resolve) => {
      allActive = resolve;
    });
    await populate(bench);
    await ready;
    const { ctx } = bench.farm.sandbox;
    ctx.latencyMs = LATENCY_MS;
    ctx.faults.resetCalls();
    const child = await reap(bench.farm, build, [POOL]);
    const requests = ctx.faults.calls();
    const reads = ['gitlab.*', 'ecs.list', 'ecs.operation'].map((name) => ctx.faults.calls(name)).reduce((a, b) => a + b, 0);
    ctx.latencyMs = 0;
    return { child, requests, reads, plans: await ledgerEntries(bench, 'plan'), launched: bench.farm.sandbox.ecs.created - WORKERS };
  } finally {
    await bench.close();
  }
}

/** Growth of the process's memory over the loaded function, in bytes. */
export function growth({ child }: Tick): number {
  return child.rssPeak - child.rssLoaded;
}

function result({ child, requests, reads, plans, launched }: Tick): readonly Row[] {
  const [batch] = child.batches;
  const exactly = (what: string, value: number, expected: number): Row => ({
    what,
    value,
    unit: '',
    against: { kind: 'exactly', value: expected },
    must: true,
  });
  return [
    {
      what: `upstream requests (${reads} of them to look)`,
      value: requests,
      unit: '',
      against: { kind: 'most', value: MOST_REQUESTS },
      must: true,
    },
    {
      what: 'duration, first call of a new instance',
      value: (batch?.ms ?? Number.NaN) / 1000,
      unit: 's',
      against: { kind: 'most', value: MOST_SECONDS },
      must: false,
    },
    {
      what: `memory, growth over the loaded function (peak ${(child.rssPeak / MEGA).toFixed(0)} MB in all)`,
      value: (child.rssPeak - child.rssLoaded) / MEGA,
      unit: 'MB',
      against: { kind: 'most', value: MOST_MB },
      must: false,
    },
    exactly('call that did its work', batch?.replies.filter(({ ok }) => ok === true).length ?? 0, 1),
    exactly('plans recorded', plans, 1),
    exactly('machines launched beyond the limit', launched, 0),
  ];
}

/** Puts the state into the sandbox directly: the jobs first, so that no runner is notified of each of them. */
async function populate({ farm }: BenchFarm): Promise<void> {
  const { gitlab, ecs, ctx } = farm.sandbox;
  const [pool] = farm.config.settings.pools;
  if (!pool) throw new Error('the farm has no pool');
  // Nothing runs on these machines: what their workers would have reported to GitLab is set here.
  ecs.brokenBoots('all');
  const specs = Array.from({ length: JOBS_PER_PIPELINE }, (_, i) => ({ name: `image-${i}`, tags: POOL.tags }));
  for (let jobs = 0; jobs < WORKERS + WAITING; jobs += specs.length) gitlab.createPipeline(`${GROUP}/distribution`, specs);
  const group = gitlab.createGroup(GROUP);
  const { worker, store } = farm.services();
  for (let i = 0; i < WORKERS; i += 1) {
    const name = workerName(POOL.name, ulid());
    const runner = gitlab.createRunner({ ...RUNNER, group, description: name });
    runner.contactedAt = ctx.clock.now();
    gitlab.jobs.assign(runner, undefined, { twoPhase: false, cancelable: true });
    const handoffUrl = store.presignGet(handoffKey(name), ctx.clock.now());
    // Lists carry the user data of every machine: it must be as long as it really is.
    ecs.create(order(name, runner.id, worker.userData({ settings: pool, worker: name, handoffUrl, maxAgeMs: pool.pool.maxAgeMs })));
  }
}

const RUNNER = {
  type: 'group_type',
  tags: POOL.tags,
  runUntagged: false,
  locked: false,
  paused: false,
  protectedOnly: false,
  maximumTimeout: undefined,
  maintenanceNote: undefined,
} as const;

function order(name: string, runnerId: number, userData: string): Parameters<EcsFleet['create']>[0] {
  const { flavors, images, networks, securityGroups, zones } = DEFAULT_CATALOGUE;
  const [flavor] = flavors;
  const [image] = images;
  const [network] = networks;
  const [zone] = zones;
  if (!flavor || !image || !network || !zone) throw new Error('the catalogue is empty');
  const owner = { 'managed-by': 'sandbox', pool: POOL.name };
  return {
    dryRun: false,
    name,
    count: 1,
    flavor,
    image,
    vpcId: network.vpcId,
    subnetId: network.subnetId,
    zone,
    securityGroups: securityGroups.slice(0, 1).map(({ id }) => id),
    rootVolume: { type: 'SSD', sizeGb: 100 },
    userData: Buffer.from(userData).toString('base64'),
    metadata: { ...owner, 'runner-id': String(runnerId) },
    tags: owner,
  };
}

/** The built reaper's tick over the farm, in a fresh process. */
export async function reap(farm: Farm, build: Build, pools: readonly PoolDocument[]): Promise<ChildResult> {
  const config = await build.compile(JSON.stringify(farmDocument(farm.sandbox, { pools })));
  const { accessKey, secretKey } = farm.sandbox.credentials;
  const event = { version: 'v1.0', time: new Date().toISOString(), trigger_type: 'TIMER', trigger_name: 'reaper', user_event: '' };
  return await runChild({
    module: build.bundles.reaper,
    env: { SCALER_CONFIG: config },
    userData: farm.secrets,
    keys: { accessKey, secretKey },
    timeoutMs: 60_000,
    batches: [{ events: [event], atOnce: 1 }],
  });
}
