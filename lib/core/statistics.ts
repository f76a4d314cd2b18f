/** How a step's durations are spread, in the unit of the values. Without values only `n`. */
export interface Spread {
  readonly n: number;
  readonly p50?: number;
  readonly p95?: number;
  readonly max?: number;
}

/** Nearest rank: the smallest value that at least this share of all values does not exceed. Always a value that occurred, never one between two. */
export function quantile(sorted: readonly number[], share: number): number | undefined {
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
}

export function spread(values: readonly number[]): Spread {
  const sorted = [...values].sort((a, b) => a - b);
  const p50 = quantile(sorted, 0.5);
  const p95 = quantile(sorted, 0.95);
  const max = sorted.at(-1);
  return p50 === undefined || p95 === undefined || max === undefined ? { n: 0 } : { n: sorted.length, p50, p95, max };
}
