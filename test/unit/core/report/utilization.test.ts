import { describe, expect, it } from 'vitest';
import type { JobFact } from '../../../../lib/core/report/timeline.ts';
import { apportion, type MachineFact, useOf } from '../../../../lib/core/report/utilization.ts';

const EVER = { from: 0, to: 1_000_000 };

function job(id: number, startedAt: number | undefined, finishedAt?: number): JobFact {
  const times = { ...(startedAt === undefined ? {} : { startedAt }), ...(finishedAt === undefined ? {} : { finishedAt }) };
  return { id, project: `p${id}`, pool: 'bake', worker: 'bake-1', status: 'success', ...times };
}

/** From 1000 to 2000, taking jobs from 1100 on. */
function machine(jobs: readonly JobFact[], change: Partial<MachineFact> = {}): MachineFact {
  return { worker: 'bake-1', pool: 'bake', flavor: 'x', from: 1_000, to: 2_000, onlineAt: 1_100, vague: false, jobs, ...change };
}

function use(made: MachineFact, span = EVER) {
  const { totalMs, bootMs, idleMs, unknownMs, jobs } = useOf(made, span);
  return { totalMs, bootMs, idleMs, unknownMs, jobs: jobs.map(({ job: { id }, ms, overheadMs }) => [id, ms, overheadMs]) };
}

const NOTHING = { totalMs: 1_000, bootMs: 100, idleMs: 900, unknownMs: 0, jobs: [] };

describe('the time of a machine', () => {
  const bare = (jobs: readonly JobFact[], vague = false): MachineFact => {
    const { onlineAt: _, ...rest } = machine(jobs, { vague });
    return rest;
  };
  it.each([
    { name: 'without a job', made: machine([]), is: NOTHING },
    { name: 'that never came up is all boot', made: bare([]), is: { ...NOTHING, bootMs: 1_000, idleMs: 0 } },
    {
      name: 'of which only the first job tells that it was up',
      made: bare([job(1, 1_300, 1_400)]),
      is: { ...NOTHING, bootMs: 300, idleMs: 600, jobs: [[1, 100, 900]] },
    },
    {
      name: 'whose first job began before it was seen to be up',
      made: machine([job(1, 1_050, 1_150)]),
      is: { ...NOTHING, bootMs: 50, idleMs: 850, jobs: [[1, 100, 900]] },
    },
    {
      name: 'with two jobs: the rest is shared by their time',
      made: machine([job(2, 1_500, 1_800), job(1, 1_200, 1_300)]),
      is: {
        ...NOTHING,
        idleMs: 500,
        jobs: [
          [1, 100, 150],
          [2, 300, 450],
        ],
      },
    },
    {
      name: 'with two jobs that overlap: it has one at a time',
      made: machine([job(1, 1_200, 1_500), job(2, 1_400, 1_700)]),
      is: {
        ...NOTHING,
        idleMs: 400,
        jobs: [
          [1, 300, 300],
          [2, 200, 200],
        ],
      },
    },
    {
      name: 'with a job inside of another one',
      made: machine([job(1, 1_200, 1_700), job(2, 1_300, 1_400)]),
      is: { ...NOTHING, idleMs: 400, jobs: [[1, 500, 500]] },
    },
    {
      name: 'that died under a job',
      made: machine([job(1, 1_600)]),
      is: { ...NOTHING, idleMs: 500, jobs: [[1, 400, 600]] },
    },
    {
      name: "with a job that outlasts it, by GitLab's clock",
      made: machine([job(1, 1_600, 2_900)]),
      is: { ...NOTHING, idleMs: 500, jobs: [[1, 400, 600]] },
    },
    { name: 'with a job that never began', made: machine([job(1, undefined, 1_300)]), is: NOTHING },
    { name: 'with a job from after its end', made: machine([job(1, 2_500, 2_600)]), is: NOTHING },
    {
      name: 'whose jobs are not all known',
      made: machine([job(1, 1_200, 1_300)], { vague: true }),
      is: { ...NOTHING, idleMs: 0, unknownMs: 800, jobs: [[1, 100, 900]] },
    },
    { name: 'that ended before it began has none', made: machine([], { to: 900 }), is: { ...NOTHING, totalMs: 0, bootMs: 0, idleMs: 0 } },
    { name: 'that was up before its birth', made: machine([], { onlineAt: 500 }), is: { ...NOTHING, bootMs: 0, idleMs: 1_000 } },
  ])('$name', ({ made, is }) => {
    expect(use(made)).toEqual(is);
  });

  const busy = machine([job(1, 1_200, 1_400), job(2, 1_500, 1_600)]);
  it.each([
    { name: 'before it', from: 0, to: 1_000, is: { totalMs: 0, bootMs: 0, idleMs: 0, unknownMs: 0, jobs: [] } },
    { name: 'in its boot', from: 0, to: 1_050, is: { totalMs: 50, bootMs: 50, idleMs: 0, unknownMs: 0, jobs: [] } },
    { name: 'in a job', from: 1_250, to: 1_300, is: { totalMs: 50, bootMs: 0, idleMs: 0, unknownMs: 0, jobs: [[1, 50, 0]] } },
    {
      name: 'from a job into idleness',
      from: 1_350,
      to: 1_450,
      is: { totalMs: 100, bootMs: 0, idleMs: 50, unknownMs: 0, jobs: [[1, 50, 50]] },
    },
    { name: 'after it', from: 2_000, to: 3_000, is: { totalMs: 0, bootMs: 0, idleMs: 0, unknownMs: 0, jobs: [] } },
  ])('counts only within the span: $name', ({ from, to, is }) => {
    expect(use(busy, { from, to })).toEqual(is);
  });
});

describe('dividing', () => {
  it.each([
    { whole: 10n, weights: [1n, 1n, 1n], parts: [4n, 3n, 3n] },
    { whole: 11n, weights: [1n, 1n, 1n], parts: [4n, 4n, 3n] },
    { whole: 10n, weights: [1n, 2n, 4n], parts: [1n, 3n, 6n] },
    { whole: 7n, weights: [0n, 5n], parts: [0n, 7n] },
    { whole: 7n, weights: [0n, 0n], parts: [0n, 0n] },
    { whole: 7n, weights: [], parts: [] },
    { whole: 0n, weights: [3n, 4n], parts: [0n, 0n] },
    { whole: 10n ** 18n + 1n, weights: [10n ** 20n, 10n ** 20n], parts: [5n * 10n ** 17n + 1n, 5n * 10n ** 17n] },
  ])('$whole by $weights', ({ whole, weights, parts }) => {
    expect(apportion(whole, weights)).toEqual(parts);
  });
});
