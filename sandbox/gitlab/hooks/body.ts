import type { Job, Pipeline, Project } from '../model.ts';
import { isoSeconds } from '../rest/entities.ts';

/** The body of a Job Hook (lib/gitlab/data_builder/build.rb): no tags of the job, and both spellings of each time. */
export function jobHookBody(job: Job, base: string, now: number): Readonly<Record<string, unknown>> {
  const { pipeline } = job;
  const { project } = pipeline;
  const started = job.startedAt;
  return {
    object_kind: 'build',
    ref: pipeline.ref,
    tag: false,
    before_sha: '0'.repeat(40),
    sha: pipeline.sha,
    retries_count: job.retries,
    build_id: job.id,
    build_name: job.name,
    build_stage: job.stage,
    build_status: job.status,
    ...times('build_', { created: job.createdAt, started, finished: job.finishedAt }),
    build_duration: started === undefined ? null : ((job.finishedAt ?? now) - started) / 1000,
    build_queued_duration: job.queuedAt === undefined ? null : ((started ?? job.finishedAt ?? now) - job.queuedAt) / 1000,
    build_allow_failure: job.spec.allowFailure ?? false,
    build_failure_reason: job.status === 'created' ? null : (job.failureReason ?? 'unknown_failure'),
    pipeline_id: pipeline.id,
    runner: runnerOf(job),
    project_id: project.id,
    project_name: project.path.split('/').join(' / '),
    user: { id: 7, name: 'Dev', username: 'dev', avatar_url: null, email: '[REDACTED]' },
    commit: commitOf(pipeline, base),
    repository: repositoryOf(project, base),
    project: projectOf(project, base),
    environment: null,
  };
}

function runnerOf(job: Job): unknown {
  const { runner } = job;
  if (!runner) return null;
  return {
    id: runner.id,
    description: runner.description,
    runner_type: runner.type,
    active: !runner.paused,
    is_shared: runner.type === 'instance_type',
    tags: runner.tags,
  };
}

/** `id` is the pipeline's, as in the original. */
function commitOf(pipeline: Pipeline, base: string): unknown {
  const { startedAt, finishedAt } = pipeline;
  return {
    id: pipeline.id,
    name: null,
    sha: pipeline.sha,
    message: pipeline.message,
    author_name: 'Dev',
    author_email: 'dev@example.com',
    author_url: `${base}/dev`,
    status: pipeline.status,
    duration: startedAt === undefined || finishedAt === undefined ? null : (finishedAt - startedAt) / 1000,
    ...times('', { started: startedAt, finished: finishedAt }),
  };
}

function repositoryOf(project: Project, base: string): unknown {
  return {
    name: nameOf(project),
    url: ssh(project, base),
    description: null,
    homepage: `${base}/${project.path}`,
    git_http_url: `${base}/${project.path}.git`,
    git_ssh_url: ssh(project, base),
    visibility_level: 0,
  };
}

function projectOf(project: Project, base: string): unknown {
  return {
    id: project.id,
    name: nameOf(project),
    description: null,
    web_url: `${base}/${project.path}`,
    avatar_url: null,
    git_ssh_url: ssh(project, base),
    git_http_url: `${base}/${project.path}.git`,
    namespace: project.path.split('/').at(-2) ?? '',
    visibility_level: 0,
    path_with_namespace: project.path,
    default_branch: 'main',
    ci_config_path: null,
  };
}

function nameOf(project: Project): string {
  return project.path.slice(project.path.lastIndexOf('/') + 1);
}

function ssh(project: Project, base: string): string {
  return `git@${new URL(base).hostname}:${project.path}.git`;
}

function times(prefix: string, at: Readonly<Record<string, number | undefined>>): Record<string, string | null> {
  const out: Record<string, string | null> = {};
  for (const [name, ms] of Object.entries(at)) out[`${prefix}${name}_at`] = ms === undefined ? null : spoken(ms);
  for (const [name, ms] of Object.entries(at)) out[`${prefix}${name}_at_iso`] = isoSeconds(ms);
  return out;
}

/** `2026-03-02 10:00:00 UTC`, as Ruby prints a time. */
function spoken(ms: number): string {
  return `${new Date(ms).toISOString().slice(0, 19).replace('T', ' ')} UTC`;
}
