import { describe, expect, it } from 'vitest';
import { counts } from '../../cli/commands/counts.ts';
import { readSeries } from '../../lib/app/counts/read.ts';
import { parseRollup, ROLLUP_HEADER, rollUp, rollupLine, type Step } from '../../lib/core/metrics/rollup.ts';
import { parseSamples, type Sample } from '../../lib/core/metrics/sample.ts';
import type { Fault } from '../../sandbox/faults.ts';
import { seeded } from '../../sandbox/gitlab/random.ts';
import { FAST_MACHINES, HOUR, impatientServices, MINUTE, SECOND, startTestFarm, type TestFarm } from '../../testkit/test-farm.ts';

/** Twenty minutes before midnight: the day changes, closes and is rolled up while everything goes wrong. */
const EVENING = Date.parse('2026-11-30T23:40:07Z');
const MIDNIGHT = Date.parse('2026-12-01T00:00:00Z');
const POOLS = [
  { name: 'batch', limit: 4, idle_count: 2 },
  { name: 'quick', tags: ['quick'], limit: 4 },
] as const;
/** Silence and late answers cost real time: one of eight is enough of them. */
const KINDS: readonly Fault['kind'][] = [...Array(5).fill('lost'), ...Array(5).fill('half'), ...Array(4).fill('reset'), 'hang', 'delay'];

/** Every fifth call of the bucket that changes something is lost, cut, refused a connection, never answered or late. */
function trouble(p: TestFarm, minutes: number): void {
  const random = seeded(11);
  for (let at = 0; at < minutes * MINUTE; at += 4 * SECOND) {
    p.clock.after(at, () => {
      const kind = KINDS[Math.floor(random() * KINDS.length)] ?? 'lost';
      const operation = random() < 0.7 ? 'obs.append' : 'obs.put';
      p.faults.inject({ operation, times: 1, kind, ...(kind === 'delay' && { delayMs: 170 + random() * 100 }) });
    });
  }
}

async function evening(append: boolean): Promise<TestFarm> {
  const p = await startTestFarm({
    start: EVENING,
    pools: POOLS,
    composeServices: impatientServices(160),
    ...(append ? {} : { append: 'refused', document: { bucket: { name: 'ci-fleet', append: false } } }),
  });
  trouble(p, 45);
  // Two reapers at the same moment, each minute: FunctionGraph calls a function again whose answer it did not see.
  for (let minute = 1; minute <= 65; minute++) p.clock.after(minute * MINUTE - 7 * SECOND, () => void p.farm.tick());
  await p.advance(65 * MINUTE);
  return p;
}

const minutesOf = (samples: readonly { readonly at: number; readonly pool: string }[]) =>
  samples.map(({ at, pool }) => `${new Date(at).toISOString()} ${pool}`);
const asText = (samples: readonly Sample[], step: Step) => ROLLUP_HEADER + rollUp(samples, step).map(rollupLine).join('');
const day = (p: TestFarm, key: string) => parseSamples(p.text(`counts/v1/day/${key}.csv`));

describe.each([
  { name: 'a bucket that appends', append: true },
  { name: 'a bucket that does not', append: false },
])('the series in $name, with lost, cut and late answers and two reapers at once', ({ append }) => {
  it('has one line a pool and minute, and rolls the closed day up to the same numbers', async () => {
    const p = await evening(append);
    const rows = await p.run((services) => readSeries(services.store, { from: EVENING, to: EVENING + 2 * HOUR, step: '1m', append }));
    const there = minutesOf(rows);
    expect(there).toEqual([...new Set(there)].toSorted());
    // A minute whose both reapers met trouble may be missing: that is a gap, and few are.
    expect(there.length).toBeGreaterThan(2 * 55);

    const november = day(p, '2026/11/2026-11-30');
    expect(minutesOf(november)).toEqual(there.filter((line) => line < '2026-12-01'));
    const closed = november.filter(({ at }) => at < MIDNIGHT);
    expect(parseRollup(p.text('counts/v1/month/2026-11.csv'))).toEqual(parseRollup(asText(closed, '1h')));
    expect(parseRollup(p.text('counts/v1/year/2026.csv'))).toEqual(parseRollup(asText(closed, '1d')));
    // The live day is in no rollup.
    expect(p.text('counts/v1/month/2026-12.csv')).toBe('');
    const hours = await p.run((services) => readSeries(services.store, { from: EVENING, to: EVENING + 2 * HOUR, step: '1h', append }));
    expect(hours.reduce((sum, { samples }) => sum + samples, 0)).toBe(there.length);
  });
});

describe('what is on its way', () => {
  /** Half an hour of a release whose lines end with `oldest_wait` and `hourly_cost`. */
  const OLD = [
    'time,pool,machines,booting,idle,busy,draining,failed,pending,unmet,limit,oldest_wait,hourly_cost',
    ...Array.from({ length: 30 }, (_, minute) => `2026-11-23T07:${30 + minute}:00Z,pool0,2,0,0,2,0,0,0,0,5,0,`),
    '',
  ].join('\n');
  const DAY = 'counts/v1/day/2026/11/2026-11-23';

  it('is what the pass itself ordered, and a job whose launch failed is without a worker; the morning of an older release is read beside it', async () => {
    const p = await startTestFarm({
      ...FAST_MACHINES,
      composeServices: impatientServices(),
      timer: false,
      hooks: false,
      pools: [{ limit: 5 }],
    });
    await p.run((services) => services.store.append(`${DAY}.csv`, 0, OLD));
    p.push(3);
    const refusal = { error: { code: 'Ecs.4711', message: 'not this one' } };
    p.faults.inject({ operation: 'ecs.create', times: 1, status: 400, body: JSON.stringify(refusal) });
    await p.tick();
    expect(p.count('server-created')).toBe(2);
    expect(p.text(`${DAY}-2.csv`).trimEnd().split('\n')).toEqual([
      'time,pool,machines,booting,idle,busy,draining,failed,pending,unmet,limit,oldest_wait,hourly_cost,coming',
      '2026-11-23T08:00:00Z,pool0,0,0,0,0,0,0,3,1,5,0,,2',
    ]);
    const latest = JSON.parse(p.text('counts/v1/latest.json'));
    expect(latest).toMatchObject({ machines: 0, pools: [{ machines: 0, pending: 3, unmet: 1, coming: 2 }], alarms: [] });

    // A minute later they are machines, and nothing is on its way but what the next pass orders.
    await p.advance(MINUTE);
    await p.tick();
    expect(JSON.parse(p.text('counts/v1/latest.json')).pools).toMatchObject([{ machines: 2, coming: 0 }]);

    expect(p.text(`${DAY}.csv`)).toBe(OLD);
    const rows = await p.run((services) =>
      readSeries(services.store, { from: p.clock.now() - HOUR, to: p.clock.now(), step: '1m', append: true }),
    );
    expect(rows.map(({ machines, coming }) => [machines, coming])).toEqual([...Array(30).fill([2, undefined]), [0, 2], [2, 0]]);
    const shown: string[] = [];
    const output = {
      json: false,
      terminal: true,
      width: 120,
      data: (text: string) => void shown.push(text),
      say: () => {},
      bytes: () => {},
    };
    const options = { from: '2026-11-23T07:59', to: '2026-11-23T08:01', timezone: 'UTC', format: 'csv', columns: 'coming,unmet' } as const;
    await p.run((services) => counts({ store: services.store, append: true, pools: ['pool0'] }, options, p.clock.now(), output));
    expect(shown.join('\n').split('\n')).toEqual([
      'time,pool,coming,unmet',
      '2026-11-23T07:59:00Z,pool0,,0',
      '2026-11-23T08:00:00Z,pool0,2,1',
    ]);
  });
});
