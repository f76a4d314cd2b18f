import { expect, it } from 'vitest';
import type { PendingJob, Worker } from '../../../../lib/core/fleet/types.ts';
import { cover } from '../../../../lib/core/plan/coverage.ts';
import { HOUR, job, MINUTE, NOW, worker } from '../../../../testkit/builders.ts';

const old = (id: number) => job(id, { queuedAt: NOW - 10 * MINUTE + id });
const passive = worker(8, 'idle', { idleSince: NOW - HOUR });
const coming = worker(9, 'booting');
const rows: readonly {
  name: string;
  jobs: readonly PendingJob[];
  workers: readonly Worker[];
  served?: readonly number[];
  uncovered: readonly number[];
}[] = [
  { name: 'the oldest come first', jobs: [old(1), job(2)], workers: [coming], uncovered: [2] },
  {
    name: 'a job whose own worker is on its way comes before older ones',
    jobs: [old(1), job(2)],
    workers: [coming],
    served: [2],
    uncovered: [1],
  },
  {
    name: 'and leaves an old one nobody, where only a passive worker is left',
    jobs: [old(1), job(2)],
    workers: [passive, coming],
    served: [2],
    uncovered: [1],
  },
  { name: 'a passive worker is there for a job that has just come', jobs: [old(1), job(2)], workers: [passive, coming], uncovered: [] },
  { name: 'own workers that are not there serve nobody', jobs: [old(1), job(2)], workers: [], served: [1, 2], uncovered: [1, 2] },
];

it.each(rows)('$name', ({ jobs, workers, served = [], uncovered }) => {
  expect(cover(jobs, workers, new Set(served), NOW).uncovered.map(({ id }) => id)).toStrictEqual(uncovered);
});
