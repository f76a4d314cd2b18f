import { defined } from '../defined.ts';
import type { PendingJob } from '../fleet/types.ts';
import { isOld } from '../plan/coverage.ts';
import { MINUTE } from '../time.ts';
import { finishedLaunches } from './pool-state.ts';
import type { Launch, PoolState } from './types.ts';
import { isUndecided, servedJobs } from './unclaimed-jobs.ts';

const SHORTEST_GAP = 5 * MINUTE;
const LONGEST_GAP = 60 * MINUTE;
/** Judged launches; when all of the last ones were in vain, the pool as a whole is taken to serve none of what waited then and has waited for long. */
const WINDOW = 4;

/** The waiting jobs of a pool, by how workers are started for them. */
export interface SplitJobs {
  /** A worker each. */
  readonly ordinary: readonly PendingJob[];
  /** Passed over: an attempt now and then for all of them together. Workers are neither counted for these nor kept for them. */
  readonly held: readonly PendingJob[];
}

/**
 * Sets aside the jobs that were passed over. One whose own worker is on its way, or may still be given it, is not among them: that worker is
 * there for this job and for nothing else.
 */
export function splitHeld(jobs: readonly PendingJob[], memory: PoolState, now: number): SplitJobs {
  const known = memory.passedOver;
  if (Object.keys(known).length === 0) return { ordinary: jobs, held: [] };
  const inVainAt = servesNothing(memory.launches);
  const served = servedJobs(memory.launches);
  // One that came later may have had no worker at all, because its order failed: it is none that workers stood beside in vain.
  const hadChance = (j: PendingJob) => inVainAt !== undefined && isOld(j, now) && j.queuedAt <= inVainAt;
  const isHeld = (j: PendingJob) => !served.has(j.id) && (String(j.id) in known || hadChance(j));
  return { ordinary: jobs.filter((j) => !isHeld(j)), held: jobs.filter(isHeld) };
}

/** The next attempt for the jobs that are held. */
export interface Attempt {
  /** The job to start one worker for now. */
  readonly job?: PendingJob;
  /** When one is due; absent while one is on its way, or when nothing is held. */
  readonly nextAt?: number;
}

/** One attempt at a time for the whole pool, ever less often, for the job that was tried least. */
export function nextAttempt(held: readonly PendingJob[], memory: PoolState, now: number): Attempt {
  const { passedOver: known, launches, attempts } = memory;
  const hopeless = servesNothing(launches) !== undefined;
  const trying = launches.some((l) => isUndecided(l) && l.jobId !== undefined && (hopeless || String(l.jobId) in known));
  if (held.length === 0 || trying) return {};
  const lastAt = Math.max(attempts?.lastAt ?? 0, ...Object.values(known).map((p) => p.lastAt));
  const nextAt = lastAt + Math.min(LONGEST_GAP, SHORTEST_GAP * 2 ** (attempts?.inVain ?? 0));
  if (now < nextAt) return { nextAt };
  const tries = ({ id }: PendingJob) => known[String(id)]?.tries ?? 0;
  const [job] = [...held].sort((a, b) => tries(a) - tries(b) || a.queuedAt - b.queuedAt || a.id - b.id);
  return { ...defined({ job }), nextAt };
}

/** When the newest of the last judged launches came, where all of them were in vain. */
function servesNothing(launches: readonly Launch[]): number | undefined {
  const judged = finishedLaunches(launches)
    .filter((l) => l.use !== undefined)
    .slice(-WINDOW);
  const isInVain = judged.length === WINDOW && judged.every((l) => l.use === 'passed-over');
  return isInVain ? judged.at(-1)?.settledAt : undefined;
}
