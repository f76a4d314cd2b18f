import { DAY, MINUTE } from '../../core/time.ts';

/** 2026-01-01: days are counted from here. */
const EPOCH = Date.UTC(2026, 0, 1);

/** From a day on (days since 2026-01-01, UTC) clocks are so many minutes ahead of UTC. */
export type Offset = readonly [day: number, minutes: number];

export function dayNumber(at: number): number {
  return Math.floor((at - EPOCH) / DAY);
}

export function dayText(day: number): string {
  return new Date(EPOCH + day * DAY).toISOString().slice(0, 10);
}

/**
 * How the clocks of a zone go by the rules of this Node, looked at once a day at midnight UTC, from one day to another (exclusive): the first
 * day, and each on which it is otherwise than the day before. `undefined` for a zone that it does not know.
 */
export function zoneOffsets(zone: string, from: number, to: number): readonly Offset[] | undefined {
  let format: Intl.DateTimeFormat;
  try {
    const fields = { year: 'numeric', month: 'numeric', day: 'numeric', hour: 'numeric', minute: 'numeric', second: 'numeric' } as const;
    format = new Intl.DateTimeFormat('en-US', { timeZone: zone, hourCycle: 'h23', ...fields });
  } catch {
    return undefined;
  }
  const offsets: Offset[] = [];
  for (let day = from; day < to; day++) {
    const at = EPOCH + day * DAY;
    const parts = Object.fromEntries(format.formatToParts(at).map(({ type, value }) => [type, Number(value)]));
    const { year = 0, month = 1, day: date = 1, hour = 0, minute = 0, second = 0 } = parts;
    const minutes = (Date.UTC(year, month - 1, date, hour, minute, second) - at) / MINUTE;
    if (offsets.at(-1)?.[1] !== minutes) offsets.push([day, minutes]);
  }
  return offsets;
}
