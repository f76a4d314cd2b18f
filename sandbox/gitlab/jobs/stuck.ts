import type { Job, Runner } from '../model.ts';
import { type JobQueue, timeoutOf } from './jobs.ts';
import { mayTake } from './matching.ts';

const HOUR = 3_600_000;
/** A runner counts as online this long after its last contact. */
export const ONLINE_MS = 2 * HOUR;
/** A runner that neither appeared nor asked for this long is stale, and no longer counts against the limit. */
export const STALE_MS = 7 * 24 * HOUR;

/**
 * GitLab's clean-up of jobs that nobody works on, hourly at a quarter past (app/services/ci/stuck_builds/, app/services/ci/timed_out_builds/;
 * reasons as of 19.1).
 */
export function dropStuckJobs(book: JobQueue, runners: Iterable<Runner>, now: number): void {
  const online = [...runners].filter((r) => !r.paused && r.contactedAt !== undefined && now - r.contactedAt < ONLINE_MS);
  for (const job of [...book.waiting.values()]) {
    const waited = now - (job.queuedAt ?? now);
    if (waited > 24 * HOUR) book.drop(job, 'stuck_pending_with_matching_runners');
    else if (waited > HOUR && !online.some((r) => mayTake(r, job))) book.drop(job, 'stuck_pending_no_matching_runners');
  }
  for (const job of [...book.active.values()]) {
    const reason = overdue(job, now);
    if (reason) book.drop(job, reason);
  }
}

function overdue(job: Job, now: number): string | undefined {
  if (job.status === 'canceling') return now - job.updatedAt >= HOUR ? 'no_updates_canceling' : undefined;
  if (job.status !== 'running') return undefined;
  const limit = timeoutOf(job) * 1000 + 15 * 60_000;
  if (now - (job.startedAt ?? now) > limit) return 'server_timeout_running';
  return now - job.updatedAt >= HOUR ? 'no_updates_running' : undefined;
}
