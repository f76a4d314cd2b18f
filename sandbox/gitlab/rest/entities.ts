import { alertStatus } from '../hooks/status.ts';
import { ONLINE_MS, STALE_MS } from '../jobs/stuck.ts';
import { type Hook, type HookEvent, isFinished, type Job, type Pipeline, type Project, type Runner, type RunnerManager } from '../model.ts';

/** What the REST API shows (lib/api/entities/ci/). */

type Entity = Readonly<Record<string, unknown>>;

/** `2026-03-02T10:00:00.000Z`; null when it has not happened. */
export function iso(ms: number | undefined): string | null {
  return ms === undefined ? null : new Date(ms).toISOString();
}

/** `2026-03-02T10:00:00Z`, as in GraphQL and hooks. */
export function isoSeconds(ms: number | undefined): string | null {
  return ms === undefined ? null : `${new Date(ms).toISOString().slice(0, 19)}Z`;
}

export type RunnerStatus = 'online' | 'offline' | 'stale' | 'never_contacted';

/** app/models/concerns/ci/has_runner_status.rb. */
export function runnerStatus(runner: { readonly createdAt: number; readonly contactedAt?: number | undefined }, now: number): RunnerStatus {
  if (now - Math.max(runner.createdAt, runner.contactedAt ?? 0) > STALE_MS) return 'stale';
  if (runner.contactedAt === undefined) return 'never_contacted';
  return now - runner.contactedAt < ONLINE_MS ? 'online' : 'offline';
}

/** REST counts running jobs only: with a canceling or an unconfirmed one the runner is idle. */
function executionStatus(runner: Runner): 'active' | 'idle' {
  return runner.jobs.some((job) => job.status === 'running') ? 'active' : 'idle';
}

/** As in lists: neither tags nor the last contact. */
export function runnerEntity(runner: Runner, now: number): Entity {
  const status = runnerStatus(runner, now);
  return {
    id: runner.id,
    description: runner.description,
    ip_address: null,
    active: !runner.paused,
    paused: runner.paused,
    is_shared: runner.type === 'instance_type',
    runner_type: runner.type,
    name: runner.managers.size > 0 ? 'gitlab-runner' : null,
    online: status === 'never_contacted' ? null : status === 'online',
    created_by: runner.createdBy ? { id: runner.createdBy.id, username: runner.createdBy.username } : null,
    created_at: iso(runner.createdAt),
    status: runner.paused ? 'paused' : status,
    job_execution_status: executionStatus(runner),
  };
}

export function runnerDetails(runner: Runner, base: string, now: number): Entity {
  const manager = [...runner.managers.values()].at(-1);
  return {
    ...runnerEntity(runner, now),
    tag_list: runner.tags,
    run_untagged: runner.runUntagged,
    locked: runner.locked,
    maximum_timeout: runner.maximumTimeout ?? null,
    access_level: runner.protectedOnly ? 'ref_protected' : 'not_protected',
    contacted_at: iso(runner.contactedAt),
    maintenance_note: runner.maintenanceNote ?? null,
    version: manager?.version ?? null,
    revision: null,
    platform: manager?.platform ?? null,
    architecture: manager?.architecture ?? null,
    projects: runner.projects.map((p) => ({ id: p.id, name: nameOf(p.path), path_with_namespace: p.path })),
    groups: runner.group ? [{ id: runner.group.id, name: nameOf(runner.group.path), web_url: `${base}/groups/${runner.group.path}` }] : [],
  };
}

export function managerEntity(manager: RunnerManager, now: number): Entity {
  return {
    id: manager.id,
    system_id: manager.systemId,
    version: manager.version,
    revision: '',
    platform: manager.platform,
    architecture: manager.architecture,
    created_at: iso(manager.createdAt),
    contacted_at: iso(manager.contactedAt),
    ip_address: '127.0.0.1',
    status: runnerStatus(manager, now),
    job_execution_status: 'idle',
  };
}

export function jobEntity(job: Job, base: string, now: number): Entity {
  const { pipeline } = job;
  const finished = isFinished(job.status);
  const until = job.startedAt ?? job.finishedAt ?? now;
  return {
    id: job.id,
    status: job.status,
    stage: job.stage,
    name: job.name,
    ref: pipeline.ref,
    tag: false,
    coverage: null,
    allow_failure: job.spec.allowFailure ?? false,
    created_at: iso(job.createdAt),
    started_at: iso(job.startedAt),
    finished_at: iso(job.finishedAt),
    erased_at: null,
    duration: job.startedAt === undefined ? null : ((finished ? (job.finishedAt ?? now) : now) - job.startedAt) / 1000,
    queued_duration: job.queuedAt === undefined ? null : (until - job.queuedAt) / 1000,
    user: { id: 7, username: 'dev', name: 'Dev', state: 'active' },
    commit: { id: pipeline.sha, short_id: pipeline.sha.slice(0, 8), title: 'Change' },
    pipeline: pipelineEntity(pipeline, base),
    ...(job.status === 'failed' ? { failure_reason: job.failureReason ?? 'unknown_failure' } : {}),
    web_url: `${base}/${pipeline.project.path}/-/jobs/${job.id}`,
    project: { ci_job_token_scope_enabled: false },
    artifacts: [],
    runner: job.runner ? runnerEntity(job.runner, now) : null,
    runner_manager: job.runner && job.manager && job.unconfirmedSince === undefined ? managerEntity(job.manager, now) : null,
    artifacts_expire_at: null,
    archived: false,
    tag_list: job.tags,
  };
}

export function pipelineEntity(pipeline: Pipeline, base: string): Entity {
  return {
    id: pipeline.id,
    iid: pipeline.iid,
    project_id: pipeline.project.id,
    sha: pipeline.sha,
    ref: pipeline.ref,
    status: pipeline.status,
    source: pipeline.source,
    created_at: iso(pipeline.createdAt),
    updated_at: iso(pipeline.updatedAt),
    web_url: `${base}/${pipeline.project.path}/-/pipelines/${pipeline.id}`,
  };
}

export function projectEntity(project: Project, base: string): Entity {
  return {
    id: project.id,
    name: nameOf(project.path),
    path: nameOf(project.path),
    path_with_namespace: project.path,
    name_with_namespace: project.path.split('/').join(' / '),
    default_branch: 'main',
    visibility: 'private',
    archived: false,
    created_at: iso(project.createdAt),
    web_url: `${base}/${project.path}`,
  };
}

/** Secrets never leave; since 19.0 the entity shows whether they are set. */
export function hookEntity(hook: Hook, signing: boolean, now: number): Entity {
  const until = hook.disabledUntil;
  return {
    id: hook.id,
    url: hook.url,
    name: hook.name ?? null,
    description: hook.description ?? null,
    created_at: iso(hook.createdAt),
    push_events: hook.pushEvents,
    job_events: hook.jobEvents,
    pipeline_events: hook.pipelineEvents,
    enable_ssl_verification: hook.sslVerification,
    alert_status: alertStatus(hook, now),
    disabled_until: until === undefined || until === Number.POSITIVE_INFINITY ? null : iso(until),
    url_variables: [],
    custom_headers: [],
    ...(signing ? { token_present: hook.token !== undefined, signing_token_present: hook.signingToken !== undefined } : {}),
    ...(hook.owner.kind === 'project' ? { project_id: hook.owner.project.id } : { group_id: hook.owner.group.id }),
  };
}

export function hookEventEntity(event: HookEvent): Entity {
  return {
    id: event.id,
    url: event.url,
    trigger: event.trigger,
    request_headers: event.requestHeaders,
    request_data: JSON.parse(event.requestBody),
    response_headers: event.responseHeaders,
    response_body: event.responseBody,
    execution_duration: event.seconds,
    response_status: event.responseStatus,
  };
}

function nameOf(path: string): string {
  return path.slice(path.lastIndexOf('/') + 1);
}
