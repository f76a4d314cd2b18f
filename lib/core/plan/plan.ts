import type { PoolControls } from '../controls.ts';
import type { Worker } from '../fleet/derive.ts';
import type { PendingJob, Server } from '../fleet/types.ts';
import type { PoolMemory } from '../launches/pool-state.ts';
import { splitHeld } from '../launches/retry-backoff.ts';
import { servedJobs } from '../launches/unclaimed-jobs.ts';
import type { Policy, Pool } from '../pool/pool.ts';
import { activePolicy, idleTarget } from '../pool/schedule.ts';
import { idleLimitMs } from '../pool/wait-timeout.ts';
import { SKEW_MS } from '../time.ts';
import { availableWorkers, cover, isOld, isPassive, type LeaveWhy, leaveReason } from './coverage.ts';
import { type Brake, type Counts, count, type Growth, type Launching, planGrowth } from './scale-up.ts';

/** From the note of a drain to the reap: a job request that passed GitLab's check just before the pause is answered by then (50 s long poll at most is cut by the pause). */
export const DRAIN_SETTLE_MS = 40_000;

/** A runner that called within this time has a living VM behind it, whatever the listing says. */
const RECENT_CONTACT_MS = 2 * 60_000;

/** `unfit`: it takes none of the jobs that wait for its place. */
export type DrainWhy = LeaveWhy | 'idle' | 'surplus' | 'unfit';

export type { Brake } from './scale-up.ts';

export type Action =
  | Launching
  | { readonly kind: 'drain'; readonly worker: string; readonly runnerId: number; readonly why: DrainWhy }
  | {
      readonly kind: 'reap';
      readonly worker: string;
      readonly serverId: string;
      readonly runnerId?: number;
      readonly why: 'drained' | 'powered-off' | 'orphan';
      /** What must be looked at once more right before: nothing for a VM that is off, the runner's jobs, or that GitLab really has no such runner. */
      readonly check: 'none' | 'no-jobs' | 'no-runner';
      /** GitLab still shows a job on it: the VM died under it. */
      readonly jobLost: boolean;
    }
  | { readonly kind: 'forget'; readonly worker: string; readonly runnerId: number; readonly why: 'vm-gone'; readonly jobLost: boolean };

export type Removal = Exclude<Action, Launching>;

/** Something that one might expect and that was left alone, with the reason. */
export interface Held {
  readonly worker: string;
  /** The last three stand where something would be done, had people not said to leave it: all, or this one; or could what they said be read. */
  readonly why:
    | 'drain-settling'
    | 'still-busy'
    | 'note-unreadable'
    | 'clock-ahead'
    | 'recent-contact'
    /** Its runner is gone from GitLab, and it may have a job that GitLab no longer ties to it. */
    | 'may-have-job'
    | 'paused'
    | 'kept'
    | 'controls-unread';
}

/** The numbers that a plan was made on. The counts are of VMs. */
export interface PlanNumbers extends Counts {
  /** Runners whose VM is ordered and not listed yet: no machine so far, and yet a place of the limit; absent without any. */
  readonly coming?: number;
  /** Absent when GitLab's jobs could not be read; with `unreadParts` what of them was read. */
  readonly demand?: number;
  /** Projects and pages of jobs that could not be read; absent when all were, or none. */
  readonly unreadParts?: number;
  readonly limit: number;
  readonly idleTarget: number;
  /** Index of the period that holds; absent for the pool's own values. */
  readonly period?: number;
  /** Pending jobs left without a worker that is there or on its way. */
  readonly unmet: number;
}

export interface Plan {
  readonly pool: string;
  readonly actions: readonly Action[];
  readonly held: readonly Held[];
  readonly numbers: PlanNumbers;
  readonly brakes: readonly Brake[];
  /** The time zone of periods that could not be evaluated; the pool's own values hold. */
  readonly brokenZone?: string;
}

export interface PlanInput {
  readonly pool: Pool;
  readonly workers: readonly Worker[];
  /** This pool's waiting jobs, oldest first; `undefined` when they could not be read: then nothing is launched and nothing idle is drained. */
  readonly jobs: readonly PendingJob[] | undefined;
  /** Parts of the demand that could not be read: `jobs` are served, and nothing idle is drained, because a job for it may be among the others. */
  readonly unreadParts?: number;
  readonly memory: PoolMemory;
  readonly controls: PoolControls;
  readonly now: number;
  readonly grow: boolean;
  readonly shrink: boolean;
}

/**
 * Decides what to do about one pool. Knows nothing of GitLab, OTC or the clock: same input, same plan, in whatever order things were listed.
 * A worker that drains never comes back, and a busy one is left alone.
 */
export function planPool(input: PlanInput): Plan {
  const { pool, controls, now } = input;
  const workers = [...input.workers].sort(oldestFirst);
  const { policy, period, brokenZone } = activePolicy(pool, now);
  const counts = count(workers);
  const target = idleTarget(policy, counts.busy);
  const available = availableWorkers(workers, pool, controls, now);

  const { ordinary, held } = splitHeld(input.jobs ?? [], input.memory, now);
  const covered = cover(ordinary, available, servedJobs(input.memory.launches), now);
  const growth = input.grow && input.jobs ? planGrowth({ ...input, ...covered, held, target, counts }) : NO_GROWTH;
  const unmet = covered.uncovered.length + held.length - growth.actions.filter((a) => a.jobId !== undefined).length;
  const shrinkage = input.shrink
    ? shrink({ ...input, workers, available, ordinary, target, policy, counts, lacking: growth.lacking })
    : NO_SHRINKAGE;
  return {
    pool: pool.name,
    actions: [...growth.actions, ...shrinkage.actions],
    held: shrinkage.held,
    brakes: growth.brakes,
    ...(brokenZone !== undefined && { brokenZone }),
    numbers: {
      ...(input.jobs ? { demand: input.jobs.length } : {}),
      ...(input.jobs && input.unreadParts ? { unreadParts: input.unreadParts } : {}),
      ...machineCounts(workers, counts),
      limit: pool.limit,
      idleTarget: target,
      ...(period === undefined ? {} : { period }),
      unmet,
    },
  };
}

/** What there is, and beside it what only counts against the limit. */
function machineCounts(workers: readonly Worker[], all: Counts): Counts & Pick<PlanNumbers, 'coming'> {
  const machines = count(workers.filter(({ server }) => server !== undefined));
  const coming = all.machines - machines.machines;
  return { ...machines, ...(coming > 0 && { coming }) };
}

function oldestFirst(a: Worker, b: Worker): number {
  return a.bornAt - b.bornAt || (a.name < b.name ? -1 : 1);
}

const NO_GROWTH: Growth = { actions: [], brakes: [], lacking: 0 };
const NO_SHRINKAGE = { actions: [] as readonly Action[], held: [] as readonly Held[] };

interface ShrinkInput extends PlanInput {
  readonly available: readonly Worker[];
  /** The waiting jobs that workers are kept for: those that were not passed over. */
  readonly ordinary: readonly PendingJob[];
  readonly target: number;
  readonly policy: Policy;
  readonly counts: Counts;
  /** Jobs that would get a worker if there were room for one more. */
  readonly lacking: number;
}

function shrink(input: ShrinkInput) {
  const actions: Removal[] = [];
  const held: Held[] = [];
  for (const w of input.workers) {
    const why = leaveReason(w, input.pool, input.controls, input.now);
    if (why) actions.push(...drain(w, why));
  }
  for (const [w, why] of surplus(input)) actions.push(...drain(w, why));
  for (const w of input.workers) {
    const step = finish(w, input.pool, input.now);
    if (step && 'kind' in step) actions.push(step);
    else if (step) held.push(step);
  }
  return leaveAlone(actions, held, input.controls);
}

/** Takes out what people have said to leave, and tells it. */
function leaveAlone(actions: readonly Removal[], held: readonly Held[], { pause, unread, kept }: PoolControls) {
  const all = pause ? 'paused' : unread && 'controls-unread';
  const isLeft = ({ worker }: Removal) => all !== undefined || kept.has(worker);
  const left = actions.filter(isLeft).map(({ worker }): Held => ({ worker, why: all ?? 'kept' }));
  return { actions: actions.filter((a) => !isLeft(a)), held: [...held, ...left] };
}

function drain(w: Worker, why: DrainWhy): readonly Removal[] {
  return w.runner && !w.runner.paused ? [{ kind: 'drain', worker: w.name, runnerId: w.runner.id, why }] : [];
}

/**
 * Idle workers that nobody needs. As with docker+machine the oldest stay: over a lowered limit the newest go, and one that was idle for too
 * long goes only when enough older ones are kept. Those that are going already do not count, else each tick would drain more of the rest.
 * Where only the limit keeps a worker from being launched, one that the waiting jobs pass by makes room for it.
 */
function surplus(input: ShrinkInput): readonly (readonly [Worker, DrainWhy])[] {
  const { available, pool, now, jobs, ordinary, target, policy, counts } = input;
  const isIdle = (w: Worker) => w.phase === 'idle' && w.server !== undefined;
  const mayGo = (w: Worker) => isIdle(w) && !input.controls.kept.has(w.name);
  const excess = Math.max(0, available.length + counts.busy - pool.limit);
  const overLimit = new Set(available.filter(mayGo).reverse().slice(0, excess));
  const inTheWay = available.filter((w) => mayGo(w) && isPassive(w, now) && !overLimit.has(w));
  const isKnown = jobs && !input.unreadParts;
  const unfit = new Set(isKnown ? inTheWay.slice(0, Math.max(0, input.lacking - counts.draining - overLimit.size)) : []);
  const needed = (w: Worker) =>
    isKnown ? ordinary.filter((j) => !isPassive(w, now) || !isOld(j, now)).length + target : Number.POSITIVE_INFINITY;
  const idleLimit = idleLimitMs(pool, policy);
  const leaving: (readonly [Worker, DrainWhy])[] = [];
  let kept = 0;
  for (const w of available) {
    if (overLimit.has(w)) leaving.push([w, 'surplus']);
    else if (unfit.has(w)) leaving.push([w, 'unfit']);
    else if (isIdle(w) && now - (w.idleSince ?? now) > idleLimit && kept >= needed(w)) leaving.push([w, 'idle']);
    else kept += 1;
  }
  return leaving;
}

/** The last steps of one worker: reap its VM, or forget its runner; a `Held` where it must wait. */
function finish(w: Worker, pool: Pool, now: number): Removal | Held | undefined {
  const { server, runner } = w;
  if (!server) return runner && w.phase === 'gone' ? forget(w, runner.id, runner.contactedAt, pool, now) : undefined;
  if (server.deleting) return undefined;
  const base = { kind: 'reap', worker: w.name, serverId: server.id, ...(runner ? { runnerId: runner.id } : {}) } as const;
  if (server.status === 'off') return { ...base, why: 'powered-off', check: 'none', jobLost: w.busy > 0 };
  if (!runner) return orphan(w, base, server, pool, now);
  if (!runner.paused) return undefined;
  if (w.drainingSince === undefined) return { worker: w.name, why: 'note-unreadable' };
  if (w.drainingSince > now + SKEW_MS) return { worker: w.name, why: 'clock-ahead' };
  if (now - w.drainingSince < DRAIN_SETTLE_MS) return { worker: w.name, why: 'drain-settling' };
  if (w.busy > 0) return { worker: w.name, why: 'still-busy' };
  return { ...base, why: 'drained', check: 'no-jobs', jobLost: false };
}

/**
 * A VM without a runner. A job outlives the deletion of its runner, and neither GitLab nor the cloud says on which VM it is; so one that has run is left
 * to leave by itself (docs/decisions/0009).
 */
function orphan(
  w: Worker,
  base: { readonly kind: 'reap'; readonly worker: string; readonly serverId: string },
  server: Server,
  pool: Pool,
  now: number,
): Removal | Held | undefined {
  if (w.bornAt > now + SKEW_MS) return { worker: w.name, why: 'clock-ahead' };
  if (now - w.bornAt <= pool.bootTimeoutMs) return undefined;
  if (hasRun(server) && now - w.bornAt <= longestLifeMs(pool)) return { worker: w.name, why: 'may-have-job' };
  const { runnerId } = server;
  return { ...base, ...(runnerId === undefined ? {} : { runnerId }), why: 'orphan', check: 'no-runner', jobLost: false };
}

function hasRun({ status, activeAt }: Server): boolean {
  return activeAt !== undefined || status === 'active' || status === 'other';
}

/** By then a worker has ended by its own timer, which counts from its boot, whatever ran on it. */
function longestLifeMs({ bootTimeoutMs, maxAgeMs, longestJobMs }: Pool): number {
  return bootTimeoutMs + maxAgeMs + longestJobMs;
}

function forget(w: Worker, runnerId: number, contactedAt: number | undefined, pool: Pool, now: number): Removal | Held | undefined {
  if (w.bornAt > now + SKEW_MS) return { worker: w.name, why: 'clock-ahead' };
  if (now - w.bornAt <= pool.bootTimeoutMs) return undefined;
  if (contactedAt !== undefined && now - contactedAt < RECENT_CONTACT_MS) return { worker: w.name, why: 'recent-contact' };
  return { kind: 'forget', worker: w.name, runnerId, why: 'vm-gone', jobLost: w.busy > 0 };
}
