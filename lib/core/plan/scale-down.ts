import type { PoolControls } from '../controls.ts';
import { defined } from '../defined.ts';
import type { PendingJob, Server, Worker } from '../fleet/types.ts';
import type { Policy, Pool } from '../pool/pool.ts';
import { idleLimitMs } from '../pool/wait-timeout.ts';
import { MINUTE, SECOND, SKEW_MS } from '../time.ts';
import { isOld, isPassive, leaveReason } from './coverage.ts';
import type { Counts, DrainWhy, PlanInput, Removal, Skipped } from './types.ts';

/** From the note of a drain to the reap: a job request that passed GitLab's check just before the pause is answered by then (50 s long poll at most is cut by the pause). */
export const DRAIN_SETTLE_MS = 40 * SECOND;

/** A runner that called within this time has a living VM behind it, whatever the listing says. */
const RECENT_CONTACT_MS = 2 * MINUTE;

interface ScaleDownInput extends PlanInput {
  readonly available: readonly Worker[];
  /** The waiting jobs that workers are kept for: those that were not passed over. */
  readonly ordinary: readonly PendingJob[];
  readonly target: number;
  readonly policy: Policy;
  readonly counts: Counts;
  /** Jobs that would get a worker if there were room for one more. */
  readonly blockedByLimit: number;
}

/** What is drained, reaped and forgotten of a pool, and what was left alone although one might expect it. */
export function scaleDown(input: ScaleDownInput): { readonly actions: readonly Removal[]; readonly held: readonly Skipped[] } {
  const actions: Removal[] = [];
  const held: Skipped[] = [];
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
function leaveAlone(actions: readonly Removal[], held: readonly Skipped[], { pause, unread, kept }: PoolControls) {
  const all = pause ? 'paused' : unread && 'controls-unread';
  const isLeft = ({ worker }: Removal) => all !== undefined || kept.has(worker);
  const left = actions.filter(isLeft).map(({ worker }): Skipped => ({ worker, why: all ?? 'kept' }));
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
function surplus(input: ScaleDownInput): readonly (readonly [Worker, DrainWhy])[] {
  const { available, pool, now, jobs, ordinary, target, policy, counts } = input;
  const isIdle = (w: Worker) => w.phase === 'idle' && w.server !== undefined;
  const mayGo = (w: Worker) => isIdle(w) && !input.controls.kept.has(w.name);
  const excess = Math.max(0, available.length + counts.busy - pool.limit);
  const overLimit = new Set(available.filter(mayGo).reverse().slice(0, excess));
  const inTheWay = available.filter((w) => mayGo(w) && isPassive(w, now) && !overLimit.has(w));
  const isKnown = jobs && !input.unreadParts;
  const unfit = new Set(isKnown ? inTheWay.slice(0, Math.max(0, input.blockedByLimit - counts.draining - overLimit.size)) : []);
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

/** The last steps of one worker: reap its VM, or forget its runner; a `Skipped` where it must wait. */
function finish(w: Worker, pool: Pool, now: number): Removal | Skipped | undefined {
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
): Removal | Skipped | undefined {
  if (w.bornAt > now + SKEW_MS) return { worker: w.name, why: 'clock-ahead' };
  if (now - w.bornAt <= pool.bootTimeoutMs) return undefined;
  if (hasRun(server) && now - w.bornAt <= longestLifeMs(pool)) return { worker: w.name, why: 'may-have-job' };
  const { runnerId } = server;
  return { ...base, ...defined({ runnerId }), why: 'orphan', check: 'no-runner', jobLost: false };
}

function hasRun({ status, activeAt }: Server): boolean {
  return activeAt !== undefined || status === 'active' || status === 'other';
}

/** By then a worker has ended by its own timer, which counts from its boot, whatever ran on it. */
function longestLifeMs({ bootTimeoutMs, maxAgeMs, longestJobMs }: Pool): number {
  return bootTimeoutMs + maxAgeMs + longestJobMs;
}

function forget(w: Worker, runnerId: number, contactedAt: number | undefined, pool: Pool, now: number): Removal | Skipped | undefined {
  if (w.bornAt > now + SKEW_MS) return { worker: w.name, why: 'clock-ahead' };
  if (now - w.bornAt <= pool.bootTimeoutMs) return undefined;
  if (contactedAt !== undefined && now - contactedAt < RECENT_CONTACT_MS) return { worker: w.name, why: 'recent-contact' };
  return { kind: 'forget', worker: w.name, runnerId, why: 'vm-gone', jobLost: w.busy > 0 };
}
