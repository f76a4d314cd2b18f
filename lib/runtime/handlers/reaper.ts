import { upkeep } from '../../app/counts/maintain.ts';
import { tick } from '../../app/reconcile/entry-points.ts';
import { timerOf } from '../functiongraph/events.ts';
import { createPassFunction, type PassFunction, type PassParts } from './pass-function.ts';

/** The function of the timer: launches, removes and counts. A call by hand does the same and is recorded as a person's. */
export function createReaper(parts: PassParts): PassFunction {
  return createPassFunction(parts, async ({ services, settings, wake, deadline, holdMs, event }) => {
    const trigger = timerOf(event) === undefined ? 'person' : 'timer';
    const result = await tick(services, settings, trigger, wake, deadline, holdMs);
    await upkeep(services, settings.append, deadline.act);
    return result;
  });
}
