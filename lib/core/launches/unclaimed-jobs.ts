import { defined } from '../defined.ts';
import type { PendingJob, Worker } from '../fleet/types.ts';
import { CLAIM_TIMEOUT_MS } from '../plan/coverage.ts';
import { MINUTE } from '../time.ts';
import type { Attempts, Launch, LeftJob, PoolState, QueueObservation } from './types.ts';

/*
 * A job is passed over when a worker that was started for it stayed without any job while it went on waiting. GitLab has reasons that its API
 * does not show: the job's branch is not protected and the runner serves only protected ones, a quota of minutes is used up. Starting another
 * worker each time the last one leaves would go on for ever; never trying again would leave the job alone when the reason is gone.
 */

/** Jobs kept in mind, the last ones tried. */
const MOST = 500;
/** GitLab's counts of a runner's jobs may be this late. */
const COUNT_LAG_MS = MINUTE;

/** How long a booted launch may wait for the answer to what it was good for. */
export const JUDGING_MS = 10 * MINUTE;

/**
 * Settles what each booted launch was good for, as far as it is known by now. Without `jobs` nobody can tell. When only a part of them could be read,
 * the launch's own job may wait unseen; after `JUDGING_MS` an attempt that had none of the jobs that are held counts as one in vain, any other launch
 * as one whose job has left: what is never settled would keep the next attempt waiting for as long as anything is unread.
 */
export function classifyLaunches(
  launches: readonly Launch[],
  workers: ReadonlyMap<string, Worker>,
  { jobs, partial, left = new Map<number, LeftJob>() }: Pick<QueueObservation, 'jobs' | 'partial' | 'left'>,
  now: number,
): readonly Launch[] {
  const withJobs = launches.map((launch) =>
    isOpen(launch) && hasHadJob(workers.get(launch.name)) ? { ...launch, use: 'job' as const } : launch,
  );
  if (!jobs) return withJobs;
  const waiting = new Set(jobs.map((j) => j.id));
  return (partial ? withJobs : handOver(withJobs, jobs, now)).map((launch) => {
    const worker = workers.get(launch.name);
    if (!isOpen(launch) || (worker?.phase === 'idle' && now - (launch.settledAt ?? now) < CLAIM_TIMEOUT_MS)) return launch;
    const { jobId, settledAt = 0, retry } = launch;
    if (jobId !== undefined && waiting.has(jobId)) return { ...launch, use: 'passed-over' };
    if (!partial || jobId === undefined || left.has(jobId)) return { ...launch, use: 'none' };
    if (now - settledAt <= JUDGING_MS) return launch;
    return { ...launch, use: retry ? 'passed-over' : 'none' };
  });
}

function isOpen({ outcome, use }: Launch): boolean {
  return outcome === 'booted' && use === undefined;
}

function hasHadJob(worker: Worker | undefined): boolean {
  return worker !== undefined && (worker.busy > 0 || worker.done > 0);
}

/**
 * GitLab gives a worker whatever job it likes, not the one that it was started for. A worker that has none yet, and whose own job has left with
 * another, stands for the oldest job that has no worker of its own, if it was there when that worker came.
 */
function handOver(launches: readonly Launch[], jobs: readonly PendingJob[], now: number): readonly Launch[] {
  const waiting = new Set(jobs.map((j) => j.id));
  const served = servedJobs(launches);
  const open = jobs.filter((j) => !served.has(j.id)).sort((a, b) => a.queuedAt - b.queuedAt || a.id - b.id);
  return launches.map((launch) => {
    if (!isUndecided(launch) || launch.jobId === undefined || waiting.has(launch.jobId)) return launch;
    const { settledAt } = launch;
    const [next] = open;
    if (!next || (settledAt !== undefined && (next.queuedAt > settledAt || now - settledAt < COUNT_LAG_MS))) return launch;
    open.shift();
    return { ...launch, jobId: next.id };
  });
}

/**
 * Jobs passed over that are not in the queue any more, as far as it could be read, while a worker of the pool may have been given one: who was given
 * them is worth a question.
 */
export function leftWhileTried(
  { passedOver: known, launches }: PoolState,
  { jobs }: Pick<QueueObservation, 'jobs'>,
): readonly { readonly id: number; readonly projectId: number }[] {
  if (!jobs || !launches.some((l) => isUndecided(l))) return [];
  const waiting = new Set(jobs.map((j) => String(j.id)));
  return Object.entries(known).flatMap(([id, { projectId }]) =>
    projectId === undefined || waiting.has(id) ? [] : [{ id: Number(id), projectId }],
  );
}

type Known = Pick<PoolState, 'passedOver' | 'attempts'>;

/**
 * The jobs passed over so far, and the attempts for them, with what was judged since; those that do not wait any more are dropped. When one of
 * them was given to a worker of the pool, the reason is taken to be gone, and all begin afresh.
 */
export function passedOver(
  { passedOver: known, attempts }: Known,
  before: readonly Launch[],
  judged: readonly Launch[],
  observed: QueueObservation,
): Known {
  const { jobs, left = new Map<number, LeftJob>() } = observed;
  const waiting = jobs && new Map(jobs.map((j) => [String(j.id), j]));
  const news = judged.filter((l, i) => l.use !== undefined && before[i]?.use === undefined && l.jobId !== undefined);
  const ours = new Set(observed.workers.flatMap((w) => w.runner?.id ?? []));
  const isGone = (id: string) => waiting?.has(id) === false && (!observed.partial || left.has(Number(id)));
  const isOurs = (id: string) => ours.has(left.get(Number(id))?.runnerId ?? Number.NaN);
  // Where GitLab has not answered, a worker with a job, whose own one has left, is taken to have that.
  const isLikely = ({ use, jobId }: Launch) => use === 'job' && String(jobId) in known && isGone(String(jobId)) && !left.has(jobId ?? 0);
  if (Object.keys(known).some((id) => isGone(id) && isOurs(id)) || news.some(isLikely)) return { passedOver: {} };
  const all = new Map(Object.entries(known));
  const inVain = news.filter((l) => l.use === 'passed-over');
  for (const { jobId, at } of inVain) {
    const key = String(jobId);
    const last = all.get(key);
    const project = waiting?.get(key)?.projectId ?? last?.projectId;
    all.set(key, {
      tries: (last?.tries ?? 0) + 1,
      lastAt: Math.max(at, last?.lastAt ?? 0),
      ...defined({ projectId: project }),
    });
  }
  // GitLab's counts are late: whether its worker has it shows after it has left the queue.
  const open = new Set(judged.filter((l) => isUndecided(l) && !left.has(l.jobId ?? 0)).map((l) => String(l.jobId)));
  const kept = [...all].filter(([id]) => !isGone(id) || open.has(id)).sort(([, a], [, b]) => b.lastAt - a.lastAt);
  if (kept.length === 0) return { passedOver: {} };
  return { passedOver: Object.fromEntries(kept.slice(0, MOST)), ...afterAttempts(attempts, inVain) };
}

function afterAttempts(attempts: Attempts | undefined, inVain: readonly Launch[]): Pick<PoolState, 'attempts'> {
  if (inVain.length === 0) return attempts ? { attempts } : {};
  const retried = inVain.filter((l) => l.retry).length;
  return { attempts: { inVain: (attempts?.inVain ?? 0) + retried, lastAt: Math.max(attempts?.lastAt ?? 0, ...inVain.map((l) => l.at)) } };
}

/** Ids of the jobs whose own worker is on its way, or has come and may still be given them. */
export function servedJobs(launches: readonly Launch[]): ReadonlySet<number> {
  return new Set(launches.filter(isUndecided).flatMap((l) => l.jobId ?? []));
}

/** It may still be given a job, its first. */
export function isUndecided(launch: Launch): boolean {
  return launch.outcome === 'pending' || isOpen(launch);
}
