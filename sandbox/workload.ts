import type { SandboxContext } from './context.ts';
import type { JobSpec, Pipeline } from './gitlab/model.ts';
import { type Random, seeded } from './gitlab/random.ts';
import type { GitLabState } from './gitlab/state.ts';

export interface WorkloadOptions {
  /** The same seed makes the same days. */
  readonly seed: number;
  readonly from: number;
  readonly to: number;
  /** Full paths; `yocto/meta-product` and `yocto/meta-bsp` when absent. The first one has the nightly build. */
  readonly projects?: readonly string[];
  /** Of every job; `bitbake` when absent. */
  readonly tags?: readonly string[];
}

/** Something that a person or a schedule does. */
export type WorkloadStep =
  | {
      readonly at: number;
      readonly kind: 'pipeline';
      readonly key: string;
      readonly project: string;
      readonly source: string;
      readonly jobs: readonly JobSpec[];
    }
  | { readonly at: number; readonly kind: 'cancel' | 'retry'; readonly key: string };

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;
const MACHINES = ['qemux86-64', 'imx8mp', 'raspberrypi4-64', 'beaglebone'];
const IMAGES = ['core-image-minimal', 'product-image', 'product-image-dev', 'update-bundle', 'sdk', 'recovery-image'];

/**
 * Days of a small bitbake team, in UTC: a world build at 02:00 (parse, 24 long image builds, packaging) and merge requests from 08:00 to
 * 17:00, one of which is cancelled by a newer push; one nightly job fails and is retried in the morning. Sorted by time.
 */
export function bitbakeDays(options: WorkloadOptions): readonly WorkloadStep[] {
  const { seed, from, to, projects = ['yocto/meta-product', 'yocto/meta-bsp'], tags = ['bitbake'] } = options;
  const steps: WorkloadStep[] = [];
  for (let day = Math.floor(from / DAY) * DAY; day < to; day += DAY) {
    // Each day has its own luck, so that a window's edges do not change what is inside it.
    const random = seeded(seed + day / DAY);
    steps.push(...nightly(day, random, projects[0] ?? '', tags), ...mergeRequests(day, random, projects, tags));
  }
  return steps.filter(({ at }) => at >= from && at < to).sort((a, b) => a.at - b.at);
}

/** Lets the days happen on the sandbox's clock. The function given back calls off what has not happened yet. */
export function playWorkload(gitlab: GitLabState, ctx: SandboxContext, options: WorkloadOptions): () => void {
  const made = new Map<string, Pipeline>();
  const now = ctx.clock.now();
  const cancels = bitbakeDays(options)
    .filter(({ at }) => at >= now)
    .map((step) => ctx.clock.after(step.at - now, () => perform(gitlab, made, step)));
  return () => {
    for (const cancel of cancels) cancel();
  };
}

function perform(gitlab: GitLabState, made: Map<string, Pipeline>, step: WorkloadStep): void {
  if (step.kind === 'pipeline') {
    made.set(step.key, gitlab.createPipeline(step.project, step.jobs, { source: step.source }));
    return;
  }
  const pipeline = made.get(step.key);
  if (!pipeline) return;
  if (step.kind === 'cancel') gitlab.cancelPipeline(pipeline);
  else for (const job of pipeline.jobs.filter(({ status, retried }) => status === 'failed' && !retried)) gitlab.retryJob(job);
}

function nightly(day: number, random: Random, project: string, tags: readonly string[]): readonly WorkloadStep[] {
  const key = `nightly-${day / DAY}`;
  const unlucky = Math.floor(random() * MACHINES.length * IMAGES.length);
  const images = MACHINES.flatMap((machine) => IMAGES.map((image) => `${image}:${machine}`));
  const builds = images.map((name, i): JobSpec => {
    const build: JobSpec = { name, stage: 'build', tags, durationMs: between(random, 35, 110) * MINUTE, timeoutSeconds: 4 * 3600 };
    // Only the first try fails: a flaky fetch, as nights are.
    return i === unlucky
      ? { ...build, result: 'failed', failingTries: 1, durationMs: between(random, 5, 20) * MINUTE, allowFailure: true }
      : build;
  });
  const jobs: readonly JobSpec[] = [
    { name: 'parse', stage: 'prepare', tags, durationMs: between(random, 3, 6) * MINUTE },
    ...builds,
    ...MACHINES.map(
      (machine): JobSpec => ({ name: `package:${machine}`, stage: 'package', tags, durationMs: between(random, 8, 15) * MINUTE }),
    ),
  ];
  return [
    { at: day + 2 * HOUR, kind: 'pipeline', key, project, source: 'schedule', jobs },
    { at: day + 7 * HOUR + between(random, 30, 55) * MINUTE, kind: 'retry', key },
  ];
}

function mergeRequests(day: number, random: Random, projects: readonly string[], tags: readonly string[]): readonly WorkloadStep[] {
  const steps: WorkloadStep[] = [];
  const count = between(random, 18, 30);
  const replaced = Math.floor(random() * count);
  for (let i = 0; i < count; i++) {
    const at = day + 8 * HOUR + Math.floor(random() * 9 * HOUR);
    const project = projects[Math.floor(random() * projects.length)] ?? '';
    const key = `mr-${day / DAY}-${i}`;
    steps.push({ at, kind: 'pipeline', key, project, source: 'merge_request_event', jobs: mergeRequest(random, tags, i !== replaced) });
    if (i === replaced) steps.push({ at: at + between(random, 2, 9) * MINUTE, kind: 'cancel', key });
  }
  return steps;
}

/** The one to be cancelled does not fail before that. */
function mergeRequest(random: Random, tags: readonly string[], mayFail: boolean): readonly JobSpec[] {
  const machines = MACHINES.slice(0, between(random, 1, 3));
  return [
    {
      name: 'lint',
      stage: 'check',
      tags,
      durationMs: between(random, 40, 150) * 1000,
      result: random() < 0.08 && mayFail ? 'failed' : 'success',
    },
    ...machines.map(
      (machine): JobSpec => ({ name: `build:${machine}`, stage: 'build', tags, durationMs: between(random, 8, 35) * MINUTE }),
    ),
    { name: 'test', stage: 'test', tags, durationMs: between(random, 3, 12) * MINUTE },
  ];
}

/** A whole number from `low` to `high`, both included. */
function between(random: Random, low: number, high: number): number {
  return low + Math.floor(random() * (high - low + 1));
}
