import { describe, expect, it } from 'vitest';
import { explain } from '../../../cli/commands/explain.ts';
import { readLedger } from '../../../lib/app/ledger/read.ts';
import type { Cloud, StoredObject } from '../../../lib/app/ports/index.ts';
import { UnclearError } from '../../../lib/core/errors.ts';
import { MemoryStore } from '../../../testkit/memory-store.ts';

const AT = Date.UTC(2026, 10, 23, 12);
const MIB = 1024 * 1024;
const hour = (h: string) => `ledger/v1/2026/11/23/${h}.ndjson`;
const launch = (worker: string, jobId: number, h: string, text = '') =>
  `${JSON.stringify({ kind: 'launch', time: `2026-11-23T${h}:00:00Z`, pool: 'bake', worker, why: 'demand', outcome: 'done', jobId, text })}\n`;

/** Answers up to a size, as the client of the bucket takes them (64 MiB there), and one key never. */
const LARGEST = 20 * MIB;
class LimitedStore extends MemoryStore {
  largest = 0;
  readonly #broken: string | undefined;

  constructor(broken?: string) {
    super();
    this.#broken = broken;
  }

  override async get(key: string, options: Parameters<MemoryStore['get']>[1] = {}): Promise<StoredObject | undefined> {
    if (key === this.#broken) throw new UnclearError('timeout', 'obs.get: no answer within 5000 ms');
    const found = await super.get(key, options);
    this.largest = Math.max(this.largest, found?.body.length ?? 0);
    if ((found?.body.length ?? 0) > 64 * MIB)
      throw new UnclearError('response-too-large', 'obs.get: the answer is larger than 67108864 bytes');
    return found;
  }
}

describe('the ledger', () => {
  it('is read where an hour of it is longer than one answer may be, whatever a piece cuts', async () => {
    const store = new LimitedStore();
    const filler = 'ü'.repeat(MIB);
    await store.put(hour('08'), Array.from({ length: 12 }, (_, i) => launch(`w${i}`, i, '08', `${filler}${i}`)).join(''));
    await store.put(hour('09'), launch('later', 7, '09'));
    expect(store.objects.get(hour('08'))?.bytes.length).toBeGreaterThan(LARGEST);
    const entries = await readLedger(store, AT, AT);
    expect(entries.map(({ worker }) => worker)).toEqual([...Array.from({ length: 12 }, (_, i) => `w${i}`), 'later']);
    expect(entries.slice(0, 12).every(({ text }, i) => text === `${filler}${i}`)).toBe(true);
    expect(store.largest).toBeLessThan(LARGEST);
  });

  it('of which an hour cannot be read explains the rest, and says what is missing', async () => {
    const store = new LimitedStore(hour('08'));
    for (const h of ['08', '09']) await store.put(hour(h), launch(`w${h}`, 7, h));
    const [data, said]: [string[], string[]] = [[], []];
    const output = { json: false, data: (text: string) => void data.push(text), say: (text: string) => void said.push(text) };
    expect(await explain({ store, cloud: {} as Cloud }, { job: 7 }, { now: AT, days: 1 }, output)).toBe(0);
    expect(data.join('\n')).toContain('launch of w09');
    expect(said).toEqual([`${hour('08')} cannot be read (obs.get: no answer within 5000 ms): its entries are missing below.`]);
    await expect(readLedger(store, AT, AT)).rejects.toThrow('no answer');
  });
});
