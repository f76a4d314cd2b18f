import { isFinished, type Job, type JobStatus, type Pipeline } from '../model.ts';

/** A pipeline's status from those of its current jobs, after GitLab's rule (lib/gitlab/ci/status/composite.rb). */
export function pipelineStatus(pipeline: Pipeline): JobStatus {
  const statuses = new Set(currentJobs(pipeline).map((job) => (isForgiven(job) ? 'success' : job.status)));
  const only = (...allowed: JobStatus[]) => [...statuses].every((s) => allowed.includes(s));
  if (only('skipped')) return statuses.size > 0 ? 'skipped' : 'created';
  if (only('success', 'skipped')) return 'success';
  if (only('created')) return 'created';
  if (only('success', 'failed', 'canceled', 'skipped')) return statuses.has('failed') ? 'failed' : 'canceled';
  if (only('created', 'pending')) return 'pending';
  return only('success', 'failed', 'canceled', 'canceling', 'skipped') ? 'canceling' : 'running';
}

function currentJobs(pipeline: Pipeline): readonly Job[] {
  return pipeline.jobs.filter((job) => !job.retried);
}

/** What the created jobs of a pipeline become next: those of the first unfinished stage wait for a runner, those behind a failure are skipped. */
export function nextSteps(pipeline: Pipeline): readonly { readonly job: Job; readonly to: 'pending' | 'skipped' }[] {
  const jobs = currentJobs(pipeline);
  const steps: { job: Job; to: 'pending' | 'skipped' }[] = [];
  let broken = false;
  for (const stage of pipeline.stages) {
    const ofStage = jobs.filter((job) => job.stage === stage);
    for (const job of ofStage) if (job.status === 'created') steps.push({ job, to: broken ? 'skipped' : 'pending' });
    if (!broken && !ofStage.every((job) => isFinished(job.status))) break;
    broken ||= ofStage.some((job) => !isForgiven(job) && (job.status === 'failed' || job.status === 'canceled'));
  }
  return steps;
}

function isForgiven(job: Job): boolean {
  return job.spec.allowFailure === true && job.status === 'failed';
}
