import { defined } from '../defined.ts';
import type { Worker } from '../fleet/types.ts';
import { MINUTE } from '../time.ts';
import type { Launch, Pause, Refused } from './types.ts';

const SHORTEST_GAP = 2 * MINUTE;
const LONGEST_GAP = 30 * MINUTE;
/** Nobody tried for this long after the time of the next attempt: what was refused then says little about now. */
const FORGET_MS = 60 * MINUTE;

/** How long a flavor and zone without capacity, or a subnet without addresses, is left out. */
export const REFUSAL_MS = 3 * MINUTE;

export interface Refusal {
  readonly kind: Refused['kind'];
  readonly code: string;
  readonly message: string;
  readonly at: number;
  readonly machines: number;
  readonly settings?: string;
  /** When something may have changed, where that is known. */
  readonly until?: number;
}

/** The pause after a refused attempt: the gap doubles with each one in a row, from 2 to 30 minutes. */
export function refuse(before: Pause | undefined, refusal: Refusal, now: number): Pause {
  const { kind, code, message, at, machines, settings } = refusal;
  const tries = (before?.refused?.tries ?? 0) + 1;
  const until = refusal.until ?? now + Math.min(LONGEST_GAP, SHORTEST_GAP * 2 ** (tries - 1));
  return { until, code, message, refused: { kind, at, tries, machines, ...defined({ settings }) } };
}

/** The pause after "too many calls". What was refused before is not forgotten over it. */
export function throttle(before: Pause | undefined, error: { readonly code: string; readonly message: string }, until: number): Pause {
  return { until, code: error.code, message: error.message, ...(before?.refused ? { refused: before.refused } : {}) };
}

/** How many launches the pause allows, and when the next attempt is; without a time when it is made now or on its way. */
export function pauseBound(
  pause: Pause,
  launches: readonly Launch[],
  machines: number,
  now: number,
): { readonly most: number; readonly until?: number } | undefined {
  const { refused, until } = pause;
  if (!refused) return until > now ? { most: 0, until } : undefined;
  // A machine that is gone leaves its share of a quota behind.
  const replaced = refused.kind === 'quota' ? Math.max(0, refused.machines - machines) : 0;
  if (launches.some((l) => l.outcome === 'pending' && l.at > refused.at)) return { most: replaced };
  return until > now ? { most: replaced, until } : { most: replaced + 1 };
}

/** The pause as it still holds after an observation: over when an attempt made since has become a running VM, beyond what there was. */
export function stillPaused(
  pause: Pause | undefined,
  launches: readonly Launch[],
  workers: readonly Worker[],
  now: number,
): Pause | undefined {
  // What lies further ahead than any pause is long was not written by us.
  if (!pause || pause.until - now > FORGET_MS) return undefined;
  const { refused, until } = pause;
  if (!refused) return until > now ? pause : undefined;
  if (now - until > FORGET_MS) return undefined;
  const running = new Set(workers.filter((w) => w.booted || w.server?.status === 'active').map((w) => w.name));
  const served = launches.some((l) => l.at > refused.at && (l.outcome === 'booted' || running.has(l.name)));
  return served && (refused.kind !== 'quota' || holding(workers) > refused.machines) ? undefined : pause;
}

/** Machines that hold a share of a quota for good reason; one in error is about to give it back. */
export function holding(workers: readonly Worker[]): number {
  return workers.filter((w) => w.phase !== 'gone' && w.phase !== 'failed').length;
}
