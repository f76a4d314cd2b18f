import { PATIENCE_MS } from './cover.ts';
import type { PendingJob } from './fleet.ts';
import type { Launch, PoolMemory } from './memory.ts';
import type { Worker } from './worker.ts';

/*
 * A job is passed over when a worker that was started for it stayed without any job while it went on waiting. GitLab has reasons that its API
 * does not show: the job's branch is not protected and the runner serves only protected ones, a quota of minutes is used up. Starting another
 * worker each time the last one leaves would go on for ever; never trying again would leave the job alone when the reason is gone.
 */

/** How a job was passed over so far. */
export interface PassedOver {
  readonly tries: number;
  /** Launch time of the last worker that was started for it in vain. */
  readonly lastAt: number;
}

/** Jobs kept in mind, the last ones tried. */
const MOST = 500;

/** Settles what each booted launch was good for, as far as it is known by now. Without `jobs` nobody can tell. */
export function judge(
  launches: readonly Launch[],
  workers: ReadonlyMap<string, Worker>,
  jobs: readonly PendingJob[] | undefined,
  now: number,
): readonly Launch[] {
  const waiting = jobs && new Set(jobs.map((j) => j.id));
  return launches.map((launch) => {
    if (launch.outcome !== 'booted' || launch.use !== undefined) return launch;
    const use = useOf(launch, workers.get(launch.name), waiting, now);
    return use === undefined ? launch : { ...launch, use };
  });
}

function useOf(launch: Launch, worker: Worker | undefined, waiting: ReadonlySet<number> | undefined, now: number): Launch['use'] {
  if (worker && (worker.busy > 0 || worker.done > 0)) return 'job';
  if (!waiting || (worker?.phase === 'idle' && now - (launch.settledAt ?? now) < PATIENCE_MS)) return undefined;
  return launch.jobId !== undefined && waiting.has(launch.jobId) ? 'passed-over' : 'none';
}

/**
 * The jobs passed over so far, with what was judged since; those that do not wait any more are dropped. When one of them left with a worker
 * that was started for it, the reason is taken to be gone, and all begin afresh.
 */
export function passedOver(
  known: PoolMemory['passedOver'],
  before: readonly Launch[],
  judged: readonly Launch[],
  jobs: readonly PendingJob[] | undefined,
): PoolMemory['passedOver'] {
  const waiting = jobs && new Set(jobs.map((j) => String(j.id)));
  const news = judged.filter((l, i) => l.use !== undefined && before[i]?.use === undefined && l.jobId !== undefined);
  const isTaken = (id: string) => id in known && waiting?.has(id) === false;
  if (news.some((l) => l.use === 'job' && isTaken(String(l.jobId)))) return {};
  const all = new Map(Object.entries(known));
  for (const { jobId, at } of news.filter((l) => l.use === 'passed-over')) {
    const key = String(jobId);
    all.set(key, { tries: (all.get(key)?.tries ?? 0) + 1, lastAt: Math.max(at, all.get(key)?.lastAt ?? 0) });
  }
  // GitLab's counts are late: whether its worker has it shows after it has left the queue.
  const open = new Set(judged.filter(isUndecided).map((l) => String(l.jobId)));
  const kept = [...all].filter(([id]) => (waiting?.has(id) ?? true) || open.has(id)).sort(([, a], [, b]) => b.lastAt - a.lastAt);
  return Object.fromEntries(kept.slice(0, MOST));
}

/** It may still be given a job, its first. */
export function isUndecided(launch: Launch): boolean {
  return launch.outcome === 'pending' || (launch.outcome === 'booted' && launch.use === undefined);
}
