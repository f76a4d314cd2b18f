import { type Grid, PHASES, type Phase } from '../../lib/core/chart/grid.ts';
import type { SeriesRow } from '../../lib/core/metrics/rollup.ts';
import { MINUTE } from '../../lib/core/time.ts';

type Mean = Phase | 'machines' | 'pending' | 'unmet' | 'limit' | 'oldestWait' | 'hourlyCost' | 'coming';
const MEANS: readonly Mean[] = [...PHASES, 'machines', 'pending', 'unmet', 'limit', 'oldestWait', 'hourlyCost', 'coming'];
type Maximum = 'machinesMax' | 'pendingMax' | 'oldestWaitMax';
const MAXIMA: readonly (readonly [Maximum, Mean])[] = [
  ['machinesMax', 'machines'],
  ['pendingMax', 'pending'],
  ['oldestWaitMax', 'oldestWait'],
];
type Count = Mean | Maximum;

/** All pools together, or one of them, in one step: means over its minutes, and maxima. What is not known of one of the pools is not known. */
export type Point = { readonly at: number; readonly samples: number } & { readonly [count in Count]?: number | undefined };

/** Sums over the pools; of the waits the longest. Sorted by time. */
export function combine(rows: readonly SeriesRow[], pool?: string): readonly Point[] {
  const groups = new Map<number, SeriesRow[]>();
  for (const row of rows) {
    if (pool !== undefined && row.pool !== pool) continue;
    const group = groups.get(row.at);
    if (group) group.push(row);
    else groups.set(row.at, [row]);
  }
  return [...groups.values()].map(together).sort((a, b) => a.at - b.at);
}

function together(rows: readonly SeriesRow[]): Point {
  const at = rows[0]?.at ?? 0;
  const counts = [...MEANS, 'oldestWaitMax' as const].map((count) => {
    const values = rows.flatMap((row) => row[count] ?? []);
    if (values.length < rows.length) return [count, undefined] as const;
    return [count, count.startsWith('oldestWait') ? Math.max(...values) : values.reduce((sum, n) => sum + n, 0)] as const;
  });
  const means: Partial<Point> = Object.fromEntries(counts);
  const samples = Math.max(...rows.map((row) => row.samples));
  return { ...means, at, samples, ...totalMaxima(rows, means, samples) };
}

/** Of one pool its own; of several in one minute their sums; else what the rollup says of all, which an older release did not write. */
function totalMaxima(rows: readonly SeriesRow[], means: Partial<Point>, samples: number): Partial<Point> {
  const [first] = rows;
  if (rows.length === 1) return { machinesMax: first?.machinesMax, pendingMax: first?.pendingMax };
  if (samples === 1) return { machinesMax: means.machines, pendingMax: means.pending };
  return { machinesMax: first?.allMachinesMax, pendingMax: first?.allPendingMax };
}

/** A row of the table behind a chart: a longer step, and how much of it was recorded. */
export interface TableRow {
  readonly at: number;
  /** Recorded part of the step, 0 to 1. */
  readonly covered: number;
  /** Means over its minutes, and the highest of its maxima. */
  readonly point: Point | undefined;
}

/** `steps` of the grid in a row of the table; the newest row first. */
export function tableRows({ times, points, step }: Grid<Point>, steps: number): readonly TableRow[] {
  const rows: TableRow[] = [];
  for (let i = 0; i < times.length; i += steps) {
    const part = points.slice(i, i + steps);
    const there = part.filter((point) => point !== undefined);
    const recorded = there.reduce((sum, { samples }) => sum + samples, 0);
    const covered = Math.min(1, (recorded * MINUTE) / (part.length * step));
    rows.push({ at: times[i] ?? 0, covered, point: summary(there) });
  }
  return rows.reverse();
}

function summary(points: readonly Point[]): Point | undefined {
  const [first] = points;
  if (!first) return undefined;
  const means = MEANS.map((count) => {
    const known = points.flatMap((point) => (point[count] === undefined ? [] : [[point[count], point.samples] as const]));
    const minutes = known.reduce((sum, [, samples]) => sum + samples, 0);
    return [count, minutes === 0 ? undefined : known.reduce((sum, [value, samples]) => sum + value * samples, 0) / minutes] as const;
  });
  const maxima = MAXIMA.map(([count, of]) => {
    const known = points.flatMap((point) => point[count] ?? []);
    // A step that knows its mean and not its maximum may have had the highest.
    const unknown = known.length === 0 || points.some((point) => point[count] === undefined && point[of] !== undefined);
    return [count, unknown ? undefined : Math.max(...known)] as const;
  });
  const samples = points.reduce((sum, point) => sum + point.samples, 0);
  return { at: first.at, samples, ...Object.fromEntries([...means, ...maxima]) };
}

export interface Cost {
  readonly amount: number;
  /** Minutes whose cost is known, of those that have passed. */
  readonly known: number;
  readonly passed: number;
}

/** What the machines cost from `from` to `to`. `undefined` when no minute has a price. */
export function costOf(rows: readonly SeriesRow[], from: number, to: number, pool?: string): Cost | undefined {
  const inside = rows.filter((row) => row.at >= from && row.at < to && (pool === undefined || row.pool === pool));
  const priced = inside.filter(({ hourlyCost }) => hourlyCost !== undefined);
  if (priced.length === 0) return undefined;
  const amount = priced.reduce((sum, { hourlyCost = 0, samples }) => sum + (hourlyCost * samples) / 60, 0);
  const known = combine(inside).reduce((sum, { hourlyCost, samples }) => sum + (hourlyCost === undefined ? 0 : samples), 0);
  return { amount, known, passed: Math.max(known, Math.floor((to - from) / MINUTE)) };
}
