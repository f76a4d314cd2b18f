import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALL_POOLS, type Control, type PoolControls, poolControls, UNREAD_CONTROLS } from '../../lib/core/controls.ts';
import { deriveFleet } from '../../lib/core/fleet/derive.ts';
import { drainedSince, drainNote } from '../../lib/core/fleet/drain-note.ts';
import type { PendingJob, Runner, Server, Worker } from '../../lib/core/fleet/types.ts';
import { updatePoolState } from '../../lib/core/launches/pool-state.ts';
import type { FailedOperation, Launch, PoolState } from '../../lib/core/launches/types.ts';
import { assignJobs, canRun } from '../../lib/core/plan/assignment.ts';
import { CLAIM_TIMEOUT_MS } from '../../lib/core/plan/coverage.ts';
import { planPool } from '../../lib/core/plan/plan.ts';
import { DRAIN_SETTLE_MS } from '../../lib/core/plan/scale-down.ts';
import type { Action, Plan } from '../../lib/core/plan/types.ts';
import type { Pool } from '../../lib/core/pool/pool.ts';
import { HOUR, job, launch, MINUTE, memory, NOW, nameOf, pool, runner, SECOND, server } from '../../testkit/builders.ts';

const age = fc.oneof(
  fc.constantFrom(-2 * MINUTE, -MINUTE, 0, SECOND, 40 * SECOND, 2 * MINUTE, 3 * MINUTE, 10 * MINUTE, 10 * MINUTE + 1, HOUR),
  fc.integer({ min: 0, max: 2 * HOUR }),
);
const note = fc.oneof(
  age.map((ms) => drainNote(NOW - ms, 'idle')),
  fc.constantFrom(undefined, '', 'please leave it to me'),
);

/** Without the members that are `undefined`. */
function present<T extends object, O extends object>(required: T, optional: { readonly [K in keyof O]: O[K] | undefined }): T & Partial<O> {
  return Object.assign({ ...required }, Object.fromEntries(Object.entries(optional).filter(([, value]) => value !== undefined)));
}

function serverOf(n: number): fc.Arbitrary<Server> {
  return fc
    .record({
      status: fc.constantFrom('building', 'active', 'active', 'active', 'off', 'error', 'other'),
      deleting: fc.boolean(),
      age,
    })
    .map(({ age: ms, ...rest }) => server(n, { ...rest, createdAt: NOW - ms }));
}

function runnerOf(n: number): fc.Arbitrary<Runner> {
  return fc
    .record({
      unreadParts: fc.constantFrom(0, 0, 0, 2),
      paused: fc.boolean(),
      age,
      contact: fc.option(age, { nil: undefined }),
      busy: fc.constantFrom(0, 0, 0, 1, 2),
      done: fc.nat(4),
      note,
    })
    .map(({ age: ms, contact, note: text, ...rest }) =>
      runner(
        n,
        present<Partial<Runner>, Pick<Runner, 'contactedAt' | 'note'>>(
          { ...rest, createdAt: NOW - ms },
          { contactedAt: contact === undefined ? undefined : NOW - contact, note: text },
        ),
      ),
    );
}

function launchOf(n: number): fc.Arbitrary<Launch> {
  return fc
    .record({ at: age, listed: fc.boolean(), outcome: fc.constantFrom('pending', 'booted', 'failed'), settled: age })
    .map(({ at, settled, ...rest }) =>
      launch(n, { ...rest, at: NOW - at, ...(rest.outcome === 'pending' ? {} : { settledAt: NOW - settled }) }),
    );
}

interface Slot {
  readonly servers: readonly Server[];
  readonly runners: readonly Runner[];
  readonly launches: readonly Launch[];
  readonly idle: PoolState['idle'];
  readonly operation: 'running' | 'failed' | 'unknown';
}

/** All that may be known under one name; two VMs or runners of one name are rare, but they come. */
function slotOf(n: number): fc.Arbitrary<Slot> {
  return fc.record({
    servers: fc.uniqueArray(serverOf(n), { maxLength: 2, selector: (s) => s.createdAt }),
    runners: fc.uniqueArray(runnerOf(n), { maxLength: 2, selector: (r) => r.createdAt }),
    launches: fc.array(launchOf(n), { maxLength: 1 }),
    idle: age.map((ms) => ({ [nameOf(n)]: { since: NOW - ms, done: 0 } })),
    operation: fc.constantFrom('running', 'failed', 'unknown'),
  });
}

const pools: fc.Arbitrary<Pool> = fc
  .record({
    limit: fc.integer({ min: 1, max: 12 }),
    maxGrowthRate: fc.nat(4),
    maxBuilds: fc.nat(3),
    maxAgeMs: fc.constantFrom(30 * MINUTE, 24 * HOUR),
    idleCount: fc.nat(5),
    idleScaleFactor: fc.constantFrom(0, 0.5, 1, 2.5),
    idleCountMin: fc.nat(3),
    idleTimeMs: fc.constantFrom(0, 10 * MINUTE),
  })
  .map(({ limit, maxGrowthRate, maxBuilds, maxAgeMs, ...policy }) => pool({ limit, maxGrowthRate, maxBuilds, maxAgeMs, policy }));

const waiting: fc.Arbitrary<readonly PendingJob[]> = fc.uniqueArray(
  fc
    .record({
      id: fc.nat(50),
      queuedAt: fc.oneof(
        fc.integer({ min: NOW - 5, max: NOW }),
        fc.constantFrom(NOW - CLAIM_TIMEOUT_MS, NOW - CLAIM_TIMEOUT_MS - 1, NOW - HOUR),
      ),
    })
    .map(({ id, queuedAt }) => job(id, { queuedAt })),
  { maxLength: 14, selector: (j) => j.id },
);

const controls: fc.Arbitrary<readonly Control[]> = fc.array(
  fc
    .record({
      kind: fc.constantFrom('pause', 'drain', 'roll', 'keep', 'keep', 'keep'),
      target: fc.oneof(
        fc.constant('bake'),
        fc.constant(ALL_POOLS),
        fc.integer({ min: 1, max: 14 }).map((n) => nameOf(n)),
      ),
      until: fc.option(fc.constantFrom(NOW - 1, NOW, NOW + HOUR), { nil: undefined }),
      before: age,
      unreadable: fc.constantFrom(false, false, false, true),
    })
    .map(({ kind, target, until, before, unreadable }): Control => {
      const told = unreadable
        ? { unreadable }
        : { ...(until === undefined ? {} : { until }), ...(kind === 'roll' ? { before: NOW - before } : {}) };
      return { kind, target, since: NOW - HOUR, ...told };
    }),
  { maxLength: 3 },
);

const situations = fc
  .record({
    pool: pools,
    slots: fc.nat(14).chain((count) => fc.tuple(...Array.from({ length: count }, (_, n) => slotOf(n + 1)))),
    jobs: fc.option(waiting, { nil: undefined, freq: 6 }),
    unreadParts: fc.constantFrom(0, 0, 0, 2),
    paused: fc.boolean(),
    said: controls,
    controlsRead: fc.constantFrom(true, true, true, true, false),
    mayLaunch: fc.constantFrom(true, true, false),
    mayRemove: fc.constantFrom(true, true, false),
  })
  .map(({ slots, paused, ...rest }) => {
    const operations = (wanted: Slot['operation']) => slots.flatMap((s, n) => (s.operation === wanted ? [nameOf(n + 1)] : []));
    const failure: FailedOperation = { code: 'Ecs.0000', message: 'taken back', meaning: 'boot' };
    return {
      ...rest,
      servers: slots.flatMap((s) => s.servers),
      runners: slots.flatMap((s) => s.runners),
      memory: memory({
        launches: slots.flatMap((s) => s.launches),
        idle: Object.assign({}, ...slots.map((s) => s.idle)) as PoolState['idle'],
        ...(paused ? { pause: { until: NOW + MINUTE, code: 'Ecs.0042', message: 'cores' } } : {}),
      }),
      failedOperations: new Map(operations('failed').map((name) => [name, failure] as const)),
      runningOperations: new Set(operations('running')),
    };
  });

type Situation = typeof situations extends fc.Arbitrary<infer T> ? T : never;

/** As the use case does it: join, learn, plan. */
function decide(s: Situation): { readonly workers: readonly Worker[]; readonly controls: PoolControls; readonly plan: Plan } {
  const workers = deriveFleet({ ...s, now: NOW });
  const partial = s.unreadParts > 0 ? { partial: true as const } : {};
  const learned = updatePoolState(s.memory, { ...s, ...partial, workers }, s.pool.bootTimeoutMs, NOW);
  const controls = s.controlsRead ? poolControls(s.pool.name, s.said, NOW) : UNREAD_CONTROLS;
  const jobs = s.jobs && assignJobs([{ pool: s.pool, jobs: s.jobs, workers, memory: learned, controls }], NOW).get(s.pool.name);
  const { pool, unreadParts, mayLaunch, mayRemove } = s;
  return {
    workers,
    controls,
    plan: planPool({ pool, workers, jobs, unreadParts, memory: learned, controls, now: NOW, mayLaunch, mayRemove }),
  };
}

function always(name: string, holds: (found: ReturnType<typeof decide>, s: Situation) => void): void {
  it(name, () => {
    fc.assert(fc.property(situations, (s) => holds(decide(s), s)));
  });
}

describe('for any fleet and any demand, a plan', () => {
  always('counts each machine once', ({ plan: { numbers: n }, workers }) => {
    expect(n.booting + n.idle + n.busy + n.draining + n.failed).toBe(n.machines);
    expect(workers.filter((w) => w.phase !== 'gone' && w.server)).toHaveLength(n.machines);
    expect(workers.filter((w) => w.phase !== 'gone' && !w.server)).toHaveLength(n.coming ?? 0);
    expect(new Set(workers.map((w) => w.name)).size).toBe(workers.length);
  });

  always('stays within limit and growth rate', ({ plan: { actions, numbers: n } }, s) => {
    const launches = actions.filter((a) => a.kind === 'launch').length;
    const all = n.machines + (n.coming ?? 0);
    expect(all + launches).toBeLessThanOrEqual(Math.max(s.pool.limit, all));
    if (s.pool.maxGrowthRate > 0) expect(n.booting + launches).toBeLessThanOrEqual(Math.max(s.pool.maxGrowthRate, n.booting));
  });

  always('launches no more than jobs and idle target ask for', ({ plan: { actions, numbers: n } }) => {
    const launches = actions.filter((a) => a.kind === 'launch').length;
    expect(launches).toBeLessThanOrEqual((n.demand ?? 0) + n.idleTarget);
    if (n.demand === undefined) expect(launches).toBe(0);
  });

  always(
    'leaves a worker with a job alone, unless its VM is off or gone, or people have said that it takes no other',
    ({ plan: { actions }, workers }) => {
      const busy = new Map(workers.filter((w) => w.busy > 0).map((w) => [w.name, w]));
      // By these it finishes its job and takes no other.
      const byHand = (a: Action) => a.kind === 'drain' && (a.why === 'pool-draining' || a.why === 'rolled');
      for (const action of actions.filter((a) => !byHand(a))) {
        const w = action.kind === 'launch' ? undefined : busy.get(action.worker);
        if (!w) continue;
        if (action.kind === 'forget') expect(w.server).toBeUndefined();
        else expect([action.kind, w.server?.status]).toEqual(['reap', 'off']);
        expect(action).toMatchObject({ jobLost: true });
      }
    },
  );

  always('never launches and drains a worker at once that could have taken the job', ({ plan: { actions }, workers }, s) => {
    const needless = new Set(
      actions.flatMap((a) => (a.kind === 'drain' && ['idle', 'surplus', 'unfit'].includes(a.why) ? [a.worker] : [])),
    );
    if (needless.size === 0) return;
    const old = new Set(s.jobs?.filter((j) => NOW - j.queuedAt > CLAIM_TIMEOUT_MS).map((j) => j.id));
    const launches = actions.filter((a) => a.kind === 'launch');
    const usable = workers.filter((w) => needless.has(w.name) && NOW - (w.idleSince ?? NOW) <= CLAIM_TIMEOUT_MS);
    if (launches.length > 0) expect(usable).toEqual([]);
    expect(launches.filter((a) => a.jobId === undefined || !old.has(a.jobId))).toEqual([]);
  });

  always('makes room at the limit only for jobs that have waited beside the worker', ({ plan: { actions, brakes }, workers }) => {
    const unfit = actions.flatMap((a) => (a.kind === 'drain' && a.why === 'unfit' ? [a.worker] : []));
    if (unfit.length === 0) return;
    expect(brakes.map((b) => b.why)).toContain('limit');
    for (const w of workers.filter(({ name }) => unfit.includes(name)))
      expect(NOW - (w.idleSince ?? NOW)).toBeGreaterThan(CLAIM_TIMEOUT_MS);
  });

  always('drains nothing for lack of demand while a part of the demand is not known', ({ plan: { actions } }, s) => {
    if (s.jobs && s.unreadParts === 0) return;
    expect(actions.filter((a) => a.kind === 'drain' && (a.why === 'idle' || a.why === 'unfit'))).toEqual([]);
  });

  always('has one action or one reason to hold for a worker', ({ plan: { actions, held } }) => {
    const touched = [...actions.flatMap((a) => (a.kind === 'launch' ? [] : [a.worker])), ...held.map((h) => h.worker)];
    expect(new Set(touched).size).toBe(touched.length);
  });

  always('deletes a drained worker not before 40 s after its note, and looks for jobs first', ({ plan: { actions }, workers }) => {
    for (const action of actions) {
      if (action.kind !== 'reap' || action.why !== 'drained') continue;
      const runnerOfIt = workers.find((w) => w.name === action.worker)?.runner;
      const since = drainedSince(runnerOfIt?.note);
      expect(NOW - (since ?? NOW)).toBeGreaterThanOrEqual(DRAIN_SETTLE_MS);
      expect(action).toMatchObject({ check: 'no-jobs', runnerId: runnerOfIt?.id });
    }
  });

  always('deletes without a second look only what is off', ({ plan: { actions }, workers }) => {
    for (const action of actions) {
      if (action.kind !== 'reap' || action.check !== 'none') continue;
      expect(workers.find((w) => w.server?.id === action.serverId)?.server?.status).toBe('off');
    }
  });

  always('never counts a paused worker as one that may take a job', ({ workers }) => {
    for (const w of workers) if (w.runner?.paused) expect(['draining', 'failed', 'gone']).toContain(w.phase);
  });

  always('leaves VMs that are being deleted alone', ({ plan: { actions }, workers }) => {
    const going = new Set(workers.filter((w) => w.server?.deleting).map((w) => w.name));
    expect(actions.filter((a) => a.kind !== 'launch' && going.has(a.worker))).toEqual([]);
  });

  always('says what holds it back when a job is left without a worker', ({ plan: { brakes, numbers } }, s) => {
    if (s.mayLaunch && numbers.unmet > 0) expect(brakes).not.toEqual([]);
  });

  always('keeps enough for the jobs and the idle target', ({ plan: { actions, numbers: n }, workers }, s) => {
    if (!actions.some((a) => a.kind === 'drain' && a.why === 'idle')) return;
    const drained = new Set(actions.flatMap((a) => (a.kind === 'drain' ? [a.worker] : [])));
    const left = workers.filter((w) => (w.phase === 'idle' || w.phase === 'booting') && !drained.has(w.name)).length;
    const recent = new Set(s.jobs?.filter((j) => canRun(s.pool, j) && NOW - j.queuedAt <= CLAIM_TIMEOUT_MS).map((j) => j.id)).size;
    expect(left).toBeGreaterThanOrEqual(Math.min(recent + n.idleTarget, s.pool.limit - n.busy));
  });

  always('only does what it may', ({ plan: { actions, held } }, s) => {
    if (!s.mayLaunch) expect(actions.filter((a) => a.kind === 'launch')).toEqual([]);
    if (!s.mayRemove) expect([...actions.filter((a) => a.kind !== 'launch'), ...held]).toEqual([]);
  });

  always('does nothing at all while the pool is paused', ({ plan: { actions }, controls: { pause } }) => {
    if (pause) expect(actions).toEqual([]);
  });

  always(
    'launches nothing while the pool is drained, and lets no worker take a further job',
    ({ plan: { actions }, controls, workers }, s) => {
      const { drain, pause, kept, unread } = controls;
      if (!drain) return;
      expect(actions.filter((a) => a.kind === 'launch')).toEqual([]);
      if (pause || unread || drain.unreadable || !s.mayRemove) return;
      const drained = actions.flatMap((a) => (a.kind === 'drain' ? [a.worker] : []));
      const free = workers.filter((w) => ['idle', 'booting', 'busy'].includes(w.phase) && w.server && w.runner && !kept.has(w.name));
      expect(drained).toEqual(expect.arrayContaining(free.map((w) => w.name)));
    },
  );

  always('never touches a worker that is kept', ({ plan: { actions }, controls: { kept } }) => {
    expect(actions.filter((a) => a.kind !== 'launch' && kept.has(a.worker))).toEqual([]);
  });

  always('removes nothing while it is not known what people have said', ({ plan: { actions }, controls: { unread } }) => {
    if (unread) expect(actions.filter((a) => a.kind !== 'launch')).toEqual([]);
  });

  always('rolls only what was launched before', ({ plan: { actions }, controls: { rollBefore = 0 }, workers }) => {
    const rolled = new Set(actions.flatMap((a) => (a.kind === 'drain' && a.why === 'rolled' ? [a.worker] : [])));
    for (const w of workers) if (rolled.has(w.name)) expect(w.bornAt).toBeLessThan(rollBefore);
  });

  it('is the same as without, where people have said nothing that holds', () => {
    const over = fc.tuple(
      situations,
      controls.map((said) => said.map((c) => ({ ...c, unreadable: undefined, until: NOW - 1 }))),
    );
    fc.assert(
      fc.property(over, ([s, said]) => {
        const plain = { ...s, controlsRead: true };
        expect(decide({ ...plain, said: said.map(({ unreadable: _, ...c }) => c) }).plan).toEqual(decide({ ...plain, said: [] }).plan);
      }),
    );
  });

  it('is the same in whatever order things are listed', () => {
    const shuffled = <T>(list: readonly T[]) => fc.shuffledSubarray([...list], { minLength: list.length });
    const twice = situations.chain((s) =>
      fc
        .record({
          servers: shuffled(s.servers),
          runners: shuffled(s.runners),
          launches: shuffled(s.memory.launches),
          jobs: s.jobs ? shuffled(s.jobs) : fc.constant(undefined),
        })
        .map(({ servers, runners, launches, jobs }) => [s, { ...s, servers, runners, jobs, memory: { ...s.memory, launches } }] as const),
    );
    fc.assert(
      fc.property(twice, ([listed, other]) => {
        expect(decide(other)).toEqual(decide(listed));
      }),
    );
  });
});
