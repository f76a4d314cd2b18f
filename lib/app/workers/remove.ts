import { describeError } from '../../core/errors.ts';
import { drainNote } from '../../core/fleet/drain-note.ts';
import { handoffKey } from '../../core/keys.ts';
import type { Removal } from '../../core/plan/types.ts';
import type { PassContext } from '../pass-context.ts';
import type { Services } from '../services.ts';
import type { PoolSettings } from '../settings.ts';
import type { JobHistoryRecorder } from './job-history.ts';

export interface RemovalOutcome {
  readonly outcome: 'done' | 'failed' | 'skipped';
  readonly code?: string;
  readonly message?: string;
  /** A job was on the worker when its VM went: somebody must look at it. */
  readonly alarm?: 'job-lost';
  readonly jobId?: number;
}

/**
 * Carries out one drain, reap or forget, after the second look that it needs. When that look gives no clear answer nothing is done: the next
 * tick tries again. Never throws.
 */
export async function remove(
  { services, deadline }: PassContext,
  settings: PoolSettings,
  action: Removal,
  jobHistory: Pick<JobHistoryRecorder, 'record'>,
): Promise<RemovalOutcome> {
  if (deadline.act.aborted) return { outcome: 'skipped', code: 'deadline' };
  try {
    const lost = await lostJob(services, action, deadline.act);
    const refusal = await step(services, settings, action, jobHistory, deadline.act);
    return refusal === undefined ? { outcome: 'done', ...lost } : { outcome: 'skipped', ...refusal };
  } catch (error) {
    const { code, message } = describeError(error);
    return { outcome: 'failed', code, message };
  }
}

/** GitLab's counts lag by a minute, so that a worker that has just left still looks busy: ask for its jobs before raising an alarm. */
async function lostJob(services: Services, action: Removal, signal: AbortSignal): Promise<Pick<RemovalOutcome, 'alarm' | 'jobId'>> {
  if (action.kind === 'drain' || !action.jobLost || action.runnerId === undefined) return {};
  try {
    const [job] = await services.forge.unfinishedJobs(action.runnerId, { signal });
    return job ? { alarm: 'job-lost', jobId: job.id } : {};
  } catch {
    return { alarm: 'job-lost' };
  }
}

type Refusal = { readonly code: string; readonly message: string } | undefined;

async function step(
  services: Services,
  settings: PoolSettings,
  action: Removal,
  jobHistory: Pick<JobHistoryRecorder, 'record'>,
  signal: AbortSignal,
): Promise<Refusal> {
  switch (action.kind) {
    case 'drain':
      await services.forge.drainRunner(action.runnerId, drainNote(services.clock.now(), action.why), { signal });
      return undefined;
    case 'reap':
      return (await mayReap(services, settings, action, signal)) ?? (await reap(services, action.serverId, action.worker, signal));
    case 'forget':
      return await forget(services, action, jobHistory, signal);
  }
}

/** The second source. `undefined`: it agrees. */
async function mayReap(
  services: Services,
  settings: PoolSettings,
  action: Extract<Removal, { kind: 'reap' }>,
  signal: AbortSignal,
): Promise<Refusal> {
  if (action.check === 'none') return undefined;
  if (action.check === 'no-jobs') {
    if (action.runnerId === undefined) return { code: 'no-runner-id', message: 'whose jobs to ask for is not known' };
    const [job] = await services.forge.unfinishedJobs(action.runnerId, { signal });
    return job && { code: 'has-job', message: `job ${job.id} is ${job.status} on it` };
  }
  const there =
    action.runnerId === undefined
      ? (await services.forge.findRunners(settings.scope, action.worker, { signal })).length > 0
      : (await services.forge.runner(action.runnerId, { signal })) !== undefined;
  return there ? { code: 'has-runner', message: 'GitLab knows its runner after all' } : undefined;
}

async function reap(services: Services, serverId: string, worker: string, signal: AbortSignal): Promise<Refusal> {
  await services.cloud.deleteServer(serverId, { signal });
  // Only tidiness: the URL is dead by now and the object expires by itself.
  await services.store.delete(handoffKey(worker), { signal }).catch(() => undefined);
  return undefined;
}

/** Deletes the runner when a listing of exactly this name agrees that the VM is gone: a page of a changing list may miss one. */
async function forget(
  services: Services,
  action: Extract<Removal, { kind: 'forget' }>,
  jobHistory: Pick<JobHistoryRecorder, 'record'>,
  signal: AbortSignal,
): Promise<Refusal> {
  const [server] = await services.cloud.servers(action.worker, { signal });
  if (server) return { code: 'has-server', message: 'the cloud lists its VM after all' };
  await jobHistory.record(action.worker, action.runnerId, signal);
  await services.store.delete(handoffKey(action.worker), { signal });
  await services.forge.deleteRunner(action.runnerId, { signal });
  return undefined;
}
