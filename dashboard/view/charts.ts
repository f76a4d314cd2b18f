import { type Grid, line, PHASES, type Phase, stack } from '../../lib/core/chart/grid.ts';
import { dayName, dayTime } from '../../lib/core/chart/zone.ts';
import { MINUTE } from '../../lib/core/time.ts';
import { type Point, tableRows } from '../model/points.ts';
import { duration, figure, SPANS, type SpanName } from '../model/view.ts';
import { Chart, type Drawing, type Layer } from './chart.ts';
import { byId, type Column, element, table } from './dom.ts';

export interface Shown {
  readonly grid: Grid<Point>;
  readonly span: SpanName;
  readonly zone: string;
}

type Row = ReturnType<typeof tableRows>[number];

interface Panel {
  readonly chart: Chart;
  readonly table: HTMLElement;
  readonly details: HTMLDetailsElement;
  readonly title: string;
  readonly draw: (grid: Grid<Point>) => Pick<Drawing, 'layers' | 'unit'>;
  readonly columns: readonly Column<Row>[];
}

/** The three charts, each with its table. */
export class Charts {
  readonly #panels: readonly Panel[];
  #shown: Shown | undefined;

  constructor() {
    this.#panels = [
      this.#panel('machines', 'Machines by state', machines, [
        count('Machines', (row) => row.point?.machines),
        count('At most', (row) => row.point?.machinesMax),
        ...PHASES.map((phase) => count(capital(phase), (row) => row.point?.[phase])),
        count('On their way', (row) => row.point?.coming),
        count('Limit', (row) => row.point?.limit),
      ]),
      this.#panel('jobs', 'Waiting jobs', jobs, [
        count('Waiting', (row) => row.point?.pending),
        count('At most', (row) => row.point?.pendingMax),
        count('Without a worker in sight', (row) => row.point?.unmet),
      ]),
      this.#panel('wait', 'Longest wait', wait, [
        { title: 'Mean', kind: 'number', cell: (row) => seconds(row.point?.oldestWait) },
        { title: 'At most', kind: 'number', cell: (row) => seconds(row.point?.oldestWaitMax) },
      ]),
    ];
  }

  show(shown: Shown): void {
    this.#shown = shown;
    const { grid, zone } = shown;
    for (const panel of this.#panels) {
      panel.chart.show({ times: grid.times, step: grid.step, zone, ...panel.draw(grid) });
      this.#fill(panel);
    }
  }

  redraw(): void {
    for (const { chart } of this.#panels) chart.redraw();
  }

  #panel(id: string, title: string, draw: Panel['draw'], columns: readonly Column<Row>[]): Panel {
    const parent = byId(id, HTMLElement);
    const holder = element('div', { class: 'scroll', role: 'region', tabindex: '0', 'aria-label': `${title}, as a table` });
    const details = element('details', {}, element('summary', {}, `${title} as a table`), holder);
    parent.append(details);
    const panel = { chart: new Chart(parent, title), table: holder, details, title, draw, columns };
    details.addEventListener('toggle', () => this.#fill(panel));
    return panel;
  }

  /** Only when it is open: hundreds of cells each minute are for nobody. */
  #fill({ table: holder, details, title, columns }: Panel): void {
    if (!this.#shown || !details.open) return;
    const { grid, span, zone } = this.#shown;
    const time: Column<Row> = { title: 'From', kind: 'name', cell: ({ at }) => (span === 'month' ? dayName(at, zone) : dayTime(at, zone)) };
    const recorded = count('Recorded', ({ covered }) => Math.round(covered * 100), ' %');
    holder.replaceChildren(table(title, [time, ...columns, recorded], tableRows(grid, SPANS[span].table)));
  }
}

function count(title: string, value: (row: Row) => number | undefined, unit = ''): Column<Row> {
  return { title, kind: 'number', cell: (row) => `${figure(value(row))}${unit}` };
}

function machines(grid: Grid<Point>): Pick<Drawing, 'layers' | 'unit'> {
  const heights = stack(grid);
  const layers = PHASES.map((phase: Phase) => {
    return {
      label: phase,
      colour: phase,
      shape: 'area',
      values: heights[phase],
      text: (i: number) => figure(grid.points[i]?.[phase]),
    } as const;
  });
  const limit = line(grid, 'limit');
  return {
    layers: [
      ...layers,
      ...highest(grid, 'machinesMax'),
      { label: 'limit', colour: 'limit', shape: 'line', values: limit, text: (i) => figure(limit[i] ?? undefined) },
    ],
    unit: String,
  };
}

function jobs(grid: Grid<Point>): Pick<Drawing, 'layers' | 'unit'> {
  const [pending, unmet] = [line(grid, 'pending'), line(grid, 'unmet')];
  return {
    layers: [
      { label: 'without a worker in sight', colour: 'unmet', shape: 'area', values: unmet, text: (i) => figure(unmet[i] ?? undefined) },
      { label: 'waiting', colour: 'pending', shape: 'area', values: pending, text: (i) => figure(pending[i] ?? undefined) },
      ...highest(grid, 'pendingMax'),
    ],
    unit: String,
  };
}

/** Where a step is longer than a minute its layers are means, and the highest of its minutes is a line. */
function highest(grid: Grid<Point>, count: 'machinesMax' | 'pendingMax'): readonly Layer[] {
  if (grid.step <= MINUTE) return [];
  const values = line(grid, count);
  return [{ label: 'at most', colour: 'peak', shape: 'line', values, text: (i) => figure(values[i] ?? undefined) }];
}

function wait(grid: Grid<Point>): Pick<Drawing, 'layers' | 'unit'> {
  const minutes = line(grid, 'oldestWaitMax', 1 / 60);
  return {
    layers: [
      { label: 'longest wait', colour: 'wait', shape: 'area', values: minutes, text: (i) => seconds(grid.points[i]?.oldestWaitMax) },
    ],
    unit: (value) => `${value} min`,
  };
}

function seconds(value: number | undefined): string {
  return value === undefined ? '–' : duration(value * 1000);
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}`;
}
