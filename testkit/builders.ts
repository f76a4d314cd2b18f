import { NO_CONTROLS } from '../lib/core/controls.ts';
import { deriveFleet } from '../lib/core/fleet/derive.ts';
import { drainNote } from '../lib/core/fleet/drain-note.ts';
import type { PendingJob, Phase, Runner, Server, Worker } from '../lib/core/fleet/types.ts';
import { EMPTY_POOL_STATE, type Launch, type PoolState } from '../lib/core/launches/types.ts';
import { planPool } from '../lib/core/plan/plan.ts';
import type { PlanInput } from '../lib/core/plan/types.ts';
import type { Period, Policy, Pool } from '../lib/core/pool/pool.ts';

export const SECOND = 1000;
export const MINUTE = 60 * SECOND;
export const HOUR = 60 * MINUTE;

/** A Monday, 13:00 in Berlin. */
export const NOW = Date.UTC(2026, 10, 23, 12, 0, 0);

export const NO_OPERATIONS = { failedOperations: new Map<string, never>(), runningOperations: new Set<string>() };

/** No idle workers are kept; idle ones stay for ten minutes. */
export function policy(overrides: Partial<Policy> = {}): Policy {
  return { idleCount: 0, idleScaleFactor: 0, idleCountMin: 0, idleTimeMs: 10 * MINUTE, ...overrides };
}

export function period(periods: readonly string[], overrides: Partial<Policy> = {}, timezone = 'Europe/Berlin'): Period {
  return { periods, timezone, policy: policy(overrides) };
}

/** `policy` and the rest may be overridden in part. */
export function pool(overrides: Partial<Omit<Pool, 'policy'>> & { readonly policy?: Partial<Policy> } = {}): Pool {
  return {
    name: 'bake',
    tags: ['bake', 'docker'],
    runUntagged: false,
    limit: 10,
    maxGrowthRate: 0,
    maxBuilds: 0,
    maxAgeMs: 24 * HOUR,
    longestJobMs: 6 * HOUR,
    bootTimeoutMs: 10 * MINUTE,
    periods: [],
    ...overrides,
    policy: policy(overrides.policy),
  };
}

/** The n-th worker's name; names sort as their numbers. */
export function nameOf(n: number, poolName = 'bake'): string {
  return `${poolName}-01${String(n).padStart(24, '0')}`;
}

/** A running VM, an hour old. */
export function server(n: number, overrides: Partial<Server> = {}): Server {
  return {
    id: `vm-${n}`,
    name: nameOf(n),
    status: 'active',
    deleting: false,
    createdAt: NOW - HOUR,
    runnerId: n,
    flavor: 's3.xlarge.4',
    zone: 'eu-de-01',
    ...overrides,
  };
}

/** A runner, an hour old, that never asked for a job. */
export function runner(n: number, overrides: Partial<Runner> = {}): Runner {
  return { id: n, name: nameOf(n), paused: false, createdAt: NOW - HOUR, busy: 0, done: 0, ...overrides };
}

/** A runner that called just now. */
export function liveRunner(n: number, overrides: Partial<Runner> = {}): Runner {
  return runner(n, { contactedAt: NOW - 5 * SECOND, ...overrides });
}

/** A runner that drains since the given time. */
export function drainingRunner(n: number, since: number, overrides: Partial<Runner> = {}): Runner {
  return liveRunner(n, { paused: true, note: drainNote(since, 'idle'), ...overrides });
}

export function job(id: number, overrides: Partial<PendingJob> = {}): PendingJob {
  return { id, projectId: 7, tags: ['bake'], queuedAt: NOW - MINUTE + id, ...overrides };
}

export function jobs(count: number, from = 1): readonly PendingJob[] {
  return Array.from({ length: count }, (_, i) => job(from + i));
}

/** A launch of a minute ago that the cloud has not listed yet. */
export function launch(n: number, overrides: Partial<Launch> = {}): Launch {
  return {
    name: nameOf(n),
    at: NOW - MINUTE,
    flavor: 's3.xlarge.4',
    zone: 'eu-de-01',
    listed: false,
    outcome: 'pending',
    ...overrides,
  };
}

export function memory(overrides: Partial<PoolState> = {}): PoolState {
  return { ...EMPTY_POOL_STATE, ...overrides };
}

/** A worker as `deriveFleet` makes one. Booting ones are a minute old, all others an hour; idle ones became idle just now. */
export function worker(n: number, phase: Exclude<Phase, 'failed'>, overrides: Partial<Worker> = {}): Worker {
  const bornAt = overrides.bornAt ?? (phase === 'booting' ? NOW - MINUTE : NOW - HOUR);
  const booted = phase !== 'booting';
  const busy = overrides.busy ?? (phase === 'busy' ? 1 : 0);
  const done = overrides.done ?? 0;
  const draining = phase === 'draining' ? { paused: true, note: drainNote(NOW - 10 * SECOND, 'idle') } : {};
  const ours = runner(n, { createdAt: bornAt, busy, done, ...(booted ? { contactedAt: NOW - 5 * SECOND } : {}), ...draining });
  return {
    name: nameOf(n),
    phase,
    bornAt,
    booted,
    busy,
    done,
    runner: ours,
    ...(phase === 'gone' ? {} : { server: server(n, { createdAt: bornAt }) }),
    ...(phase === 'idle' ? { idleSince: NOW } : {}),
    ...(phase === 'draining' ? { drainingSince: NOW - 10 * SECOND } : {}),
    ...overrides,
  };
}

export function planInput(overrides: Partial<PlanInput> = {}): PlanInput {
  return {
    pool: pool(),
    workers: [],
    jobs: [],
    memory: EMPTY_POOL_STATE,
    controls: NO_CONTROLS,
    now: NOW,
    mayLaunch: true,
    mayRemove: true,
    ...overrides,
  };
}

/** What is planned for what the cloud and GitLab list. */
export function planOf(
  servers: readonly Server[],
  runners: readonly Runner[],
  overrides: Omit<Partial<PlanInput>, 'workers'> = {},
): ReturnType<typeof planPool> {
  const input = planInput(overrides);
  const workers = deriveFleet({ pool: input.pool, servers, runners, memory: input.memory, ...NO_OPERATIONS, now: input.now });
  return planPool({ ...input, workers });
}
