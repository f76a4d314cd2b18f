import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Control } from '../../lib/core/controls.ts';
import { EMPTY_POOL_STATE } from '../../lib/core/launches/types.ts';
import type { Pool } from '../../lib/core/pool/pool.ts';
import { idleTarget } from '../../lib/core/pool/schedule.ts';
import { HOUR, MINUTE, NOW, nameOf, pool } from '../../testkit/builders.ts';
import { BAD_FATES, CoreWorld, type Fate } from './core-world.ts';

/** Each run plays hours; mutation testing sets the global number lower. */
const RUNS = { numRuns: Math.min(40, fc.readConfigureGlobal().numRuns ?? 40) };

const pools: fc.Arbitrary<Pool> = fc
  .record({
    limit: fc.integer({ min: 1, max: 8 }),
    maxGrowthRate: fc.nat(3),
    maxBuilds: fc.nat(3),
    idleCount: fc.nat(4),
    idleScaleFactor: fc.constantFrom(0, 0, 0.5, 1.5),
    idleTimeMs: fc.constantFrom(0, 3 * MINUTE, 10 * MINUTE),
  })
  .map(({ limit, maxGrowthRate, maxBuilds, ...policy }) => pool({ limit, maxGrowthRate, maxBuilds, policy, maxAgeMs: 72 * HOUR }));

const worlds = fc.record({
  pool: pools,
  bootMs: fc.constantFrom(30_000, 2 * MINUTE, 5 * MINUTE),
  listedAfterMs: fc.constantFrom(0, MINUTE, 2 * MINUTE),
  jobMs: fc.constantFrom(20_000, 3 * MINUTE, 15 * MINUTE),
  lagMs: fc.constantFrom(0, 30_000, MINUTE),
  leave: fc.boolean(),
  /** Until then nothing boots. */
  brokenMs: fc.constantFrom(0, 0, 25 * MINUTE),
  fates: fc.array(fc.constantFrom<Fate>('boots', 'boots', 'deaf', ...BAD_FATES), { minLength: 1, maxLength: 6 }),
  /** Jobs that arrive in each minute. */
  arrivals: fc.array(fc.constantFrom(0, 0, 0, 1, 2, 5), { minLength: 1, maxLength: 15 }),
  /** The hook wakes the scaler; else the timer alone serves. */
  hooks: fc.boolean(),
  /** The pool's memory is lost in that minute. */
  lostAt: fc.option(fc.nat(20), { nil: undefined }),
});

type Setting = typeof worlds extends fc.Arbitrary<infer T> ? T : never;

function worldOf({ fates, brokenMs, ...options }: Setting): CoreWorld {
  // A good one follows a few bad ones, so that work goes on.
  const fate = (n: number, at: number): Fate => {
    const drawn = fates[n % (fates.length + 1)] ?? 'boots';
    return at < NOW + brokenMs && drawn === 'boots' ? 'silent' : drawn;
  };
  return new CoreWorld({ ...options, fate });
}

/** Minutes that a setting gets to serve and settle: half-broken clouds with a breaker at 16 minutes take long. */
const PATIENCE = 60 * 60;

/** Plays the setting minute by minute until nothing has happened for half an hour; `watch` sees each tick. */
function play(
  setting: Setting,
  watch: (world: CoreWorld, tick: ReturnType<CoreWorld['reconcile']>) => void = () => undefined,
  said: readonly Control[] = [],
): CoreWorld {
  const world = worldOf(setting);
  let calm = 0;
  for (let minute = 0; calm < 30; minute++) {
    if (minute > PATIENCE) throw new Error(`does not settle: ${world.waiting} jobs wait, ${world.existing} VMs`);
    if (minute === setting.lostAt) world.memory = EMPTY_POOL_STATE;
    const arrived = setting.arrivals[minute] ?? 0;
    world.queue(arrived);
    if (setting.hooks && arrived > 0) world.reconcile({ mayRemove: false });
    world.pass(MINUTE);
    world.controls = said.filter(({ since }) => since <= world.now);
    const tick = world.reconcile();
    watch(world, tick);
    const over = minute >= setting.arrivals.length && world.quiet && tick.plan.actions.length === 0 && tick.plan.held.length === 0;
    calm = over ? calm + 1 : 0;
  }
  return world;
}

describe('minute after minute, in clouds good and bad', () => {
  it('every job is served, none is killed, and the pool comes to rest at its idle target', () => {
    fc.assert(
      fc.property(worlds, (setting) => {
        const world = play(setting);
        const jobs = setting.arrivals.reduce((sum: number, n) => sum + n, 0);
        const target = Math.min(setting.pool.limit, idleTarget(setting.pool.policy, 0));
        expect([...world.served].sort((a, b) => a - b)).toEqual(Array.from({ length: jobs }, (_, i) => i + 1));
        expect(world.killed).toEqual([]);
        const { numbers } = world.reconcile().plan;
        expect(numbers).toMatchObject({ machines: target, idle: target, unmet: 0 });
        expect(world.machines.filter((m) => m.known)).toHaveLength(target);
      }),
      RUNS,
    );
  });

  it('there are never more VMs than the limit, listed or not', () => {
    fc.assert(
      fc.property(worlds, (setting) => {
        play(setting, (world) => expect(world.existing).toBeLessThanOrEqual(setting.pool.limit));
      }),
      RUNS,
    );
  });

  it('a worker that drains is never counted on again', () => {
    fc.assert(
      fc.property(worlds, (setting) => {
        const drained = new Set<string>();
        play(setting, (_, { workers, plan }) => {
          const phases = workers.filter((w) => drained.has(w.name)).map((w) => w.phase);
          expect(phases.filter((phase) => phase === 'booting' || phase === 'idle' || phase === 'busy')).toEqual([]);
          for (const a of plan.actions) if (a.kind === 'drain') drained.add(a.worker);
        });
      }),
      RUNS,
    );
  });
});

describe('with people who pause, drain, roll and keep', () => {
  const saidOf = fc.array(
    fc.record({
      kind: fc.constantFrom('pause', 'drain', 'roll', 'keep'),
      from: fc.nat(15),
      minutes: fc.integer({ min: 1, max: 20 }),
      worker: fc.integer({ min: 1, max: 6 }),
    }),
    { minLength: 1, maxLength: 4 },
  );

  it('no job is killed, every one is served once all of it is over, and nothing is done against what they said', () => {
    fc.assert(
      fc.property(worlds, saidOf, (setting, said) => {
        const over = Math.max(...said.map(({ from, minutes }) => from + minutes));
        // One more job comes when all of it is over, so that nothing has come to rest before.
        const arrivals = Array.from({ length: over + 1 }, (_, i) => (i === over ? 1 : (setting.arrivals[i] ?? 0)));
        const controls = said.map(({ kind, from, minutes, worker }): Control => {
          const since = NOW + from * MINUTE;
          const target = kind === 'keep' ? nameOf(worker) : 'bake';
          return { kind, target, since, until: since + minutes * MINUTE, ...(kind === 'roll' ? { before: since } : {}) };
        });
        const world = play(
          { ...setting, arrivals },
          (w, { plan }) => {
            const now = controls.filter(({ since, until = 0 }) => since <= w.now && w.now < until);
            if (now.some(({ kind }) => kind === 'pause')) expect(plan.actions).toEqual([]);
            if (now.some(({ kind }) => kind === 'drain')) expect(plan.actions.filter((a) => a.kind === 'launch')).toEqual([]);
            const kept = now.flatMap(({ kind, target }) => (kind === 'keep' ? [target] : []));
            expect(plan.actions.filter((a) => a.kind !== 'launch' && kept.includes(a.worker))).toEqual([]);
          },
          controls,
        );
        expect(world.killed).toEqual([]);
        expect(new Set(world.served).size).toBe(arrivals.reduce((sum: number, n) => sum + n, 0));
      }),
      RUNS,
    );
  });

  it('a drain brings a pool to zero within one job’s time, whatever waits', () => {
    fc.assert(
      fc.property(worlds, fc.integer({ min: 5, max: 25 }), (setting, at) => {
        const world = worldOf({ ...setting, brokenMs: 0, fates: ['boots'] });
        for (let minute = 0; minute < at; minute++) {
          world.queue(2);
          world.pass(MINUTE);
          world.reconcile();
        }
        world.controls = [{ kind: 'drain', target: 'bake', since: world.now }];
        // What boots, runs, is counted late, settles and is deleted.
        for (let passed = 0; passed <= setting.jobMs + setting.listedAfterMs + setting.lagMs + 5 * MINUTE; passed += MINUTE) {
          world.queue(2);
          world.reconcile();
          world.pass(MINUTE);
        }
        expect([world.existing, world.killed]).toEqual([0, []]);
      }),
      RUNS,
    );
  });
});

describe('when no machine ever boots', () => {
  const sets = fc.record({
    pool: pools,
    fates: fc.array(fc.constantFrom<Fate>(...BAD_FATES), { minLength: 1, maxLength: 4 }),
    listedAfterMs: fc.constantFrom(0, MINUTE),
    jobs: fc.integer({ min: 1, max: 12 }),
    more: fc.nat(1),
  });

  it('there is one wave, and then one probe at a time at a doubling gap', () => {
    fc.assert(
      fc.property(sets, ({ fates, jobs, more, ...options }) => {
        const world = new CoreWorld({ ...options, fate: (n) => fates[n % fates.length] ?? 'silent' });
        world.queue(jobs);
        for (let minute = 0; minute < 120; minute++) {
          world.reconcile();
          world.queue(more);
          world.pass(MINUTE);
        }
        const failedFirst = firstFailure(world);
        const wave = world.launches.filter((at) => at <= failedFirst);
        const probes = world.launches.filter((at) => at > failedFirst);
        expect(wave.length).toBeLessThanOrEqual(options.pool.limit);
        probes.forEach((at, i) => {
          const before = i === 0 ? failedFirst : (probes[i - 1] ?? 0);
          expect(at - before).toBeGreaterThanOrEqual(Math.min(16, 2 ** i) * MINUTE);
        });
        expect(world.launches.length).toBeGreaterThan(wave.length);
      }),
      RUNS,
    );
  });
});

/** When the first launch was known to have failed. The oldest of the twenty that are kept settled no earlier. */
function firstFailure(world: CoreWorld): number {
  return Math.min(...world.memory.launches.map((l) => l.settledAt ?? Number.POSITIVE_INFINITY));
}

describe('a limit that is lowered', () => {
  it('takes away what is too much, and no more', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 8 }), fc.nat(8), (first, second, waiting) => {
        const of = (limit: number) => pool({ limit, policy: { idleCount: 8, idleTimeMs: 0 } });
        const world = new CoreWorld({ pool: of(first), fate: () => 'boots', jobMs: HOUR });
        for (let minute = 0; minute < 5; minute++) {
          world.reconcile();
          world.pass(MINUTE);
        }
        world.queue(Math.min(waiting, first));
        world.pass(MINUTE);
        world.pool = of(Math.min(first, second));
        const busy = world.machines.filter((m) => m.job).length;
        for (let minute = 0; minute < 20; minute++) {
          const { numbers } = world.reconcile().plan;
          world.pass(MINUTE);
          expect(numbers.busy + numbers.idle).toBeGreaterThanOrEqual(Math.min(first, Math.max(busy, world.pool.limit)));
        }
        expect(world.existing).toBe(Math.max(busy, world.pool.limit));
        expect(world.launches).toHaveLength(first);
      }),
    );
  });
});

describe('a job that GitLab gives to none of the workers', () => {
  it('costs one launch, then one at a time at a doubling gap, and does not hold up the others', () => {
    const settings = fc.record({
      pool: pools,
      leave: fc.boolean(),
      blocked: fc.integer({ min: 1, max: 12 }),
      jobMs: fc.constantFrom(20_000, 10 * MINUTE),
    });
    fc.assert(
      fc.property(settings, ({ blocked, ...options }) => {
        const world = new CoreWorld({ ...options, pool: { ...options.pool, maxBuilds: 0 }, fate: () => 'boots' });
        world.queue(blocked, true);
        for (let minute = 0; minute < 10 * 60; minute++) {
          world.reconcile();
          world.pass(MINUTE);
        }
        // In ten hours: one for each job, those of a doubling gap, and a wave that leaves before it can be judged.
        const { limit, policy } = options.pool;
        expect(world.launches.length).toBeLessThanOrEqual(blocked + 20 + limit + policy.idleCount);
        world.queue(3);
        for (let minute = 0; minute < 90; minute++) {
          world.reconcile();
          world.pass(MINUTE);
        }
        expect(world.served).toHaveLength(3);
        world.blocked.clear();
        for (let minute = 0; minute < 3 * 60 && world.waiting > 0; minute++) {
          world.reconcile();
          world.pass(MINUTE);
        }
        expect(world.waiting).toBe(0);
      }),
      RUNS,
    );
  });
});

describe('a worker that takes no job', () => {
  it('does not keep a waiting job from one that does, even at the limit', () => {
    const settings = fc.record({ pool: pools, leave: fc.boolean(), deaf: fc.integer({ min: 1, max: 4 }) });
    fc.assert(
      fc.property(settings, ({ deaf, ...options }) => {
        const world = new CoreWorld({ ...options, fate: (n) => (n <= deaf ? 'deaf' : 'boots') });
        world.queue(1);
        for (let minute = 0; minute < 3 * 60; minute++) {
          world.reconcile();
          world.pass(MINUTE);
        }
        expect(world.served).toEqual([1]);
      }),
      RUNS,
    );
  });
});
