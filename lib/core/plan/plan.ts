import { defined } from '../defined.ts';
import type { Worker } from '../fleet/types.ts';
import { splitHeld } from '../launches/retry-backoff.ts';
import { servedJobs } from '../launches/unclaimed-jobs.ts';
import { activePolicy, idleTarget } from '../pool/schedule.ts';
import { availableWorkers, cover } from './coverage.ts';
import { scaleDown } from './scale-down.ts';
import { count, type ScaleUp, scaleUp } from './scale-up.ts';
import type { Action, Counts, Plan, PlanInput, PlanNumbers, Skipped } from './types.ts';

const NO_LAUNCHES: ScaleUp = { actions: [], brakes: [], blockedByLimit: 0 };
const NO_REMOVALS = { actions: [] as readonly Action[], held: [] as readonly Skipped[] };

/**
 * Decides what to do about one pool. Knows nothing of GitLab, OTC or the clock: same input, same plan, in whatever order things were listed.
 * A worker that drains never comes back, and a busy one is left alone.
 */
export function planPool(input: PlanInput): Plan {
  const { pool, controls, now } = input;
  const workers = [...input.workers].sort(oldestFirst);
  const { policy, period, brokenZone } = activePolicy(pool, now);
  const counts = count(workers);
  const target = idleTarget(policy, counts.busy);
  const available = availableWorkers(workers, pool, controls, now);

  const { ordinary, held } = splitHeld(input.jobs ?? [], input.memory, now);
  const covered = cover(ordinary, available, servedJobs(input.memory.launches), now);
  const launches = input.mayLaunch && input.jobs ? scaleUp({ ...input, ...covered, held, target, counts }) : NO_LAUNCHES;
  const unmet = covered.uncovered.length + held.length - launches.actions.filter((a) => a.jobId !== undefined).length;
  const removals = input.mayRemove
    ? scaleDown({ ...input, workers, available, ordinary, target, policy, counts, blockedByLimit: launches.blockedByLimit })
    : NO_REMOVALS;
  return {
    pool: pool.name,
    actions: [...launches.actions, ...removals.actions],
    held: removals.held,
    brakes: launches.brakes,
    ...defined({ brokenZone }),
    numbers: {
      ...(input.jobs ? { demand: input.jobs.length } : {}),
      ...(input.jobs && input.unreadParts ? { unreadParts: input.unreadParts } : {}),
      ...machineCounts(workers, counts),
      limit: pool.limit,
      idleTarget: target,
      ...defined({ period }),
      unmet,
    },
  };
}

/** What there is, and beside it what only counts against the limit. */
function machineCounts(workers: readonly Worker[], all: Counts): Counts & Pick<PlanNumbers, 'coming'> {
  const machines = count(workers.filter(({ server }) => server !== undefined));
  const coming = all.machines - machines.machines;
  return { ...machines, ...(coming > 0 && { coming }) };
}

function oldestFirst(a: Worker, b: Worker): number {
  return a.bornAt - b.bornAt || (a.name < b.name ? -1 : 1);
}
