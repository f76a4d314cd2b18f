import { fromIso, MINUTE } from '../../core/time.ts';
import type { CallOptions, Clock, Store } from '../ports/index.ts';
import { readFarm } from '../status/schema.ts';

/** As long as a pass takes at most: one that began before the drain knows nothing of it, and may launch until then. */
const PASS_MS = MINUTE;

/** What is left of pools on their way to zero, as the reaper saw it last. */
export interface DrainProgress {
  /** Machines in any state. */
  readonly machines: number;
  /** Of these: such as have a job, or had one when they were last seen. */
  readonly working: number;
  /** Milliseconds since the reaper looked; `undefined` when it has not looked since the drain began. */
  readonly age?: number;
}

/**
 * Looks until no machine of the pools is left and none can come, as the reaper's view tells it, which it writes each minute. `progress` hears of each look. Gives
 * `false` when `signal` ended it before. Throws what reading the bucket throws.
 */
export async function waitForZero(
  store: Store,
  pools: readonly string[],
  since: number,
  {
    clock,
    everyMs,
    progress,
    signal,
  }: {
    readonly clock: Clock;
    readonly everyMs: number;
    readonly progress: (left: DrainProgress) => void;
    readonly signal?: AbortSignal;
  },
): Promise<boolean> {
  while (!signal?.aborted) {
    const now = clock.now();
    const left = await look(store, pools, since, now, signal ? { signal } : {});
    progress(left);
    if (left.age !== undefined && left.machines === 0 && now - left.age >= since + PASS_MS) return true;
    await clock.sleep(everyMs, signal);
  }
  return false;
}

async function look(store: Store, pools: readonly string[], since: number, now: number, options: CallOptions): Promise<DrainProgress> {
  const farm = await readFarm(store, options);
  const workers = (farm?.workers ?? []).filter(({ pool }) => pools.includes(pool));
  const at = farm && fromIso(farm.time);
  const left = {
    machines: workers.length,
    working: workers.filter(({ phase, why }) => phase === 'busy' || why === 'pool-draining').length,
  };
  return at === undefined || at < since ? left : { ...left, age: now - at };
}
