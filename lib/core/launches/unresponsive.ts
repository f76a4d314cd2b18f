import type { Worker } from '../fleet/types.ts';
import { CLAIM_TIMEOUT_MS } from '../plan/coverage.ts';
import { SECOND } from '../time.ts';
import type { LeftJob, PoolState, QueueObservation, Suspicion, WatchedJob } from './types.ts';

/*
 * A machine that hangs, or a runner whose token has ended, looks as idle as a good one: GitLab writes its last contact up to an hour late. What
 * tells is a job. While nothing else is known of it, one that goes on waiting beside an idle worker may be a job that GitLab gives to nobody. Once
 * another worker of the pool got it, the idle one could have had it, and did not ask.
 */

/** A runner asks at least this often: GitLab holds a request for 50 s, run-single waits 3 s between two; the rest is room for slow answers. */
export const ASKING_MS = 65 * SECOND;

/** Jobs kept in mind, the oldest. */
const MOST = 100;

/**
 * The waiting jobs that will tell something of the idle workers when they leave the queue. One that cannot be read now is watched again as soon as it
 * can.
 */
export function watchedJobs(
  { workers, jobs }: Pick<QueueObservation, 'workers' | 'jobs'>,
  before: PoolState['watched'],
): PoolState['watched'] {
  if (!jobs) return before;
  if (!workers.some((w) => w.phase === 'idle')) return {};
  const oldest = [...jobs].sort((a, b) => a.queuedAt - b.queuedAt || a.id - b.id).slice(0, MOST);
  return Object.fromEntries(oldest.map(({ id, projectId, queuedAt }) => [String(id), { projectId, queuedAt }]));
}

/**
 * Watched jobs that have left the queue, as far as it could be read, and that a worker which is still idle may have let wait: who got them is worth a
 * question.
 */
export function leftBesideIdle(
  memory: PoolState,
  { workers, jobs }: Pick<QueueObservation, 'workers' | 'jobs'>,
  now: number,
): readonly { readonly id: number; readonly projectId: number }[] {
  if (!jobs) return [];
  const waiting = new Set(jobs.map((j) => String(j.id)));
  const left = Object.entries(memory.watched).filter(([id]) => !waiting.has(id));
  return left.flatMap(([id, { projectId, queuedAt }]) =>
    missing(memory, workers, { id, projectId, queuedAt, until: now }).length > 0 ? [{ id: Number(id), projectId }] : [],
  );
}

/** The workers that are suspected now: those that were and have neither gone nor taken a job, and those that a watched job has told of. */
export function suspicions(
  memory: PoolState,
  { workers, left = new Map<number, LeftJob>() }: QueueObservation,
  now: number,
): PoolState['suspects'] {
  const known = workers.flatMap(({ name, phase, ...w }) => {
    const suspicion = memory.suspects[name];
    return suspicion && phase !== 'gone' && isSilent(w, suspicion) ? [[name, suspicion] as const] : [];
  });
  const runners = new Set(workers.flatMap((w) => w.runner?.id ?? []));
  const told = [...left].flatMap(([jobId, { runnerId, startedAt }]) => {
    const job = memory.watched[String(jobId)];
    if (!job || startedAt === undefined || runnerId === undefined || !runners.has(runnerId)) return [];
    const idle = missing(memory, workers, { ...job, id: String(jobId), until: Math.min(startedAt, now) });
    return idle.filter((w) => w.runner?.id !== runnerId).map(({ name, done }) => [name, { since: now, jobId, done }] as const);
  });
  return Object.fromEntries([...told, ...known]);
}

/** Whether nothing has happened since that speaks for the worker. */
export function isSilent({ busy, done }: Pick<Worker, 'busy' | 'done'>, suspicion: Suspicion): boolean {
  return busy === 0 && done === suspicion.done;
}

interface Wait extends WatchedJob {
  readonly id: string;
  readonly until: number;
}

/**
 * Workers that were idle beside the job for so long that they must have asked GitLab in between. A job that was passed over tells nothing, nor does
 * one that has waited long while others of its project were: when their reason goes, any worker may be the first that GitLab gives one. Jobs of other
 * projects tell what they always do, or one job that nobody may take would hide every dead worker for as long as it waits.
 */
function missing({ passedOver }: PoolState, workers: readonly Worker[], wait: Wait): readonly Worker[] {
  const { id, projectId, queuedAt, until } = wait;
  const isSameProject = Object.values(passedOver).some((p) => p.projectId === undefined || p.projectId === projectId);
  if (id in passedOver || (isSameProject && until - queuedAt > CLAIM_TIMEOUT_MS)) return [];
  return workers.filter((w) => w.phase === 'idle' && w.idleSince !== undefined && until - Math.max(w.idleSince, queuedAt) > ASKING_MS);
}
