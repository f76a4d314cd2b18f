/*
 * The data of every chart: dashboard, SVG, PNG and terminal.
 */

/** From the bottom of the stack to its top. */
export const PHASES = ['busy', 'idle', 'booting', 'draining', 'failed'] as const;
export type Phase = (typeof PHASES)[number];

type Values<M extends string> = { readonly [member in M]?: number | undefined };

/** One entry per step from `from` up to `to`, `undefined` where nothing was recorded: a gap stays a gap. */
export interface Grid<P> {
  readonly times: readonly number[];
  readonly points: readonly (P | undefined)[];
  readonly step: number;
}

export function gridOf<P extends { readonly at: number }>(
  points: readonly P[],
  { from, to }: { readonly from: number; readonly to: number },
  step: number,
): Grid<P> {
  const byTime = new Map(points.map((point) => [point.at, point]));
  const first = Math.floor(from / step) * step;
  const times = Array.from({ length: Math.max(0, Math.ceil((to - first) / step)) }, (_, i) => first + i * step);
  return { times, points: times.map((at) => byTime.get(at)), step };
}

/** Heights of the stack: each layer on top of those before it; null in a gap. */
export function stack({ points }: Grid<Values<Phase>>): Readonly<Record<Phase, readonly (number | null)[]>> {
  const heights = points.map((point) => {
    let sum = 0;
    return PHASES.map((phase) => {
      sum += point?.[phase] ?? 0;
      return point ? sum : null;
    });
  });
  const layer = (phase: Phase) => heights.map((column) => column[PHASES.indexOf(phase)] ?? null);
  return { busy: layer('busy'), idle: layer('idle'), booting: layer('booting'), draining: layer('draining'), failed: layer('failed') };
}

/** One count over time; null in a gap and where it is unknown. */
export function line<M extends string>({ points }: Grid<Values<M>>, member: M, factor = 1): readonly (number | null)[] {
  return points.map((point) => {
    const value = point?.[member];
    return value === undefined ? null : value * factor;
  });
}

/** The highest minute of a grid: the maxima of its steps, or their means where an older release recorded no maximum. */
export function highest<P extends object>({ points }: Grid<P>, member: keyof P & string): number {
  return points.reduce((most, point) => {
    const values: Readonly<Record<string, unknown>> = { ...point };
    const value = values[`${member}Max`] ?? values[member];
    return typeof value === 'number' ? Math.max(most, value) : most;
  }, 0);
}

export interface Corner {
  readonly at: number;
  readonly value: number;
  /** Of the step. */
  readonly index: number;
}

/** The stretches without a gap, as the corners of a stepped line: a value holds from its time to the end of its step. */
export function corners(
  { times, step }: { readonly times: ArrayLike<number>; readonly step: number },
  values: ArrayLike<number | null | undefined>,
): readonly (readonly Corner[])[] {
  const stretches: Corner[][] = [];
  let isOpen = false;
  Array.from(times).forEach((at, index) => {
    const value = values[index] ?? null;
    if (value !== null) {
      if (!isOpen) stretches.push([]);
      stretches.at(-1)?.push({ at, value, index }, { at: at + step, value, index });
    }
    isOpen = value !== null;
  });
  return stretches;
}
