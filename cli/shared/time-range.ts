import { localText } from '../../lib/core/chart/zone.ts';
import { MINUTE } from '../../lib/core/time.ts';
import { UserError } from './environment.ts';

const UNITS: Readonly<Record<string, number>> = { m: MINUTE, h: 60 * MINUTE, d: 1440 * MINUTE, w: 7 * 1440 * MINUTE };

export interface SpanOptions {
  readonly from: string;
  readonly to: string;
  readonly timezone: string;
}

export interface TimeSpan {
  readonly from: number;
  readonly to: number;
}

/** A span as people say it. Both ends: `2026-11-23`, `2026-11-23T08:00` (in the zone), a full ISO time, `-7d`, `-90m`, `today`, `yesterday`, `now`. */
export function parseSpan({ from, to, timezone }: SpanOptions, now: number): TimeSpan {
  checkZone(timezone);
  const span = { from: parsePoint(from, '--from', timezone, now), to: parsePoint(to, '--to', timezone, now, true) };
  if (span.from >= span.to) throw new UserError(`--from ${from} is not before --to ${to}.`);
  return span;
}

function checkZone(timezone: string): void {
  try {
    new Intl.DateTimeFormat('en', { timeZone: timezone });
  } catch {
    throw new UserError(`--timezone ${timezone}: there is no such zone; write one such as Europe/Berlin or UTC.`);
  }
}

/** `end`: a day alone means its end, so that `--from 2026-11-01 --to 2026-11-30` is a month. */
function parsePoint(text: string, option: string, timezone: string, now: number, end = false): number {
  const back = /^-(\d{1,5})([mhdw])$/.exec(text);
  if (back) return now - Number(back[1]) * (UNITS[back[2] ?? ''] ?? 0);
  if (text === 'now') return now;
  const day = text === 'today' ? localDay(now, timezone) : text === 'yesterday' ? addDays(localDay(now, timezone), -1) : text;
  if (/^\d{4}-\d{2}-\d{2}$/.test(day)) return valid(localTime(`${end ? addDays(day, 1) : day}T00:00`, timezone), option, text);
  if (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}$/.test(text)) return valid(localTime(text, timezone), option, text);
  if (/^\d{4}-\d{2}-\d{2}T\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:\d{2})$/.test(text)) return valid(Date.parse(text), option, text);
  throw mistake(option, text);
}

function valid(at: number, option: string, text: string): number {
  if (Number.isNaN(at)) throw mistake(option, text);
  return at;
}

function mistake(option: string, text: string): UserError {
  return new UserError(`${option} ${text}: write a day (2026-11-23), a time (2026-11-23T08:00), -7d, -12h, today, yesterday or now.`);
}

function addDays(day: string, days: number): string {
  const at = Date.parse(`${day}T12:00:00Z`);
  return Number.isNaN(at) ? 'no day' : new Date(at + days * 1440 * MINUTE).toISOString().slice(0, 10);
}

/** The day that it is in the zone. */
function localDay(at: number, timezone: string): string {
  return localText(at, timezone).slice(0, 10);
}

/** The moment at which clocks of the zone show this; NaN for what is no day. Of an hour that is there twice the first. */
function localTime(text: string, timezone: string): number {
  const guess = Date.parse(`${text}Z`);
  if (Number.isNaN(guess) || new Date(guess).toISOString().slice(0, 10) !== text.slice(0, 10)) return Number.NaN;
  const offset = (at: number) => Date.parse(`${localText(at, timezone).replace(' ', 'T')}Z`) - Math.floor(at / MINUTE) * MINUTE;
  const tries = [guess - offset(guess - 1440 * MINUTE), guess - offset(guess + 1440 * MINUTE)];
  const exact = tries.filter((at) => localText(at, timezone) === text.replace('T', ' '));
  // In the hour that summer time leaves out, the moment after it.
  return exact.length > 0 ? Math.min(...exact) : Math.max(...tries);
}
