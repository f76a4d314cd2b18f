import type { PoolControls } from '../controls.ts';
import { defined } from '../defined.ts';
import type { PendingJob, Worker } from '../fleet/types.ts';
import { breaker } from '../launches/circuit-breaker.ts';
import { pauseBound } from '../launches/pause.ts';
import { nextAttempt, splitHeld } from '../launches/retry-backoff.ts';
import type { PoolState } from '../launches/types.ts';
import type { Pool } from '../pool/pool.ts';
import type { Counts, Launching, LaunchLimit } from './types.ts';

export interface ScaleUp {
  readonly actions: readonly Launching[];
  readonly brakes: readonly LaunchLimit[];
  /** Jobs that only the limit keeps from getting a worker. */
  readonly blockedByLimit: number;
}

export function count(workers: readonly Worker[]): Counts {
  const of = (phase: Worker['phase']) => workers.filter((w) => w.phase === phase).length;
  const counts = { booting: of('booting'), idle: of('idle'), busy: of('busy'), draining: of('draining'), failed: of('failed') };
  return { machines: workers.length - of('gone'), ...counts };
}

interface BoundsInput {
  readonly pool: Pool;
  readonly memory: PoolState;
  readonly counts: Counts;
  readonly controls: PoolControls;
  readonly now: number;
}

interface ScaleUpInput extends BoundsInput {
  /** Oldest first. */
  readonly uncovered: readonly PendingJob[];
  /** Passed over, so that only an attempt is made for all of them. */
  readonly held: readonly PendingJob[];
  readonly surplus: number;
  readonly target: number;
}

/** Launches for jobs that have no worker, oldest first, an attempt for those passed over, then for the idle target, as far as all bounds allow. */
export function scaleUp(input: ScaleUpInput): ScaleUp {
  const { uncovered, held, memory, now } = input;
  const attempt = nextAttempt(held, memory, now);
  const due = [...uncovered, ...(attempt.job ? [attempt.job] : [])];
  const wanted = due.length + Math.max(0, input.target - input.surplus);
  const bounds = growthBounds(input);
  const allowed = least(wanted, bounds);
  const probing = bounds.some((b) => b.limit.why === 'breaker');
  const actions = Array.from({ length: allowed }, (_, i): Launching => {
    const job = due[i];
    const why = probing ? 'probe' : job ? 'demand' : 'idle-target';
    return { kind: 'launch', why, ...(job && { jobId: job.id }), ...(job && job === attempt.job && { retry: true }) };
  });
  const brakes = bounds.filter((b) => Math.max(0, b.most) < wanted).map((b) => b.limit);
  if (held.length > (attempt.job ? 1 : 0)) brakes.push({ why: 'passed-over', ...defined({ until: attempt.nextAt }) });
  const withoutLimit = least(
    due.length,
    bounds.filter((b) => b.limit.why !== 'limit'),
  );
  return { actions, brakes, blockedByLimit: Math.max(0, withoutLimit - allowed) };
}

/** The jobs without a worker that the pool would launch one for now; the others may go to another pool. */
export function launchable(open: readonly PendingJob[], input: BoundsInput): readonly PendingJob[] {
  const { ordinary, held } = splitHeld(open, input.memory, input.now);
  const { job } = nextAttempt(held, input.memory, input.now);
  const due = job ? [...ordinary, job] : ordinary;
  return due.slice(0, least(due.length, growthBounds(input)));
}

interface Bound {
  readonly most: number;
  readonly limit: LaunchLimit;
}

function least(wanted: number, bounds: readonly Bound[]): number {
  return Math.max(0, Math.min(wanted, ...bounds.map((b) => b.most)));
}

function growthBounds({ pool, memory, counts, controls, now }: BoundsInput): readonly Bound[] {
  const bounds: Bound[] = [{ most: pool.limit - counts.machines, limit: { why: 'limit' } }];
  if (pool.maxGrowthRate > 0) bounds.push({ most: pool.maxGrowthRate - counts.booting, limit: { why: 'max-growth-rate' } });
  const { open, allowed, nextProbeAt } = breaker(memory.launches, now);
  if (open) bounds.push({ most: allowed, limit: { why: 'breaker', ...defined({ until: nextProbeAt }) } });
  const { pause } = memory;
  const paused = pause && pauseBound(pause, memory.launches, counts.machines - counts.failed, now);
  if (paused) {
    const { most, until } = paused;
    bounds.push({ most, limit: { why: 'paused', ...defined({ until }), code: pause.code } });
  }
  const byHand = controls.pause ?? controls.drain;
  if (byHand) {
    const { until } = byHand;
    bounds.push({ most: 0, limit: { why: controls.pause ? 'pool-paused' : 'pool-draining', ...defined({ until }) } });
  }
  return bounds;
}
