import * as z from 'zod/mini';
import { ConfigError } from '../../core/errors.ts';
import { MOST_PARTS, partKey, turnstileKey } from '../../core/keys.ts';
import { HOUR } from '../../core/time.ts';
import type { Clock, Store } from '../ports/index.ts';
import { appendAt, isNotAppendable, isRefusal, readTail } from '../storage/append.ts';
import { Time } from '../storage/bounds.ts';
import { parseJsonLines } from '../storage/json.ts';

/** The turnstile's log: lines in appendable objects, one an hour, in parts. */
export interface LogOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Unique per call. */
  readonly nonce: string;
  /** How long a holder may take at most, whatever its line says. */
  readonly holdMs: number;
  /** When this call ends. */
  readonly endsAt: number;
  readonly signal: AbortSignal;
  /** Objects that this call could not append to, and those that refused it once at their own length. */
  readonly closed: Set<string>;
  readonly suspected: Set<string>;
}

const Line = z.object({ op: z.enum(['take', 'pass', 'mark', 'free']), id: z.string(), at: Time, until: z.optional(Time) });
type Line = z.infer<typeof Line>;

/** One part of the log as it was read. */
export interface Log {
  /** A time of its hour. */
  readonly hour: number;
  readonly key: string;
  readonly size: number;
  /** It does not end in a line feed: somebody else's bytes. */
  readonly cut: boolean;
  /** Nonce of the call that holds the turnstile now; absent when it is free or its holder's time is up. */
  readonly holder?: string;
  /** A mark is waiting for the holder's next pass. */
  readonly marked: boolean;
  /** When the newest pass began, whichever call's it was. */
  readonly lastBegan?: number;
}

/** Clocks of two functions may differ by this much. */
const SKEW_MS = 5_000;
const TAIL_BYTES = 8_192;
/**
 * A part of this length is full, which everybody sees who reads it: with our lines of at least 70 bytes it is below OBS's 10,000 appends an object
 * (OBS, AppendObject).
 */
const FULL_BYTES = 524_288;

/** The log of this hour; that of the hour before while its holder still works. Throws `ConfigError` when there is none that can be appended to. */
export async function locate(options: LogOptions): Promise<Log> {
  const now = options.clock.now();
  const log = await readLog(options, now);
  if (log?.lastBegan === undefined && now % HOUR <= options.holdMs + SKEW_MS) {
    const before = await readLog(options, now - HOUR);
    if (before?.holder !== undefined) return before;
  }
  return log ?? closed(now);
}

/** The log as it is by now. Throws `ConfigError` likewise. */
export async function reread(options: LogOptions, { hour }: Log): Promise<Log> {
  return (await readLog(options, hour)) ?? closed(hour);
}

function closed(hour: number): never {
  throw new ConfigError('turnstile-closed', `none of ${MOST_PARTS} parts of ${turnstileKey(hour)} can be appended to`);
}

/**
 * The newest part of an hour's log; `undefined` when none can be appended to. Parts before it do not grow any more, so that an append at this part's
 * length is still a comparison with the whole log.
 */
async function readLog(options: LogOptions, hour: number): Promise<Log | undefined> {
  let before = '';
  for (let part = 1; part <= MOST_PARTS; part++) {
    const key = partKey(turnstileKey(hour), part);
    // Turnstile calls are short and end what was begun, so they do not stop with the work; the adapter's own deadline bounds them.
    const { size, text } = await readTail(options.store, key, TAIL_BYTES, {});
    if (size < FULL_BYTES && !options.closed.has(key)) {
      const cut = text !== '' && !text.endsWith('\n');
      return { hour, key, size, cut, ...stateOf(parseJsonLines(Line, `${before}\n${text}`), options) };
    }
    before = text;
  }
  return undefined;
}

/** Appends a line at the length that was read: `undefined` when that was not possible, because of another call or of the object itself. */
export async function writeLine(options: LogOptions, log: Log, op: Line['op']): Promise<Log | undefined> {
  const line: Line = {
    op,
    id: options.nonce,
    at: options.clock.now(),
    ...(op === 'take' || op === 'pass' ? { until: options.endsAt } : {}),
  };
  const text = `${log.cut ? '\n' : ''}${JSON.stringify(line)}\n`;
  try {
    const size = await appendAt(options.store, log.key, log.size, text, { clock: options.clock, tries: 3 });
    return size === undefined ? undefined : { ...log, size, cut: false };
  } catch (error) {
    if (!isNotAppendable(error)) throw error;
    // Refused at its own length may have been a race, once.
    if (!isRefusal(error) || options.suspected.has(log.key)) options.closed.add(log.key);
    options.suspected.add(log.key);
    return undefined;
  }
}

/**
 * The lines after the last `free` say who holds it. Nothing that lies in the bucket holds it for longer than `holdMs`: a later end is cut off there, and
 * a line of the future does not count.
 */
function stateOf(lines: readonly Line[], { clock, holdMs }: LogOptions): Pick<Log, 'holder' | 'marked' | 'lastBegan'> {
  const now = clock.now();
  const known = lines.filter((l) => l.at <= now + SKEW_MS);
  const last = known.findLast((l) => l.op === 'take' || l.op === 'pass');
  const lastBegan = last ? { lastBegan: last.at } : {};
  const since = known.slice(known.findLastIndex((l) => l.op === 'free') + 1);
  const begun = since.findLastIndex((l) => l.op === 'take' || l.op === 'pass');
  const newest = since[begun];
  if (!newest || Math.min(newest.until ?? 0, newest.at + holdMs) + SKEW_MS < now) return { ...lastBegan, marked: false };
  return { ...lastBegan, holder: newest.id, marked: since.slice(begun + 1).some((l) => l.op === 'mark') };
}
