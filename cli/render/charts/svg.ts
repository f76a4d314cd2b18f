import * as Plot from '@observablehq/plot';
import { parseHTML } from 'linkedom';
import { shortDay, tickLabel, timeTicks, type ValueAxis, valueAxis } from '../../../lib/core/chart/axes.ts';
import { corners, highest, line, PHASES, type Phase, stack } from '../../../lib/core/chart/grid.ts';
import type { SeriesRow } from '../../../lib/core/metrics/rollup.ts';
import { type ChartView, type PoolGrid, poolGrids } from './chart-view.ts';

const MARGIN = { left: 54, right: 18 };
const FONT = "'DejaVu Sans', 'Liberation Sans', Arial, sans-serif";
const HEADER = 58;
/** Told apart by the colour-blind and in grey print: Okabe and Ito's palette, by falling lightness. */
const PHASE_COLOURS: Readonly<Record<Phase, string>> = {
  busy: '#0072b2',
  idle: '#56b4e9',
  booting: '#f0e442',
  draining: '#b5b5b5',
  failed: '#d55e00',
};
const LINE_COLOURS = ['#0072b2', '#d55e00', '#009e73', '#cc79a7', '#e69f00', '#56b4e9', '#000000', '#f0e442'] as const;
/** Of the highest minute of a longer step. */
const MOST_COLOUR = '#009e73';

interface Panel {
  readonly svg: string;
  readonly height: number;
}

/** A picture of the counts: per pool the machines by state, stacked, with the limit, and below them the waiting jobs; or lines of chosen columns. */
export function svgChart(rows: readonly SeriesRow[], view: ChartView): string {
  const panels = poolGrids(rows, view).flatMap(({ pool, grid }) =>
    view.columns.length > 0 ? [linePanel(pool, grid, view)] : [statePanel(pool, grid, view), waitPanel(grid, view)],
  );
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
      ? columns.map(([name], i) => ({ label: name, mark: sampleLine(lineColour(i), '') }))
      : [
          ...PHASES.map((phase) => ({
            label: phase,
            mark: `<rect width="12" height="12" y="-10" fill="${PHASE_COLOURS[phase]}" stroke="#555" stroke-width=".4"/>`,
          })),
          { label: 'limit', mark: sampleLine('#111', '4 3') },
          ...(step === '1m' ? [] : [{ label: 'at most', mark: sampleLine(MOST_COLOUR, '1 2') }]),
          { label: 'jobs waiting', mark: sampleLine('#cc79a7', '') },
          { label: 'of these without a worker in sight', mark: sampleLine('#d55e00', '2 2') },
        ];
  let x = MARGIN.left;
  const drawn = entries.map(({ label, mark }) => {
    const at = x;
    x += 30 + label.length * 6.6;
    return `<g transform="translate(${at.toFixed(1)},44)">${mark}${text(17, 0, label, 'font-size="11" fill="#333"')}</g>`;
  });
  return drawn.join('');
}

function sampleLine(colour: string, dash: string): string {
  return `<line x1="0" x2="13" y1="-4" y2="-4" stroke="${colour}" stroke-width="2" stroke-dasharray="${dash}"/>`;
}

function lineColour(i: number): string {
  return LINE_COLOURS[i % LINE_COLOURS.length] ?? '#000';
}

type Values = readonly (number | null)[];

function statePanel(pool: string, grid: PoolGrid, view: ChartView): Panel {
  const layers = stack(grid);
  const areas = PHASES.map((phase, i) => {
    const below = layers[PHASES[i - 1] ?? phase];
    return Plot.areaY(points(grid, layers[phase]), {
      x: 'x',
      y1: ({ index }: Point) => (i === 0 ? 0 : below[index]),
      y2: 'y',
      fill: PHASE_COLOURS[phase],
      stroke: '#555',
      strokeWidth: 0.2,
    });
  });
  return panel(view, {
    height: 230,
    label: `${pool}: machines`,
    values: valueAxis(Math.max(1, highest(grid, 'machines'), highest(grid, 'limit'))),
    marks: [
      ...areas,
      stepped(grid, line(grid, 'limit'), { stroke: '#111', strokeDasharray: '4 3' }),
      ...highestMinutes(grid, view, 'machinesMax'),
    ],
    axis: false,
  });
}

function waitPanel(grid: PoolGrid, view: ChartView): Panel {
  return panel(view, {
    height: 130,
    label: 'jobs',
    values: valueAxis(Math.max(1, highest(grid, 'pending'))),
    marks: [
      stepped(grid, line(grid, 'pending'), { stroke: '#cc79a7', strokeWidth: 1.5 }),
      stepped(grid, line(grid, 'unmet'), { stroke: '#d55e00', strokeWidth: 1.5, strokeDasharray: '2 2' }),
      ...highestMinutes(grid, view, 'pendingMax'),
    ],
    axis: true,
  });
}

/** A row of a longer step than a minute is a mean: the highest of its minutes is a line of its own. */
function highestMinutes(grid: PoolGrid, view: ChartView, member: 'machinesMax' | 'pendingMax'): readonly Plot.Markish[] {
  if (view.step === '1m') return [];
  return [stepped(grid, line(grid, member), { stroke: MOST_COLOUR, strokeWidth: 1.5, strokeDasharray: '1 2' })];
}

function linePanel(pool: string, grid: PoolGrid, view: ChartView): Panel {
  const lines = view.columns.map(([, member]) => line(grid, member));
  const most = lines.flat().reduce<number>((a, b) => Math.max(a, b ?? 0), 0);
  return panel(view, {
    height: 260,
    label: pool,
    // Prices have fractions.
    values: valueAxis(most || 1, most > 0 && most < 4),
    marks: lines.map((values, i) => stepped(grid, values, { stroke: lineColour(i), strokeWidth: 1.5 })),
    axis: true,
  });
}

interface Point {
  readonly x: Date;
  readonly y: number;
  readonly index: number;
}

function stepped(grid: PoolGrid, values: Values, options: Plot.LineYOptions): Plot.Markish {
  return Plot.lineY(points(grid, values), { x: 'x', y: 'y', ...options });
}

/** After each stretch comes a point that is not a number, which breaks lines and areas. */
function points(grid: PoolGrid, values: Values): readonly Point[] {
  return corners(grid, values).flatMap((stretch) => [
    ...stretch.map(({ at, value, index }) => ({ x: new Date(at), y: value, index })),
    ...stretch.slice(-1).map(({ at, index }) => ({ x: new Date(at), y: Number.NaN, index })),
  ]);
}

interface PanelOptions {
  readonly height: number;
  readonly label: string;
  readonly values: ValueAxis;
  readonly marks: Plot.Markish[];
  /** With times below. */
  readonly axis: boolean;
}

function panel(view: ChartView, { height, label, values, marks, axis }: PanelOptions): Panel {
  const { document } = parseHTML('<!doctype html><html><body></body></html>');
  const ticks = timeTicks(view, Math.floor(view.width / 80));
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
    y: { domain: [0, values.top], label: null },
    marks: [
      Plot.gridY({ stroke: '#000', strokeOpacity: 0.12, ticks: values.ticks }),
      ...marks,
      Plot.axisY({ ticks: values.ticks, tickFormat: String, label: null, fill: '#333' }),
      Plot.axisX({
        ticks: ticks.map((at) => new Date(at)),
        tickFormat: (at: Date) => (axis ? tickLabel(at.getTime(), view.timezone, shortDay) : ''),
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
