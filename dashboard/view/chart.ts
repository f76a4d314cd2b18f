import uPlot from 'uplot';
import { tickLabel, timeTicks, type ValueAxis, valueAxis } from '../../lib/core/chart/axes.ts';
import { corners } from '../../lib/core/chart/grid.ts';
import { dayName, dayTime } from '../../lib/core/chart/zone.ts';
import { element } from './dom.ts';

export interface Layer {
  readonly label: string;
  /** Name of the colour, a custom property of the style sheet. */
  readonly colour: string;
  readonly values: readonly (number | null)[];
  /** What the legend says at a step. */
  readonly text: (index: number) => string;
  readonly shape: 'area' | 'line';
}

export interface Drawing {
  readonly times: readonly number[];
  readonly step: number;
  readonly zone: string;
  /** From the bottom to the top. */
  readonly layers: readonly Layer[];
  readonly unit: (value: number) => string;
}

const HEIGHT = 230;
/** Pixels of a label such as `Mon 23 Nov`, with space around it. */
const TICK_WIDTH = 84;
const SYNC = 'charts';

/**
 * A chart with its legend. It is drawn on a canvas, so everything that it says is there in words as well: the legend tells the numbers of one step,
 * which arrow keys move, and a table holds them all.
 */
export class Chart {
  readonly #legend = element('ul', { class: 'legend' });
  readonly #when = element('span', { class: 'when' });
  readonly #plot: HTMLElement;
  #drawing: Drawing | undefined;
  #uplot: uPlot | undefined;
  #index: number | undefined;

  constructor(parent: HTMLElement, label: string) {
    this.#plot = element('div', { class: 'plot', role: 'slider', tabindex: '0', 'aria-label': `${label}: arrow keys move through time` });
    parent.prepend(element('div', { class: 'reading' }, this.#when, this.#legend), this.#plot);
    this.#plot.addEventListener('keydown', (event) => this.#key(event));
    this.#plot.addEventListener('blur', () => this.#point(undefined));
    new ResizeObserver(() => this.#resize()).observe(this.#plot);
  }

  show(drawing: Drawing): void {
    const before = this.#drawing;
    this.#drawing = drawing;
    const alike = before && before.layers.length === drawing.layers.length && before.step === drawing.step && before.zone === drawing.zone;
    if (this.#uplot && alike) {
      this.#uplot.setData(dataOf(drawing), false);
      this.#uplot.setScale('x', rangeOf(drawing));
    } else {
      this.#uplot?.destroy();
      this.#uplot = new uPlot(this.#options(drawing), dataOf(drawing), this.#plot);
    }
    const gaps = drawing.layers[0]?.values.filter((value) => value === null).length ?? 0;
    this.#plot.dataset.steps = String(drawing.times.length);
    this.#plot.dataset.gaps = String(gaps);
    this.#tell();
  }

  /** After the colours have changed. */
  redraw(): void {
    this.#uplot?.redraw(false);
  }

  #options({ step, zone, layers, unit }: Drawing): uPlot.Options {
    const axis = { stroke: () => colour('muted'), grid: { stroke: () => colour('grid'), width: 1 }, ticks: { show: false } };
    // What is drawn later covers what was drawn before: the highest sums first.
    const series = [...layers].reverse().map(({ label, colour: name, shape }): uPlot.Series => {
      const paint = () => colour(name);
      const drawn = shape === 'area' ? { fill: paint, width: 0 } : { stroke: paint, width: 2, dash: [6, 4] };
      return { label, ...drawn, paths: steps(step / 1000), points: { show: false }, spanGaps: false };
    });
    let values: ValueAxis = valueAxis(1);
    return {
      width: this.#plot.clientWidth || 300,
      height: HEIGHT,
      series: [{}, ...series],
      legend: { show: false },
      scales: {
        x: { time: true, range: (_u, min, max) => [min, max] },
        y: {
          range: (_u, _min, max) => {
            values = valueAxis(max);
            return [0, values.top];
          },
        },
      },
      axes: [
        {
          ...axis,
          size: 30,
          splits: ({ width }, _axis, min, max) =>
            timeTicks({ from: min * 1000, to: max * 1000, timezone: zone }, Math.floor(width / TICK_WIDTH)).map((at) => at / 1000),
          values: (_u, splits) => splits.map((at) => tickLabel(at * 1000, zone, dayName)),
        },
        {
          ...axis,
          size: 56,
          splits: () => [...values.ticks],
          values: (_u, splits) => splits.map(unit),
        },
      ],
      cursor: { drag: { x: false, y: false }, points: { show: false }, y: false, sync: { key: SYNC } },
      padding: [8, 26, 0, 0],
      hooks: { drawClear: [shadeGaps], setCursor: [(u) => this.#moved(u.cursor.idx)] },
    };
  }

  #resize(): void {
    const width = this.#plot.clientWidth;
    if (this.#uplot && width > 0 && width !== this.#uplot.width) this.#uplot.setSize({ width, height: HEIGHT });
  }

  #key(event: KeyboardEvent): void {
    const drawing = this.#drawing;
    if (!drawing || event.ctrlKey || event.metaKey || event.altKey) return;
    const last = drawing.times.length - 1;
    const at = this.#index ?? last;
    const far = Math.max(1, Math.round(last / 24));
    const next = {
      ...{ ArrowLeft: at - 1, ArrowRight: at + 1, ArrowDown: at - 1, ArrowUp: at + 1 },
      ...{ PageDown: at - far, PageUp: at + far, Home: 0, End: last },
    }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    this.#point(Math.min(last, Math.max(0, next)));
  }

  #point(index: number | undefined): void {
    const at = index === undefined ? undefined : this.#drawing?.times[index];
    // Left of the canvas the cursor is away, in all charts.
    this.#uplot?.setCursor({ left: at === undefined ? -10 : (this.#uplot.valToPos(at / 1000, 'x') ?? -10), top: 10 });
    this.#moved(index);
  }

  #moved(index: number | null | undefined): void {
    if (index === this.#index) return;
    this.#index = index ?? undefined;
    this.#tell();
  }

  /** The step under the cursor, else the newest that was recorded. */
  #tell(): void {
    const drawing = this.#drawing;
    if (!drawing) return;
    const { times, layers, zone } = drawing;
    const recorded = layers[0]?.values.findLastIndex((value) => value !== null) ?? -1;
    const index = this.#index ?? Math.max(recorded, 0);
    const at = times[index];
    const gap = layers.every(({ values }) => (values[index] ?? null) === null);
    const when = at === undefined ? '' : dayTime(at, zone);
    this.#when.textContent = gap ? `${when}: nothing recorded` : when;
    const parts = layers.map(({ label, text }) => [label, gap ? '–' : text(index)] as const);
    this.#legend.replaceChildren(
      ...layers.map(({ colour: name, shape }, i) => {
        const [label = '', value = ''] = parts[i] ?? [];
        return element('li', { class: `${shape} ${name}` }, label, ' ', element('b', {}, value));
      }),
      ...(layers[0]?.values.includes(null) ? [element('li', { class: 'gap' }, 'not recorded')] : []),
    );
    const words = gap ? 'nothing recorded' : parts.map(([label, value]) => `${label} ${value}`).join(', ');
    for (const [name, value] of [
      ['aria-valuemin', 0],
      ['aria-valuemax', Math.max(0, times.length - 1)],
      ['aria-valuenow', index],
      ['aria-valuetext', `${when}: ${words}`],
    ] as const) {
      this.#plot.setAttribute(name, String(value));
    }
  }
}

function dataOf({ times, layers }: Drawing): uPlot.AlignedData {
  return [times.map((at) => at / 1000), ...[...layers].reverse().map(({ values }) => [...values])];
}

function rangeOf({ times, step }: Drawing): { min: number; max: number } {
  return { min: (times[0] ?? 0) / 1000, max: ((times.at(-1) ?? 0) + step) / 1000 };
}

/** A value holds to the end of its step, and a step without a value is not drawn: uPlot's own steps end at the last value instead. */
function steps(length: number): uPlot.Series.PathBuilder {
  return (u, series) => {
    const stroke = new Path2D();
    const fill = new Path2D();
    const ground = u.valToPos(0, 'y', true);
    for (const stretch of corners({ times: u.data[0], step: length }, u.data[series] ?? [])) {
      stretch.forEach(({ at, value }, i) => {
        const [x, y] = [Math.round(u.valToPos(at, 'x', true)), u.valToPos(value, 'y', true)];
        if (i === 0) {
          stroke.moveTo(x, y);
          fill.moveTo(x, ground);
        } else stroke.lineTo(x, y);
        fill.lineTo(x, y);
        if (i === stretch.length - 1) fill.lineTo(x, ground);
      });
      fill.closePath();
    }
    return { stroke, fill };
  };
}

/** Gaps are shaded, so that nothing drawn can be taken for zero. */
function shadeGaps(u: uPlot): void {
  const [times, ...series] = u.data;
  const lowest = series.at(-1) ?? [];
  const step = (times[1] ?? 0) - (times[0] ?? 0);
  u.ctx.save();
  u.ctx.fillStyle = colour('gap');
  const gaps = Array.from(lowest, (value) => (value === null ? 1 : null));
  for (const gap of corners({ times, step }, gaps)) {
    const [left = 0, right = 0] = [gap[0], gap.at(-1)].map((corner) => Math.round(u.valToPos(corner?.at ?? 0, 'x', true)));
    u.ctx.fillRect(left, u.bbox.top, right - left, u.bbox.height);
  }
  u.ctx.restore();
}

/** A custom property of the style sheet, as it is with the colours of now. */
function colour(name: string): string {
  return getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();
}
