import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { type SeriesRow, STEP_MS } from '../../../lib/core/metrics/rollup.ts';
import { type ChartView, LINE_COLOURS, poolsOf, runs, STATES, timeTicks, wholeTicks } from './data.ts';

const MARGIN = { left: 54, right: 18 };
const FONT = "'DejaVu Sans', 'Liberation Sans', Arial, sans-serif";
const HEADER = 58;
/** Of the highest minute of a longer step. */
const MOST_COLOUR = '#009e73';

interface Panel {
  readonly svg: string;
  readonly height: number;
}

/** A picture of the counts: per pool the machines by state, stacked, with the limit, and below them the waiting jobs; or lines of chosen columns. */
export function svgChart(rows: readonly SeriesRow[], view: ChartView): string {
  const panels = poolsOf(rows).flatMap((pool) => {
    const mine = rows.filter((row) => row.pool === pool);
    return view.columns.length > 0 ? [linePanel(pool, mine, view)] : [statePanel(pool, mine, view), waitPanel(mine, view)];
  });
  const height =
    HEADER +
    Math.max(
      120,
      panels.reduce((sum, panel) => sum + panel.height, 0),
    ) +
    8;
  let top = HEADER;
  const placed = panels.map((panel) => {
    const at = top;
    top += panel.height;
    return `<g transform="translate(0,${at})">${panel.svg}</g>`;
  });
  const empty = panels.length > 0 ? '' : text(view.width / 2, HEADER + 60, 'nothing recorded', 'text-anchor="middle" fill="#666"');
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" width="${view.width}" height="${height}" viewBox="0 0 ${view.width} ${height}" font-family="${FONT}" font-size="12" role="img" aria-label="${escaped(titleOf(view))}">`,
    `<rect width="100%" height="100%" fill="#fff"/>`,
    text(MARGIN.left, 22, titleOf(view), 'font-size="15" font-weight="600" fill="#111"'),
    legend(view),
    ...placed,
    empty,
    '</svg>',
    '',
  ].join('\n');
}

function titleOf({ from, to, step, timezone }: ChartView): string {
  const day = (at: number) =>
    new Intl.DateTimeFormat('en-GB', { timeZone: timezone, day: 'numeric', month: 'short', year: 'numeric' }).format(at);
  const [first, last] = [day(from), day(to - 1)];
  const per = { '1m': 'minute', '1h': 'hour', '1d': 'day' }[step];
  return `CI workers, ${first === last ? first : `${first} – ${last}`}, by ${per} (${timezone})`;
}

function legend({ columns, step }: ChartView): string {
  const entries =
    columns.length > 0
      ? columns.map(([name], i) => ({ label: name, mark: line(LINE_COLOURS[i % LINE_COLOURS.length] ?? '#000', '') }))
      : [
          ...STATES.map(({ label, colour }) => ({
            label,
            mark: `<rect width="12" height="12" y="-10" fill="${colour}" stroke="#555" stroke-width=".4"/>`,
          })),
          { label: 'limit', mark: line('#111', '4 3') },
          ...(step === '1m' ? [] : [{ label: 'at most', mark: line(MOST_COLOUR, '1 2') }]),
          { label: 'jobs waiting', mark: line('#cc79a7', '') },
          { label: 'of these without a worker in sight', mark: line('#d55e00', '2 2') },
        ];
  let x = MARGIN.left;
  const drawn = entries.map(({ label, mark }) => {
    const at = x;
    x += 30 + label.length * 6.6;
    return `<g transform="translate(${at.toFixed(1)},44)">${mark}${text(17, 0, label, 'font-size="11" fill="#333"')}</g>`;
  });
  return drawn.join('');
}

function line(colour: string, dash: string): string {
  return `<line x1="0" x2="13" y1="-4" y2="-4" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/>`;
}

function statePanel(pool: string, rows: readonly SeriesRow[], view: ChartView): Panel {
  const stacks = STATES.map(({ colour }, i) => {
    const below = (row: SeriesRow) => STATES.slice(0, i).reduce((sum, { key }) => sum + (row[key] ?? 0), 0);
    const points = steps(rows, view, (row) => [below(row), below(row) + (row[STATES[i]?.key ?? 'busy'] ?? 0)]);
    return Plot.areaY(points, {
      x: 'x',
      y1: (p: Point) => p.values[0],
      y2: (p: Point) => p.values[1],
      fill: colour,
      stroke: '#555',
      strokeWidth: 0.2,
    });
  });
  const limit = Plot.lineY(
    steps(rows, view, (row) => [row.limit]),
    { x: 'x', y: (p: Point) => p.values[0], stroke: '#111', strokeDasharray: '4 3' },
  );
  const most = Math.max(1, ...rows.map((row) => Math.max(row.limit ?? 0, row.machinesMax ?? row.machines ?? 0)));
  const marks = [...stacks, limit, ...highest(rows, view, 'machinesMax')];
  return panel(view, { height: 230, label: `${pool}: machines`, most, marks, axis: false });
}

function waitPanel(rows: readonly SeriesRow[], view: ChartView): Panel {
  const of = (member: 'pending' | 'unmet', stroke: string, strokeDasharray: string) =>
    Plot.lineY(
      steps(rows, view, (row) => [row[member]]),
      { x: 'x', y: (p: Point) => p.values[0], stroke, strokeWidth: 1.5, strokeDasharray },
    );
  const most = Math.max(1, ...rows.map((row) => row.pendingMax ?? row.pending ?? 0));
  return panel(view, {
    height: 130,
    label: 'jobs',
    most,
    marks: [of('pending', '#cc79a7', ''), of('unmet', '#d55e00', '2 2'), ...highest(rows, view, 'pendingMax')],
    axis: true,
  });
}

/** Where a row is longer than a minute it is a mean: the highest of its minutes is a line of its own. */
function highest(rows: readonly SeriesRow[], view: ChartView, member: 'machinesMax' | 'pendingMax'): readonly Plot.Markish[] {
  if (view.step === '1m') return [];
  const points = steps(rows, view, (row) => [row[member]]);
  return [Plot.lineY(points, { x: 'x', y: (p: Point) => p.values[0], stroke: MOST_COLOUR, strokeWidth: 1.5, strokeDasharray: '1 2' })];
}

function linePanel(pool: string, rows: readonly SeriesRow[], view: ChartView): Panel {
  const marks = view.columns.map(([, member], i) => {
    const points = steps(rows, view, (row) => [Number(row[member] ?? Number.NaN)]);
    return Plot.lineY(points, {
      x: 'x',
      y: (p: Point) => p.values[0],
      stroke: LINE_COLOURS[i % LINE_COLOURS.length] ?? '#000',
      strokeWidth: 1.5,
    });
  });
  const most = rows.flatMap((row) => view.columns.map(([, member]) => Number(row[member] ?? 0))).reduce((a, b) => Math.max(a, b), 0);
  // Prices have fractions.
  return panel(view, { height: 260, label: pool, most: most || 1, marks, axis: true, ticks: most > 0 && most < 4 ? 4 : wholeTicks(most) });
}

interface Point {
  readonly x: Date;
  readonly values: readonly number[];
}

/** Each row holds until its step ends; between runs stands a point that is no number, which breaks lines and areas. */
function steps(
  rows: readonly SeriesRow[],
  { step }: ChartView,
  values: (row: SeriesRow) => readonly (number | undefined)[],
): readonly Point[] {
  return runs(rows, step).flatMap((run) => {
    const points = run.flatMap((row) => {
      const known = values(row).map((value) => value ?? Number.NaN);
      return [
        { x: new Date(row.at), values: known },
        { x: new Date(row.at + STEP_MS[step]), values: known },
      ];
    });
    const end = points.at(-1);
    return end ? [...points, { x: end.x, values: end.values.map(() => Number.NaN) }] : [];
  });
}

interface PanelOptions {
  readonly height: number;
  readonly label: string;
  readonly most: number;
  readonly marks: Plot.Markish[];
  /** With times below. */
  readonly axis: boolean;
  /** Values with a label, or how many; whole numbers when absent. */
  readonly ticks?: readonly number[] | number;
}

function panel(view: ChartView, { height, label, most, marks, axis, ticks: values = wholeTicks(most) }: PanelOptions): Panel {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const ticks = timeTicks(view, Math.floor(view.width / 80));
  const labels = new Map(ticks.map((tick) => [tick.at, tick.label]));
  const drawn = Plot.plot({
    document,
    width: view.width,
    height,
    marginLeft: MARGIN.left,
    marginRight: MARGIN.right,
    marginTop: 22,
    marginBottom: axis ? 30 : 10,
    style: { background: 'none' },
    x: { type: 'utc', domain: [new Date(view.from), new Date(view.to)] },
    y: { domain: [0, Math.max(most * 1.05, typeof values === 'number' ? 0 : (values.at(-1) ?? 0))], label: null },
    marks: [
      Plot.gridY({ stroke: '#000', strokeOpacity: 0.12, ticks: values }),
      ...marks,
      Plot.axisY({ ticks: values, ...(typeof values !== 'number' && { tickFormat: String }), label: null, fill: '#333' }),
      Plot.axisX({
        ticks: ticks.map(({ at }) => new Date(at)),
        tickFormat: (at: Date) => (axis ? (labels.get(at.getTime()) ?? '') : ''),
        label: null,
        fill: '#333',
      }),
      Plot.ruleY([0], { stroke: '#333' }),
    ],
  });
  return { height, svg: `${drawn.outerHTML}${text(8, 14, label, 'font-size="12" font-weight="600" fill="#333"')}` };
}

function text(x: number, y: number, content: string, attributes: string): string {
  return `<text x="${x}" y="${y}" ${attributes}>${escaped(content)}</text>`;
}

function escaped(content: string): string {
  return content.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('"', '&quot;');
}
