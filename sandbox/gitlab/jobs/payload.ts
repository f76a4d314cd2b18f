import type { Job, Runner } from '../model.ts';
import { timeoutOf } from './jobs.ts';

/** Failure reasons that a runner may report as they are; it translates the others. */
const FAILURE_REASONS = [
  'unknown_failure',
  'script_failure',
  'runner_system_failure',
  'runner_interrupted',
  'runner_configuration_error',
  'runner_external_dependency_failure',
  'job_execution_timeout',
  'image_pull_failure',
  'unmet_prerequisites',
];

/**
 * The answer to `POST /jobs/request` (lib/api/entities/ci/job_request/response.rb), with all that a genuine gitlab-runner reads. `base` is
 * the address under which the runner reached us. Nothing is cloned unless the job asks for it (`GIT_STRATEGY`).
 */
export function jobPayload(job: Job, runner: Runner, base: string, now: number): Readonly<Record<string, unknown>> {
  const { pipeline } = job;
  const { project } = pipeline;
  const name = project.path.slice(project.path.lastIndexOf('/') + 1);
  const repository = `${base}/${project.path}.git`;
  const timeout = Math.min(timeoutOf(job), runner.maximumTimeout ?? Number.POSITIVE_INFINITY);
  return {
    id: job.id,
    token: job.token,
    allow_git_fetch: true,
    job_info: {
      id: job.id,
      name: job.name,
      stage: job.stage,
      project_id: project.id,
      project_name: name,
      project_full_path: project.path,
      time_in_queue_seconds: Math.round((now - (job.queuedAt ?? now)) / 1000),
      project_jobs_running_on_instance_runners_count: '0',
    },
    git_info: {
      repo_url: repository.replace('://', `://gitlab-ci-token:${job.token}@`),
      repo_object_format: 'sha1',
      ref: pipeline.ref,
      sha: pipeline.sha,
      before_sha: '0'.repeat(40),
      ref_type: 'branch',
      refspecs: [`+${pipeline.sha}:refs/pipelines/${pipeline.id}`, `+refs/heads/${pipeline.ref}:refs/remotes/origin/${pipeline.ref}`],
      depth: 20,
      protected: pipeline.protected,
    },
    runner_info: { timeout, runner_session_url: null },
    variables: variables(job, base, name, repository),
    steps: [{ name: 'script', script: scriptOf(job), timeout, when: 'on_success', allow_failure: job.spec.allowFailure ?? false }],
    hooks: [],
    image: job.spec.image ? { name: job.spec.image, entrypoint: null, ports: [], executor_opts: {}, pull_policy: null } : null,
    services: [],
    artifacts: [],
    cache: [],
    credentials: [],
    dependencies: [],
    features: { trace_sections: true, token_mask_prefixes: [], failure_reasons: FAILURE_REASONS },
    secrets: {},
    policy_options: null,
  };
}

/** What the job does, in lines that a shell and the simulated worker both understand. */
function scriptOf(job: Job): readonly string[] {
  if (job.spec.script) return job.spec.script;
  const seconds = (job.spec.durationMs ?? 0) / 1000;
  const fails = job.spec.result === 'failed' && job.retries < (job.spec.failingTries ?? Number.POSITIVE_INFINITY);
  return [`echo "job ${job.id}"`, ...(seconds > 0 ? [`sleep ${seconds}`] : []), ...(fails ? ['exit 1'] : [])];
}

interface Variable {
  readonly key: string;
  readonly value: string;
  readonly public: boolean;
  readonly masked: boolean;
}

function variables(job: Job, base: string, name: string, repository: string): readonly Variable[] {
  const { pipeline } = job;
  const { path, id } = pipeline.project;
  const open: Readonly<Record<string, string>> = {
    CI: 'true',
    GITLAB_CI: 'true',
    GIT_STRATEGY: 'none',
    CI_SERVER: 'yes',
    CI_SERVER_URL: base,
    CI_API_V4_URL: `${base}/api/v4`,
    CI_JOB_ID: String(job.id),
    CI_JOB_NAME: job.name,
    CI_JOB_STAGE: job.stage,
    CI_JOB_URL: `${base}/${path}/-/jobs/${job.id}`,
    CI_PIPELINE_ID: String(pipeline.id),
    CI_PIPELINE_SOURCE: pipeline.source,
    CI_PROJECT_ID: String(id),
    CI_PROJECT_NAME: name,
    CI_PROJECT_PATH: path,
    CI_PROJECT_PATH_SLUG: path.toLowerCase().replaceAll(/[^a-z0-9]/g, '-'),
    CI_PROJECT_NAMESPACE: path.slice(0, path.lastIndexOf('/')),
    CI_PROJECT_URL: `${base}/${path}`,
    CI_COMMIT_SHA: pipeline.sha,
    CI_COMMIT_REF_NAME: pipeline.ref,
    CI_COMMIT_REF_PROTECTED: String(pipeline.protected),
    ...job.spec.variables,
  };
  return [
    ...Object.entries(open).map(([key, value]) => ({ key, value, public: true, masked: false })),
    { key: 'CI_JOB_TOKEN', value: job.token, public: false, masked: true },
    { key: 'CI_REPOSITORY_URL', value: repository.replace('://', `://gitlab-ci-token:${job.token}@`), public: false, masked: false },
  ];
}
