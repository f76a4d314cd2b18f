import { fromHttpDate } from './time.ts';

/** No pause is shorter, whatever the other side says: a date that has passed would otherwise be no pause at all. */
const SHORTEST_PAUSE_MS = 1_000;
/** More than this is not believed. */
const LONGEST_PAUSE_MS = 3_600_000;

/**
 * How long `Retry-After` asks to wait: seconds, or an HTTP date as seen from `now` (RFC 9110, 10.2.3), in milliseconds within the bounds above.
 * `undefined` when it says nothing that can be understood.
 */
export function retryAfterMs(header: string | readonly string[] | undefined, now: number | undefined): number | undefined {
  const text = typeof header === 'string' ? header.trim() : undefined;
  if (text === undefined) return undefined;
  if (/^[+-]?\d+(\.\d+)?$/.test(text)) return withinBounds(Number(text) * 1000);
  const at = fromHttpDate(text);
  return at === undefined || now === undefined ? undefined : withinBounds(at - now);
}

export function withinBounds(ms: number): number {
  return Math.min(Math.max(ms, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS);
}
