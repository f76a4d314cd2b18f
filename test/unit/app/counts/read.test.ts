import { describe, expect, it } from 'vitest';
import { compactDays, maintainSeries, rollUpDays } from '../../../../lib/app/counts/maintain.ts';
import { readSeries } from '../../../../lib/app/counts/read.ts';
import { writeSamples } from '../../../../lib/app/counts/samples.ts';
import { INDEX_KEY, rawKey } from '../../../../lib/core/keys.ts';
import { type Sample, SERIES_HEADER, sampleLine } from '../../../../lib/core/metrics/sample.ts';
import { MemoryStore } from '../../../../testkit/memory-store.ts';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
/** A first of a month. */
const FROM = Date.UTC(2026, 9, 1);

function sample(at: number, machines = 1, pool = 'bake'): Sample {
  return { at, pool, machines, booting: 0, idle: 0, busy: machines, draining: 0, failed: 0, pending: 0, unmet: 0, limit: 9 };
}

function dayOf(at: number): string {
  return new Date(at).toISOString().slice(0, 10);
}

/** A bucket that counts, and in which each request takes its turn after those that it waited for. */
class CountingStore extends MemoryStore {
  requests = 0;
  rounds = 0;
  #under = 0;

  constructor() {
    super(async () => {
      this.requests += 1;
      if (this.#under === 0) this.rounds += 1;
      this.#under += 1;
      // All that was asked for at once is answered at once.
      await new Promise((resolve) => setImmediate(resolve));
      this.#under -= 1;
    });
  }

  async day(at: number, minutes: readonly number[], part = ''): Promise<void> {
    const day = dayOf(at);
    const key = `counts/v1/day/${day.slice(0, 4)}/${day.slice(5, 7)}/${day}${part}.csv`;
    await this.put(key, SERIES_HEADER + minutes.map((m) => sampleLine(sample(at + m * MINUTE, 1 + (m % 3)))).join(''));
  }

  reset(): this {
    this.requests = 0;
    this.rounds = 0;
    return this;
  }
}

async function month(): Promise<CountingStore> {
  const store = new CountingStore();
  for (let day = 0; day < 31; day++) await store.day(FROM + day * DAY, [0, 1, 2, 60, 61]);
  return store.reset();
}

describe('readSeries', () => {
  it.each([
    { step: '1m', rows: 155, requests: 32 },
    { step: '1h', rows: 62, requests: 3 },
    { step: '1d', rows: 31, requests: 3 },
  ] as const)('reads a month by $step with $requests requests in few rounds', async ({ step, rows, requests }) => {
    const store = await month();
    await rollUpDays(store, FROM + 31 * DAY + HOUR, true, {});
    store.reset();
    const found = await readSeries(store, { from: FROM, to: FROM + 31 * DAY, step, append: true });
    expect(found).toHaveLength(rows);
    expect(store.requests).toBeLessThanOrEqual(requests);
    expect(store.rounds).toBeLessThanOrEqual(4);
  });

  it('gives the same hours and days before and after they were rolled up, the live day included', async () => {
    const store = await month();
    const query = { from: FROM + 5 * DAY, to: FROM + 31 * DAY, append: true } as const;
    const before = { hours: await readSeries(store, { ...query, step: '1h' }), days: await readSeries(store, { ...query, step: '1d' }) };
    await rollUpDays(store, FROM + 30 * DAY + HOUR, true, {});
    expect(await readSeries(store, { ...query, step: '1h' })).toEqual(before.hours);
    expect(await readSeries(store, { ...query, step: '1d' })).toEqual(before.days);
    expect(before.days.at(-1)).toMatchObject({ at: FROM + 30 * DAY, samples: 5, machinesMax: 3 });
  });

  it('shows nothing where nothing was recorded', async () => {
    const store = new CountingStore();
    await store.day(FROM, [0, 5]);
    await store.day(FROM + 2 * DAY, [0]);
    const rows = await readSeries(store, { from: FROM, to: FROM + 3 * DAY, step: '1m', append: true });
    expect(rows.map(({ at }) => (at - FROM) / MINUTE)).toEqual([0, 5, 2880]);
    expect(await readSeries(store, { from: FROM - DAY, to: FROM, step: '1m', append: true })).toEqual([]);
    expect(await readSeries(store, { from: FROM, to: FROM, step: '1h', append: true })).toEqual([]);
  });

  it('joins the parts of a day, each minute once, and keeps to the span and the pool', async () => {
    const store = new CountingStore();
    await store.day(FROM, [0, 1]);
    await store.day(FROM, [1, 2, 3], '-2');
    const rows = await readSeries(store, { from: FROM + MINUTE, to: FROM + 3 * MINUTE, step: '1m', append: true });
    expect(rows.map(({ at }) => (at - FROM) / MINUTE)).toEqual([1, 2]);
    expect(await readSeries(store, { from: FROM, to: FROM + DAY, step: '1m', append: true, pool: 'none' })).toEqual([]);
  });

  it.each([
    ['has a day of the far future', '9999-12-31'],
    ['has no date', '9999'],
    ['promises what the rollups do not hold', '2026-10-31'],
  ])('takes the days themselves where the index %s, and the next rollup puts it right', async (_name, through) => {
    const store = await month();
    const query = { from: FROM, to: FROM + 31 * DAY, append: true } as const;
    const before = { hours: await readSeries(store, { ...query, step: '1h' }), days: await readSeries(store, { ...query, step: '1d' }) };
    await rollUpDays(store, FROM + 10 * DAY + HOUR, true, {});
    await store.put(INDEX_KEY, JSON.stringify({ ...JSON.parse(store.text(INDEX_KEY)), through }));
    expect(await readSeries(store, { ...query, step: '1h' })).toEqual(before.hours);
    expect(await readSeries(store, { ...query, step: '1d' })).toEqual(before.days);
    if (through === '2026-10-31') return;
    await rollUpDays(store, FROM + 12 * DAY + HOUR, true, {});
    expect(JSON.parse(store.text(INDEX_KEY))).toMatchObject({ first: '2026-10-01', through: '2026-10-12' });
  });

  it('takes no rollup of a day that is not over, as a wrong clock leaves it', async () => {
    const store = await month();
    await rollUpDays(store, FROM + 40 * DAY, true, {});
    await store.day(FROM + 9 * DAY, [0, 1, 2, 3, 4, 5]);
    await rollUpDays(store, FROM + 9 * DAY + HOUR, true, {});
    expect(store.text('counts/v1/month/2026-10.csv')).not.toContain('2026-10-10');
    await rollUpDays(store, FROM + 10 * DAY + HOUR, true, {});
    const [hour] = await readSeries(store, { from: FROM + 9 * DAY, to: FROM + 10 * DAY, step: '1h', append: true });
    expect(hour).toMatchObject({ at: FROM + 9 * DAY, samples: 6 });
  });

  it('begins with the hour that holds the beginning', async () => {
    const store = await month();
    const [first] = await readSeries(store, { from: FROM + 2 * MINUTE, to: FROM + HOUR, step: '1h', append: true });
    expect(first).toMatchObject({ at: FROM, samples: 3 });
  });
});

describe('rollups', () => {
  it('never touch a live day, and wait ten minutes after its end', async () => {
    const store = await month();
    expect(await rollUpDays(store, FROM + DAY + 9 * MINUTE, true, {})).toEqual([]);
    expect(await rollUpDays(store, FROM + DAY + 10 * MINUTE, true, {})).toEqual(['2026-10-01']);
    expect(store.text('counts/v1/month/2026-10.csv').trim().split('\n')).toHaveLength(3);
    expect(store.text('counts/v1/year/2026.csv').trim().split('\n')).toHaveLength(2);
  });

  it('cost one request when nothing is to be done', async () => {
    const store = await month();
    await rollUpDays(store, FROM + 31 * DAY + HOUR, true, {});
    store.reset();
    expect(await rollUpDays(store, FROM + 31 * DAY + 2 * HOUR, true, {})).toEqual([]);
    expect(store.requests).toBe(1);
  });

  it('are the same bytes whoever makes them, at once or again, and after the index was lost', async () => {
    const once = await month();
    await rollUpDays(once, FROM + 31 * DAY + HOUR, true, {});
    const twice = await month();
    await rollUpDays(twice, FROM + 12 * DAY + HOUR, true, {});
    await Promise.all([1, 2, 3].map((minutes) => rollUpDays(twice, FROM + 31 * DAY + HOUR + minutes * MINUTE, true, {})));
    await twice.delete(INDEX_KEY);
    await rollUpDays(twice, FROM + 31 * DAY + 2 * HOUR, true, {});
    for (const key of ['counts/v1/month/2026-10.csv', 'counts/v1/year/2026.csv', INDEX_KEY]) expect(twice.text(key)).toBe(once.text(key));
  });

  it('make up for a long pause in several goes', async () => {
    const store = await month();
    await store.day(FROM + 100 * DAY, [0]);
    for (let go = 0; go < 4; go++) await rollUpDays(store, FROM + 101 * DAY + HOUR, true, {});
    expect(JSON.parse(store.text(INDEX_KEY))).toMatchObject({
      first: '2026-10-01',
      through: '2027-01-09',
      months: ['counts/v1/month/2026-10.csv', 'counts/v1/month/2027-01.csv'],
      years: ['counts/v1/year/2026.csv', 'counts/v1/year/2027.csv'],
    });
  });

  it('are looked after each tenth minute, and a failure is only logged', async () => {
    const store = await month();
    const lines: string[] = [];
    const log = {
      info: (m: string) => void lines.push(m),
      warn: (m: string) => void lines.push(m),
      error: (m: string) => void lines.push(m),
    };
    const at = (now: number) =>
      maintainSeries({ store, log, clock: { now: () => now, sleep: async () => undefined } }, true, new AbortController().signal);
    await at(FROM + DAY + 12 * MINUTE);
    expect(store.requests).toBe(0);
    await at(FROM + DAY + 11 * MINUTE);
    expect(lines).toEqual(['series kept']);
    store.get = () => Promise.reject(new Error('down'));
    await at(FROM + DAY + 21 * MINUTE);
    expect(lines).toEqual(['series kept', 'series not kept; a later tick does it']);
  });
});

describe('a bucket that cannot append', () => {
  const minutes = [0, 1, 2, 5].map((m) => FROM + DAY - 3 * MINUTE + m * MINUTE);

  async function raw(): Promise<MemoryStore> {
    const store = new MemoryStore();
    for (const at of minutes) await writeSamples(store, [sample(at), sample(at, 2, 'small')], { append: false, now: () => at }, {});
    return store;
  }

  it('keeps each minute as an object of its own, and readers join them', async () => {
    const store = await raw();
    expect([...store.objects.keys()].sort()).toEqual(minutes.map(rawKey));
    const rows = await readSeries(store, { from: FROM, to: FROM + 2 * DAY, step: '1m', append: false });
    expect(rows.map(({ at, pool }) => [at, pool])).toEqual(
      minutes.flatMap((at) => [
        [at, 'bake'],
        [at, 'small'],
      ]),
    );
  });

  it('has whole days after compaction, and what came later beside them', async () => {
    const store = await raw();
    const now = FROM + DAY + 4 * MINUTE;
    expect(await compactDays(store, now, {})).toBe(8);
    expect(await compactDays(store, now, {})).toBe(0);
    const late = FROM + DAY + 7 * MINUTE;
    await writeSamples(store, [sample(late, 5)], { append: false, now: () => late }, {});
    const rows = await readSeries(store, { from: FROM, to: FROM + 2 * DAY, step: '1m', append: false });
    expect(rows).toHaveLength(9);
    expect(rows.at(-1)).toMatchObject({ at: late, machines: 5 });
    await compactDays(store, late + 2 * MINUTE, {});
    expect(store.text('counts/v1/day/2026/10/2026-10-02.csv').trim().split('\n')).toHaveLength(4);
  });

  it('leaves the minute in progress alone', async () => {
    const store = await raw();
    expect(await compactDays(store, (minutes.at(-1) ?? 0) + MINUTE, {})).toBe(6);
  });

  it('goes on being read and compacted after a line ahead of the clock', async () => {
    const store = await raw();
    await store.put('counts/v1/day/2026/10/2026-10-02.csv', SERIES_HEADER + sampleLine(sample(FROM + DAY + 20 * HOUR)));
    const read = async () =>
      (await readSeries(store, { from: FROM + DAY, to: FROM + 2 * DAY, step: '1m', append: false })).map(({ at, pool }) => `${at} ${pool}`);
    const before = await read();
    expect(before).toHaveLength(3);
    await compactDays(store, FROM + DAY + 4 * MINUTE, {});
    expect(await read()).toEqual(before);
    expect(store.text('counts/v1/day/2026/10/2026-10-02.csv').trim().split('\n')).toHaveLength(4);
  });
});
