import { DAY } from '../time.ts';

const formats = new Map<string, Intl.DateTimeFormat>();

/** Maximum of a date, in milliseconds from 1970 (ECMA-262, time values). */
const LAST = 8.64e15;
const NO_TIME = '–';

/** Formats are slow to make: one of each kind and zone is kept. British English: 24 hours, day before month. */
function formatOf(zone: string, kind: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${kind} ${zone}`;
  const format = formats.get(key) ?? new Intl.DateTimeFormat('en-GB', { ...options, timeZone: zone, hourCycle: 'h23' });
  formats.set(key, format);
  return format;
}

/** A dash for a number that is not a time. */
function formatted(at: number, zone: string, kind: string, options: Intl.DateTimeFormatOptions): string {
  return Math.abs(at) <= LAST ? formatOf(zone, kind, options).format(at) : NO_TIME;
}

/** `2026-11-23 08:15` in the zone. Throws `RangeError` for a number that is not a time. */
export function localText(at: number, zone: string): string {
  const parts = formatOf(zone, 'local', {
    ...{ year: 'numeric', month: '2-digit', day: '2-digit', hour: '2-digit', minute: '2-digit' },
  }).formatToParts(at);
  const part = (type: string) => parts.find((one) => one.type === type)?.value ?? '';
  return `${part('year')}-${part('month')}-${part('day')} ${part('hour')}:${part('minute')}`;
}

/** `14:32` */
export function clockTime(at: number, zone: string): string {
  return formatted(at, zone, 'clock', { hour: '2-digit', minute: '2-digit' });
}

/** `14:32:07` */
export function clockSeconds(at: number, zone: string): string {
  return formatted(at, zone, 'seconds', { hour: '2-digit', minute: '2-digit', second: '2-digit' });
}

/** `Mon 23 Nov` */
export function dayName(at: number, zone: string): string {
  return formatted(at, zone, 'day', { weekday: 'short', day: 'numeric', month: 'short' }).replace(',', '');
}

/** `Mon 23 Nov, 14:32` */
export function dayTime(at: number, zone: string): string {
  const day = dayName(at, zone);
  return day === NO_TIME ? day : `${day}, ${clockTime(at, zone)}`;
}

/** Beginning of the day that clocks of the zone show at this time. */
export function startOfDay(at: number, zone: string): number {
  const midnight = at - sinceMidnight(at, zone) - (at % 1000);
  const rest = sinceMidnight(midnight, zone);
  // A change to or from summer time lies between: a little late on the same day, or a little early on the day before.
  return rest < DAY / 2 ? midnight - rest : midnight + DAY - rest;
}

/** Beginning of the month in the zone. */
export function startOfMonth(at: number, zone: string): number {
  const today = startOfDay(at, zone);
  const past = Number(formatted(at, zone, 'date', { day: 'numeric' })) - 1;
  return past === 0 ? today : startOfDay(today - past * DAY + DAY / 2, zone);
}

function sinceMidnight(at: number, zone: string): number {
  const [hours = 0, minutes = 0, seconds = 0] = clockSeconds(at, zone).split(':').map(Number);
  return ((hours * 60 + minutes) * 60 + seconds) * 1000;
}
