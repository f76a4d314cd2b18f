/** What the sandbox's GitLab remembers. Times are milliseconds of the sandbox's clock. */

export type JobStatus =
  | 'created'
  | 'waiting_for_resource'
  | 'waiting_for_callback'
  | 'preparing'
  | 'pending'
  | 'running'
  | 'success'
  | 'failed'
  | 'canceling'
  | 'canceled'
  | 'skipped'
  | 'manual'
  | 'scheduled';

export const JOB_STATUSES: readonly JobStatus[] = [
  'created',
  'waiting_for_resource',
  'waiting_for_callback',
  'preparing',
  'pending',
  'running',
  'success',
  'failed',
  'canceling',
  'canceled',
  'skipped',
  'manual',
  'scheduled',
];

export function isJobStatus(text: string): text is JobStatus {
  return (JOB_STATUSES as readonly string[]).includes(text);
}

const FINISHED: readonly JobStatus[] = ['success', 'failed', 'canceled', 'skipped'];

export function isFinished(status: JobStatus): boolean {
  return FINISHED.includes(status);
}

export interface User {
  readonly id: number;
  readonly username: string;
  readonly name: string;
}

export interface Group {
  readonly id: number;
  readonly path: string;
}

export interface Project {
  readonly id: number;
  /** Full path. */
  readonly path: string;
  readonly createdAt: number;
  groupRunnersEnabled: boolean;
  instanceRunnersEnabled: boolean;
  /** CI is switched on. */
  buildsEnabled: boolean;
  /** The jobs that its `.gitlab-ci.yml` makes when the API starts a pipeline; without them the file does not exist. */
  ciJobs?: readonly JobSpec[];
  /** Oldest first. */
  readonly pipelines: Pipeline[];
}

export interface JobSpec {
  readonly name: string;
  readonly tags?: readonly string[];
  /** How long the job's script takes. 0 when not given. */
  readonly durationMs?: number;
  readonly result?: 'success' | 'failed';
  /** With `result: 'failed'`: so many tries fail, then one succeeds. All of them when absent. */
  readonly failingTries?: number;
  /** `test` when not given. */
  readonly stage?: string;
  readonly allowFailure?: boolean;
  /** The seconds after which the runner gives up. */
  readonly timeoutSeconds?: number;
  /** Shell lines in place of those that `durationMs` and `result` make. */
  readonly script?: readonly string[];
  /** For the docker executor; empty leaves it to the runner's configuration. */
  readonly image?: string;
  readonly variables?: Readonly<Record<string, string>>;
}

export interface PipelineOptions {
  readonly ref?: string;
  readonly source?: string;
  /** The ref is protected: runners for protected refs may take the jobs. */
  readonly protected?: boolean;
  /** Of the commit. Job Hooks hold all of it. */
  readonly message?: string;
}

export interface Pipeline extends Required<PipelineOptions> {
  readonly id: number;
  readonly iid: number;
  readonly project: Project;
  readonly sha: string;
  readonly createdAt: number;
  /** In order of their first job. */
  readonly stages: readonly string[];
  /** All, retried ones too, oldest first. */
  readonly jobs: Job[];
  status: JobStatus;
  updatedAt: number;
  startedAt?: number | undefined;
  finishedAt?: number | undefined;
}

/** One change of a job, so that a lagging count can be read as of an earlier time. */
export interface JobChange {
  readonly at: number;
  readonly status: JobStatus;
  readonly runnerId: number | undefined;
}

export interface Job {
  readonly id: number;
  readonly token: string;
  readonly spec: JobSpec;
  readonly name: string;
  readonly stage: string;
  readonly tags: readonly string[];
  readonly pipeline: Pipeline;
  readonly retries: number;
  readonly createdAt: number;
  readonly history: JobChange[];
  status: JobStatus;
  /** Replaced by a newer job of the same name. */
  retried: boolean;
  queuedAt?: number | undefined;
  startedAt?: number | undefined;
  finishedAt?: number | undefined;
  /** Last sign of life. */
  updatedAt: number;
  runner?: Runner | undefined;
  manager?: RunnerManager | undefined;
  /** Assigned, but not confirmed by its runner: since when, or since the last keep-alive. */
  unconfirmedSince?: number | undefined;
  /** The runner can stop a job gracefully: cancelling goes through `canceling`. */
  cancelable: boolean;
  failureReason?: string | undefined;
  exitCode?: number | undefined;
  trace: Buffer;
}

export type RunnerType = 'instance_type' | 'group_type' | 'project_type';

export interface RunnerManager {
  readonly id: number;
  readonly systemId: string;
  readonly createdAt: number;
  contactedAt: number;
  version: string;
  platform: string;
  architecture: string;
  executor: string;
}

export interface Runner {
  readonly id: number;
  readonly token: string;
  readonly type: RunnerType;
  readonly group?: Group;
  readonly projects: readonly Project[];
  readonly createdAt: number;
  readonly createdBy: User | undefined;
  readonly managers: Map<string, RunnerManager>;
  /** Every job that it ever got, oldest first. */
  readonly jobs: Job[];
  description: string;
  tags: readonly string[];
  runUntagged: boolean;
  locked: boolean;
  paused: boolean;
  protectedOnly: boolean;
  maximumTimeout: number | undefined;
  maintenanceNote: string | undefined;
  contactedAt?: number | undefined;
  /** From then on the token opens nothing any more. */
  readonly tokenExpiresAt?: number;
  /** Changes when something new may be there for it (`X-GitLab-Last-Update`). */
  queueValue: string;
}

export type RunnerFields = Pick<
  Runner,
  'type' | 'description' | 'tags' | 'runUntagged' | 'locked' | 'paused' | 'protectedOnly' | 'maximumTimeout' | 'maintenanceNote'
> & { readonly group?: Group; readonly project?: Project; readonly createdBy?: User };

/** Numbers as in GitLab: 10 guest, 20 reporter, 30 developer, 40 maintainer, 50 owner. */
export type Role = 10 | 20 | 30 | 40 | 50;

export interface AccessToken {
  readonly value: string;
  readonly user: User;
  readonly scopes: readonly string[];
  readonly admin: boolean;
  /** Path of a group or project → role; it holds for everything below. */
  readonly roles: ReadonlyMap<string, Role>;
  /** A day, such as 2026-12-31. */
  readonly expiresOn: string | undefined;
  revoked: boolean;
}

export interface Hook {
  readonly id: number;
  readonly owner: { readonly kind: 'project'; readonly project: Project } | { readonly kind: 'group'; readonly group: Group };
  readonly createdAt: number;
  url: string;
  name: string | undefined;
  description: string | undefined;
  token: string | undefined;
  signingToken: string | undefined;
  jobEvents: boolean;
  pushEvents: boolean;
  pipelineEvents: boolean;
  sslVerification: boolean;
  failures: number;
  /** How often it was disabled for a time since the last success. */
  backoffs: number;
  disabledUntil: number | undefined;
  readonly log: HookEvent[];
}

/** One delivery as GitLab keeps it for seven days. */
export interface HookEvent {
  readonly id: number;
  readonly at: number;
  readonly trigger: 'job_hooks';
  readonly url: string;
  readonly idempotencyKey: string;
  readonly requestHeaders: Readonly<Record<string, string>>;
  readonly requestBody: string;
  /** A number as text, or `internal error`. */
  readonly responseStatus: string;
  readonly responseBody: string;
  readonly responseHeaders: Readonly<Record<string, string>>;
  readonly seconds: number;
}

export function isBelow(path: string, ancestor: string): boolean {
  return path === ancestor || path.startsWith(`${ancestor}/`);
}
