import { grow } from '../../app/reconcile/entry-points.ts';
import { triggeringJob } from '../functiongraph/events.ts';
import { createPassFunction, type PassFunction, type PassParts } from './pass-function.ts';

/** The function that a hook wakes: launches, removes nothing. Whatever the event says, what is done follows from what GitLab and the cloud say. */
export function createScaler(parts: PassParts): PassFunction {
  return createPassFunction(parts, async (call, log) => {
    const job = triggeringJob(call.event);
    log.info('woken', { ...job });
    const hook = job?.hookAt === undefined ? undefined : { jobId: job.jobId, projectId: job.projectId, at: job.hookAt };
    return await grow(call, hook);
  });
}
