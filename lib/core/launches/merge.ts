import { defined } from '../defined.ts';
import { stableText } from '../stable-text.ts';
import type { Launch, PoolState, Refusal } from './types.ts';

/**
 * What two passes that began with the same memory have made of it, as one: nothing that either has added, found out or ended is lost. The
 * order of the two does not matter. Where both know the same thing, the one that knows more counts.
 */
export function mergePoolStates(base: PoolState, a: PoolState, b: PoolState): PoolState {
  const pause = either(base.pause, a.pause, b.pause, laterPause);
  const attempts = either(base.attempts, a.attempts, b.attempts, moreAttempts);
  return {
    launches: [...three(byName(base), byName(a), byName(b), mergeLaunches).values()].sort(byAge),
    refusals: [...three(byOffer(base), byOffer(a), byOffer(b), (x, y) => (x.until >= y.until ? x : y)).values()].sort(byTime),
    idle: Object.fromEntries(three(entries(base.idle), entries(a.idle), entries(b.idle), mergeIdle)),
    passedOver: Object.fromEntries(three(entries(base.passedOver), entries(a.passedOver), entries(b.passedOver), most)),
    watched: Object.fromEntries(three(entries(base.watched), entries(a.watched), entries(b.watched), longer)),
    suspects: Object.fromEntries(three(entries(base.suspects), entries(a.suspects), entries(b.suspects), laterSuspicion)),
    ...defined({ attempts, pause }),
  };
}

type Merge<T> = (a: T, b: T) => T;

/** One thing: whoever has changed it is right; when both have, `merge` decides, and what is there counts more than what is not. */
function either<T extends object>(base: T | undefined, a: T | undefined, b: T | undefined, merge: Merge<T>): T | undefined {
  if (stableText(a) === stableText(base)) return b;
  if (stableText(b) === stableText(base)) return a;
  return a && b ? merge(a, b) : (a ?? b);
}

function three<T extends object>(
  base: ReadonlyMap<string, T>,
  a: ReadonlyMap<string, T>,
  b: ReadonlyMap<string, T>,
  merge: Merge<T>,
): ReadonlyMap<string, T> {
  const merged = new Map<string, T>();
  for (const key of [...new Set([...a.keys(), ...b.keys()])].sort()) {
    const value = either(base.get(key), a.get(key), b.get(key), merge);
    if (value) merged.set(key, value);
  }
  return merged;
}

function byName({ launches }: PoolState): ReadonlyMap<string, Launch> {
  return new Map(launches.map((l) => [l.name, l]));
}

function byOffer({ refusals }: PoolState): ReadonlyMap<string, Refusal> {
  const latest = [...refusals].sort((x, y) => x.until - y.until);
  return new Map(latest.map((r) => [stableText({ ...r, until: 0, code: '' }), r]));
}

function entries<T>(record: Readonly<Record<string, T>>): ReadonlyMap<string, T> {
  return new Map(Object.entries(record));
}

function byAge(a: Launch, b: Launch): number {
  return a.at - b.at || (a.name < b.name ? -1 : 1);
}

function byTime(a: Refusal, b: Refusal): number {
  return a.until - b.until || (stableText(a) < stableText(b) ? -1 : 1);
}

const PROGRESS = { pending: 0, failed: 1, booted: 2 } as const;
const USES = ['job', 'passed-over', 'none'] as const;

/** A boot is final, whatever the other pass made of its silence. */
function mergeLaunches(a: Launch, b: Launch): Launch {
  const [less, more] = [a, b].sort((x, y) => PROGRESS[x.outcome] - PROGRESS[y.outcome] || (stableText(x) < stableText(y) ? -1 : 1)) as [
    Launch,
    Launch,
  ];
  const listed = a.listed || b.listed;
  if (less.outcome !== more.outcome) return { ...more, listed };
  const use = USES.find((u) => u === a.use || u === b.use);
  const settledAt = Math.min(a.settledAt ?? Number.POSITIVE_INFINITY, b.settledAt ?? Number.POSITIVE_INFINITY);
  const { untold: _, ...rest } = { ...less, ...more };
  return {
    ...rest,
    listed,
    ...(Number.isFinite(settledAt) ? { settledAt } : {}),
    ...defined({ use }),
    // Told by one is told.
    ...(a.untold && b.untold ? { untold: true } : {}),
  };
}

type Idle = PoolState['idle'][string];

/** A job more means that the idle time has begun anew. */
function mergeIdle(a: Idle, b: Idle): Idle {
  if (a.done !== b.done) return a.done > b.done ? a : b;
  return a.since <= b.since ? a : b;
}

type PassedOver = PoolState['passedOver'][string];

function most(a: PassedOver, b: PassedOver): PassedOver {
  return { ...a, ...b, tries: Math.max(a.tries, b.tries), lastAt: Math.max(a.lastAt, b.lastAt) };
}

type Watched = PoolState['watched'][string];

function longer(a: Watched, b: Watched): Watched {
  if (a.queuedAt !== b.queuedAt) return a.queuedAt < b.queuedAt ? a : b;
  return stableText(a) <= stableText(b) ? a : b;
}

type Suspicion = PoolState['suspects'][string];

/** A job more that it had done by then: the other one was refuted by it. Of the same, the first. */
function laterSuspicion(a: Suspicion, b: Suspicion): Suspicion {
  if (a.done !== b.done) return a.done > b.done ? a : b;
  if (a.since !== b.since) return a.since < b.since ? a : b;
  return a.jobId <= b.jobId ? a : b;
}

type Attempts = NonNullable<PoolState['attempts']>;

function moreAttempts(a: Attempts, b: Attempts): Attempts {
  return { inVain: Math.max(a.inVain, b.inVain), lastAt: Math.max(a.lastAt, b.lastAt) };
}

type Pause = NonNullable<PoolState['pause']>;

function laterPause(a: Pause, b: Pause): Pause {
  if (a.until !== b.until) return a.until > b.until ? a : b;
  return stableText(a) >= stableText(b) ? a : b;
}
