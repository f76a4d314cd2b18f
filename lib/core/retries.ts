import { isOld } from './cover.ts';
import type { PendingJob } from './fleet.ts';
import { type Launch, type PoolMemory, tried } from './memory.ts';
import { isUndecided } from './passed-over.ts';

const MINUTE = 60_000;
const SHORTEST_GAP = 5 * MINUTE;
const LONGEST_GAP = 60 * MINUTE;
/** Judged launches; when all of the last ones were in vain, the pool as a whole is taken to serve none of what waits for long. */
const WINDOW = 4;

export interface Retries {
  /** Jobs to start workers for, as far as other bounds allow. */
  readonly due: readonly PendingJob[];
  /** How many more wait for the next attempt. */
  readonly held: number;
  /** When that is; absent while one is on its way. */
  readonly nextAt?: number;
}

/** Parts the uncovered jobs into those that get a worker now and those that were passed over: of these one at a time, ever less often. */
export function retries(uncovered: readonly PendingJob[], memory: PoolMemory, now: number): Retries {
  const over = new Map(Object.entries(memory.passedOver).map(([id, p]) => [Number(id), p]));
  if (over.size === 0) return { due: uncovered, held: 0 };
  const hopeless = servesNothing(memory.launches);
  const isHeld = (j: PendingJob) => over.has(j.id) || (hopeless && isOld(j, now));
  const held = uncovered.filter(isHeld);
  const due = uncovered.filter((j) => !isHeld(j));
  const trying = memory.launches.some((l) => isUndecided(l) && l.jobId !== undefined && (hopeless || over.has(l.jobId)));
  if (held.length === 0 || trying) return { due, held: held.length };
  const all = [...over.values()];
  const again = all.reduce((sum, { tries }) => sum + tries - 1, 0);
  const nextAt = Math.max(...all.map((p) => p.lastAt)) + Math.min(LONGEST_GAP, SHORTEST_GAP * 2 ** again);
  if (now < nextAt) return { due, held: held.length, nextAt };
  const [first] = [...held].sort(
    (a, b) => (over.get(a.id)?.tries ?? 0) - (over.get(b.id)?.tries ?? 0) || a.queuedAt - b.queuedAt || a.id - b.id,
  );
  const chosen = uncovered.filter((j) => !isHeld(j) || j === first);
  return { due: chosen, held: held.length - 1, nextAt };
}

function servesNothing(launches: readonly Launch[]): boolean {
  const judged = tried(launches)
    .filter((l) => l.use !== undefined)
    .slice(-WINDOW);
  return judged.length === WINDOW && judged.every((l) => l.use === 'passed-over');
}
