import { readControls } from '../../lib/app/controls/store.ts';
import { controlText } from '../../lib/app/ledger/sentences/controls.ts';
import type { Store } from '../../lib/app/ports/index.ts';
import { ALL_POOLS, holds } from '../../lib/core/controls.ts';

/** A sentence for each pause in the way of a drain or a roll. */
export async function pauseWarnings(store: Store, pools: readonly string[], now: number): Promise<readonly string[]> {
  const paused = (await readControls(store)).filter((c) => c.kind === 'pause' && holds(c, now) && overlaps(c.target, pools));
  return paused.map((c) => `But ${controlText(c)}. Nothing is deleted until scaler resume.`);
}

function overlaps(target: string, pools: readonly string[]): boolean {
  return target === ALL_POOLS || pools.includes(target) || pools.includes(ALL_POOLS);
}
