import type { SandboxContext } from '../context.ts';
import { Directory } from './directory.ts';
import { HookDispatcher, type HookFaults } from './hooks/hooks.ts';
import { JobQueue } from './jobs/jobs.ts';
import { mayTake } from './jobs/matching.ts';
import { dropStuckJobs } from './jobs/stuck.ts';
import {
  type Group,
  type Hook,
  isBelow,
  isFinished,
  type Job,
  type JobSpec,
  type JobStatus,
  type Pipeline,
  type PipelineOptions,
  type Project,
  type Runner,
  type RunnerFields,
} from './model.ts';
import { type GitLabOptions, type Settings, withDefaults } from './options.ts';
import { type Random, randomText } from './random.ts';

const HOUR = 3_600_000;

export type JobListener = (job: Job, from: JobStatus | undefined) => void;

/** GitLab's state, and what a script may do to it. The HTTP side reads and changes the same state. */
export class GitLabState extends Directory {
  readonly runners = new Map<number, Runner>();
  readonly hooks = new Map<number, Hook>();
  readonly jobs: JobQueue;
  readonly hookDispatcher: HookDispatcher;
  readonly settings: Settings;
  /** Jobs whose worker vanished under them, as the simulated workers reported it; GitLab itself learns nothing. */
  readonly killedJobs: number[] = [];
  /** Waits between GitLab's look at `paused` and the assignment of a job: the pause race. */
  holdJobRequest: ((runner: Runner) => Promise<void>) | undefined;
  readonly #ctx: SandboxContext;
  readonly #random: Random;
  readonly #byToken = new Map<string, Runner>();
  readonly #listeners = new Set<JobListener>();
  readonly #tickListeners = new Map<string, Set<() => void>>();
  #ticks = 0;
  #stopCron: () => void;

  constructor(ctx: SandboxContext, options: GitLabOptions = {}) {
    const settings = withDefaults(options);
    super(ctx.clock, settings.random);
    this.#ctx = ctx;
    this.settings = settings;
    this.#random = settings.random;
    this.jobs = new JobQueue({ clock: ctx.clock, random: this.#random, changed: (job, from) => this.#jobChanged(job, from) });
    this.hookDispatcher = new HookDispatcher(ctx, this.settings);
    this.#stopCron = this.#scheduleCron();
  }

  /** Ends what runs by the clock. */
  close(): void {
    this.#stopCron();
  }

  createPipeline(project: Project | string, specs: readonly JobSpec[], options?: PipelineOptions): Pipeline {
    return this.jobs.createPipeline(typeof project === 'string' ? this.createProject(project) : project, specs, options);
  }

  cancelPipeline(pipeline: Pipeline): void {
    this.jobs.cancelPipeline(pipeline);
  }

  /** The new job; `undefined` when the job cannot be retried. */
  retryJob(job: Job): Job | undefined {
    return this.jobs.retry(job);
  }

  createRunner(fields: RunnerFields): Runner {
    const { project, group, createdBy, ...rest } = fields;
    const runner: Runner = {
      ...rest,
      ...(group ? { group } : {}),
      id: this.nextId(),
      token: `glrt-${randomText(this.#random, 20)}`,
      projects: project ? [project] : [],
      createdAt: this.#ctx.clock.now(),
      createdBy,
      managers: new Map(),
      jobs: [],
      queueValue: this.#tickValue(),
      ...(this.settings.runnerTokenLifeMs > 0 && { tokenExpiresAt: this.#ctx.clock.now() + this.settings.runnerTokenLifeMs }),
    };
    this.runners.set(runner.id, runner);
    this.#byToken.set(runner.token, runner);
    this.#emit('runner-created', { runner: runner.id, name: runner.description });
    return runner;
  }

  /** A token that has expired is as good as none (app/models/concerns/token_authenticatable, expires_at). */
  runnerByToken(token: string): Runner | undefined {
    const runner = this.#byToken.get(token);
    return (runner?.tokenExpiresAt ?? Number.POSITIVE_INFINITY) > this.#ctx.clock.now() ? runner : undefined;
  }

  editRunner(runner: Runner, change: Partial<RunnerFields>): void {
    const wasPaused = runner.paused;
    Object.assign(runner, change);
    this.#tick(runner);
    if (runner.paused && !wasPaused) this.#emit('runner-paused', { runner: runner.id, name: runner.description });
  }

  deleteRunner(runner: Runner): void {
    this.runners.delete(runner.id);
    this.#byToken.delete(runner.token);
    this.jobs.forgetRunner(runner);
    this.#tick(runner);
    this.#emit('runner-deleted', { runner: runner.id, name: runner.description });
  }

  /** `url` gets every job event of the project or group. */
  createHook(owner: Project | Group, url: string, fields: Partial<Hook> = {}): Hook {
    const hook: Hook = {
      name: undefined,
      description: undefined,
      token: undefined,
      signingToken: undefined,
      jobEvents: true,
      pushEvents: false,
      pipelineEvents: false,
      sslVerification: true,
      ...fields,
      id: this.nextId(),
      owner: 'pipelines' in owner ? { kind: 'project', project: owner } : { kind: 'group', group: owner },
      createdAt: this.#ctx.clock.now(),
      url,
      failures: 0,
      backoffs: 0,
      disabledUntil: undefined,
      log: [],
    };
    this.hooks.set(hook.id, hook);
    return hook;
  }

  /** What happens to deliveries on their way. Nothing, until this is called. */
  hookFaults(faults: HookFaults): void {
    this.hookDispatcher.faults = faults;
  }

  onJob(listener: JobListener): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Calls back when the queue of the runner with this token changes: what a long poll would answer. */
  onQueueTick(token: string, listener: () => void): () => void {
    const listeners = this.#tickListeners.get(token) ?? new Set();
    this.#tickListeners.set(token, listeners.add(listener));
    return () => {
      listeners.delete(listener);
      if (listeners.size === 0) this.#tickListeners.delete(token);
    };
  }

  /** A worker ended under this job without a word to GitLab. */
  jobKilled(jobId: number): void {
    this.killedJobs.push(jobId);
    this.#emit('job-killed', { job: jobId });
  }

  #jobChanged(job: Job, from: JobStatus | undefined): void {
    for (const listener of this.#listeners) listener(job, from);
    this.#emit(isFinished(job.status) ? 'job-finished' : `job-${job.status}`, {
      job: job.id,
      project: job.pipeline.project.id,
      pipeline: job.pipeline.id,
      name: job.name,
      status: job.status,
      runner: job.runner?.id,
      reason: job.failureReason,
    });
    if (job.status === 'pending') {
      for (const runner of this.runners.values()) if (mayTake(runner, job)) this.#tick(runner);
    }
    this.hookDispatcher.jobChanged(job, this.#hooksOf(job.pipeline.project));
  }

  #hooksOf(project: Project): readonly Hook[] {
    return [...this.hooks.values()].filter(({ owner }) =>
      owner.kind === 'project' ? owner.project === project : isBelow(project.path, owner.group.path),
    );
  }

  #tick(runner: Runner): void {
    runner.queueValue = this.#tickValue();
    for (const listener of [...(this.#tickListeners.get(runner.token) ?? [])]) listener();
  }

  #tickValue(): string {
    this.#ticks += 1;
    return this.#ticks.toString(16).padStart(32, '0');
  }

  #scheduleCron(): () => void {
    const now = this.#ctx.clock.now();
    const quarterPast = Math.floor(now / HOUR) * HOUR + HOUR / 4;
    return this.#ctx.clock.after((quarterPast > now ? quarterPast : quarterPast + HOUR) - now, () => {
      dropStuckJobs(this.jobs, this.runners.values(), this.#ctx.clock.now());
      this.#stopCron = this.#scheduleCron();
    });
  }

  #emit(kind: string, fields: Readonly<Record<string, string | number | boolean | undefined>>): void {
    this.#ctx.emit({ at: this.#ctx.clock.now(), kind, fields });
  }
}
