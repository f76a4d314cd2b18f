import { ConfigError, ConflictError, UnclearError } from '../core/errors.ts';
import type { CallOptions, Store } from './ports.ts';

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

const TRIES = 8;

/** Length and last bytes in one read; an object that does not exist is empty. */
export async function readTail(store: Store, key: string, bytes: number, options: CallOptions): Promise<Tail> {
  const found = await store.get(key, { ...options, range: { last: bytes } });
  return found ? { size: found.size, text: new TextDecoder().decode(found.body) } : { size: 0, text: '' };
}

/**
 * One append at exactly `position`, with an unclear outcome cleared up by reading: content never changes below the length, so our text is
 * either at `position` or void for ever. Gives the new length, or `undefined` when somebody else's text is there.
 * `text` must be unique (a nonce, a minute).
 */
export async function appendAt(
  store: Store,
  key: string,
  position: number,
  text: string,
  options: CallOptions,
): Promise<number | undefined> {
  for (let attempt = 0; attempt < TRIES; attempt++) {
    try {
      return await store.append(key, position, text, { ...options, contentType: contentType(key) });
    } catch (error) {
      if (error instanceof ConflictError) return await ours(store, key, position, text, options);
      if (!(error instanceof UnclearError)) throw error;
      const { size } = await readTail(store, key, 1, options);
      if (size !== position) return await ours(store, key, position, text, options);
    }
  }
  throw new UnclearError('append-unclear', `no clear answer to an append in ${TRIES} tries`);
}

/** Whether the bytes at `position` are ours: a repeated append meets its own first success as a conflict. */
async function ours(store: Store, key: string, position: number, text: string, options: CallOptions): Promise<number | undefined> {
  const found = await store.get(key, { ...options, range: { from: position } });
  if (!found) return undefined;
  const bytes = Buffer.from(text);
  return bytes.equals(found.body.subarray(0, bytes.length)) ? position + bytes.length : undefined;
}

/**
 * Appends what `missing` says is not there yet, once, whoever else appends and however often this is repeated: to the first part of the object that
 * takes it. A last line without its end stays a line of its own.
 */
export async function appendOnce(store: Store, input: AppendOnce, options: CallOptions): Promise<'appended' | 'there'> {
  for (let part = 1; part <= 9; part++) {
    const key = part === 1 ? input.key : input.key.replace(/(\.\w+)$/, `-${part}$1`);
    try {
      const done = await appendToPart(store, { ...input, key }, options);
      if (done !== NEXT_PART) return done;
    } catch (error) {
      // Made by PUT, or 10,000 appends long: it can never grow again, and readers join the parts.
      if (!(error instanceof ConfigError) || error.code !== 'ObjectNotAppendable') throw error;
    }
  }
  throw new ConfigError('ObjectNotAppendable', 'none of nine parts of the object can be appended to');
}

async function appendToPart(store: Store, input: AppendOnce, options: CallOptions): Promise<'appended' | 'there' | typeof NEXT_PART> {
  for (let attempt = 0; attempt < 32; attempt++) {
    const tail = await readTail(store, input.key, input.tailBytes, options);
    const text = await input.missing(tail, input.key);
    if (text === NEXT_PART) return NEXT_PART;
    if (text === undefined) return 'there';
    const begun = tail.size === 0 || tail.text.endsWith('\n') ? '' : '\n';
    if ((await appendAt(store, input.key, tail.size, begun + text, options)) !== undefined) return 'appended';
  }
  throw new UnclearError('append-contended', 'others appended faster, 32 times in a row');
}

function contentType(key: string): string {
  if (key.endsWith('.csv')) return 'text/csv; charset=utf-8';
  return key.endsWith('.ndjson') ? 'application/x-ndjson' : 'text/plain; charset=utf-8';
}
