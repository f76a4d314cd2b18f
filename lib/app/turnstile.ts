import * as z from 'zod';
import { toIso } from '../core/time.ts';
import { appendAt, readTail } from './append.ts';
import type { CallOptions, Clock, Store } from './ports.ts';

/**
 * Lets one reconcile run at a time and loses no wake-up: an appendable object with one line per event.
 *
 * `take`: somebody begins a first pass. `pass`: the holder begins another one. `mark`: somebody wants a pass and leaves it to the holder.
 * `free`: the holder is done; it is appended at the length the holder saw last, so it fails when a mark came in between.
 * The lines after the last `free` say who holds it: the first of them is a `take`, and it holds until the `until` of its newest line.
 *
 * This saves work; safety does not hang on it. A holder that died is overtaken when its time is up, and a reaper does its part without it.
 */
export interface TurnstileOptions {
  readonly store: Store;
  readonly clock: Clock;
  /** Unique per call. */
  readonly nonce: string;
  /** How long a pass may take at most: after that the holder counts as dead. */
  readonly holdMs: number;
  /** How long to wait for a holder; 0 leaves a mark and goes. */
  readonly waitMs: number;
  readonly signal: AbortSignal;
}

const Line = z.object({
  op: z.enum(['take', 'pass', 'mark', 'free']),
  id: z.string(),
  at: z.number(),
  until: z.number().optional(),
});
type Line = z.infer<typeof Line>;

/** Clocks of two functions may differ by this much. */
const SKEW_MS = 5_000;
const TAIL_BYTES = 8_192;
/** While waiting for the holder, look again this often. */
const LOOK_MS = 1_000;
/** Passes begin at least this far apart: what comes in meanwhile shares the next one. A single wake-up does not wait. */
const GAP_MS = 1_000;
/** More passes than this in one call: hand over, so that no call runs for ever. */
const MOST_PASSES = 8;

export type Entry =
  /** The work ran, this many times; `marked`: a wake-up came in that was not served any more, so somebody should be woken. */
  | { readonly kind: 'ran'; readonly passes: number; readonly marked: boolean }
  /** The holder will make another pass for us. */
  | { readonly kind: 'left-to-holder' }
  /** It did not become free in time (only when `waitMs` is given). */
  | { readonly kind: 'held' };

/** Runs `work` while holding the turnstile, again for every mark that comes in meanwhile, or leaves it to whoever holds it. */
export async function throughTurnstile(options: TurnstileOptions, work: () => Promise<void>): Promise<Entry> {
  const giveUpAt = options.clock.now() + options.waitMs;
  for (;;) {
    const log = await locate(options);
    if (log.holder === undefined) {
      const position = await write(options, log, 'take');
      if (position !== undefined) return await hold(options, { ...log, size: position }, work);
    } else {
      const entry = options.waitMs > 0 ? await wait(options, giveUpAt) : await leaveMark(options, log);
      if (entry) return entry;
    }
  }
}

async function wait(options: TurnstileOptions, giveUpAt: number): Promise<Entry | undefined> {
  if (options.clock.now() >= giveUpAt || options.signal.aborted) return { kind: 'held' };
  await options.clock.sleep(LOOK_MS, options.signal);
  return undefined;
}

/** A mark that no pass has covered yet serves us, too: a thousand wake-ups leave one. */
async function leaveMark(options: TurnstileOptions, log: Log): Promise<Entry | undefined> {
  return log.marked || (await write(options, log, 'mark')) !== undefined ? { kind: 'left-to-holder' } : undefined;
}

async function hold(options: TurnstileOptions, taken: Log, work: () => Promise<void>): Promise<Entry> {
  let held: Log | undefined = await spaced(options, taken);
  for (let passes = 1; ; passes++) {
    // Overtaken: our time was up, and what came in is the new holder's business.
    if (!held) return { kind: 'ran', passes: passes - 1, marked: false };
    const began = options.clock.now();
    await guarded(options, taken.key, passes, work);
    if ((await write(options, held, 'free')) !== undefined) return { kind: 'ran', passes, marked: false };
    if (passes >= MOST_PASSES || options.signal.aborted) return await handOver(options, taken.key, passes);
    await options.clock.sleep(GAP_MS - (options.clock.now() - began), options.signal);
    held = await begin(options, taken.key);
  }
}

/** Waits where another pass began a moment ago; the marks that came in meanwhile are covered by this one. */
async function spaced(options: TurnstileOptions, taken: Log): Promise<Log | undefined> {
  const early = (taken.lastBegan ?? Number.NEGATIVE_INFINITY) + GAP_MS - options.clock.now();
  if (early <= 0) return taken;
  await options.clock.sleep(Math.min(early, GAP_MS), options.signal);
  return await begin(options, taken.key);
}

/** Begins another pass, which covers every mark there is; nothing when somebody else holds it by now. */
async function begin(options: TurnstileOptions, key: string): Promise<Log | undefined> {
  for (;;) {
    const log = await read(options, key);
    if (log.holder !== options.nonce) return undefined;
    const size = await write(options, log, 'pass');
    if (size !== undefined) return { ...log, size };
  }
}

/** A pass that throws must not leave the turnstile held until its time is up. */
async function guarded(options: TurnstileOptions, key: string, passes: number, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await handOver(options, key, passes).catch(() => undefined);
    throw error;
  }
}

async function handOver(options: TurnstileOptions, key: string, passes: number): Promise<Entry> {
  for (;;) {
    const log = await read(options, key);
    if (log.holder !== options.nonce || (await write(options, log, 'free')) !== undefined) return { kind: 'ran', passes, marked: true };
  }
}

interface Log {
  readonly key: string;
  readonly size: number;
  /** Nonce of whoever holds it now; absent when it is free or its holder's time is up. */
  readonly holder?: string;
  /** A mark is waiting for the holder's next pass. */
  readonly marked: boolean;
  /** When the newest pass began, whoever's it was. */
  readonly lastBegan?: number;
}

/** One object an hour keeps below the bucket's 10,000 appends; a holder of the hour before is found in its own. */
async function locate(options: TurnstileOptions): Promise<Log> {
  const now = options.clock.now();
  const log = await read(options, keyOf(now));
  if (log.size > 0 || now % HOUR > options.holdMs + SKEW_MS) return log;
  const before = await read(options, keyOf(now - HOUR));
  return before.holder === undefined ? log : before;
}

const HOUR = 3_600_000;

function keyOf(at: number): string {
  return `state/v1/turnstile/${toIso(at).slice(0, 13)}.log`;
}

async function read(options: TurnstileOptions, key: string): Promise<Log> {
  const tail = await readTail(options.store, key, TAIL_BYTES, calls());
  return { key, size: tail.size, ...state(parse(tail.text), options.clock.now()) };
}

/** Turnstile calls are short and end what was begun, so they do not stop with the work; the adapter's own deadline bounds them. */
function calls(): CallOptions {
  return {};
}

function parse(text: string): readonly Line[] {
  return text.split('\n').flatMap((line) => {
    try {
      const parsed = Line.safeParse(JSON.parse(line));
      return parsed.success ? [parsed.data] : [];
    } catch {
      return [];
    }
  });
}

function state(lines: readonly Line[], now: number): Pick<Log, 'holder' | 'marked' | 'lastBegan'> {
  const last = lines.findLast((l) => l.op === 'take' || l.op === 'pass');
  const lastBegan = last ? { lastBegan: last.at } : {};
  const since = lines.slice(lines.findLastIndex((l) => l.op === 'free') + 1);
  const begun = since.findLastIndex((l) => l.op === 'take' || l.op === 'pass');
  const newest = since[begun];
  if (!newest || (newest.until ?? 0) + SKEW_MS < now) return { ...lastBegan, marked: false };
  return { ...lastBegan, holder: newest.id, marked: since.slice(begun + 1).some((l) => l.op === 'mark') };
}

async function write(options: TurnstileOptions, log: Pick<Log, 'key' | 'size'>, op: Line['op']): Promise<number | undefined> {
  const at = options.clock.now();
  const line = { op, id: options.nonce, at, ...(op === 'take' || op === 'pass' ? { until: at + options.holdMs } : {}) };
  return await appendAt(options.store, log.key, log.size, `${JSON.stringify(line)}\n`, calls());
}
