import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Pool } from '../../lib/core/pool/pool.ts';
import { HOUR, MINUTE, pool, SECOND } from '../../testkit/builders.ts';
import { CoreFarm, type FarmJob } from './core-farm.ts';

const RUNS = { numRuns: Math.min(12, fc.readConfigureGlobal().numRuns ?? 12) };
/** Whole minutes after the first launch in vain at which an attempt is due: 5, 10, 20, 40, then 60 after the one before. */
const DUE = [5, 15, 35, 75, 135, 195, 255, 315, 375];

const TAGS = [['a'], ['a', 'b'], ['a', 'c']] as const;
const pools: fc.Arbitrary<readonly Pool[]> = fc
  .array(
    fc.record({
      limit: fc.integer({ min: 1, max: 20 }),
      idleCount: fc.constantFrom(0, 0, 1, 2),
      idleTimeMs: fc.constantFrom(MINUTE, 10 * MINUTE),
    }),
    { minLength: 1, maxLength: 3 },
  )
  .map((drawn) =>
    drawn.map(({ limit, ...policy }, i) =>
      pool({
        name: `p${i}`,
        tags: [...(TAGS[i] ?? [])],
        limit,
        maxAgeMs: 72 * HOUR,
        policy: { idleScaleFactor: 0, idleCountMin: 0, ...policy },
      }),
    ),
  );

const settings = fc.record({
  pools,
  bootMs: fc.constantFrom(40 * SECOND, 2 * MINUTE, 4 * MINUTE),
  jobMs: fc.constantFrom(20 * SECOND, 4 * MINUTE),
  lagMs: fc.constantFrom(0, 30 * SECOND),
  /** What comes in each half minute: jobs, and hooks of other people's jobs. */
  steps: fc.array(
    fc.record({
      ordinary: fc.constantFrom(0, 0, 0, 1, 2),
      refused: fc.constantFrom(0, 0, 0, 0, 1, 8),
      /** Bits: which pools are not given the refused ones. */
      to: fc.constantFrom(7, 7, 1, 2),
      tag: fc.constantFrom('a', 'b', 'c'),
      hook: fc.boolean(),
      sells: fc.constantFrom(true, true, true, false),
    }),
    { minLength: 1, maxLength: 40 },
  ),
});
type Setting = typeof settings extends fc.Arbitrary<infer T> ? T : never;

function play(setting: Setting, quietHours: number, watch: (farm: CoreFarm) => void): CoreFarm {
  const farm = new CoreFarm(setting);
  const quiet = { ordinary: 0, refused: 0, to: 0, tag: 'a', hook: false, sells: true };
  const steps = [...setting.steps, ...Array.from({ length: quietHours * 120 }, () => quiet)];
  for (const [i, { ordinary, refused, to, tag, hook, sells }] of steps.entries()) {
    farm.sells = sells;
    const refusedTo = setting.pools.map((p) => p.name).filter((_, n) => (to >> n) & 1);
    for (let n = 0; n < ordinary; n++) farm.queue([tag], []);
    for (let n = 0; n < refused; n++) farm.queue([tag], refusedTo);
    if (hook) {
      farm.reconcile(false);
      farm.pass(10 * SECOND);
      farm.reconcile(false);
      farm.pass(20 * SECOND);
    } else farm.pass(30 * SECOND);
    if (i % 2 === 1) farm.reconcile(true);
    watch(farm);
  }
  return farm;
}

/**
 * Workers that the jobs may have had in all: one in each pool that can run them, since a pool that is not given it leaves it to the next, and a job
 * of two pools may be taken by a worker that the other one started for another.
 */
function eligible(jobs: readonly FarmJob[], all: readonly Pool[]): number {
  return jobs.reduce((sum, { tags }) => sum + all.filter((p) => tags.every((tag) => p.tags.includes(tag))).length, 0);
}

function retriesDue(farm: CoreFarm, { name }: Pool): number {
  const first = farm.launched.find((l) => l.pool === name && l.retry)?.at;
  // The first attempt is due five minutes after the launch that was in vain; each comes when it is due, or later.
  return first === undefined ? 0 : DUE.filter((minutes) => farm.now - first >= (minutes - 5) * MINUTE).length;
}

describe('whatever waits, and whoever looks', () => {
  it('launches are no more than the jobs that came and the attempts that were due', () => {
    fc.assert(
      fc.property(settings, (setting) => {
        play(setting, 2, (farm) => {
          const forJobs = farm.launched.filter((l) => l.jobId !== undefined);
          const due = setting.pools.reduce((sum, p) => sum + retriesDue(farm, p), 0);
          expect(forJobs.length).toBeLessThanOrEqual(eligible(farm.queued, setting.pools) + due);
        });
      }),
      RUNS,
    );
  });
});

describe('beside jobs that are given to nobody', () => {
  const outages = fc.record({
    refused: fc.integer({ min: 4, max: 30 }),
    limit: fc.constantFrom(10, 20),
    bootMs: fc.constantFrom(40 * SECOND, 4 * MINUTE),
    lagMs: fc.constantFrom(0, 30 * SECOND),
    /** After these came, and for how long the cloud sells nothing. */
    after: fc.integer({ min: 8, max: 200 }),
    minutes: fc.integer({ min: 1, max: 20 }),
  });

  it('an ordinary job whose orders failed is served as soon as the cloud sells again', () => {
    fc.assert(
      fc.property(outages, ({ refused, limit, bootMs, lagMs, after, minutes }) => {
        const one = pool({ name: 'p', tags: ['a'], limit, maxAgeMs: 72 * HOUR, policy: { idleTimeMs: MINUTE } });
        const farm = new CoreFarm({ pools: [one], bootMs, jobMs: MINUTE, lagMs });
        const live = (most: number) => {
          for (let n = 0; n < most; n++) {
            farm.pass(MINUTE);
            farm.reconcile(true);
          }
        };
        for (let n = 0; n < refused; n++) farm.queue(['a'], ['p']);
        live(after);
        farm.sells = false;
        farm.queue(['a'], []);
        live(minutes);
        farm.sells = true;
        live(2 + Math.ceil(bootMs / MINUTE));
        expect(farm.waiting).toHaveLength(refused);
      }),
      RUNS,
    );
  });
});
