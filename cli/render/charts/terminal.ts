import type { SeriesRow } from '../../../lib/core/metrics/rollup.ts';
import { DAY, HOUR, MINUTE } from '../../../lib/core/time.ts';
import { type ChartView, poolsOf, STATES, timeTicks, wholeTicks } from './data.ts';

const HEIGHT = 12;
const EIGHTHS = ' ▁▂▃▄▅▆▇█';

/**
 * Machines by state as stacked columns, waiting jobs as a line of bars below, or such a line for each chosen column; one chart a pool. A column without any sample stays blank. No library draws
 * stacks and gaps in letters; this one does nothing else.
 */
export function terminalChart(rows: readonly SeriesRow[], view: ChartView): string {
  if (rows.length === 0) return 'nothing recorded';
  return poolsOf(rows)
    .map((pool) => {
      const mine = rows.filter((row) => row.pool === pool);
      return view.columns.length > 0 ? lines(pool, mine, view) : chart(pool, mine, view);
    })
    .join('\n\n');
}

function chart(pool: string, rows: readonly SeriesRow[], view: ChartView): string {
  const room = roomOf(view);
  const columns = inColumns(rows, view, room);
  const most = highest(rows, 'machines');
  const ticks = wholeTicks(most);
  const top = ticks.at(-1) ?? 1;
  const labels = new Map(ticks.map((tick) => [Math.round(HEIGHT - (tick / top) * HEIGHT), String(tick)]));
  const stacks = Array.from({ length: HEIGHT }, (_, i) => {
    const level = ((HEIGHT - i - 0.5) / HEIGHT) * top;
    const label = labels.get(i) ?? '';
    return `${label.padStart(4)} ┤${columns.map((column) => glyphAt(column, level)).join('')}`.trimEnd();
  });
  const waiting = bars(columns, 'pending');
  const waitingMost = highest(rows, 'pending');
  const limit = rows.at(-1)?.limit;
  return [
    `${pool}: machines, at most ${Number(most.toFixed(1))}${limit === undefined ? '' : ` (limit ${Math.round(limit)})`}`,
    ...stacks,
    `   0 ┼${'─'.repeat(room)}`,
    axis(view, room),
    ...(waiting !== '' ? [`jobs  ${waiting}`, `      waiting, at most ${Number(waitingMost.toFixed(1))} at a time`] : []),
    `      ${STATES.map(({ glyph, label }) => `${glyph} ${label}`).join('  ')}   times: ${view.timezone}`,
  ].join('\n');
}

/** Each chosen column as a line of bars, against its own highest value. */
function lines(pool: string, rows: readonly SeriesRow[], view: ChartView): string {
  const room = roomOf(view);
  const columns = inColumns(rows, view, room);
  return [
    pool,
    ...view.columns.flatMap(([name, member]) => [
      '',
      `      ${bars(columns, member)}`.trimEnd(),
      `      ${name}, at most ${Number(highest(rows, member).toFixed(2))}`,
    ]),
    `     ┼${'─'.repeat(room)}`,
    axis(view, room),
    `      times: ${view.timezone}`,
  ].join('\n');
}

/** Letters between the axis and the right end. */
function roomOf({ width }: ChartView): number {
  return Math.max(20, Math.min(width, 200) - 6);
}

/** One bar a column, the highest a full letter; empty where there is nothing but zeros. */
function bars(columns: readonly (readonly SeriesRow[])[], member: keyof SeriesRow): string {
  const values = columns.map((column) => mean(column, member));
  const most = Math.max(0, ...values.map((n) => n ?? 0));
  if (most === 0) return '';
  return values
    .map((n) => EIGHTHS[Math.ceil(((n ?? 0) / most) * 8)] ?? ' ')
    .join('')
    .trimEnd();
}

/** The highest of all minutes; a mean only where an older release has written no maximum. */
function highest(rows: readonly SeriesRow[], member: keyof SeriesRow): number {
  return rows.reduce((most, row) => Math.max(most, numberOf(row, `${member}Max`) ?? numberOf(row, member) ?? 0), 0);
}

function numberOf(row: SeriesRow, member: string): number | undefined {
  const value = (row as unknown as Readonly<Record<string, unknown>>)[member];
  return typeof value === 'number' ? value : undefined;
}

/** The rows of each column's time. A row that is longer than a column fills all that it spans. */
function inColumns(rows: readonly SeriesRow[], { from, to, step }: ChartView, room: number): readonly (readonly SeriesRow[])[] {
  const width = (to - from) / room;
  const length = { '1m': MINUTE, '1h': HOUR, '1d': DAY }[step];
  const columns = Array.from({ length: room }, (): SeriesRow[] => []);
  for (const row of rows) {
    const first = Math.max(0, Math.floor((row.at - from) / width));
    const last = Math.min(room - 1, Math.ceil((row.at + length - from) / width) - 1);
    for (let i = first; i <= Math.max(first, last); i++) columns[i]?.push(row);
  }
  return columns;
}

function glyphAt(column: readonly SeriesRow[], level: number): string {
  let height = 0;
  for (const { key, glyph } of STATES) {
    height += mean(column, key) ?? 0;
    if (level <= height) return glyph;
  }
  return ' ';
}

function mean(rows: readonly SeriesRow[], member: keyof SeriesRow): number | undefined {
  const known = rows.flatMap((row) => numberOf(row, member) ?? []);
  return known.length === 0 ? undefined : known.reduce((sum, n) => sum + n, 0) / known.length;
}

function axis(view: ChartView, room: number): string {
  const letters = Array.from({ length: room + 6 }, () => ' ');
  let free = 0;
  for (const { at, label } of timeTicks(view, Math.floor(room / 8))) {
    const column = 6 + Math.round(((at - view.from) / (view.to - view.from)) * room);
    if (column < free || column + label.length > letters.length) continue;
    [...label].forEach((letter, i) => {
      letters[column + i] = letter;
    });
    free = column + label.length + 1;
  }
  return letters.join('').trimEnd();
}
