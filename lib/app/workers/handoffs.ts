import pMap from 'p-map';
import { describeError } from '../../core/errors.ts';
import { isWorkerOf, namedAt } from '../../core/fleet/names.ts';
import { HANDOFFS_PREFIX, handoffIn } from '../../core/keys.ts';
import type { PassContext } from '../pass-context.ts';
import type { PoolPlan } from '../reconcile/types.ts';

const AT_ONCE = 8;

/**
 * Deletes the handoffs that have done their service: by what lies in the bucket, not by what anybody remembers, so that whatever a pass could not
 * delete or died before is deleted by the next one. Never throws.
 */
export async function dropHandoffs({ services, pass, deadline }: PassContext, plans: readonly PoolPlan[]): Promise<void> {
  const { act: signal } = deadline;
  try {
    const keys = await services.store.list(HANDOFFS_PREFIX, { signal });
    const over = keys.filter((key) => isOver(key, plans, pass.time));
    const failures: unknown[] = [];
    const drop = (key: string) => services.store.delete(key, { signal }).catch((error: unknown) => failures.push(error));
    await pMap(over, drop, { concurrency: AT_ONCE });
    if (failures.length > 0) throw failures[0];
  } catch (error) {
    services.log.warn('handoffs not deleted; the next tick tries again', describeError(error));
  }
}

/** Its worker has called, so it has its configuration; or nobody knows such a worker any more and the URL is dead. Not known is never over. */
function isOver(key: string, plans: readonly PoolPlan[], now: number): boolean {
  const name = handoffIn(key) ?? '';
  const view = plans.find((planned) => isWorkerOf(planned.view.settings.pool, name))?.view;
  if (!view?.workers) return false;
  const worker = view.workers.find((w) => w.name === name);
  // One that counts as failed may still come up; its handoff goes when it is reaped or forgotten.
  return worker ? worker.booted : now - namedAt(name) > view.settings.pool.bootTimeoutMs;
}
