import { SKEW_MS } from '../time.ts';
import type { PoolState } from './types.ts';

/** Longer than anything is ever held back by the pool's memory. */
const LONGEST_MS = 6 * 3_600_000;

/**
 * The memory without what cannot be true: times that have not come, and an end that lies far ahead. What the object holds costs time or a launch too
 * many, and must not keep a pool from launching for good.
 */
export function plausible(memory: PoolState, now: number): PoolState {
  const past = (at: number) => at <= now + SKEW_MS;
  const near = ({ until }: { readonly until: number }) => until <= now + LONGEST_MS;
  const { pause, attempts, ...rest } = memory;
  return {
    ...rest,
    launches: memory.launches.filter(({ at, settledAt = at }) => past(at) && past(settledAt)),
    refusals: memory.refusals.filter(near),
    idle: fromEntries(memory.idle, ({ since }) => past(since)),
    passedOver: fromEntries(memory.passedOver, ({ lastAt }) => past(lastAt)),
    watched: fromEntries(memory.watched, ({ queuedAt }) => past(queuedAt)),
    suspects: fromEntries(memory.suspects, ({ since }) => past(since)),
    ...(pause && near(pause) && past(pause.refused?.at ?? now) ? { pause } : {}),
    ...(attempts && past(attempts.lastAt) ? { attempts } : {}),
  };
}

function fromEntries<T>(record: Readonly<Record<string, T>>, keep: (value: T) => boolean): Readonly<Record<string, T>> {
  return Object.fromEntries(Object.entries(record).filter(([, value]) => keep(value)));
}
