import { defined } from '../defined.ts';
import type { Worker } from '../fleet/types.ts';
import { holding, REFUSAL_MS, refuse, stillPaused } from './pause.ts';
import type { FailedOperation, Launch, Pause, PoolState, QueueObservation, Refusal } from './types.ts';
import { classifyLaunches, JUDGING_MS, passedOver } from './unclaimed-jobs.ts';
import { suspicions, watchedJobs } from './unresponsive.ts';

/** `why` of a launch that the cloud took back for lack of capacity or quota: there will be no VM, but no machine failed either. */
const REFUSED = 'refused';

/** `why` of a launch whose worker was drained before it booted, because its pool was: nothing is known of the machine. */
const DRAINED = 'drained';

/** Says nothing about whether machines boot. */
function isNeutral({ why }: Launch): boolean {
  return why === REFUSED || why === DRAINED;
}

/** How many settled launches are kept. */
const KEPT_LAUNCHES = 20;

/** `why` of a launch that has no VM any more, or never got one. */
const VANISHED = 'vanished';

/** What a pool learns from. */
export interface PoolObservation extends QueueObservation {
  /** Launches, by name, that the cloud took back. */
  readonly failedOperations: ReadonlyMap<string, FailedOperation>;
}

/** The memory after an observation: launches settled, idle times carried on, what is over dropped. Same input, same memory. */
export function updatePoolState(memory: PoolState, observed: PoolObservation, bootTimeoutMs: number, now: number): PoolState {
  const { workers, failedOperations } = observed;
  const byName = new Map(workers.map((w) => [w.name, w]));
  const refused = memory.launches.filter((l) => l.outcome === 'pending' && isRefusal(failedOperations.get(l.name)));
  const before = memory.launches
    .filter((l) => !isNeutral(l) || now - l.at <= bootTimeoutMs)
    .map((l) => resolveOutcome(l, byName.get(l.name), failedOperations.get(l.name), bootTimeoutMs, now));
  const launches = classifyLaunches(before, byName, observed, now);
  // What the ledger does not tell yet is kept for it, and what is not judged yet for its job, however many there are.
  const settled = finishedLaunches(launches).filter((l) => !l.untold && !isUnjudged(l, now));
  const dropped = new Set(settled.slice(0, Math.max(0, settled.length - KEPT_LAUNCHES)).map((l) => l.name));
  const pause = quotaPause(memory, workers, failedOperations, now) ?? stillPaused(memory.pause, launches, workers, now);
  return {
    launches: launches.filter((l) => !dropped.has(l.name)),
    refusals: [...memory.refusals.filter((r) => r.until > now), ...refusals(refused, failedOperations, now)],
    idle: idleSince(workers),
    ...passedOver(memory, before, launches, observed),
    watched: watchedJobs(observed, memory.watched),
    suspects: suspicions(memory, observed, now),
    ...defined({ pause }),
  };
}

function isUnjudged({ outcome, use, settledAt = 0 }: Launch, now: number): boolean {
  return outcome === 'booted' && use === undefined && now - settledAt <= JUDGING_MS;
}

function isRefusal(operation: FailedOperation | undefined): boolean {
  return operation !== undefined && operation.meaning !== 'boot';
}

function refusals(refused: readonly Launch[], failed: ReadonlyMap<string, FailedOperation>, now: number): readonly Refusal[] {
  return refused.flatMap((launch) => {
    const { flavor, zone, subnet } = launch;
    const operation = failed.get(launch.name);
    if (!operation || isQuota(launch, operation)) return [];
    const about = operation.meaning === 'subnet-full' && subnet !== undefined ? { subnet } : {};
    return [{ flavor, zone, ...about, code: operation.code, until: now + REFUSAL_MS }];
  });
}

/** A full subnet is one where there is no other to try. */
function isQuota({ subnet }: Launch, operation: FailedOperation | undefined): boolean {
  return operation?.meaning === 'quota' || (operation?.meaning === 'subnet-full' && subnet === undefined);
}

/** After a create that was taken back for a quota. Those of one wave count once: only an attempt made after the last refusal is another one. */
function quotaPause(
  { launches, pause }: PoolState,
  workers: readonly Worker[],
  failed: ReadonlyMap<string, FailedOperation>,
  now: number,
): Pause | undefined {
  const since = pause?.refused?.at ?? Number.NEGATIVE_INFINITY;
  const quota = launches.find((l) => l.at > since && l.outcome === 'pending' && isQuota(l, failed.get(l.name)));
  const operation = quota && failed.get(quota.name);
  if (!operation) return undefined;
  const machines = holding(workers.filter((w) => !failed.has(w.name)));
  return refuse(pause, { kind: 'quota', code: operation.code, message: operation.message, at: now, machines }, now);
}

function resolveOutcome(
  launch: Launch,
  worker: Worker | undefined,
  failure: FailedOperation | undefined,
  bootTimeoutMs: number,
  now: number,
): Launch {
  const listed = launch.listed || worker?.server !== undefined;
  const seen = listed === launch.listed ? launch : { ...launch, listed };
  // Listed late, it boots after all: the machines are good.
  if (launch.outcome !== 'pending' && !(launch.why === VANISHED && worker?.booted)) return seen;
  if (worker?.booted) {
    const { why: _, ...rest } = seen;
    return { ...rest, outcome: 'booted', settledAt: now, untold: true };
  }
  // The ledger's drain tells all of it.
  if (worker?.drainingSince !== undefined && worker.phase === 'draining')
    return { ...seen, outcome: 'failed', settledAt: now, why: DRAINED };
  const why = failure === undefined ? bootFailure(seen, worker, bootTimeoutMs, now) : isRefusal(failure) ? REFUSED : failure.code;
  return why === undefined ? seen : { ...seen, outcome: 'failed', settledAt: now, why, untold: true };
}

/** Why the launch will not boot any more; `undefined` while it still may. */
function bootFailure({ at, listed }: Launch, worker: Worker | undefined, bootTimeoutMs: number, now: number): string | undefined {
  if (worker?.phase === 'failed') return worker.failure ?? 'never-booted';
  // Its runner waits for a VM that is no longer, or never was, listed: known at once, or each tick until the timeout would order another one.
  if (worker ? worker.phase === 'gone' : listed) return VANISHED;
  if (now - at <= bootTimeoutMs) return undefined;
  return worker ? 'never-booted' : VANISHED;
}

function idleSince(workers: readonly Worker[]): PoolState['idle'] {
  const idle: Record<string, { since: number; done: number }> = {};
  for (const w of workers) if (w.phase === 'idle' && w.idleSince !== undefined) idle[w.name] = { since: w.idleSince, done: w.done };
  return idle;
}

/** The launches that tell whether machines boot, oldest settled first. */
export function finishedLaunches(launches: readonly Launch[]): readonly Launch[] {
  return launches
    .filter((l) => l.outcome !== 'pending' && !isNeutral(l))
    .sort((a, b) => (a.settledAt ?? 0) - (b.settledAt ?? 0) || (a.name < b.name ? -1 : 1));
}
