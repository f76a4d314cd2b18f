import { upkeep } from '../../app/counts/maintain.ts';
import { tick } from '../../app/reconcile/entry-points.ts';
import { isTimerEvent } from '../functiongraph/events.ts';
import { createPassFunction, type PassFunction, type PassParts } from './pass-function.ts';

/** The function of the timer: launches, removes and counts. A call by hand does the same and is recorded as a person's. */
export function createReaper(parts: PassParts): PassFunction {
  return createPassFunction(parts, async (call) => {
    const result = await tick(call, isTimerEvent(call.event) ? 'timer' : 'person');
    await upkeep(call.services, call.settings.append, call.deadline.act);
    return result;
  });
}
