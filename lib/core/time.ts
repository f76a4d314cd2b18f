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

const UNITS = [
  ['d', DAY],
  ['h', HOUR],
  ['min', MINUTE],
  ['s', SECOND],
] as const;

/**
 * Milliseconds in words. `coarse`: whole units of which there are at least two, as `90 s`, `12 min`, `5 h`, `3 d`. `fine`: the largest unit and the one below,
 * as `1 min 30 s`, `5 h 10 min`, `3 d 4 h`. What is smaller is dropped, and a negative time is none.
 */
export function formatDuration(ms: number, precision: 'coarse' | 'fine' = 'coarse'): string {
  const most = Math.max(0, ms);
  const fitting = UNITS.findIndex(([, size]) => most >= (precision === 'fine' ? size : 2 * size));
  const parts = UNITS.slice(fitting === -1 ? 3 : fitting).slice(0, precision === 'fine' ? 2 : 1);
  const counts = parts.map(([name, size], i) => [Math.floor((i === 0 ? most : most % (parts[0]?.[1] ?? size)) / size), name] as const);
  return counts
    .filter(([count], i) => i === 0 || count > 0)
    .map(([count, name]) => `${count} ${name}`)
    .join(' ');
}
