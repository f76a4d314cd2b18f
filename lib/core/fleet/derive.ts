import { defined } from '../defined.ts';
import type { Launch, PoolState } from '../launches/types.ts';
import { isSilent } from '../launches/unresponsive.ts';
import type { Pool } from '../pool/pool.ts';
import { MINUTE } from '../time.ts';
import { drainedSince } from './drain-note.ts';
import { isWorkerOf } from './names.ts';
import type { Failure, Phase, Runner, Server, Worker } from './types.ts';

/** A VM may be listed late: this long its runner alone counts as a machine on its way, unless its operation says more. */
const LISTING_GRACE_MS = 3 * MINUTE;

/**
 * Joins what the cloud and GitLab list of one pool. `failedOperations` are launches (by name) that the cloud took back,
 * `runningOperations` those that it still works on. The result is sorted by age, so the order of listing does not matter.
 */
export function deriveFleet(input: {
  readonly pool: Pool;
  readonly servers: readonly Server[];
  readonly runners: readonly Runner[];
  readonly memory: PoolState;
  readonly failedOperations: ReadonlyMap<string, unknown>;
  readonly runningOperations: ReadonlySet<string>;
  readonly now: number;
}): readonly Worker[] {
  const { pool, memory, now } = input;
  const servers = byName(pool, input.servers);
  const runners = byName(pool, input.runners);
  const launches = new Map(memory.launches.map((l) => [l.name, l]));

  const workers = [...new Set([...servers.keys(), ...runners.keys()])].map((name) => {
    const server = servers.get(name);
    const runner = runners.get(name);
    const coming = runner !== undefined && !server && isComing(runner, launches.get(name), input, pool.bootTimeoutMs, now);
    return worker({ name, server, runner, coming, pool, memory, now });
  });
  return workers.sort((a, b) => a.bornAt - b.bornAt || (a.name < b.name ? -1 : 1));
}

/** Two of one name come only of a create repeated too early: the older one counts until it is gone, in whatever order they are listed. */
function byName<T extends Server | Runner>(pool: Pool, listed: readonly T[]): ReadonlyMap<string, T> {
  const newestFirst = listed.filter((l) => isWorkerOf(pool, l.name)).sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? 1 : -1));
  return new Map(newestFirst.map((l) => [l.name, l]));
}

/** Whether a runner without a listed VM still waits for one, as against having lost it. */
function isComing(
  runner: Runner,
  launch: Launch | undefined,
  operations: { readonly failedOperations: ReadonlyMap<string, unknown>; readonly runningOperations: ReadonlySet<string> },
  bootTimeoutMs: number,
  now: number,
): boolean {
  if (runner.paused || launch?.listed || operations.failedOperations.has(runner.name) || launch?.outcome === 'failed') return false;
  const grace = operations.runningOperations.has(runner.name) ? bootTimeoutMs : Math.min(bootTimeoutMs, LISTING_GRACE_MS);
  return now - runner.createdAt <= grace;
}

interface Sides {
  readonly name: string;
  readonly server: Server | undefined;
  readonly runner: Runner | undefined;
  readonly coming: boolean;
  readonly pool: Pool;
  readonly memory: PoolState;
  readonly now: number;
}

function worker(sides: Sides): Worker {
  const { name, server, runner, memory, now } = sides;
  const bornAt = Math.min(server?.createdAt ?? Number.POSITIVE_INFINITY, runner?.createdAt ?? Number.POSITIVE_INFINITY);
  const busy = runner?.busy ?? 0;
  const done = runner?.done ?? 0;
  const booted = runner?.contactedAt !== undefined || done > 0 || busy > 0;
  const young = now - bornAt <= sides.pool.bootTimeoutMs;
  const suspicion = memory.suspects[name];
  const unresponsive = suspicion !== undefined && isSilent({ busy, done }, suspicion);
  const { phase, failure } = phaseOf(sides, { booted, busy, young, unresponsive });
  const drainingSince = runner?.paused ? drainedSince(runner.note) : undefined;
  const known = memory.idle[name];
  return {
    name,
    phase,
    bornAt,
    booted,
    busy,
    done,
    ...defined({ failure, server, runner }),
    ...(phase === 'idle' ? { idleSince: known && known.done === done ? known.since : now } : {}),
    ...defined({ drainingSince }),
  };
}

interface Signs {
  readonly booted: boolean;
  readonly busy: number;
  readonly young: boolean;
  readonly unresponsive: boolean;
}

function phaseOf(sides: Sides, { booted, busy, young, unresponsive }: Signs): { phase: Phase; failure?: Failure } {
  const { server, runner, coming } = sides;
  if (!server) return { phase: coming ? alive(booted, busy) : 'gone' };
  if (server.deleting) return { phase: 'draining' };
  if (server.status === 'off') return booted ? { phase: 'draining' } : { phase: 'failed', failure: 'off-before-contact' };
  if (server.status === 'error') return { phase: 'failed', failure: 'error' };
  if (!runner) return young ? { phase: 'booting' } : { phase: 'failed', failure: 'orphan' };
  if (runner.paused) return { phase: 'draining' };
  if (!booted && !young) return { phase: 'failed', failure: 'never-booted' };
  if (unresponsive) return { phase: 'failed', failure: 'unresponsive' };
  return { phase: alive(booted, busy) };
}

function alive(booted: boolean, busy: number): Phase {
  if (busy > 0) return 'busy';
  return booted ? 'idle' : 'booting';
}
