import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { makeReport, type Report } from '../../lib/core/report/report.ts';
import { hasStarted, type JobFact } from '../../lib/core/report/timeline.ts';
import { apportion, type MachineFact } from '../../lib/core/report/utilization.ts';

const time = fc.integer({ min: 0, max: 100_000_000 });
const optional = fc.option(time, { nil: undefined });
const FLAVORS = ['x', 'y', 'z'];

const fact = fc.record({
  id: fc.integer({ min: 1 }),
  project: fc.constantFrom('p', 'q', 'r'),
  start: optional,
  finish: optional,
  queued: optional,
});
const machineShape = fc.record({
  pool: fc.constantFrom('a', 'b'),
  flavor: fc.constantFrom(...FLAVORS),
  from: time,
  to: time,
  online: optional,
  vague: fc.boolean(),
  jobs: fc.array(fact, { maxLength: 6 }),
});
type Shape = typeof machineShape extends fc.Arbitrary<infer T> ? T : never;

function machineOf(shape: Shape, index: number): MachineFact {
  const { pool, flavor, from, to, online, vague } = shape;
  const worker = `w${index}`;
  const jobs = shape.jobs.map(({ id, project, start, finish, queued }): JobFact => {
    return {
      ...{ id, project, pool, worker, status: 'success' },
      ...(start === undefined ? {} : { startedAt: start }),
      ...(finish === undefined ? {} : { finishedAt: finish }),
      ...(queued === undefined ? {} : { queuedAt: queued }),
    };
  });
  return { worker, pool, flavor, from, to, ...(online === undefined ? {} : { onlineAt: online }), vague, jobs };
}

const farm = fc.record({
  machines: fc.array(machineShape, { maxLength: 8 }).map((shapes) => shapes.map(machineOf)),
  from: time,
  length: fc.integer({ min: 1, max: 100_000_000 }),
  prices: fc.array(fc.double({ min: 0, max: 50, noNaN: true }), { minLength: 3, maxLength: 3 }),
  waits: fc.dictionary(fc.integer({ min: 1, max: 9 }).map(String), time),
});
type FarmShape = typeof farm extends fc.Arbitrary<infer T> ? T : never;

function reportOn({ machines, from, length, prices, waits }: FarmShape): Report {
  const flavors = Object.fromEntries(FLAVORS.map((flavor, i) => [flavor, prices[i] ?? 0]));
  return makeReport({
    ...{ from, to: from + length, machines, jobs: machines.flatMap(({ jobs }) => jobs), gaps: [] },
    waits: new Map(Object.entries(waits).map(([id, noticedAt]) => [Number(id), { noticedAt }])),
    boots: new Map(
      machines.map(({ worker, from: launchedAt, onlineAt }) => [worker, { launchedAt, ...(onlineAt === undefined ? {} : { onlineAt }) }]),
    ),
    costs: { currency: 'EUR', flavors },
  });
}

const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);
/** In ten-thousandths, as the amounts are rounded. */
const units = (cost: number | undefined) => Math.round((cost ?? Number.NaN) * 10_000);

describe('a report on any farm', () => {
  it('has parts that add up to the whole: time exactly, money to the last decimal', () => {
    fc.assert(
      fc.property(farm, (shape) => {
        const { projects, jobless, pools, total } = reportOn(shape);
        for (const row of [...pools, total]) expect(row.runMs + row.bootMs + row.idleMs + row.unknownMs).toBe(row.totalMs);
        const whole = sum(shape.machines.map((m) => Math.max(0, Math.min(m.to, shape.from + shape.length) - Math.max(m.from, shape.from))));
        expect(total.totalMs).toBe(whole);
        expect(sum(pools.map((row) => row.totalMs))).toBe(whole);
        expect(sum(projects.map((row) => row.runMs + row.overheadMs)) + jobless.totalMs).toBe(whole);
        expect(sum(projects.map((row) => row.runMs))).toBe(total.runMs);
        expect(sum(pools.map(({ cost }) => units(cost)))).toBe(units(total.cost));
        expect(sum(projects.map(({ cost }) => units(cost))) + units(jobless.cost)).toBe(units(total.cost));
      }),
    );
  });

  it('never has negative times, nor more idleness than there is time', () => {
    fc.assert(
      fc.property(farm, (shape) => {
        const { pools, projects, steps, timelines, jobless } = reportOn(shape);
        const numbers = [...pools, ...projects, jobless].flatMap((row) => Object.values(row).filter((value) => typeof value === 'number'));
        expect(Math.min(0, ...numbers)).toBe(0);
        expect(pools.every(({ idleShare = 0 }) => idleShare <= 1)).toBe(true);
        for (const { n, p50 = 0, p95 = 0, max = 0 } of steps) expect(n === 0 || (0 <= p50 && p50 <= p95 && p95 <= max)).toBe(true);
        for (const { steps: own } of timelines) {
          const whole = own['pending-running'];
          const later = (['pending-noticed', 'noticed-accepted', 'accepted-active', 'active-online', 'online-running'] as const).map(
            (step) => own[step] ?? 0,
          );
          if (whole !== undefined) expect(sum(later)).toBeLessThanOrEqual(whole);
        }
      }),
    );
  });

  it('counts every job that began in the span once, in whatever order machines and jobs are told', () => {
    fc.assert(
      fc.property(farm, (shape) => {
        const made = reportOn(shape);
        const began = shape.machines
          .flatMap(({ jobs }) => jobs)
          .filter((job) => hasStarted(job) && job.startedAt >= shape.from && job.startedAt < shape.from + shape.length);
        expect(made.timelines).toHaveLength(began.length);
        expect(sum(made.projects.map(({ jobs }) => jobs))).toBe(began.length);
        const { total, pools } = reportOn({ ...shape, machines: shape.machines.toReversed() });
        expect([total, pools]).toEqual([made.total, made.pools]);
      }),
    );
  });
});

describe('dividing any whole number by weights', () => {
  it('gives it all away, each part next to its exact share', () => {
    const weights = fc.array(fc.bigInt({ min: 0n, max: 10n ** 24n }), { minLength: 1, maxLength: 9 });
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 18n }), weights, (whole, given) => {
        const parts = apportion(whole, given);
        const all = given.reduce((a, b) => a + b, 0n);
        expect(parts.reduce((a, b) => a + b, 0n)).toBe(all === 0n ? 0n : whole);
        parts.forEach((part, i) => {
          const exact = all === 0n ? 0n : (whole * (given[i] ?? 0n)) / all;
          expect(part === exact || part === exact + 1n).toBe(true);
        });
      }),
    );
  });
});
