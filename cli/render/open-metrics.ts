import type { SeriesRow } from '../../lib/core/metrics/rollup.ts';
import { decimal } from '../../lib/core/metrics/sample.ts';

const HELP: Readonly<Record<string, string>> = {
  machines: 'VMs of the pool in any state',
  booting: 'workers on their way',
  idle: 'workers without a job',
  busy: 'workers with a job',
  draining: 'workers that take no new job',
  failed: 'workers that did not come up',
  pending: 'waiting jobs that the pool may run',
  unmet: 'waiting jobs without a worker in sight',
  limit: 'most VMs of the pool',
  oldest_wait: 'seconds that the oldest waiting job has waited',
  hourly_cost: 'price of the VMs per hour',
  coming: 'VMs that are ordered and not listed yet',
};

/**
 * OpenMetrics 1.0 text with a timestamp at each point, for `promtool tsdb create-blocks-from openmetrics`: families one after the other, within a
 * family pool by pool, each in the order of time, and `# EOF` at the end.
 */
export function renderOpenMetrics(rows: readonly SeriesRow[], columns: readonly (readonly [string, keyof SeriesRow])[]): string {
  const pools = [...new Set(rows.map((row) => row.pool))];
  const families = columns.map(([column, member]) => {
    const name = `gitlab_scaler_${column}`;
    const points = pools.flatMap((pool) =>
      rows
        .filter((row) => row.pool === pool && typeof row[member] === 'number')
        .map((row) => `${name}{pool="${escaped(pool)}"} ${decimal(Number(row[member]))} ${row.at / 1000}\n`),
    );
    return points.length === 0 ? '' : `# TYPE ${name} gauge\n# HELP ${name} ${HELP[column] ?? column}\n${points.join('')}`;
  });
  return `${families.join('')}# EOF\n`;
}

function escaped(label: string): string {
  return label.replace(/[\\"]/g, '\\$&').replaceAll('\n', '\\n');
}
