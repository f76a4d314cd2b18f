import { describe, expect, it } from 'vitest';
import { appendAt, appendOnce } from '../../../lib/app/append.ts';
import { writeSamples } from '../../../lib/app/samples.ts';
import type { Sample } from '../../../lib/core/series.ts';
import { type AppendFate, MemoryStore } from '../../fakes/memory-store.ts';

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
  const write = (store: MemoryStore, ...samples: Sample[]) => writeSamples(store, samples, true, {});

  it('begins the day with the header and writes a line a pool and minute', async () => {
    const store = new MemoryStore();
    await write(store, sample(0), sample(0, 'q'));
    await write(store, sample(1), sample(1, 'q'));
    expect(store.text(day)).toBe(
      [
        'time,pool,machines,booting,idle,busy,draining,failed,pending,unmet,limit,oldest_wait,hourly_cost',
        '2026-11-23T16:05:00Z,p,3,1,1,1,0,0,2,1,19,,',
        '2026-11-23T16:05:00Z,q,3,1,1,1,0,0,2,1,19,,',
        '2026-11-23T16:06:00Z,p,3,1,1,1,0,0,2,1,19,,',
        '2026-11-23T16:06:00Z,q,3,1,1,1,0,0,2,1,19,,',
        '',
      ].join('\n'),
    );
  });

  it('adds only the pool that is missing in a minute, and nothing to a minute that is past', async () => {
    const store = new MemoryStore();
    await write(store, sample(1));
    await write(store, sample(1), sample(1, 'q'));
    await write(store, sample(0), sample(0, 'q'));
    const lines = store.text(day).trim().split('\n').slice(1);
    expect(lines.map((l) => l.split(',').slice(0, 2).join(' '))).toEqual(['2026-11-23T16:06:00Z p', '2026-11-23T16:06:00Z q']);
  });

  it('writes an object a minute where the bucket cannot append', async () => {
    const store = new MemoryStore();
    await writeSamples(store, [sample(0)], false, {});
    expect(store.text('counts/v1/raw/2026/11/23/1605.csv')).toContain('2026-11-23T16:05:00Z,p,3');
  });

  it('writes nothing when there is nothing to write', async () => {
    const store = new MemoryStore();
    await write(store);
    expect(store.objects.size).toBe(0);
  });
});
