import type { SandboxClock } from '../../clock.ts';
import {
  isFinished,
  type Job,
  type JobSpec,
  type JobStatus,
  type Pipeline,
  type PipelineOptions,
  type Project,
  type Runner,
  type RunnerManager,
} from '../model.ts';
import { type Random, randomHex, randomText } from '../random.ts';
import { mayTake } from './matching.ts';
import { nextSteps, pipelineStatus } from './pipelines.ts';

/** Gitlab::Ci::Build::RunnerAckQueue: an assigned job that its runner does not confirm within this time is given up. */
const CONFIRM_WITHIN_MS = 120_000;

/** What a runner that takes a job can do. */
export interface Capabilities {
  readonly twoPhase: boolean;
  readonly cancelable: boolean;
}

export interface JobQueueOptions {
  readonly clock: SandboxClock;
  readonly random: Random;
  /** After every change of a job's status; `job` already shows it. */
  readonly changed: (job: Job, from: JobStatus | undefined) => void;
}

const ORDINARY = { ref: 'main', source: 'push', protected: false, message: 'Change\n' };

/** Jobs and pipelines, and every change that a job may go through. */
export class JobQueue {
  readonly all = new Map<number, Job>();
  readonly pipelines = new Map<number, Pipeline>();
  /** Pending, and no runner has them. */
  readonly waiting = new Map<number, Job>();
  /** On a runner: unconfirmed, running or canceling. */
  readonly active = new Map<number, Job>();
  #nextJob = 1001;
  #nextPipeline = 101;
  readonly #clock: SandboxClock;
  readonly #random: Random;
  readonly #changed: JobQueueOptions['changed'];

  constructor(options: JobQueueOptions) {
    this.#clock = options.clock;
    this.#random = options.random;
    this.#changed = options.changed;
  }

  createPipeline(project: Project, specs: readonly JobSpec[], options: PipelineOptions = {}): Pipeline {
    const now = this.#clock.now();
    const pipeline: Pipeline = {
      id: this.#nextPipeline++,
      iid: project.pipelines.length + 1,
      project,
      sha: randomHex(this.#random, 40),
      ...ORDINARY,
      ...options,
      createdAt: now,
      stages: [...new Set(specs.map((spec) => spec.stage ?? 'test'))],
      jobs: [],
      status: 'created',
      updatedAt: now,
    };
    project.pipelines.push(pipeline);
    this.pipelines.set(pipeline.id, pipeline);
    for (const spec of specs) this.#create(pipeline, spec, 0);
    this.#advance(pipeline);
    return pipeline;
  }

  /** Assigns the oldest job that the runner may take. With two phases the job stays pending until it is confirmed. */
  assign(runner: Runner, manager: RunnerManager | undefined, can: Capabilities): Job | undefined {
    let job: Job | undefined;
    for (const candidate of this.waiting.values()) if ((!job || candidate.id < job.id) && mayTake(runner, candidate)) job = candidate;
    if (!job) return undefined;
    this.waiting.delete(job.id);
    this.active.set(job.id, job);
    runner.jobs.push(job);
    job.runner = runner;
    job.manager = manager;
    job.cancelable = can.cancelable;
    if (!can.twoPhase) {
      this.#set(job, 'running');
      return job;
    }
    this.#note(job);
    this.keepAlive(job);
    this.#expireLater(job, CONFIRM_WITHIN_MS);
    return job;
  }

  /** The runner still prepares. */
  keepAlive(job: Job): void {
    job.unconfirmedSince = this.#clock.now();
  }

  confirm(job: Job): void {
    job.unconfirmedSince = undefined;
    this.#set(job, 'running');
  }

  touch(job: Job): void {
    job.updatedAt = this.#clock.now();
  }

  /** The runner reports the end. A job that is being canceled ends as canceled, whatever the report. */
  finish(job: Job, result: 'success' | 'failed', reason?: string, exitCode?: number): void {
    if (job.status === 'canceling') {
      this.#end(job, 'canceled');
      return;
    }
    job.exitCode = exitCode;
    this.#end(job, result, result === 'failed' ? (reason ?? 'unknown_failure') : undefined);
  }

  /** GitLab gives the job up by itself. */
  drop(job: Job, reason: string): void {
    this.finish(job, 'failed', reason);
  }

  /** A running job whose runner can stop gracefully goes over `canceling`, and stays there until the runner reports. */
  cancel(job: Job): void {
    if (isFinished(job.status)) return;
    if (job.status === 'running' && job.cancelable) this.#set(job, 'canceling');
    else if (job.status !== 'canceling') this.#end(job, 'canceled');
  }

  cancelPipeline(pipeline: Pipeline): void {
    // Last stage first: otherwise the end of one stage would set the next one going.
    for (const job of [...pipeline.jobs].reverse()) this.cancel(job);
  }

  /** A retry is a new job; skipped jobs behind it get another chance. `undefined` when the job cannot be retried. */
  retry(job: Job): Job | undefined {
    if (job.retried || !['success', 'failed', 'canceled'].includes(job.status)) return undefined;
    job.retried = true;
    const again = this.#create(job.pipeline, job.spec, job.retries + 1);
    const behind = job.pipeline.stages.slice(job.pipeline.stages.indexOf(job.stage) + 1);
    for (const other of job.pipeline.jobs) {
      if (!other.retried && other.status === 'skipped' && behind.includes(other.stage)) this.#set(other, 'created');
    }
    this.#advance(job.pipeline);
    return again;
  }

  /** The runner is deleted: its jobs go on without it. */
  forgetRunner(runner: Runner): void {
    for (const job of runner.jobs) {
      job.runner = undefined;
      this.#note(job);
    }
    runner.jobs.length = 0;
  }

  #create(pipeline: Pipeline, spec: JobSpec, retries: number): Job {
    const now = this.#clock.now();
    const job: Job = {
      id: this.#nextJob++,
      token: `glcbt-${randomText(this.#random, 24)}`,
      spec,
      name: spec.name,
      stage: spec.stage ?? 'test',
      tags: spec.tags ?? [],
      pipeline,
      retries,
      createdAt: now,
      history: [],
      status: 'created',
      retried: false,
      updatedAt: now,
      cancelable: false,
      trace: Buffer.alloc(0),
    };
    pipeline.jobs.push(job);
    this.all.set(job.id, job);
    this.#note(job);
    this.#changed(job, undefined);
    return job;
  }

  #end(job: Job, status: 'success' | 'failed' | 'canceled', reason?: string): void {
    job.failureReason = reason;
    job.unconfirmedSince = undefined;
    this.#set(job, status);
    this.#advance(job.pipeline);
  }

  /** Starts what may start now, again and again, since skipping one stage decides the next. */
  #advance(pipeline: Pipeline): void {
    for (let steps = nextSteps(pipeline); steps.length > 0; steps = nextSteps(pipeline)) {
      for (const { job, to } of steps) this.#set(job, to);
    }
  }

  #set(job: Job, status: JobStatus): void {
    const from = job.status;
    const now = this.#clock.now();
    job.status = status;
    job.updatedAt = now;
    if (status === 'pending') {
      job.queuedAt = now;
      this.waiting.set(job.id, job);
    }
    if (status === 'running') job.startedAt = now;
    if (isFinished(status)) {
      job.finishedAt = status === 'skipped' ? undefined : now;
      this.waiting.delete(job.id);
      this.active.delete(job.id);
    }
    this.#note(job);
    refresh(job.pipeline, now);
    this.#changed(job, from);
  }

  #note(job: Job): void {
    job.history.push({ at: this.#clock.now(), status: job.status, runnerId: job.runner?.id });
  }

  #expireLater(job: Job, ms: number): void {
    this.#clock.after(ms, () => {
      if (job.unconfirmedSince === undefined) return;
      const left = job.unconfirmedSince + CONFIRM_WITHIN_MS - this.#clock.now();
      if (left > 0) {
        this.#expireLater(job, left);
        return;
      }
      // Retried without any configuration (lib/gitlab/ci/build/auto_retry.rb).
      this.drop(job, 'runner_provisioning_timeout');
      this.retry(job);
    });
  }
}

/** Seconds after which a runner must give the job up: the job's own time-out, else an hour as in a new project, or twice the duration of a longer job. */
export function timeoutOf(job: Job): number {
  return job.spec.timeoutSeconds ?? Math.max(3600, Math.ceil((job.spec.durationMs ?? 0) / 500));
}

function refresh(pipeline: Pipeline, now: number): void {
  pipeline.status = pipelineStatus(pipeline);
  pipeline.updatedAt = now;
  if (pipeline.jobs.some((job) => job.startedAt !== undefined)) pipeline.startedAt ??= now;
  pipeline.finishedAt = isFinished(pipeline.status) ? (pipeline.finishedAt ?? now) : undefined;
}
