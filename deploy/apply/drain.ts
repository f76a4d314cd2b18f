import { setTimeout as sleep } from 'node:timers/promises';

import { UserError } from '../../cli/shared/environment.ts';
import { pauseWarnings } from '../../cli/shared/pause-warnings.ts';
import { drainPools } from '../../lib/app/controls/store.ts';
import type { Cloud, Store } from '../../lib/app/ports/index.ts';
import { formatDuration } from '../../lib/config/durations.ts';
import { ALL_POOLS } from '../../lib/core/controls.ts';
import { counted } from '../../lib/core/plural.ts';

export interface DrainInputs {
  readonly cloud: Pick<Cloud, 'servers'>;
  readonly store: Store;
  readonly say: (line: string) => void;
  readonly pollMs: number;
  /** Longer than the longest job. */
  readonly mostMs: number;
}

/** Passes that begin from now on launch nothing. Gives the time of it. */
export async function drainAll(store: Store, reason: string): Promise<number> {
  await drainPools(store, [ALL_POOLS], { now: Date.now(), reason });
  return Date.now();
}

/**
 * Lets nothing be launched any more, and waits until the reaper has removed the last worker; gives the time since which nothing is. The control stays
 * when this ends without that.
 */
export async function drain({ cloud, store, say, pollMs, mostMs }: DrainInputs): Promise<number> {
  const begin = await drainAll(store, 'osls remove --drain');
  for (const line of await pauseWarnings(store, [ALL_POOLS], begin)) say(line);
  say(
    'All pools drain: nothing is launched, running jobs finish. Ctrl-C stops the waiting, not the drain; to end the drain: scaler undrain --all.',
  );
  for (let before = ''; ; ) {
    const workers = (await cloud.servers('')).map(({ name }) => name).toSorted();
    if (workers.length === 0) return begin;
    const now = workers.join(' ');
    if (now !== before)
      say(`${formatDuration(Math.round((Date.now() - begin) / 1000) * 1000)}: waiting for ${counted(workers.length, 'worker')}: ${now}`);
    before = now;
    if (Date.now() - begin > mostMs) {
      throw new UserError(
        `${counted(workers.length, 'worker is', 'workers are')} left after ${formatDuration(mostMs)}: ${now}. They continue to drain; a kept worker (scaler release) or a long job holds them up. Run the command again later.`,
      );
    }
    await sleep(pollMs);
  }
}
