import { UnclearError } from '../../core/errors.ts';
import type { Clock, Store } from '../ports/index.ts';
import { pause } from '../storage/append.ts';
import { type Log, type LogOptions, locate, reread, writeLine } from './lock-log.ts';

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
  /** Asked once, before anything is appended: whether this wake-up needs a pass at all. */
  readonly isNeeded?: () => Promise<boolean>;
}

/** While waiting for the holder, look again this often. */
const LOOK_MS = 1_000;
/** Passes begin at least this far apart: what comes in meanwhile shares the next one. A single wake-up does not wait. */
const GAP_MS = 1_000;
/** More passes than this in one call: hand over, so that no call runs for ever. */
const MOST_PASSES = 8;
/** Tries to append against others that append, with growing pauses: each of them has moved on, so many lost ones in a row are no race. */
const RACES = 24;
/** Reads and writes without a clear answer, after the adapter's own repetitions. */
const UNCLEAR = 3;
/** When each answer takes its time, no try begins after this long: the pass itself needs what is left of the call. */
const TRYING_MS = 15_000;
/** The same for freeing it at the end. */
const FREEING_MS = 5_000;

export type Entry =
  /** The work ran, this many times; `marked`: a wake-up came in that was not served any more, so somebody should be woken. */
  | {
      readonly kind: 'ran';
      readonly passes: number;
      readonly marked: boolean;
      /** Why it could not be freed: it is free when this call's time is up. */
      readonly failure?: unknown;
    }
  /** The holder will make another pass for us. */
  | { readonly kind: 'left-to-holder' }
  /** Nobody needs a pass. */
  | { readonly kind: 'not-needed' }
  /** It did not become free in time. */
  | { readonly kind: 'held' };

type Call = TurnstileOptions & LogOptions;

/**
 * Runs `work` while holding the turnstile, again for every mark that comes in meanwhile, or leaves it to the call that holds it. Throws when the
 * turnstile cannot be used, before `work` has run; what `work` throws comes out as it is.
 */
export async function runExclusive(options: TurnstileOptions, work: () => Promise<void>): Promise<Entry> {
  const now = options.clock.now();
  const call: Call = { ...options, endsAt: now + options.holdMs, closed: new Set(), suspected: new Set() };
  const step = entering(call, now + options.waitMs);
  const entry = await persist(call, step, options.waitMs + TRYING_MS);
  return 'taken' in entry ? await hold(call, entry.taken, work) : entry;
}

type Entered = Entry | { readonly taken: Log };

/** One step of entering; `undefined`: look again. */
function entering(call: Call, giveUpAt: number): () => Promise<Entered | 'wait' | undefined> {
  let needed: boolean | undefined;
  const ifNeeded = async (act: () => Promise<Entered | undefined>): Promise<Entered | undefined> => {
    needed ??= (await call.isNeeded?.()) ?? true;
    return needed ? await act() : { kind: 'not-needed' };
  };
  const take = async (log: Log): Promise<Entered | undefined> => {
    const taken = await writeLine(call, log, 'take');
    return taken && { taken };
  };
  const mark = async (log: Log): Promise<Entered | undefined> => (await writeLine(call, log, 'mark')) && { kind: 'left-to-holder' };
  return async () => {
    const log = await locate(call);
    if (log.holder === undefined) return await ifNeeded(() => take(log));
    if (call.waitMs > 0) return call.clock.now() >= giveUpAt ? { kind: 'held' } : 'wait';
    // A mark that no pass has covered yet serves us, too: a thousand wake-ups leave one.
    return log.marked ? { kind: 'left-to-holder' } : await ifNeeded(() => mark(log));
  };
}

/** Repeats a step with pauses until it has come to something: a bounded number of times, for so long, and under the pass's signal. */
async function persist<T>(call: Call, step: () => Promise<T | 'wait' | undefined>, mostMs = TRYING_MS): Promise<T | Entry> {
  const { clock, signal } = call;
  const endsAt = clock.now() + mostMs;
  let unclear = 0;
  for (let tries = 0; tries < RACES && clock.now() <= endsAt; ) {
    if (signal.aborted) return { kind: 'held' };
    const result = await unlessUnclear(step, () => ++unclear < UNCLEAR && clock.now() <= endsAt);
    if (result === 'wait') await clock.sleep(LOOK_MS, signal);
    else if (result !== undefined) return result;
    // The first one may have been a race, and what was read then is old by now.
    else if (tries++ > 0) await pause(tries, call);
  }
  throw new UnclearError('turnstile-contended', 'each append to the turnstile met another one, or nothing was appended');
}

async function unlessUnclear<T>(step: () => Promise<T>, mayRepeat: () => boolean): Promise<T | undefined> {
  try {
    return await step();
  } catch (error) {
    if (error instanceof UnclearError && mayRepeat()) return undefined;
    throw error;
  }
}

async function hold(call: Call, taken: Log, work: () => Promise<void>): Promise<Entry> {
  let held = await spaced(call, taken);
  for (let passes = 1; ; passes++) {
    // Overtaken: our time was up, and what came in is the new holder's business.
    if (!held) return { kind: 'ran', passes: passes - 1, marked: false };
    const began = call.clock.now();
    await guarded(call, held, work);
    try {
      if (await writeLine(call, held, 'free')) return { kind: 'ran', passes, marked: false };
      if (passes < MOST_PASSES) await call.clock.sleep(Math.max(0, GAP_MS - (call.clock.now() - began)), call.signal);
      if (passes >= MOST_PASSES || call.signal.aborted) return await handOver(call, held, passes);
      held = await begin(call, held);
    } catch (failure) {
      return { kind: 'ran', passes, marked: false, failure };
    }
  }
}

/** Waits where another pass began a moment ago; the marks that came in meanwhile are covered by this one. */
async function spaced(call: Call, taken: Log): Promise<Log | undefined> {
  const early = (taken.lastBegan ?? Number.NEGATIVE_INFINITY) + GAP_MS - call.clock.now();
  if (early <= 0) return taken;
  await call.clock.sleep(Math.min(early, GAP_MS), call.signal);
  if (call.signal.aborted) return taken;
  try {
    return await begin(call, taken);
  } catch {
    // It is ours as far as is known; that `free` fails at the old length is met there.
    return taken;
  }
}

/** Begins another pass, which covers every mark there is; nothing when another call holds it by now. */
async function begin(call: Call, held: Log): Promise<Log | undefined> {
  const begun = await persist(call, async () => {
    const log = await reread(call, held);
    if (log.holder !== undefined && log.holder !== call.nonce) return { kind: 'held' } as const;
    return await writeLine(call, log, 'pass');
  });
  return 'key' in begun ? begun : undefined;
}

/** A pass that throws must not leave the turnstile held until its time is up. */
async function guarded(call: Call, held: Log, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    await handOver(call, held, 0).catch(() => undefined);
    throw error;
  }
}

/** Frees it whatever has come in, and says that somebody should be woken for that. The signal is not asked: this is short, and ends what was begun. */
async function handOver(call: Call, held: Log, passes: number): Promise<Entry> {
  const entry = { kind: 'ran', passes, marked: true } as const;
  const step = async () => {
    const log = await reread(call, held);
    return log.holder !== call.nonce || (await writeLine(call, log, 'free')) ? entry : undefined;
  };
  return await persist({ ...call, signal: new AbortController().signal }, step, FREEING_MS);
}
