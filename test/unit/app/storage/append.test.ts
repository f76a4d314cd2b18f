import { beforeEach, describe, expect, it } from 'vitest';
import { readSeries } from '../../../../lib/app/counts/read.ts';
import { writeSamples } from '../../../../lib/app/counts/samples.ts';
import { appendAt, appendOnce } from '../../../../lib/app/storage/append.ts';
import { parseSamples, type Sample, SERIES_HEADER, sampleLine } from '../../../../lib/core/metrics/sample.ts';
import { type AppendFate, MemoryStore } from '../../../../testkit/memory-store.ts';

const fates = (...list: AppendFate[]) => {
  const left = [...list];
  return () => left.shift() ?? 'ok';
};
const KEY = 'k.csv';
const turn = async () => undefined;

describe('appendAt', () => {
  it.each<{ name: string; fates: AppendFate[] }>([
    { name: 'answered at once', fates: [] },
    { name: 'answer lost', fates: ['answer-lost'] },
    { name: 'request lost, then fine', fates: ['request-lost'] },
    { name: 'request lost, then answer lost', fates: ['request-lost', 'answer-lost'] },
  ])('$name: the text is there once and the new length comes back', async ({ fates: list }) => {
    const store = new MemoryStore(turn, fates(...list));
    expect(await appendAt(store, KEY, 0, 'zwölf\n', {})).toBe(7);
    expect(store.text(KEY)).toBe('zwölf\n');
  });

  it('gives nothing when somebody else is at the position', async () => {
    const store = new MemoryStore();
    await store.append(KEY, 0, 'theirs\n');
    expect(await appendAt(store, KEY, 0, 'mine\n', {})).toBeUndefined();
    expect(store.text(KEY)).toBe('theirs\n');
  });

  it('says so when no try gives a clear answer', async () => {
    const store = new MemoryStore(turn, () => 'request-lost');
    await expect(appendAt(store, KEY, 0, 'x\n', {})).rejects.toMatchObject({ name: 'UnclearError', code: 'append-unclear' });
  });
});

describe('appendOnce', () => {
  const missing = (line: string) => (tail: { text: string }) => (tail.text.includes(line) ? undefined : line);

  it('goes on in a second part when the object cannot be appended to', async () => {
    const store = new MemoryStore();
    await store.put(KEY, 'made by put');
    expect(await appendOnce(store, { key: KEY, tailBytes: 100, missing: missing('a\n') }, {})).toBe('appended');
    expect(store.text(KEY)).toBe('made by put');
    expect(store.text('k-2.csv')).toBe('a\n');
  });

  it('begins a line of its own after half a line', async () => {
    const store = new MemoryStore();
    await store.append(KEY, 0, 'a\nhal');
    await appendOnce(store, { key: KEY, tailBytes: 100, missing: missing('b\n') }, {});
    expect(store.text(KEY)).toBe('a\nhal\nb\n');
  });

  it('adds nothing that is there', async () => {
    const store = new MemoryStore();
    await appendOnce(store, { key: KEY, tailBytes: 100, missing: missing('a\n') }, {});
    expect(await appendOnce(store, { key: KEY, tailBytes: 100, missing: missing('a\n') }, {})).toBe('there');
    expect(store.text(KEY)).toBe('a\n');
  });

  it('twenty writers of one line leave it once', async () => {
    const store = new MemoryStore(turn, fates('answer-lost', 'request-lost', 'answer-lost'));
    await Promise.all(Array.from({ length: 20 }, () => appendOnce(store, { key: KEY, tailBytes: 100, missing: missing('a\n') }, {})));
    expect(store.text(KEY)).toBe('a\n');
  });
});

describe('writeSamples', () => {
  const at = Date.UTC(2026, 10, 23, 16, 5);
  const sample = (minute: number, pool = 'p'): Sample => ({
    at: at + minute * 60_000,
    pool,
    machines: 3,
    booting: 1,
    idle: 1,
    busy: 1,
    draining: 0,
    failed: 0,
    pending: 2,
    unmet: 1,
    limit: 19,
  });
  const day = 'counts/v1/day/2026/11/2026-11-23.csv';
  const clock = { minute: 0 };
  const now = () => at + clock.minute * 60_000 + 5_000;
  /** At the time of the latest of the samples. */
  const write = (store: MemoryStore, ...samples: Sample[]) => {
    clock.minute = Math.max(clock.minute, ...samples.map((s) => (s.at - at) / 60_000));
    return writeSamples(store, samples, { append: true, now }, {});
  };
  const second = day.replace('.csv', '-2.csv');
  const lines = (store: MemoryStore, key = day) =>
    store
      .text(key)
      .trim()
      .split('\n')
      .slice(1)
      .map((line) => line.split(',').slice(0, 2).join(' ').replace('2026-11-23T', ''));
  beforeEach(() => {
    clock.minute = 0;
  });

  it('begins the day with the header and writes a line a pool and minute', async () => {
    const store = new MemoryStore();
    await write(store, sample(0), sample(0, 'q'));
    await write(store, sample(1), sample(1, 'q'));
    expect(store.text(day)).toBe(
      [
        'time,pool,machines,booting,idle,busy,draining,failed,pending,unmet,limit,oldest_wait,hourly_cost,coming',
        '2026-11-23T16:05:00Z,p,3,1,1,1,0,0,2,1,19,,,',
        '2026-11-23T16:05:00Z,q,3,1,1,1,0,0,2,1,19,,,',
        '2026-11-23T16:06:00Z,p,3,1,1,1,0,0,2,1,19,,,',
        '2026-11-23T16:06:00Z,q,3,1,1,1,0,0,2,1,19,,,',
        '',
      ].join('\n'),
    );
  });

  it('adds only the pool that is missing in a minute, and nothing to a minute that is past', async () => {
    const store = new MemoryStore();
    await write(store, sample(1));
    await write(store, sample(1), sample(1, 'q'));
    await write(store, sample(0), sample(0, 'q'));
    expect(lines(store)).toEqual(['16:06:00Z p', '16:06:00Z q']);
  });

  it('writes an object a minute where the bucket cannot append', async () => {
    const store = new MemoryStore();
    await writeSamples(store, [sample(0)], { append: false, now }, {});
    expect(store.text('counts/v1/raw/2026/11/23/1605.csv')).toContain('2026-11-23T16:05:00Z,p,3');
  });

  it('writes nothing when there is nothing to write', async () => {
    const store = new MemoryStore();
    await write(store);
    expect(store.objects.size).toBe(0);
  });

  it('adds a minute of a pool although another pool, one that is gone maybe, has a later line', async () => {
    const store = new MemoryStore();
    await write(store, sample(1, 'gone'));
    await write(store, sample(0), sample(0, 'gone'));
    expect(lines(store)).toEqual(['16:06:00Z gone', '16:05:00Z p']);
  });

  describe('a line ahead of the clock', () => {
    /** Six hours ahead, of a pool. */
    const spoiled = async (pool: string) => {
      const store = new MemoryStore();
      await write(store, sample(0), sample(0, 'q'));
      await store.append(day, store.text(day).length, sampleLine(sample(360, pool)));
      return store;
    };

    it.each(['p', 'gone'])('of pool %s is reported, and the day goes on in its next part, each minute once', async (pool) => {
      const store = await spoiled(pool);
      for (const minute of [1, 2, 2, 3])
        expect(await write(store, sample(minute), sample(minute, 'q'))).toMatchObject({ pool, at: sample(360).at });
      expect(lines(store)).toEqual(['16:05:00Z p', '16:05:00Z q', `22:05:00Z ${pool}`]);
      expect(lines(store, second)).toEqual([1, 2, 3].flatMap((m) => [`16:0${5 + m}:00Z p`, `16:0${5 + m}:00Z q`]));
      expect(store.text(second)).toMatch(/^time,pool,machines,/);
    });

    it('is not written again when its minute has come', async () => {
      const store = await spoiled('p');
      await write(store, sample(358));
      await write(store, sample(359));
      expect(await write(store, sample(360), sample(360, 'q'))).toBeUndefined();
      await write(store, sample(361));
      const all = [...lines(store), ...lines(store, second)];
      expect(all).toEqual([...new Set(all)]);
      expect(all).toEqual(expect.arrayContaining(['22:03:00Z p', '22:04:00Z p', '22:05:00Z p', '22:05:00Z q', '22:06:00Z p']));
    });

    it('of a right clock makes a wrong one that is late write nothing twice', async () => {
      const store = new MemoryStore();
      for (let minute = 0; minute < 400; minute++) await write(store, sample(minute));
      const late = { append: true, now: () => sample(20).at };
      expect(await writeSamples(store, [sample(20)], late, {})).toBeDefined();
      expect(store.objects.has(second)).toBe(false);
      expect(lines(store)).toHaveLength(400);
    });
  });

  describe('lines of another release', () => {
    const narrow = (text: string, by: number) => text.replaceAll(new RegExp(`(,[^,\\n]*){${by}}\\n`, 'g'), '\n');

    it.each([1, 3])('with %d columns fewer: an upgrade at noon goes on in the next part, and readers take both', async (by) => {
      const store = new MemoryStore();
      await store.append(day, 0, narrow(SERIES_HEADER + [0, 1, 2].map((m) => sampleLine(sample(m))).join(''), by));
      const before = store.text(day);
      await write(store, sample(2));
      for (const minute of [3, 3, 4]) await write(store, { ...sample(minute), oldestWait: 7, coming: 2 });
      expect(store.text(day)).toBe(before);
      expect(store.text(second)).toBe(
        SERIES_HEADER + [3, 4].map((minute) => sampleLine({ ...sample(minute), oldestWait: 7, coming: 2 })).join(''),
      );
      const rows = await readSeries(store, { from: at, to: at + 3_600_000, step: '1m', append: true });
      expect(rows.map((row) => [(row.at - at) / 60_000, row.machines, row.oldestWait, row.coming])).toEqual([
        ...[0, 1, 2].map((minute) => [minute, 3, undefined, undefined]),
        ...[3, 4].map((minute) => [minute, 3, 7, 2]),
      ]);
    });

    it('with more columns, after a way back: likewise', async () => {
      const store = new MemoryStore();
      await store.append(day, 0, (SERIES_HEADER + sampleLine(sample(0))).replaceAll('\n', ',1\n'));
      await write(store, sample(1));
      expect([lines(store), lines(store, second)]).toEqual([['16:05:00Z p'], ['16:06:00Z p']]);
    });
  });

  it('keeps the minute after half a line, which stays a line of its own', async () => {
    const store = new MemoryStore();
    await write(store, sample(0));
    await store.append(day, store.text(day).length, sampleLine(sample(1)).slice(0, 30));
    for (const minute of [1, 2]) await write(store, sample(minute));
    expect(parseSamples(store.text(day)).map((s) => (s.at - at) / 60_000)).toEqual([0, 1, 2]);
  });
});
