import { ConfigError, ConflictError, UnclearError } from '../../core/errors.ts';
import { MOST_PARTS, partKey } from '../../core/keys.ts';
import type { CallOptions, Clock, Store } from '../ports/index.ts';

/** The end of an object: its length, and its last bytes as text. */
export interface Tail {
  readonly size: number;
  readonly text: string;
}

/** Answer of `missing`: this part of the object takes no more, go on in the next one. */
export const NEXT_PART = Symbol('next part');
export type Missing = string | typeof NEXT_PART | undefined;

/** What to append, and how to tell that it is there already. */
export interface AppendOnce {
  readonly key: string;
  readonly tailBytes: number;
  /** Sees the end of a part of the object. Returns the text still to be added, or `undefined` when there is nothing to add. */
  readonly missing: (tail: Tail, key: string) => Missing | Promise<Missing>;
}

export interface AppendOptions extends CallOptions {
  /** For the pauses between tries; without it there are none. */
  readonly clock?: Pick<Clock, 'sleep'>;
  /** Of one append whose outcome stays unclear; 8 when absent. */
  readonly tries?: number;
}

/** Tries against other writers, each of which has moved on. */
const RACES = 32;

/**
 * The object can never be appended to again: made by PUT, or 10,000 appends long (`ObjectNotAppendable`); or it refused an append at its own length
 * (`append-refused`).
 */
export function isNotAppendable(error: unknown): error is ConfigError {
  return error instanceof ConfigError && (error.code === 'ObjectNotAppendable' || error.code === 'append-refused');
}

export function isRefusal(error: unknown): boolean {
  return isNotAppendable(error) && error.code === 'append-refused';
}

/** Waits before try number `attempt` + 1, a little longer each time; not at all once the signal has aborted. */
export async function pause(attempt: number, { clock, signal }: AppendOptions): Promise<void> {
  await clock?.sleep(Math.min(1_000, 25 * 2 ** attempt), signal);
}

async function mayTry(attempt: number, most: number, options: AppendOptions): Promise<boolean> {
  if (attempt > 0 && attempt < most) await pause(attempt, options);
  return attempt < most && !options.signal?.aborted;
}

/** Length and last bytes in one read; an object that does not exist is empty. */
export async function readTail(store: Store, key: string, bytes: number, options: CallOptions): Promise<Tail> {
  const found = await store.get(key, { ...options, range: { last: bytes } });
  return found ? { size: found.size, text: new TextDecoder().decode(found.body) } : { size: 0, text: '' };
}

/**
 * One append at exactly `position`, with an unclear outcome cleared up by reading: content never changes below the length, so our text is
 * either at `position` or void for ever. Returns the new length, or `undefined` when somebody else's text is there.
 * `text` must be unique (a nonce, a minute). Throws `ConfigError` (see `isNotAppendable`), `UnclearError` when no try gave a clear answer.
 */
export async function appendAt(
  store: Store,
  key: string,
  position: number,
  text: string,
  options: AppendOptions,
): Promise<number | undefined> {
  const { clock: _, tries = 8, ...call } = options;
  for (let attempt = 0; await mayTry(attempt, tries, options); attempt++) {
    try {
      return await store.append(key, position, text, { ...call, contentType: contentType(key) });
    } catch (error) {
      if (error instanceof ConflictError) return await ours(store, key, position, text, call);
      if (!(error instanceof UnclearError)) throw error;
      const { size } = await readTail(store, key, 1, call);
      if (size !== position) return await ours(store, key, position, text, call);
    }
  }
  throw new UnclearError('append-unclear', `no clear answer to an append to ${key}`);
}

/** Whether the bytes at `position` are ours: a repeated append meets its own first success as a conflict. */
async function ours(store: Store, key: string, position: number, text: string, options: CallOptions): Promise<number | undefined> {
  const found = await store.get(key, { ...options, range: { from: position } });
  if (found?.size === position) throw new ConfigError('append-refused', `${key} refuses an append at its own length`);
  if (!found) return undefined;
  const bytes = Buffer.from(text);
  return bytes.equals(found.body.subarray(0, bytes.length)) ? position + bytes.length : undefined;
}

/**
 * Appends what `missing` says is not there yet, once, whoever else appends and however often this is repeated: to the first part of the object that
 * takes it. A last line without its end stays a line of its own.
 */
export async function appendOnce(store: Store, input: AppendOnce, options: AppendOptions): Promise<'appended' | 'there'> {
  for (let part = 1; part <= MOST_PARTS; part++) {
    try {
      const done = await appendToPart(store, { ...input, key: partKey(input.key, part) }, options);
      if (done !== NEXT_PART) return done;
    } catch (error) {
      // It can never grow again, and readers join the parts.
      if (!isNotAppendable(error)) throw error;
    }
  }
  throw new ConfigError('ObjectNotAppendable', `none of ${MOST_PARTS} parts of ${input.key} can be appended to`);
}

async function appendToPart(store: Store, input: AppendOnce, options: AppendOptions): Promise<'appended' | 'there' | typeof NEXT_PART> {
  const { clock: _, tries: __, ...call } = options;
  let refused = 0;
  for (let attempt = 0; await mayTry(attempt, RACES, options); attempt++) {
    const tail = await readTail(store, input.key, input.tailBytes, call);
    const text = await input.missing(tail, input.key);
    if (text === NEXT_PART) return NEXT_PART;
    if (text === undefined) return 'there';
    try {
      if ((await appendAt(store, input.key, tail.size, lineEnd(tail) + text, options)) !== undefined) return 'appended';
    } catch (error) {
      // It may have been a race, once.
      if (!isRefusal(error) || ++refused > 1) throw error;
    }
  }
  throw new UnclearError('append-contended', `others appended to ${input.key} faster, or there was no time left`);
}

/** Ends the line of somebody's that has no end. */
function lineEnd({ size, text }: Tail): string {
  return size === 0 || text.endsWith('\n') ? '' : '\n';
}

function contentType(key: string): string {
  if (key.endsWith('.csv')) return 'text/csv; charset=utf-8';
  return key.endsWith('.ndjson') ? 'application/x-ndjson' : 'text/plain; charset=utf-8';
}
