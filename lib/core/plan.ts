import { breaker } from './breaker.ts';
import type { PendingJob } from './fleet.ts';
import type { PoolMemory } from './memory.ts';
import { activePolicy, idleTarget } from './periods.ts';
import type { Policy, Pool } from './pool.ts';
import type { Worker } from './worker.ts';

/** From the note of a drain to the reap: a job request that passed GitLab's check just before the pause is answered by then (50 s long poll at most is cut by the pause). */
export const DRAIN_SETTLE_MS = 40_000;

/** A clock that runs ahead of ours by more than this makes a time useless, and nothing is deleted on it. */
const SKEW_MS = 60_000;

/** A runner that called within this time has a living VM behind it, whatever the listing says. */
const RECENT_CONTACT_MS = 2 * 60_000;

export type DrainWhy = 'idle' | 'max-builds' | 'max-age' | 'never-booted' | 'error' | 'surplus';

export type Action =
  | { readonly kind: 'launch'; readonly why: 'demand' | 'idle-target' | 'probe'; readonly jobId?: number }
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

/** Something that one might expect and that was left alone, with the reason. */
export interface Held {
  readonly worker: string;
  readonly why: 'drain-settling' | 'still-busy' | 'note-unreadable' | 'clock-ahead' | 'recent-contact';
}

/** The numbers that a plan was made on. */
export interface PlanNumbers {
  /** Absent when GitLab's jobs could not be read. */
  readonly demand?: number;
  readonly machines: number;
  readonly booting: number;
  readonly idle: number;
  readonly busy: number;
  readonly draining: number;
  readonly failed: number;
  readonly limit: number;
  readonly idleTarget: number;
  /** Index of the period that holds; absent for the pool's own values. */
  readonly period?: number;
  /** Pending jobs left without a worker that is there or on its way. */
  readonly unmet: number;
}

/** What kept the plan from launching all that was wanted. */
export interface Brake {
  readonly why: 'limit' | 'max-growth-rate' | 'breaker' | 'paused';
  readonly until?: number;
  readonly code?: string;
}

export interface Plan {
  readonly pool: string;
  readonly actions: readonly Action[];
  readonly held: readonly Held[];
  readonly numbers: PlanNumbers;
  readonly brakes: readonly Brake[];
}

export interface PlanInput {
  readonly pool: Pool;
  readonly workers: readonly Worker[];
  /** This pool's waiting jobs, oldest first; `undefined` when they could not be read: then nothing is launched and nothing idle is drained. */
  readonly jobs: readonly PendingJob[] | undefined;
  readonly memory: PoolMemory;
  readonly now: number;
  readonly grow: boolean;
  readonly shrink: boolean;
}

/**
 * Decides what to do about one pool. Knows nothing of GitLab, OTC or the clock: same input, same plan, in whatever order things were listed.
 * A worker that drains never comes back, and a busy one is left alone.
 */
export function planPool(input: PlanInput): Plan {
  const { pool, now } = input;
  const workers = [...input.workers].sort(oldestFirst);
  const { policy, period } = activePolicy(pool, now);
  const counts = count(workers);
  const target = idleTarget(policy, counts.busy);

  const leaving = workers.map((w) => [w, leaveReason(w, pool, now)] as const).filter(([, why]) => why !== undefined);
  const left = new Set(leaving.map(([w]) => w.name));
  const available = workers.filter((w) => (w.phase === 'idle' || w.phase === 'booting') && !left.has(w.name));

  const growth = input.grow ? grow({ ...input, available, target, counts }) : NO_GROWTH;
  const unmet = Math.max(0, (input.jobs?.length ?? 0) - available.length - growth.actions.length);
  const shrinkage = input.shrink ? shrink({ ...input, workers, available, target, policy, leaving, counts }) : NO_SHRINKAGE;
  return {
    pool: pool.name,
    actions: [...growth.actions, ...shrinkage.actions],
    held: shrinkage.held,
    brakes: growth.brakes,
    numbers: {
      ...(input.jobs ? { demand: input.jobs.length } : {}),
      ...counts,
      limit: pool.limit,
      idleTarget: target,
      ...(period === undefined ? {} : { period }),
      unmet,
    },
  };
}

type Counts = Pick<PlanNumbers, 'machines' | 'booting' | 'idle' | 'busy' | 'draining' | 'failed'>;

/** How many workers are in which phase; `machines` is every VM that exists or is on its way. */
export function count(workers: readonly Worker[]): Counts {
  const of = (phase: Worker['phase']) => workers.filter((w) => w.phase === phase).length;
  const counts = { booting: of('booting'), idle: of('idle'), busy: of('busy'), draining: of('draining'), failed: of('failed') };
  return { machines: workers.length - of('gone'), ...counts };
}

function oldestFirst(a: Worker, b: Worker): number {
  return a.bornAt - b.bornAt || (a.name < b.name ? -1 : 1);
}

// ── growing ──────────────────────────────────────────────────────────────────────────────────────────────────────────

const NO_GROWTH = { actions: [] as readonly Action[], brakes: [] as readonly Brake[] };

function grow(input: PlanInput & { readonly available: readonly Worker[]; readonly target: number; readonly counts: Counts }) {
  const { pool, jobs, memory, now, counts } = input;
  if (!jobs) return NO_GROWTH;
  const wanted = Math.max(0, jobs.length + input.target - input.available.length);
  const bounds = growthBounds(pool, memory, now, counts);
  const allowed = Math.max(0, Math.min(wanted, ...bounds.map((b) => b.most)));
  const brakes = bounds.filter((b) => Math.max(0, b.most) < wanted).map((b) => b.brake);
  // The oldest jobs go to the workers that are there or on their way; each launch stands for one of the others.
  const uncovered = jobs.slice(input.available.length);
  const probing = bounds.some((b) => b.brake.why === 'breaker');
  const actions = Array.from({ length: allowed }, (_, i): Action => {
    const job = uncovered[i];
    if (probing) return { kind: 'launch', why: 'probe', ...(job ? { jobId: job.id } : {}) };
    return job ? { kind: 'launch', why: 'demand', jobId: job.id } : { kind: 'launch', why: 'idle-target' };
  });
  return { actions, brakes };
}

function growthBounds(pool: Pool, memory: PoolMemory, now: number, counts: Counts): readonly { most: number; brake: Brake }[] {
  const bounds: { most: number; brake: Brake }[] = [{ most: pool.limit - counts.machines, brake: { why: 'limit' } }];
  if (pool.maxGrowthRate > 0) bounds.push({ most: pool.maxGrowthRate - counts.booting, brake: { why: 'max-growth-rate' } });
  const { open, allowed, nextProbeAt } = breaker(memory.launches, now);
  if (open) bounds.push({ most: allowed, brake: { why: 'breaker', ...(nextProbeAt === undefined ? {} : { until: nextProbeAt }) } });
  const { pause } = memory;
  if (pause && pause.until > now) bounds.push({ most: 0, brake: { why: 'paused', until: pause.until, code: pause.code } });
  return bounds;
}

// ── shrinking ────────────────────────────────────────────────────────────────────────────────────────────────────────

const NO_SHRINKAGE = { actions: [] as readonly Action[], held: [] as readonly Held[] };

interface ShrinkInput extends PlanInput {
  readonly available: readonly Worker[];
  readonly target: number;
  readonly policy: Policy;
  readonly leaving: readonly (readonly [Worker, DrainWhy | undefined])[];
  readonly counts: Counts;
}

function shrink(input: ShrinkInput) {
  const actions: Action[] = [];
  const held: Held[] = [];
  for (const [w, why] of input.leaving) if (why) actions.push(...drain(w, why));
  for (const [w, why] of surplus(input)) actions.push(...drain(w, why));
  for (const w of input.workers) {
    const step = finish(w, input.pool, input.now);
    if (step && 'kind' in step) actions.push(step);
    else if (step) held.push(step);
  }
  return { actions, held };
}

function drain(w: Worker, why: DrainWhy): readonly Action[] {
  return w.runner && !w.runner.paused ? [{ kind: 'drain', worker: w.name, runnerId: w.runner.id, why }] : [];
}

/** Why a worker must go whatever the demand is. Never one that has a job. */
function leaveReason(w: Worker, pool: Pool, now: number): DrainWhy | undefined {
  if (!w.runner || w.runner.paused || !w.server || w.busy > 0) return undefined;
  if (w.failure === 'error' || w.failure === 'never-booted') return w.failure;
  if (w.phase !== 'idle') return undefined;
  if (pool.maxBuilds > 0 && w.done >= pool.maxBuilds) return 'max-builds';
  return now - w.bornAt > pool.maxAgeMs ? 'max-age' : undefined;
}

/**
 * Idle workers that nobody needs. As with docker+machine the oldest stay: over a lowered limit the newest go, and one that was idle for too
 * long goes only when enough older ones are kept. Those that are going already do not count, else each tick would drain more of the rest.
 */
function surplus(input: ShrinkInput): readonly (readonly [Worker, DrainWhy])[] {
  const { available, pool, now, jobs, target, policy, counts } = input;
  const isIdle = (w: Worker) => w.phase === 'idle' && w.server !== undefined;
  const excess = Math.max(0, available.length + counts.busy - pool.limit);
  const overLimit = new Set(available.filter(isIdle).reverse().slice(0, excess));
  const needed = jobs ? jobs.length + target : Number.POSITIVE_INFINITY;
  const leaving: (readonly [Worker, DrainWhy])[] = [];
  let kept = 0;
  for (const w of available) {
    if (overLimit.has(w)) leaving.push([w, 'surplus']);
    else if (kept >= needed && isIdle(w) && now - (w.idleSince ?? now) > policy.idleTimeMs) leaving.push([w, 'idle']);
    else kept += 1;
  }
  return leaving;
}

/** The last steps of one worker: reap its VM, or forget its runner; a `Held` where it must wait. */
function finish(w: Worker, pool: Pool, now: number): Action | Held | undefined {
  const { server, runner } = w;
  if (!server) return runner && w.phase === 'gone' ? forget(w, runner.id, runner.contactedAt, pool, now) : undefined;
  if (server.deleting) return undefined;
  const base = { kind: 'reap', worker: w.name, serverId: server.id, ...(runner ? { runnerId: runner.id } : {}) } as const;
  if (server.status === 'off') return { ...base, why: 'powered-off', check: 'none', jobLost: w.busy > 0 };
  if (!runner) return orphan(w, base, server.runnerId, pool, now);
  if (!runner.paused) return undefined;
  if (w.drainingSince === undefined) return { worker: w.name, why: 'note-unreadable' };
  if (w.drainingSince > now + SKEW_MS) return { worker: w.name, why: 'clock-ahead' };
  if (now - w.drainingSince < DRAIN_SETTLE_MS) return { worker: w.name, why: 'drain-settling' };
  if (w.busy > 0) return { worker: w.name, why: 'still-busy' };
  return { ...base, why: 'drained', check: 'no-jobs', jobLost: false };
}

function orphan(
  w: Worker,
  base: { readonly kind: 'reap'; readonly worker: string; readonly serverId: string },
  runnerId: number | undefined,
  pool: Pool,
  now: number,
): Action | Held | undefined {
  if (w.bornAt > now + SKEW_MS) return { worker: w.name, why: 'clock-ahead' };
  if (now - w.bornAt <= pool.bootTimeoutMs) return undefined;
  return { ...base, ...(runnerId === undefined ? {} : { runnerId }), why: 'orphan', check: 'no-runner', jobLost: false };
}

function forget(w: Worker, runnerId: number, contactedAt: number | undefined, pool: Pool, now: number): Action | Held | undefined {
  if (w.bornAt > now + SKEW_MS) return { worker: w.name, why: 'clock-ahead' };
  if (now - w.bornAt <= pool.bootTimeoutMs) return undefined;
  if (contactedAt !== undefined && now - contactedAt < RECENT_CONTACT_MS) return { worker: w.name, why: 'recent-contact' };
  return { kind: 'forget', worker: w.name, runnerId, why: 'vm-gone', jobLost: w.busy > 0 };
}
