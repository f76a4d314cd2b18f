import type { PoolControls } from '../controls.ts';
import { tokenUsableUntil } from '../fleet/token-expiry.ts';
import type { PendingJob, Worker } from '../fleet/types.ts';
import type { Pool } from '../pool/pool.ts';
import { MINUTE } from '../time.ts';

/**
 * So long an idle worker is trusted to take a waiting job. GitLab gives a job to the first runner that asks and may run it, and a runner asks
 * every few seconds, or holds a request open for 50: one that was idle beside the job for longer will not get it.
 */
export const CLAIM_TIMEOUT_MS = 3 * MINUTE;

export interface Cover {
  /** Jobs that no worker is there for, nor on its way; oldest first. */
  readonly uncovered: readonly PendingJob[];
  /** Workers that no waiting job needs. */
  readonly surplus: number;
}

/** Why a worker must go whatever the demand is. */
export type LeaveWhy = 'error' | 'never-booted' | 'unresponsive' | 'max-builds' | 'max-age' | 'token-expires' | 'pool-draining' | 'rolled';

/**
 * Why this worker must go whatever the demand is; never one that is going already. One that has a job goes only because people have said so: it
 * takes no further one, or with jobs enough it would never be free.
 */
export function leaveReason(w: Worker, pool: Pool, controls: PoolControls, now: number): LeaveWhy | undefined {
  if (!w.runner || w.runner.paused || !w.server) return undefined;
  if (w.busy === 0 && (w.failure === 'error' || w.failure === 'never-booted' || w.failure === 'unresponsive')) return w.failure;
  return toldToLeave(w, controls) ?? (w.phase === 'idle' ? spent(w, pool, now) : undefined);
}

function spent(w: Worker, pool: Pool, now: number): LeaveWhy | undefined {
  if (pool.maxBuilds > 0 && w.done >= pool.maxBuilds) return 'max-builds';
  if (now - w.bornAt > pool.maxAgeMs) return 'max-age';
  const expiresAt = w.runner?.tokenExpiresAt;
  return expiresAt !== undefined && now > tokenUsableUntil(w.bornAt, expiresAt) ? 'token-expires' : undefined;
}

function toldToLeave({ phase, bornAt }: Worker, { drain, rollBefore = 0 }: PoolControls): LeaveWhy | undefined {
  // What boots would take a job before anybody could drain it.
  if (drain && !drain.unreadable && (phase === 'booting' || phase === 'idle' || phase === 'busy')) return 'pool-draining';
  return bornAt < rollBefore && (phase === 'idle' || phase === 'busy') ? 'rolled' : undefined;
}

/** The workers that may still take a job: idle or booting, and not about to leave. */
export function availableWorkers(workers: readonly Worker[], pool: Pool, controls: PoolControls, now: number): readonly Worker[] {
  return workers.filter((w) => (w.phase === 'idle' || w.phase === 'booting') && !isLeaving(w, pool, controls, now));
}

/** One that nothing may be done to does not leave for a control, and takes jobs until then. */
function isLeaving(w: Worker, pool: Pool, controls: PoolControls, now: number): boolean {
  const why = leaveReason(w, pool, controls, now);
  const byControl = why === 'pool-draining' || why === 'rolled';
  return why !== undefined && !(byControl && (controls.pause || controls.unread || controls.kept.has(w.name)));
}

/**
 * Gives the waiting jobs (oldest first) to the workers that may take them: first those that have a worker of their own on its way (`served`, by
 * id), so that none is started twice for one of them. An idle worker does not count for a job that has waited beside it
 * for longer than `CLAIM_TIMEOUT_MS`: its VM hangs, its runner has tags of an older configuration, or GitLab keeps the job from it.
 */
export function cover(jobs: readonly PendingJob[], available: readonly Worker[], served: ReadonlySet<number>, now: number): Cover {
  const passive = available.filter((w) => isPassive(w, now)).length;
  const fresh = available.length - passive;
  const own = jobs.filter((j) => served.has(j.id)).slice(0, fresh);
  const others = jobs.filter((j) => !own.includes(j));
  const old = others.filter((j) => isOld(j, now));
  const recent = others.filter((j) => !isOld(j, now));
  const forOld = fresh - own.length;
  const forRecent = Math.max(0, forOld - old.length) + passive;
  const uncovered = [...old.slice(forOld), ...recent.slice(forRecent)];
  return { uncovered, surplus: available.length - (jobs.length - uncovered.length) };
}

/** Has waited long enough to tell which workers do not take it. */
export function isOld(job: PendingJob, now: number): boolean {
  return now - job.queuedAt > CLAIM_TIMEOUT_MS;
}

/** Has been idle long enough to tell which jobs it does not take. */
export function isPassive(w: Worker, now: number): boolean {
  return w.phase === 'idle' && now - (w.idleSince ?? now) > CLAIM_TIMEOUT_MS;
}
