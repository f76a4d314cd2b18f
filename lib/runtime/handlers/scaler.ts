import { scaleUpOnHook } from '../../app/reconcile/entry-points.ts';
import { triggeringHook } from '../functiongraph/events.ts';
import { createPassFunction, type PassFunction, type PassParts } from './pass-function.ts';

/** The function that a hook wakes: launches, removes nothing. Whatever the event says, what is done follows from what GitLab and the cloud say. */
export function createScaler(parts: PassParts): PassFunction {
  return createPassFunction(parts, async (call, log) => {
    const hook = triggeringHook(call.event);
    log.info('woken', { ...hook });
    return await scaleUpOnHook(call, hook);
  });
}
