import { fromHttpDate, HOUR } from '../core/time.ts';

/** As Node.js and got have them: names in lower case. */
export type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** No pause is shorter, whatever the other side says: a date that has passed would otherwise be no pause at all. */
const SHORTEST_PAUSE_MS = 1_000;
/** More than this is not believed. */
const LONGEST_PAUSE_MS = HOUR;

/**
 * How long `Retry-After` asks to wait: seconds, or an HTTP date (RFC 9110, 10.2.3), in milliseconds within the bounds above. A date counts
 * from `now`, or from the answer's own `Date` when no time is given. `undefined` when the header cannot be understood.
 */
export function askedWaitMs(headers: Headers, now?: number): number | undefined {
  const { 'retry-after': asked, date } = headers;
  const text = typeof asked === 'string' ? asked.trim() : undefined;
  if (text === undefined) return undefined;
  if (/^[+-]?\d+(\.\d+)?$/.test(text)) return withinBounds(Number(text) * 1000);
  const until = fromHttpDate(text);
  const since = now ?? (typeof date === 'string' ? fromHttpDate(date) : undefined);
  return until === undefined || since === undefined ? undefined : withinBounds(until - since);
}

export function withinBounds(ms: number): number {
  return Math.min(Math.max(ms, SHORTEST_PAUSE_MS), LONGEST_PAUSE_MS);
}

/** RFC 3986: all but unreserved characters, in upper-case hex, as signatures want it. */
export function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (c) => `%${c.charCodeAt(0).toString(16).toUpperCase()}`);
}
