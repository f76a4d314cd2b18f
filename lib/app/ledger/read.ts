import pMap from 'p-map';
import { ledgerPrefix } from '../../core/keys.ts';
import { DAY } from '../../core/time.ts';
import type { Store } from '../ports/index.ts';
import { parseJsonAs } from '../storage/json.ts';
import { ReadEntry } from './schema.ts';

/** A month is some 750 objects: at this many at once it is read in a few seconds. */
const AT_ONCE = 16;

/** Read at once of one object: an hour of many hooks is longer than what a client takes in one answer. */
const PIECE_BYTES = 16 * 1024 * 1024;

/**
 * The ledger of the days from `from` to `to` (UTC), in order of time. A line that cannot be read is left out, and so is an object of which `unread` is
 * told; without it the first failure is thrown.
 */
export async function readLedger(
  store: Store,
  from: number,
  to: number,
  unread?: (key: string, error: unknown) => void,
): Promise<readonly ReadEntry[]> {
  const days: string[] = [];
  for (let at = from; ledgerPrefix(at) <= ledgerPrefix(to); at += DAY) days.push(ledgerPrefix(at));
  const keys = (await pMap(days, (day) => store.list(day), { concurrency: AT_ONCE })).flat();
  const read = async (key: string) => {
    const entries: ReadEntry[] = [];
    try {
      for await (const line of readLines(store, key)) {
        const entry = parseJsonAs(ReadEntry, line);
        if (entry) entries.push(entry);
      }
    } catch (error) {
      if (!unread) throw error;
      unread(key, error);
    }
    return entries;
  };
  const entries = (await pMap(keys, read, { concurrency: AT_ONCE })).flat();
  return entries.sort((a, b) => (a.time < b.time ? -1 : a.time > b.time ? 1 : 0));
}

async function* readLines(store: Store, key: string): AsyncGenerator<string> {
  const decoder = new TextDecoder();
  let rest = '';
  let size = Number.POSITIVE_INFINITY;
  for (let from = 0; from < size; ) {
    const found = await store.get(key, { range: { from, length: PIECE_BYTES } });
    if (!found || found.body.length === 0) break;
    ({ size } = found);
    from += found.body.length;
    const lines = `${rest}${decoder.decode(found.body, { stream: true })}`.split('\n');
    rest = lines.pop() ?? '';
    yield* lines;
  }
  yield rest;
}
