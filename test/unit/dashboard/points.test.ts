import { describe, expect, it } from 'vitest';
import { combine, costOf, tableRows } from '../../../dashboard/model/points.ts';
import { corners, gridOf, highest, line, stack } from '../../../lib/core/chart/grid.ts';
import { minuteRow, rollUp, type SeriesRow, STEP_MS } from '../../../lib/core/metrics/rollup.ts';
import type { Sample } from '../../../lib/core/metrics/sample.ts';

const MINUTE = 60_000;
const row = (minute: number, more: Partial<SeriesRow> = {}): SeriesRow => ({
  at: minute * MINUTE,
  pool: 'a',
  samples: 1,
  machines: 6,
  booting: 1,
  idle: 1,
  busy: 2,
  draining: 1,
  failed: 1,
  pending: 3,
  unmet: 1,
  limit: 10,
  oldestWait: 30,
  hourlyCost: 6,
  ...more,
});

describe('combine', () => {
  it('adds the pools of a minute and takes the longest wait', () => {
    const [point] = combine([row(1), row(1, { pool: 'b', busy: 5, oldestWait: 90 })]);
    expect(point).toMatchObject({ busy: 7, machines: 12, oldestWait: 90, hourlyCost: 12 });
  });

  it('knows nothing where one of the pools knows nothing', () => {
    const without: SeriesRow = { ...row(1, { pool: 'b' }) };
    const [point] = combine([row(1), Object.fromEntries(Object.entries(without).filter(([key]) => key !== 'hourlyCost')) as SeriesRow]);
    expect([point?.hourlyCost, point?.busy]).toEqual([undefined, 4]);
  });

  it('takes one pool alone, and sorts by time', () => {
    expect(combine([row(2), row(1), row(1, { pool: 'b' })], 'a').map(({ at, busy }) => [at / MINUTE, busy])).toEqual([
      [1, 2],
      [2, 2],
    ]);
  });
});

describe('a gap stays a gap', () => {
  const grid = gridOf(combine([row(0), row(3)]), { from: 0, to: 4 * MINUTE }, MINUTE);

  it('in the grid, in the stack and in a line', () => {
    expect(grid.points.map((point) => point === undefined)).toEqual([false, true, true, false]);
    expect(stack(grid).failed).toEqual([6, null, null, 6]);
    expect(line(grid, 'pending')).toEqual([3, null, null, 3]);
  });

  it('in a stepped line, whose values hold to the end of their step', () => {
    expect(corners(grid, line(grid, 'pending')).map((stretch) => stretch.map(({ at, value }) => [at / MINUTE, value]))).toEqual([
      [
        [0, 3],
        [1, 3],
      ],
      [
        [3, 3],
        [4, 3],
      ],
    ]);
  });

  it('in the table: half of it was recorded, and means are of what was', () => {
    expect(tableRows(grid, 4)).toMatchObject([{ at: 0, covered: 0.5, point: { busy: 2, machines: 6 } }]);
    expect(tableRows(gridOf([], { from: 0, to: 2 * MINUTE }, MINUTE), 2)).toEqual([{ at: 0, covered: 0, point: undefined }]);
  });
});

describe('maxima', () => {
  /** Two hours of samples: a spike of one minute in each pool, at different minutes. */
  const samples = Array.from({ length: 120 }, (_, minute) =>
    ['a', 'b'].map((pool): Sample => {
      const spike = minute === (pool === 'a' ? 10 : 70) ? 19 : 1;
      const waits = { pending: spike, oldestWait: spike * 60 };
      return {
        at: minute * MINUTE,
        pool,
        machines: spike,
        booting: 0,
        idle: 0,
        busy: spike,
        draining: 0,
        failed: 0,
        unmet: 0,
        limit: 20,
        ...waits,
      };
    }),
  ).flat();
  const table = (step: '1m' | '1h', pool?: string) => {
    const rows = step === '1m' ? samples.map(minuteRow) : rollUp(samples, step);
    const grid = gridOf(combine(rows, pool), { from: 0, to: 120 * MINUTE }, STEP_MS[step]);
    return tableRows(grid, (120 * MINUTE) / STEP_MS[step])[0]?.point;
  };

  it.each(['1m', '1h'] as const)('are those of minutes, by %s, of all pools and of one', (step) => {
    expect(table(step)).toMatchObject({ machinesMax: 20, pendingMax: 20, oldestWaitMax: 1140 });
    expect(table(step, 'a')).toMatchObject({ machinesMax: 19, pendingMax: 19, oldestWaitMax: 1140 });
    expect(table(step)?.machines).toBeCloseTo(2 + 36 / 120, 9);
  });

  it('of several pools are not known from hours of an older release', () => {
    const old = rollUp(samples, '1h').map(({ allMachinesMax: _, allPendingMax: __, ...row }) => row);
    expect(combine(old)[0]).toMatchObject({ machinesMax: undefined, pendingMax: undefined, oldestWaitMax: 1140 });
    expect(combine(old, 'a')[0]).toMatchObject({ machinesMax: 19 });
  });
});

it('finds the highest minute by maxima, or by means where there are none', () => {
  const grid = gridOf([row(0), row(1, { pendingMax: 7 }), row(2, { pendingMax: 5 })], { from: 0, to: 4 * MINUTE }, MINUTE);
  expect([highest(grid, 'pending'), highest(grid, 'busy')]).toEqual([7, 2]);
});

it('stacks each state on those before it', () => {
  const grid = gridOf(combine([row(0)]), { from: 0, to: MINUTE }, MINUTE);
  expect(Object.values(stack(grid)).flat()).toEqual([2, 3, 4, 5, 6]);
});

describe('costOf', () => {
  it.each([
    ['a minute is a sixtieth of an hour', [row(0)], 1, { amount: 0.1, known: 1, passed: 1 }],
    ['an hour of sixty samples', [row(0, { samples: 60 })], 60, { amount: 6, known: 60, passed: 60 }],
    ['two pools add up, their minutes do not', [row(0), row(0, { pool: 'b' })], 1, { amount: 0.2, known: 1, passed: 1 }],
    ['what was not recorded is not counted, and said', [row(0), row(9)], 10, { amount: 0.2, known: 2, passed: 10 }],
  ] as const)('%s', (_name, rows, minutes, expected) => {
    expect(costOf(rows, 0, minutes * MINUTE)).toEqual({ ...expected, amount: expect.closeTo(expected.amount, 9) });
  });

  it('is not known without any price', () => {
    const { hourlyCost: _, ...unpriced } = row(0);
    expect(costOf([unpriced as SeriesRow], 0, MINUTE)).toBeUndefined();
  });
});
