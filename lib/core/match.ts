import type { PendingJob } from './fleet.ts';
import type { Pool } from './pool.ts';

/**
 * GitLab's own rule, as far as the API shows it: all tags of the job are among the runner's, exactly and case-sensitively; a job without
 * tags needs a runner that takes untagged ones (gitlabhq: lib/gitlab/ci/matching/runner_matcher.rb). Whether a job is protected is not shown.
 */
export function canRun(pool: Pool, job: Pick<PendingJob, 'tags'>): boolean {
  if (job.tags.length === 0) return pool.runUntagged;
  return job.tags.every((tag) => pool.tags.includes(tag));
}

/** A pool and the jobs waiting in its scope, those of other pools and strangers included. */
export interface PoolQueue {
  readonly pool: Pool;
  readonly jobs: readonly PendingJob[];
}

/**
 * Gives each waiting job to the first pool, in the order given, that sees it and can run it: demand is a set of job ids, so a job that two
 * pools could serve starts one worker. Each pool's jobs come out oldest first.
 */
export function assignJobs(queues: readonly PoolQueue[]): ReadonlyMap<string, readonly PendingJob[]> {
  const taken = new Set<number>();
  const assigned = new Map<string, readonly PendingJob[]>();
  for (const { pool, jobs } of queues) {
    const mine = new Map<number, PendingJob>();
    for (const job of jobs) if (!taken.has(job.id) && canRun(pool, job)) mine.set(job.id, job);
    for (const id of mine.keys()) taken.add(id);
    assigned.set(
      pool.name,
      [...mine.values()].sort((a, b) => a.queuedAt - b.queuedAt || a.id - b.id),
    );
  }
  return assigned;
}
