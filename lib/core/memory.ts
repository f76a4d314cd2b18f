import type { Worker } from './worker.ts';

/**
 * What one pool remembers between reconciles, in one small object. Losing it costs time or a launch too many, never a job:
 * nothing is deleted on its word.
 */
export interface PoolMemory {
  /** Recent launches, oldest first. */
  readonly launches: readonly Launch[];
  /** Flavors and zones that had no capacity. */
  readonly refusals: readonly Refusal[];
  /** No launch before `until`: quota, throttling, rights. */
  readonly pause?: { readonly until: number; readonly code: string; readonly message: string };
  /** Since when each idle worker is seen idle, and how many jobs it had done then. */
  readonly idle: Readonly<Record<string, { readonly since: number; readonly done: number }>>;
}

export interface Launch {
  readonly name: string;
  /** Time of the reconcile that launched it: equal for all of one wave. */
  readonly at: number;
  readonly operationId?: string;
  readonly flavor: string;
  readonly zone: string;
  /** The job that it was started for. */
  readonly jobId?: number;
  /** The cloud has listed it at least once. */
  readonly listed: boolean;
  /** Booted: it asked GitLab for a job. */
  readonly outcome: 'pending' | 'booted' | 'failed';
  readonly settledAt?: number;
  readonly why?: string;
}

export interface Refusal {
  readonly flavor: string;
  readonly zone: string;
  readonly code: string;
  readonly until: number;
}

/** A launch that the cloud accepted and then took back, and what that means. */
export interface FailedOperation {
  readonly code: string;
  readonly message: string;
  /** `boot`: the machine as such failed. The other two say nothing about the machine: try elsewhere, or stop. */
  readonly meaning: 'boot' | 'sold-out' | 'quota';
}

/** So long a flavor and zone without capacity is passed over. */
export const REFUSAL_MS = 3 * 60_000;

/** So long nothing is ordered after a refusal that repeating cannot cure. */
export const PAUSE_MS = 2 * 60_000;

export const EMPTY_MEMORY: PoolMemory = { launches: [], refusals: [], idle: {} };

/** How many settled launches are kept. */
const KEPT_LAUNCHES = 20;

/** The memory after an observation: launches settled, idle times carried on, what is over dropped. Same input, same memory. */
export function learn(
  memory: PoolMemory,
  workers: readonly Worker[],
  failedOperations: ReadonlyMap<string, FailedOperation>,
  bootTimeoutMs: number,
  now: number,
): PoolMemory {
  const byName = new Map(workers.map((w) => [w.name, w]));
  const refused = memory.launches.filter((l) => isRefusal(failedOperations.get(l.name)));
  const launches = memory.launches
    .filter((l) => !refused.includes(l))
    .map((l) => settle(l, byName.get(l.name), failedOperations.get(l.name), bootTimeoutMs, now));
  const settled = launches.filter((l) => l.outcome !== 'pending').sort(bySettling);
  const dropped = new Set(settled.slice(0, Math.max(0, settled.length - KEPT_LAUNCHES)).map((l) => l.name));
  const pause = quotaPause(failedOperations, now) ?? memory.pause;
  return {
    launches: launches.filter((l) => !dropped.has(l.name)),
    refusals: [...memory.refusals.filter((r) => r.until > now), ...refusals(refused, failedOperations, now)],
    idle: idleSince(workers),
    ...(pause && pause.until > now ? { pause } : {}),
  };
}

function isRefusal(operation: FailedOperation | undefined): boolean {
  return operation !== undefined && operation.meaning !== 'boot';
}

function refusals(refused: readonly Launch[], failed: ReadonlyMap<string, FailedOperation>, now: number): readonly Refusal[] {
  return refused.flatMap(({ name, flavor, zone }) => {
    const operation = failed.get(name);
    return operation?.meaning === 'sold-out' ? [{ flavor, zone, code: operation.code, until: now + REFUSAL_MS }] : [];
  });
}

function quotaPause(failed: ReadonlyMap<string, FailedOperation>, now: number): PoolMemory['pause'] {
  const quota = [...failed.values()].find((o) => o.meaning === 'quota');
  return quota && { until: now + PAUSE_MS, code: quota.code, message: quota.message };
}

function settle(
  launch: Launch,
  worker: Worker | undefined,
  failure: FailedOperation | undefined,
  bootTimeoutMs: number,
  now: number,
): Launch {
  const listed = launch.listed || worker?.server !== undefined;
  const seen = listed === launch.listed ? launch : { ...launch, listed };
  if (launch.outcome !== 'pending') return seen;
  if (worker?.booted) return { ...seen, outcome: 'booted', settledAt: now };
  if (failure !== undefined) return { ...seen, outcome: 'failed', settledAt: now, why: failure.code };
  if (worker?.phase === 'failed') return { ...seen, outcome: 'failed', settledAt: now, why: worker.failure ?? 'never-booted' };
  if (now - launch.at > bootTimeoutMs) return { ...seen, outcome: 'failed', settledAt: now, why: worker ? 'never-booted' : 'vanished' };
  return seen;
}

function idleSince(workers: readonly Worker[]): PoolMemory['idle'] {
  const idle: Record<string, { since: number; done: number }> = {};
  for (const w of workers) if (w.phase === 'idle' && w.idleSince !== undefined) idle[w.name] = { since: w.idleSince, done: w.done };
  return idle;
}

/** Oldest settled first. */
export function bySettling(a: Launch, b: Launch): number {
  return (a.settledAt ?? 0) - (b.settledAt ?? 0) || (a.name < b.name ? -1 : 1);
}
