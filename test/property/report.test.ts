import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { JobFact } from '../../lib/core/job-steps.ts';
import { apportion, type MachineFact } from '../../lib/core/machine-time.ts';
import { makeReport } from '../../lib/core/report.ts';

const HOUR = 3_600_000;
const FLAVORS = ['s3.large.8', 'c4.2xlarge.2', 'without-a-price'] as const;
const costs = { currency: 'EUR', flavors: { 's3.large.8': 0.1234, 'c4.2xlarge.2': 0.517_33 } };

/** Machines that begin before, in or after the span, with jobs in any order, overlapping, unfinished or never begun. */
const machine = fc.record({
  pool: fc.constantFrom('bake', 'small'),
  flavor: fc.constantFrom(...FLAVORS),
  from: fc.integer({ min: -2 * HOUR, max: 12 * HOUR }),
  lives: fc.integer({ min: 0, max: 10 * HOUR }),
  boots: fc.option(fc.integer({ min: 0, max: HOUR }), { nil: undefined }),
  vague: fc.boolean(),
  jobs: fc.array(
    fc.record({
      project: fc.constantFrom('acme/a', 'acme/b', 'acme/c'),
      starts: fc.option(fc.integer({ min: -1000, max: 11 * HOUR }), { nil: undefined }),
      runs: fc.option(fc.integer({ min: 0, max: 3 * HOUR }), { nil: undefined }),
    }),
    { maxLength: 5 },
  ),
});

type Drawn = typeof machine extends fc.Arbitrary<infer T> ? T : never;

function factsOf(drawn: readonly Drawn[]): {
  readonly machines: readonly MachineFact[];
  readonly jobs: readonly JobFact[];
} {
  const machines = drawn.map((m, i): MachineFact => {
    const worker = `${m.pool}-${i}`;
    const jobs = m.jobs.map((job, n): JobFact => {
      const startedAt = job.starts === undefined ? undefined : m.from + job.starts;
      const finishedAt = startedAt === undefined || job.runs === undefined ? undefined : startedAt + job.runs;
      return {
        ...{ id: i * 10 + n, project: job.project, pool: m.pool, worker, status: 'success' },
        ...(startedAt === undefined ? {} : { startedAt, queuedAt: startedAt - 60_000 }),
        ...(finishedAt === undefined ? {} : { finishedAt }),
      };
    });
    const { pool, flavor, from, vague } = m;
    return { worker, pool, flavor, from, to: from + m.lives, vague, jobs, ...(m.boots === undefined ? {} : { onlineAt: from + m.boots }) };
  });
  return { machines, jobs: machines.flatMap(({ jobs }) => jobs) };
}

const inUnits = (cost: number | undefined) => Math.round((cost ?? 0) * 10_000);
const sum = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

describe('for any machines and jobs, a report', () => {
  const reports = fc.array(machine, { maxLength: 8 }).map((drawn) => {
    const facts = factsOf(drawn);
    const whole = { from: 0, to: 8 * HOUR, costs, waits: new Map(), boots: new Map(), gaps: [] };
    return { facts, report: makeReport({ ...whole, ...facts }) };
  });

  it('adds up: projects and jobless machines to the pools, and pools to the total, in time and in money', () => {
    fc.assert(
      fc.property(reports, ({ report: { projects, jobless, pools, total } }) => {
        const byProject = sum(projects.map((p) => p.runMs + p.overheadMs)) + jobless.totalMs;
        expect([sum(pools.map((p) => p.totalMs)), byProject]).toEqual([total.totalMs, total.totalMs]);
        expect(total.runMs + total.bootMs + total.idleMs + total.unknownMs).toBe(total.totalMs);
        const money = sum(projects.map((p) => inUnits(p.cost))) + inUnits(jobless.cost);
        expect([sum(pools.map((p) => inUnits(p.cost))), money]).toEqual([inUnits(total.cost), inUnits(total.cost)]);
      }),
    );
  });

  it('counts the time of each machine within the span once, and no other', () => {
    fc.assert(
      fc.property(reports, ({ facts, report }) => {
        const within = facts.machines.map(({ from, to }) => Math.max(0, Math.min(to, 8 * HOUR) - Math.max(from, 0)));
        expect(report.total.totalMs).toBe(sum(within));
        for (const pool of report.pools) expect(Math.min(pool.runMs, pool.bootMs, pool.idleMs, pool.unknownMs)).toBeGreaterThanOrEqual(0);
      }),
    );
  });

  it('of one project or pool is a part of the whole', () => {
    fc.assert(
      fc.property(reports, ({ facts, report }) => {
        const whole = { from: 0, to: 8 * HOUR, costs, waits: new Map(), boots: new Map(), gaps: [] };
        const [row] = report.projects;
        if (row) expect(makeReport({ ...whole, ...facts, project: row.project }).projects).toEqual([row]);
        const alone = report.pools.map(({ pool }) => makeReport({ ...whole, ...facts, pool }).total.totalMs);
        expect(sum(alone)).toBe(report.total.totalMs);
      }),
    );
  });
});

describe('apportion', () => {
  it('gives whole parts that add up, none further than one from its exact share', () => {
    const weight = fc.bigInt({ min: 0n, max: 10n ** 12n });
    fc.assert(
      fc.property(fc.bigInt({ min: 0n, max: 10n ** 15n }), fc.array(weight, { minLength: 1, maxLength: 8 }), (whole, weights) => {
        const parts = apportion(whole, weights);
        const all = weights.reduce((a, b) => a + b, 0n);
        expect(parts.reduce((a, b) => a + b, 0n)).toBe(all === 0n ? 0n : whole);
        parts.forEach((part, i) => {
          const exact = whole * (weights[i] ?? 0n);
          if (all > 0n) expect(part * all - exact < all && exact - part * all < all).toBe(true);
        });
      }),
    );
  });
});
