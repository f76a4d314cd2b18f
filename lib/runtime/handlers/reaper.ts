import { maintainSeries } from '../../app/counts/maintain.ts';
import { reconcileOnTimer } from '../../app/reconcile/entry-points.ts';
import { isTimerEvent } from '../functiongraph/events.ts';
import { createPassFunction, type PassFunction, type PassParts } from './pass-function.ts';

/** The function of the timer: launches, removes and counts. A call by hand does the same and is recorded as a person's. */
export function createReaper(parts: PassParts): PassFunction {
  return createPassFunction(parts, async (call) => {
    const result = await reconcileOnTimer(call, isTimerEvent(call.event) ? 'timer' : 'person');
    await maintainSeries(call.services, call.settings.append, call.deadline.act);
    return result;
  });
}
