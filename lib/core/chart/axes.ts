import { DAY, fromIso, HOUR, MINUTE } from '../time.ts';
import { clockTime, localText } from './zone.ts';

/*
 * The scales of every chart: dashboard, SVG, PNG and terminal.
 */

export interface ValueAxis {
  /** From 0 up: at most four equal steps, the last of them at or above the highest value. */
  readonly ticks: readonly number[];
  /** End of the axis: leaves space above the highest value. */
  readonly top: number;
}

/** Ticks are whole numbers, unless `fractions` are allowed. */
export function valueAxis(most: number, fractions = false): ValueAxis {
  const ticks = valueTicks(most, fractions);
  return { ticks, top: Math.max(most * 1.05, ticks.at(-1) ?? 1) };
}

function valueTicks(most: number, fractions: boolean): readonly number[] {
  const powers = Array.from({ length: fractions ? 13 : 7 }, (_, i) => (fractions ? i - 6 : i));
  const step = powers.flatMap((power) => [1, 2, 5].map((n) => n * 10 ** power)).find((n) => most / n <= 4) ?? most;
  // Without the error of sums such as 0.1 + 0.2.
  return Array.from({ length: Math.max(1, Math.ceil(most / step)) + 1 }, (_, i) => Number((i * step).toPrecision(12)));
}

const INTERVALS = [
  ...[5, 15, 30].map((n) => n * MINUTE),
  ...[1, 2, 3, 6, 12].map((n) => n * HOUR),
  ...[1, 2, 7, 14, 28, 91, 182, 364].map((n) => n * DAY),
];

export interface TimeAxis {
  readonly from: number;
  readonly to: number;
  readonly timezone: string;
}

/** At most `most` round times of the zone within the span. */
export function timeTicks({ from, to, timezone }: TimeAxis, most: number): readonly number[] {
  const interval = INTERVALS.find((length) => (to - from) / length <= most) ?? 364 * DAY;
  const ticks: number[] = [];
  // The zone's offset may change within the span: the local time of every quarter of an hour is looked up.
  const grain = Math.min(interval, 15 * MINUTE);
  for (let at = Math.ceil(from / grain) * grain; at <= to; at += grain) {
    const local = fromIso(`${localText(at, timezone).replace(' ', 'T')}:00Z`) ?? 0;
    if (local % interval !== 0) continue;
    ticks.push(at);
    at += Math.max(0, interval - 2 * HOUR - grain);
  }
  return ticks;
}

/** Midnight shows the day, every other tick the time. */
export function tickLabel(at: number, timezone: string, day: (at: number, timezone: string) => string): string {
  const clock = clockTime(at, timezone);
  return clock === '00:00' ? day(at, timezone) : clock;
}

/** `11-23`, for axes with little space. */
export function shortDay(at: number, timezone: string): string {
  return localText(at, timezone).slice(5, 10);
}
