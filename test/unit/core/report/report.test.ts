import { describe, expect, it } from 'vitest';
import { makeReport, type ReportInput } from '../../../../lib/core/report/report.ts';
import type { JobFact } from '../../../../lib/core/report/timeline.ts';
import type { MachineFact } from '../../../../lib/core/report/utilization.ts';

const HOUR = 3_600_000;

function job(id: number, project: string, hours: readonly [number, number], worker = 'a'): JobFact {
  const [start, end] = hours;
  const times = { queuedAt: (start - 0.1) * HOUR, startedAt: start * HOUR, finishedAt: end * HOUR };
  return { id, project, pool: 'bake', worker, status: 'success', ...times };
}

function machine(worker: string, jobs: readonly JobFact[], change: Partial<MachineFact> = {}): MachineFact {
  return { worker, pool: 'bake', flavor: 'x', from: HOUR, to: 11 * HOUR, onlineAt: 2 * HOUR, vague: false, jobs, ...change };
}

function report(machines: readonly MachineFact[], change: Partial<ReportInput> = {}) {
  const jobs = machines.flatMap((m) => m.jobs);
  const input = { from: 0, to: 24 * HOUR, machines, jobs, waits: new Map(), boots: new Map(), gaps: [], costs: COSTS };
  return makeReport({ ...input, ...change });
}

const COSTS = { currency: 'EUR', flavors: { x: 1, y: 0.1 } };
const FARM = [
  machine('a', [job(1, 'p/one', [2, 4]), job(2, 'p/two', [4, 10])]),
  machine('b', [], { flavor: 'y' }),
  machine('c', [job(3, 'p/one', [3, 11], 'c')], { pool: 'small', jobs: [{ ...job(3, 'p/one', [3, 11], 'c'), pool: 'small' }] }),
];

describe('a report', () => {
  it('gives each project its time, its share of the rest and the price of both', () => {
    const { projects, jobless, total, pools, currency } = report(FARM);
    expect(currency).toBe('EUR');
    expect(projects).toMatchObject([
      { project: 'p/one', jobs: 2, runMs: 10 * HOUR, overheadMs: 2.5 * HOUR, cost: 12.5, wait: { n: 2, p50: 0.1 * HOUR } },
      { project: 'p/two', jobs: 1, runMs: 6 * HOUR, overheadMs: 1.5 * HOUR, cost: 7.5 },
    ]);
    expect(jobless).toEqual({ machines: 1, totalMs: 10 * HOUR, cost: 1 });
    expect(pools).toEqual([
      {
        ...{ pool: 'bake', machines: 2, totalMs: 20 * HOUR, runMs: 8 * HOUR, bootMs: 2 * HOUR, idleMs: 10 * HOUR, unknownMs: 0 },
        ...{ idleShare: 0.5, cost: 11 },
      },
      {
        ...{ pool: 'small', machines: 1, totalMs: 10 * HOUR, runMs: 8 * HOUR, bootMs: HOUR, idleMs: HOUR, unknownMs: 0 },
        ...{ idleShare: 0.1, cost: 10 },
      },
    ]);
    expect(total).toMatchObject({ machines: 3, totalMs: 30 * HOUR, idleShare: 11 / 30, cost: 21 });
  });

  it('counts a job where it began, and machine time where it was spent', () => {
    const { projects, total, timelines } = report(FARM, { from: 3.5 * HOUR, to: 5 * HOUR, pool: 'bake' });
    expect(timelines.map(({ job: { id } }) => id)).toEqual([2]);
    expect(projects).toMatchObject([
      { project: 'p/one', jobs: 0, wait: { n: 0 }, runMs: 0.5 * HOUR },
      { project: 'p/two', jobs: 1, runMs: HOUR },
    ]);
    expect(total).toMatchObject({ machines: 2, totalMs: 3 * HOUR });
  });

  it.each([
    { name: 'the first moment is in it', from: 4 * HOUR, to: 5 * HOUR, ids: [2] },
    { name: 'the last is not', from: 3.5 * HOUR, to: 4 * HOUR, ids: [] },
  ])('has a span of which $name', ({ from, to, ids }) => {
    expect(report(FARM, { from, to }).timelines.map(({ job: { id } }) => id)).toEqual(ids);
  });

  it('on one pool leaves the others out', () => {
    const { projects, pools, total, pool } = report(FARM, { pool: 'small' });
    expect([pool, projects.map((row) => row.project), pools.map((row) => row.pool), total.machines]).toEqual([
      'small',
      ['p/one'],
      ['small'],
      1,
    ]);
  });

  it('on one project has its rows and waits alone, while pools and totals are whole', () => {
    const { projects, timelines, total, project } = report(FARM, { project: 'p/two' });
    expect([project, projects.map((row) => row.project), timelines.map(({ job: { id } }) => id)]).toEqual(['p/two', ['p/two'], [2]]);
    expect(total.cost).toBe(21);
  });

  it('lists jobs by their start', () => {
    const jobs = [job(5, 'p', [3, 4]), job(4, 'p', [3, 4]), job(6, 'p', [1, 2])];
    expect(report([], { jobs }).timelines.map(({ job: { id } }) => id)).toEqual([6, 4, 5]);
  });

  it('without prices says nothing about money, and why', () => {
    const input = { from: 0, to: 24 * HOUR, machines: FARM, jobs: [job(1, 'p/one', [2, 4])], waits: new Map(), boots: new Map(), gaps: [] };
    const made = makeReport(input);
    expect([made.currency, made.total.cost, made.pools[0]?.cost, made.projects[0]?.cost, made.jobless.cost]).toEqual(
      Array(5).fill(undefined),
    );
    expect(made.gaps).toEqual([expect.objectContaining({ kind: 'no-prices', count: 0 })]);
  });

  it('names flavors without a price, and counts the others', () => {
    const { flavor: _, ...nameless } = machine('e', []);
    const made = report([...FARM, machine('d', [], { flavor: 'z' }), nameless]);
    expect(made.gaps).toEqual([
      { kind: 'no-price', count: 2, text: 'machines without a price, which cost nothing here: unknown flavor, z' },
    ]);
    expect(made.total).toMatchObject({ machines: 5, cost: 21 });
  });

  it('names jobs without a time of queueing, after what was found missing before', () => {
    const { queuedAt: _, ...unqueued } = job(9, 'p', [1, 2]);
    const found = { kind: 'silence', count: 1, text: 'x' };
    expect(report([], { jobs: [unqueued], gaps: [found] }).gaps).toEqual([found, expect.objectContaining({ kind: 'no-wait', count: 1 })]);
  });

  it('has no idle share where nothing is known', () => {
    const [row] = report([machine('a', [], { vague: true, onlineAt: HOUR })]).pools;
    expect(row).toMatchObject({ totalMs: 10 * HOUR, unknownMs: 10 * HOUR, idleMs: 0 });
    expect(row?.idleShare).toBeUndefined();
  });

  it('joins jobs with what the ledger has about their waits and their workers', () => {
    const waits = new Map([[1, { noticedAt: 1.95 * HOUR }]]);
    const boots = new Map([['a', { launchedAt: 1.95 * HOUR, acceptedAt: 1.96 * HOUR, activeAt: 1.97 * HOUR }]]);
    const made = report(FARM, { waits, boots });
    expect(made.timelines.map(({ job: { id }, fresh }) => [id, fresh])).toEqual([
      [1, true],
      [3, false],
      [2, false],
    ]);
    expect(made.steps.filter(({ n }) => n > 0).map(({ step, n }) => [step, n])).toEqual([
      ['pending-noticed', 1],
      ['noticed-accepted', 1],
      ['accepted-active', 1],
      ['ready-running', 2],
      ['pending-running', 3],
    ]);
  });

  it('rounds so that the rows add up', () => {
    const third = { currency: 'EUR', flavors: { x: 0.0001 / 3 } };
    const machines = ['a', 'b', 'c'].map((name, i) =>
      machine(name, [job(i, `p${i}`, [2, 3], name)], { to: 2 * HOUR + HOUR, from: 2 * HOUR }),
    );
    const made = report(machines, { costs: third });
    expect([made.projects.map(({ cost }) => cost), made.total.cost]).toEqual([[0.0001, 0, 0], 0.0001]);
  });
});
