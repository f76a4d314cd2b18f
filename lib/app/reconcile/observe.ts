import pMap from 'p-map';
import { type Control, credible, holds, isAbout, poolControls, UNREAD_CONTROLS } from '../../core/controls.ts';
import { defined } from '../../core/defined.ts';
import { describeError, QuotaError, SoldOutError, SubnetFullError } from '../../core/errors.ts';
import { deriveFleet } from '../../core/fleet/derive.ts';
import type { Runner, Server } from '../../core/fleet/types.ts';
import { plausible } from '../../core/launches/plausible.ts';
import { updatePoolState } from '../../core/launches/pool-state.ts';
import { EMPTY_POOL_STATE, type FailedOperation, type PoolState } from '../../core/launches/types.ts';
import { leftWhileTried } from '../../core/launches/unclaimed-jobs.ts';
import { leftBesideIdle } from '../../core/launches/unresponsive.ts';
import { assignJobs, candidates } from '../../core/plan/assignment.ts';
import type { Pool } from '../../core/pool/pool.ts';
import { readControls } from '../controls/store.ts';
import type { Operation, Scope } from '../ports/index.ts';
import type { Services } from '../services.ts';
import type { PoolSettings, Settings } from '../settings.ts';
import { orderDigest } from '../workers/order-digest.ts';
import { type DemandSeen, readDemand, scopeKey, unreadParts } from './demand.ts';
import { askLeftJobs, jobsToAsk } from './left-jobs.ts';
import { readPoolState } from './pool-state-store.ts';
import type { PoolView, SourceFailure } from './types.ts';

/** Without what it remembers a pool would forget its breaker; and without the bucket no worker could get its handoff: then it launches nothing. */
export function isMemoryUnread({ unread }: Pick<PoolView, 'unread'>): boolean {
  return unread.some(({ source }) => source === 'memory');
}

/** Operations of launches that no listing shows yet are asked for one by one, this many at most: the oldest tell most. */
const MOST_OPERATIONS = 40;

type Attempt<T> = { readonly value: T } | { readonly failure: unknown };

/** The pools as they were at one time. */
export interface Observation {
  /** Read from the clock once, when all sources have answered. What is asked in addition does not change it. */
  readonly time: number;
  readonly views: readonly PoolView[];
}

/** Reads everything at once; each source fails for itself. Requests grow with pages, not with workers or jobs. */
export async function observe(services: Services, settings: Settings, signal: AbortSignal): Promise<Observation> {
  const scopes = new Map(settings.pools.map((p) => [scopeKey(p.scope), p.scope]));
  const [runners, demand, controls, pools] = await Promise.all([
    eachScope(scopes, (scope) => services.forge.runners(scope, { signal })),
    eachScope(scopes, (scope) => readDemand(services, scope, signal)),
    attempt(readControls(services.store, { signal })),
    Promise.all(
      settings.pools.map(async (p) => {
        const [servers, memory] = await Promise.all([
          attempt(services.cloud.servers(`${p.pool.name}-`, { signal })),
          attempt(readPoolState(services.store, p.pool.name, { signal })),
        ]);
        return { settings: p, servers, memory };
      }),
    ),
  ]);
  const time = services.clock.now();
  const views = await Promise.all(
    pools.map(({ settings: p, servers, memory }) => {
      const key = scopeKey(p.scope);
      const sources = { runners: runners.get(key), demand: demand.get(key), servers, memory, controls };
      return view(services, p, sources, { time, signal }).catch((error: unknown) => blind(p, error));
    }),
  );
  try {
    return { time, views: share(views, time) };
  } catch (error) {
    // Launching fails open: a job may get a worker of each pool that can run it.
    services.log.error('step of a pass failed', { step: 'share', ...describeError(error) });
    return { time, views };
  }
}

/** A pool of which nothing can be said, because of a mistake of ours: nothing is done to it, and the others go on. */
function blind(settings: PoolSettings, error: unknown): PoolView {
  const unread = [{ source: 'pool' as const, ...describeError(error) }];
  return {
    settings,
    unreadParts: 0,
    before: EMPTY_POOL_STATE,
    memory: EMPTY_POOL_STATE,
    activeControls: [],
    controls: UNREAD_CONTROLS,
    unread,
  };
}

/** Each job to one pool, now that it is known which pools can serve it. */
function share(views: readonly PoolView[], now: number): readonly PoolView[] {
  const queues = views.map((view) => {
    const { settings, jobs = [], workers, memory, controls } = view;
    return {
      pool: settings.pool,
      jobs,
      memory,
      controls,
      ...defined({ workers }),
      ...(isMemoryUnread(view) && { mayLaunch: false as const }),
    };
  });
  const assigned = assignJobs(queues, now);
  return views.map((v) => (v.jobs ? { ...v, jobs: assigned.get(v.settings.pool.name) ?? [] } : v));
}

interface Sources {
  readonly runners: Attempt<readonly Runner[]> | undefined;
  readonly demand: Attempt<DemandSeen> | undefined;
  readonly servers: Attempt<readonly Server[]>;
  readonly memory: Attempt<PoolState>;
  readonly controls: Attempt<readonly Control[]>;
}

async function view(
  services: Services,
  settings: PoolSettings,
  sources: Sources,
  { time: now, signal }: { readonly time: number; readonly signal: AbortSignal },
): Promise<PoolView> {
  const before = plausible(resultOf(sources.memory) ?? EMPTY_POOL_STATE, now);
  const demand = resultOf(sources.demand);
  const unread = [...unreadSources(sources), ...unreadParts(demand?.unread ?? [])];
  const jobs = demand && candidates(settings.pool, demand.jobs);
  const found = {
    settings,
    ...defined({ jobs }),
    unreadParts: demand?.unread.length ?? 0,
    before,
    ...controlsOf(settings.pool, sources.controls, now),
    unread,
    ...(demand?.change && { rest: demand.change }),
  };
  const servers = resultOf(sources.servers);
  const runners = resultOf(sources.runners);
  if (!servers || !runners) return { ...found, memory: before };

  const { pool } = settings;
  const operations = await askOperations(services, before, servers, signal);
  const workers = deriveFleet({ pool, servers, runners, memory: before, ...operations, now });
  const seen = { jobs, ...(found.unreadParts > 0 && { partial: true as const }) };
  const wanted = jobsToAsk(leftWhileTried(before, seen), leftBesideIdle(before, { workers, jobs }, now), now);
  const left = await askLeftJobs(services.forge, wanted, signal);
  const observed = { workers, failedOperations: operations.failedOperations, ...seen, left };
  const known = isPausedForOther(settings, before) ? withoutPause(before) : before;
  return { ...found, workers, memory: updatePoolState(known, observed, pool.bootTimeoutMs, now) };
}

/** The pause came of settings that somebody has changed since. */
function isPausedForOther(settings: PoolSettings, { pause }: PoolState): boolean {
  const refused = pause?.refused?.settings;
  return refused !== undefined && refused !== orderDigest(settings);
}

function withoutPause({ pause: _, ...rest }: PoolState): PoolState {
  return rest;
}

function unreadSources({ demand: jobs, ...sources }: Sources): readonly SourceFailure[] {
  const all = { jobs, ...sources };
  return (['runners', 'jobs', 'servers', 'memory', 'controls'] as const).flatMap((source) => {
    const tried = all[source];
    return tried && 'failure' in tried ? [{ source, ...describeError(tried.failure) }] : [];
  });
}

/** What holds for the pool now. */
function controlsOf(pool: Pool, controls: Attempt<readonly Control[]>, now: number): Pick<PoolView, 'activeControls' | 'controls'> {
  const all = resultOf(controls);
  if (!all) return { activeControls: [], controls: UNREAD_CONTROLS };
  const activeControls = all.filter((c) => holds(c, now) && isAbout(c, pool)).map((c) => credible(c, now));
  return { activeControls, controls: poolControls(pool.name, activeControls, now) };
}

/** What became of launches that were accepted but are not listed: most failures of a create show only there. */
async function askOperations(services: Services, memory: PoolState, servers: readonly Server[], signal: AbortSignal) {
  const listed = new Set(servers.map((s) => s.name));
  const open = memory.launches.filter((l) => l.outcome === 'pending' && !l.listed && !listed.has(l.name)).slice(0, MOST_OPERATIONS);
  const failedOperations = new Map<string, FailedOperation>();
  const runningOperations = new Set<string>();
  await pMap(
    open,
    async ({ name, operationId }) => {
      if (operationId === undefined) return;
      const operation = resultOf(await attempt(services.cloud.operation(operationId, { signal })));
      if (operation?.status === 'failed') failedOperations.set(name, failed(operation));
      if (operation?.status === 'running') runningOperations.add(name);
    },
    { concurrency: 10 },
  );
  return { failedOperations, runningOperations };
}

function failed({ code = 'operation-failed', reason = 'the cloud took the create back', error }: Operation): FailedOperation {
  if (error instanceof SoldOutError) return { code, message: reason, meaning: 'sold-out' };
  if (error instanceof SubnetFullError) return { code, message: reason, meaning: 'subnet-full' };
  return { code, message: reason, meaning: error instanceof QuotaError ? 'quota' : 'boot' };
}

async function eachScope<T>(
  scopes: ReadonlyMap<string, Scope>,
  read: (scope: Scope) => Promise<T>,
): Promise<ReadonlyMap<string, Attempt<T>>> {
  return new Map(await Promise.all([...scopes].map(async ([key, scope]) => [key, await attempt(read(scope))] as const)));
}

async function attempt<T>(work: Promise<T>): Promise<Attempt<T>> {
  try {
    return { value: await work };
  } catch (failure) {
    return { failure };
  }
}

function resultOf<T>(tried: Attempt<T> | undefined): T | undefined {
  return tried && 'value' in tried ? tried.value : undefined;
}
