import * as z from 'zod';
import { DAY } from '../core/time.ts';

const UNITS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400 };
const PART = /(\d+(?:\.\d+)?)([smhd])/g;
const WHOLE = /^(?:\d+(?:\.\d+)?[smhd])+$/;

/**
 * Milliseconds of a time span as scaler.yml writes it: a number is seconds (as docker+machine's IdleTime), a text is a number with a unit
 * (`90s`, `10m`, `24h`, `7d`) or several (`1h30m`), or the seconds alone. `undefined` when it is neither.
 */
export function parseDuration(value: unknown): number | undefined {
  if (typeof value === 'number') return Number.isFinite(value) && value >= 0 ? Math.round(value * 1000) : undefined;
  if (typeof value !== 'string') return undefined;
  const text = value.trim();
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  if (!WHOLE.test(text)) return undefined;
  let seconds = 0;
  for (const [, amount, unit] of text.matchAll(PART)) seconds += Number(amount) * (UNITS[unit ?? ''] ?? 0);
  return Math.round(seconds * 1000);
}

/** `24h`, `10m`, `45s`: the largest unit that divides the span. */
export function formatDuration(ms: number): string {
  for (const [unit, seconds] of [
    ['d', 86_400],
    ['h', 3600],
    ['m', 60],
  ] as const) {
    if (ms >= seconds * 1000 && ms % (seconds * 1000) === 0) return `${ms / (seconds * 1000)}${unit}`;
  }
  return `${ms / 1000}s`;
}

/** A schema that reads a span within bounds (milliseconds, both included) into milliseconds. */
export function duration(bounds: { readonly min?: number; readonly max?: number } = {}) {
  const min = bounds.min ?? 0;
  const max = bounds.max ?? 365 * DAY;
  return z
    .union([z.number(), z.string()], { error: 'must be a time span: seconds as a number, or text such as "90s", "10m", "24h"' })
    .transform((value, ctx) => {
      const ms = parseDuration(value);
      const message = outOfBounds(ms, min, max);
      if (message === undefined) return ms ?? 0;
      ctx.addIssue({ code: 'custom', message });
      return z.NEVER;
    })
    .meta({
      holds: min === 0 ? `time, at most ${formatDuration(max)}` : `time, ${formatDuration(min)} to ${formatDuration(max)}`,
      // For editors: draft 7 cannot express the bounds of a text.
      anyOf: [
        { type: 'number', minimum: 0 },
        { type: 'string', pattern: '^\\s*(?:\\d+|(?:\\d+(?:\\.\\d+)?[smhd])+)\\s*$' },
      ],
    });
}

function outOfBounds(ms: number | undefined, min: number, max: number): string | undefined {
  if (ms === undefined) return 'is no time span: write seconds as a number, or text such as "90s", "10m", "24h", "1h30m"';
  if (ms < min) return `must be at least ${formatDuration(min)}`;
  return ms > max ? `must be at most ${formatDuration(max)}` : undefined;
}
