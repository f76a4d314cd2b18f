/** Conversions between epoch milliseconds and text. The only file of the core where `Date` may be named; nothing here reads a clock. */

/** In milliseconds. */
export const SECOND = 1_000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;
export const DAY = 24 * HOUR;

/** Clocks of two functions, or of us and the cloud, may differ by this much. */
export const SKEW_MS = 60 * SECOND;

const ISO = /^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d+)?(Z|[+-]\d{2}:\d{2})$/;

/** `2026-11-23T16:05:09Z`: UTC, whole seconds. */
export function toIso(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

/** The time of a full ISO 8601 text with a zone; `undefined` for anything else. */
export function fromIso(text: string): number | undefined {
  if (!ISO.test(text)) return undefined;
  const ms = Date.parse(text);
  return Number.isNaN(ms) ? undefined : ms;
}

const HTTP_DATE = /^(Mon|Tue|Wed|Thu|Fri|Sat|Sun), \d{2} [A-Z][a-z]{2} \d{4} \d{2}:\d{2}:\d{2} GMT$/;

/** The time of an HTTP date (RFC 9110, 5.6.7); `undefined` for anything else, since `Date.parse` takes nearly anything for a date. */
export function fromHttpDate(text: string): number | undefined {
  const ms = HTTP_DATE.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(ms) ? undefined : ms;
}

/** Start of the minute. */
export function floorMinute(ms: number): number {
  return Math.floor(ms / MINUTE) * MINUTE;
}

/** Start of the UTC day. */
export function floorDay(ms: number): number {
  return Math.floor(ms / DAY) * DAY;
}

/** `2026-11-23`, UTC. */
export function dayOf(ms: number): string {
  return toIso(ms).slice(0, 10);
}

export function toDate(ms: number): Date {
  return new Date(ms);
}

/** Seconds in words: `40 s`, from ten minutes on `36 min`, from an hour on `1 h 11 min`. */
export function durationText(seconds: number): string {
  if (seconds < 600) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  return minutes < 60 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
