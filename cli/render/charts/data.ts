import { type SeriesRow, STEP_MS, type Step } from '../../../lib/core/metrics/rollup.ts';
import { DAY, HOUR, MINUTE } from '../../../lib/core/time.ts';
import { localText } from '../../shared/time-range.ts';

/** What every form of a chart is drawn from. */
export interface ChartView {
  readonly from: number;
  readonly to: number;
  readonly step: Step;
  readonly timezone: string;
  /** Lines to draw in place of the stacked states; empty for those. */
  readonly columns: readonly (readonly [string, keyof SeriesRow])[];
  /** Letters of a terminal, or pixels. */
  readonly width: number;
}

/**
 * States from the bottom up. Colours are told apart by the colour-blind and in grey print (Okabe and Ito's palette, by falling lightness); the glyphs are for
 * terminals.
 */
export const STATES = [
  { key: 'busy', label: 'busy', colour: '#0072b2', glyph: '█' },
  { key: 'idle', label: 'idle', colour: '#56b4e9', glyph: '▓' },
  { key: 'booting', label: 'booting', colour: '#f0e442', glyph: '▒' },
  { key: 'draining', label: 'draining', colour: '#b5b5b5', glyph: '░' },
  { key: 'failed', label: 'failed', colour: '#d55e00', glyph: '×' },
] as const;

export const LINE_COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000', '#f0e442'] as const;

/** Pools in the order in which they appear. */
export function poolsOf(rows: readonly SeriesRow[]): readonly string[] {
  return [...new Set(rows.map((row) => row.pool))];
}

/** Rows that follow each other without a gap, cut into runs. */
export function runs(rows: readonly SeriesRow[], step: Step): readonly (readonly SeriesRow[])[] {
  const found: SeriesRow[][] = [];
  for (const row of rows) {
    const run = found.at(-1);
    const before = run?.at(-1);
    if (run && before && row.at - before.at <= STEP_MS[step]) run.push(row);
    else found.push([row]);
  }
  return found;
}

/** Labels of an axis from 0 up: whole numbers with equal steps, at most four above 0, the last of them at or above `most`. */
export function wholeTicks(most: number): readonly number[] {
  const step =
    [1, 2, 5]
      .flatMap((n) => [0, 1, 2, 3, 4, 5, 6].map((power) => n * 10 ** power))
      .sort((a, b) => a - b)
      .find((n) => most / n <= 4) ?? most;
  return Array.from({ length: Math.max(1, Math.ceil(most / step)) + 1 }, (_, i) => i * step);
}

const INTERVALS = [
  5 * MINUTE,
  15 * MINUTE,
  30 * MINUTE,
  HOUR,
  2 * HOUR,
  3 * HOUR,
  6 * HOUR,
  12 * HOUR,
  DAY,
  2 * DAY,
  7 * DAY,
  14 * DAY,
  28 * DAY,
  91 * DAY,
  182 * DAY,
  364 * DAY,
];

export interface Tick {
  readonly at: number;
  readonly label: string;
}

/** At most `most` round times of the zone within the span, with what to write below. */
export function timeTicks({ from, to, timezone }: Pick<ChartView, 'from' | 'to' | 'timezone'>, most: number): readonly Tick[] {
  const interval = INTERVALS.find((length) => (to - from) / length <= most) ?? 364 * DAY;
  const ticks: Tick[] = [];
  // The zone's offset may change within the span: every quarter of an hour is asked whether it is round there.
  const grain = Math.min(interval, 15 * MINUTE);
  for (let at = Math.ceil(from / grain) * grain; at <= to; at += grain) {
    const text = localText(at, timezone);
    const local = Date.parse(`${text.replace(' ', 'T')}Z`);
    if (local % interval !== 0) continue;
    const midnight = text.endsWith('00:00');
    ticks.push({ at, label: interval >= DAY || midnight ? text.slice(5, 10) : text.slice(11) });
    at += Math.max(0, interval - 2 * HOUR - grain);
  }
  return ticks;
}
