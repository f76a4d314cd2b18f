import { shortDay, tickLabel, timeTicks, valueAxis } from '../../../lib/core/chart/axes.ts';
import { type Grid, highest, line, PHASES, type Phase, stack } from '../../../lib/core/chart/grid.ts';
import type { SeriesRow } from '../../../lib/core/metrics/rollup.ts';
import { type ChartView, type Column, type PoolGrid, poolGrids } from './chart-view.ts';

const HEIGHT = 12;
const EIGHTHS = ' ▁▂▃▄▅▆▇█';
const GLYPHS: Readonly<Record<Phase, string>> = { busy: '█', idle: '▓', booting: '▒', draining: '░', failed: '×' };

/**
 * Machines by state as stacked columns, waiting jobs as a line of bars below, or such a line for each chosen column; one chart a pool. A column without any sample stays blank. No library draws
 * stacks and gaps in letters; this one does nothing else.
 */
export function terminalChart(rows: readonly SeriesRow[], view: ChartView): string {
  if (rows.length === 0) return 'nothing recorded';
  return poolGrids(rows, view)
    .map(({ pool, grid }) => (view.columns.length > 0 ? lines(pool, grid, view) : chart(pool, grid, view)))
    .join('\n\n');
}

function chart(pool: string, grid: PoolGrid, view: ChartView): string {
  const room = roomOf(view);
  const columns = inColumns(grid, view, room, [...PHASES, 'pending']);
  const most = highest(grid, 'machines');
  const { ticks } = valueAxis(most);
  const top = ticks.at(-1) ?? 1;
  const labels = new Map(ticks.map((tick) => [Math.round(HEIGHT - (tick / top) * HEIGHT), String(tick)]));
  const layers = stack(columns);
  const stacks = Array.from({ length: HEIGHT }, (_, i) => {
    const level = ((HEIGHT - i - 0.5) / HEIGHT) * top;
    const glyphs = columns.times.map((_at, column) => {
      const phase = PHASES.find((one) => level <= (layers[one][column] ?? 0));
      return phase ? GLYPHS[phase] : ' ';
    });
    return `${(labels.get(i) ?? '').padStart(4)} ┤${glyphs.join('')}`.trimEnd();
  });
  const waiting = bars(line(columns, 'pending'));
  const limit = grid.points.findLast((row) => row !== undefined)?.limit;
  return [
    `${pool}: machines, at most ${Number(most.toFixed(1))}${limit === undefined ? '' : ` (limit ${Math.round(limit)})`}`,
    ...stacks,
    `   0 ┼${'─'.repeat(room)}`,
    axis(view, room),
    ...(waiting !== '' ? [`jobs  ${waiting}`, `      waiting, at most ${Number(highest(grid, 'pending').toFixed(1))} at a time`] : []),
    `      ${PHASES.map((phase) => `${GLYPHS[phase]} ${phase}`).join('  ')}   times: ${view.timezone}`,
  ].join('\n');
}

/** Each chosen column as a line of bars, against its own highest value. */
function lines(pool: string, grid: PoolGrid, view: ChartView): string {
  const room = roomOf(view);
  const members = view.columns.map(([, member]) => member);
  const columns = inColumns(grid, view, room, members);
  return [
    pool,
    ...view.columns.flatMap(([name, member]) => [
      '',
      `      ${bars(line(columns, member))}`.trimEnd(),
      `      ${name}, at most ${Number(highest(grid, member).toFixed(2))}`,
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
function bars(values: readonly (number | null)[]): string {
  const most = Math.max(0, ...values.map((n) => n ?? 0));
  if (most === 0) return '';
  return values
    .map((n) => EIGHTHS[Math.ceil(((n ?? 0) / most) * 8)] ?? ' ')
    .join('')
    .trimEnd();
}

type Means = { readonly [member in Column]?: number | undefined };

/** The grid with one step per letter: means over the rows of that time. A row that is longer than a letter fills all that it spans. */
function inColumns(grid: PoolGrid, { from, to }: ChartView, room: number, members: readonly Column[]): Grid<Means> {
  const step = (to - from) / room;
  const columns = Array.from({ length: room }, (): SeriesRow[] => []);
  for (const row of grid.points) {
    if (!row) continue;
    const first = Math.max(0, Math.floor((row.at - from) / step));
    const last = Math.min(room - 1, Math.ceil((row.at + grid.step - from) / step) - 1);
    for (let i = first; i <= Math.max(first, last); i++) columns[i]?.push(row);
  }
  return {
    times: columns.map((_, i) => from + i * step),
    points: columns.map((rows) =>
      rows.length === 0 ? undefined : Object.fromEntries(members.map((member) => [member, mean(rows, member)])),
    ),
    step,
  };
}

function mean(rows: readonly SeriesRow[], member: Column): number | undefined {
  const known = rows.flatMap((row) => row[member] ?? []);
  return known.length === 0 ? undefined : known.reduce((sum, n) => sum + n, 0) / known.length;
}

function axis(view: ChartView, room: number): string {
  const letters = Array.from({ length: room + 6 }, () => ' ');
  let free = 0;
  for (const at of timeTicks(view, Math.floor(room / 8))) {
    const label = tickLabel(at, view.timezone, shortDay);
    const column = 6 + Math.round(((at - view.from) / (view.to - view.from)) * room);
    if (column < free || column + label.length > letters.length) continue;
    [...label].forEach((letter, i) => {
      letters[column + i] = letter;
    });
    free = column + label.length + 1;
  }
  return letters.join('').trimEnd();
}
