import { type Grid, gridOf } from '../../../lib/core/chart/grid.ts';
import { type SeriesRow, STEP_MS, type Step } from '../../../lib/core/metrics/rollup.ts';

/** What every form of a chart is drawn from. */
export interface ChartView {
  readonly from: number;
  readonly to: number;
  readonly step: Step;
  readonly timezone: string;
  /** Lines to draw in place of the stacked states; empty for those. */
  readonly columns: readonly (readonly [string, Column])[];
  /** Letters of a terminal, or pixels. */
  readonly width: number;
}

/** A member of a row that is a number. */
export type Column = Exclude<keyof SeriesRow, 'pool'>;

export type PoolGrid = Grid<SeriesRow>;

/** One grid for each pool, in the order in which pools appear. */
export function poolGrids(rows: readonly SeriesRow[], view: ChartView): readonly { readonly pool: string; readonly grid: PoolGrid }[] {
  return [...new Set(rows.map(({ pool }) => pool))].map((pool) => ({
    pool,
    grid: gridOf(
      rows.filter((row) => row.pool === pool),
      view,
      STEP_MS[view.step],
    ),
  }));
}
