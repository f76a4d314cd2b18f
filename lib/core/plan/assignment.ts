import type { PoolControls } from '../controls.ts';
import type { PendingJob, Worker } from '../fleet/types.ts';
import { splitHeld } from '../launches/retry-backoff.ts';
import type { PoolState } from '../launches/types.ts';
import { servedJobs } from '../launches/unclaimed-jobs.ts';
import type { Pool } from '../pool/pool.ts';
import { availableWorkers, cover } from './coverage.ts';
import { count, launchable } from './scale-up.ts';

/**
 * GitLab's own rule, as far as the API shows it: all tags of the job are among the runner's, exactly and case-sensitively; a job without
 * tags needs a runner that takes untagged ones (gitlabhq: lib/gitlab/ci/matching/runner_matcher.rb). Whether a job is protected is not shown.
 */
export function canRun(pool: Pool, job: Pick<PendingJob, 'tags'>): boolean {
  if (job.tags.length === 0) return pool.runUntagged;
  return job.tags.every((tag) => pool.tags.includes(tag));
}

/** A pool, what is known of it, and the jobs waiting in its scope, those of other pools and strangers included. */
export interface PoolQueue {
  readonly pool: Pool;
  readonly jobs: readonly PendingJob[];
  /** Absent when they could not be read: then the pool keeps what it may run, since another pool would start workers beside them. */
  readonly workers?: readonly Worker[];
  readonly memory: PoolState;
  readonly controls: PoolControls;
  /** This pass launches nothing for the pool, though the pool itself might: what its own workers do not serve goes to the next pool. */
  readonly mayLaunch?: false;
}

/** The waiting jobs that the pool may run, each once, oldest first. */
export function candidates(pool: Pool, jobs: readonly PendingJob[]): readonly PendingJob[] {
  const mine = new Map(jobs.filter((j) => canRun(pool, j)).map((j) => [j.id, j]));
  return [...mine.values()].sort(oldestFirst);
}

/**
 * Gives each waiting job to one pool that sees it and can run it: demand is a set of job ids, so a job that two pools could serve starts one
 * worker. Workers that are there come first, in all pools; then who may launch, in the order given; what is left waits for the first pool that
 * can run it. Each pool's jobs come out oldest first.
 */
export function assignJobs(queues: readonly PoolQueue[], now: number): ReadonlyMap<string, readonly PendingJob[]> {
  const taken = new Set<number>();
  const assigned = new Map<string, PendingJob[]>(queues.map(({ pool }) => [pool.name, []]));
  const round = (choose: (queue: PoolQueue, open: readonly PendingJob[]) => readonly PendingJob[]) => {
    for (const queue of queues) {
      const open = candidates(queue.pool, queue.jobs).filter((j) => !taken.has(j.id));
      const chosen = choose(queue, open);
      for (const { id } of chosen) taken.add(id);
      assigned.get(queue.pool.name)?.push(...chosen);
    }
  };
  round(({ pool, workers, memory, controls }, open) => {
    if (!workers) return open;
    const { ordinary } = splitHeld(open, memory, now);
    const uncovered = new Set(cover(ordinary, availableWorkers(workers, pool, controls, now), servedJobs(memory.launches), now).uncovered);
    return ordinary.filter((j) => !uncovered.has(j));
  });
  round(({ pool, workers = [], memory, controls, mayLaunch }, open) =>
    mayLaunch === false ? [] : launchable(open, { pool, memory, counts: count(workers), controls, now }),
  );
  round((_, open) => open);
  for (const jobs of assigned.values()) jobs.sort(oldestFirst);
  return assigned;
}

function oldestFirst(a: PendingJob, b: PendingJob): number {
  return a.queuedAt - b.queuedAt || a.id - b.id;
}
