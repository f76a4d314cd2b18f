import { describe, expect, it } from 'vitest';
import { minuteRow, parseRollup, ROLLUP_HEADER, rollUp, rollupLine } from '../../../../lib/core/metrics/rollup.ts';
import type { Sample } from '../../../../lib/core/metrics/sample.ts';
import { NOW } from '../../../../testkit/builders.ts';

const MINUTE = 60_000;

function sample(minute: number, change: Partial<Sample> = {}): Sample {
  return {
    at: NOW + minute * MINUTE,
    pool: 'bake',
    machines: 2,
    booting: 0,
    idle: 1,
    busy: 1,
    draining: 0,
    failed: 0,
    limit: 9,
    ...change,
  };
}

describe('rollUp', () => {
  it('gives means over the samples that know the value, and maxima', () => {
    const rows = rollUp(
      [
        sample(0, { machines: 4, pending: 3, oldestWait: 60 }),
        sample(1, { coming: 5 }),
        sample(2, { machines: 0, hourlyCost: 0.5, coming: 0 }),
      ],
      '1h',
    );
    expect(rows).toStrictEqual([
      {
        at: NOW,
        pool: 'bake',
        samples: 3,
        ...{
          machines: 2,
          booting: 0,
          idle: 1,
          busy: 1,
          draining: 0,
          failed: 0,
          pending: 3,
          limit: 9,
          oldestWait: 60,
          hourlyCost: 0.5,
          coming: 2.5,
        },
        ...{ machinesMax: 4, pendingMax: 3, oldestWaitMax: 60, comingMax: 5, allMachinesMax: 4, allPendingMax: 3 },
      },
    ]);
  });

  it('has a row per pool and hour, none for an hour without samples', () => {
    const rows = rollUp([sample(0), sample(0, { pool: 'small' }), sample(59), sample(180)], '1h');
    expect(rows.map(({ at, pool, samples }) => [(at - NOW) / MINUTE, pool, samples])).toEqual([
      [0, 'bake', 2],
      [0, 'small', 1],
      [180, 'bake', 1],
    ]);
  });

  it('knows the maximum of all pools together, which is not the sum of their maxima', () => {
    const small = { pool: 'small', pending: 1 };
    const rows = rollUp(
      [
        sample(0, { machines: 7, pending: 4 }),
        sample(0, { ...small, machines: 1 }),
        sample(1, { machines: 2, pending: 0 }),
        sample(1, { ...small, machines: 5 }),
        // What a pool does not know has no sum.
        sample(2, { machines: 1, pending: 90 }),
        sample(2, { pool: 'small', machines: 1 }),
      ],
      '1h',
    );
    expect(
      rows.map(({ pool, machinesMax, pendingMax, allMachinesMax, allPendingMax }) => [
        pool,
        machinesMax,
        pendingMax,
        allMachinesMax,
        allPendingMax,
      ]),
    ).toEqual([
      ['bake', 7, 90, 8, 5],
      ['small', 5, 1, 8, 5],
    ]);
  });

  it('counts a minute that is there twice once', () => {
    expect(rollUp([sample(0), sample(0, { machines: 9 })], '1d')).toMatchObject([{ samples: 1, machines: 2 }]);
  });

  it('cuts days at midnight UTC', () => {
    const rows = rollUp([sample(11 * 60 + 59), sample(12 * 60)], '1d');
    expect(rows.map(({ at }) => new Date(at).toISOString())).toEqual(['2026-11-23T00:00:00.000Z', '2026-11-24T00:00:00.000Z']);
  });
});

describe('lines of a rollup', () => {
  it('have the columns that readers rely on', () => {
    expect(ROLLUP_HEADER).toBe(
      'time,pool,samples,machines,booting,idle,busy,draining,failed,pending,unmet,limit,oldest_wait,hourly_cost,machines_max,pending_max,oldest_wait_max,all_machines_max,all_pending_max,coming,coming_max\n',
    );
  });

  it('are read back as they were written, to four decimals', () => {
    const rows = rollUp([sample(0, { machines: 3 }), sample(1), sample(2)], '1h');
    const text = rows.map(rollupLine).join('');
    expect(text).toBe('2026-11-23T12:00:00Z,bake,3,2.3333,0,1,1,0,0,,,9,,,3,,,3,,,\n');
    expect(parseRollup(ROLLUP_HEADER + text)).toStrictEqual([{ ...rows[0], machines: 2.3333 }]);
  });

  it('are read by their names, so that a release with other columns may have written them', () => {
    const text =
      'time,pool,samples,machines,idle,busy,later,limit,machines_max,pending_max\n2026-11-23T12:00:00Z,bake,60,2.5,1,1.5,77,9,4,3\n';
    expect(parseRollup(text)).toStrictEqual([
      { at: NOW, pool: 'bake', samples: 60, machines: 2.5, idle: 1, busy: 1.5, limit: 9, machinesMax: 4, pendingMax: 3 },
    ]);
  });

  it.each(['', 'time,pool', '2026-11-23T12:00:00Z,bake', '2026-11-23T12:00:00Z,bake,x,1', '2026-11-23T12:00:00Z,bake,0,1', ',bake,1,1'])(
    'are left out when they are none: "%s"',
    (line) => {
      expect(parseRollup(`${line}\n`)).toEqual([]);
    },
  );
});

it('a minute of its own is a row with one sample', () => {
  expect(minuteRow(sample(3, { pending: 1 }))).toMatchObject({
    at: NOW + 3 * MINUTE,
    samples: 1,
    pending: 1,
    pendingMax: 1,
    machinesMax: 2,
  });
});
