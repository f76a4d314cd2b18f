import { NO_CONTROLS } from '../../lib/core/controls.ts';
import { deriveFleet } from '../../lib/core/fleet/derive.ts';
import { drainNote } from '../../lib/core/fleet/drain-note.ts';
import type { PendingJob, Runner, Server } from '../../lib/core/fleet/types.ts';
import { updatePoolState } from '../../lib/core/launches/pool-state.ts';
import { EMPTY_POOL_STATE, type Launch, type LeftJob, type PoolState } from '../../lib/core/launches/types.ts';
import { assignJobs, candidates } from '../../lib/core/plan/assignment.ts';
import { planPool } from '../../lib/core/plan/plan.ts';
import type { Action, Removal } from '../../lib/core/plan/types.ts';
import type { Pool } from '../../lib/core/pool/pool.ts';
import { NOW, SECOND } from '../../testkit/builders.ts';

export interface FarmOptions {
  readonly pools: readonly Pool[];
  /** From the order to the first contact. */
  readonly bootMs: number;
  readonly jobMs: number;
  /** GitLab's counts are this much behind. */
  readonly lagMs: number;
}

export interface FarmJob extends PendingJob {
  /** Names of the pools whose runners GitLab does not give it to, which its API does not say. */
  readonly refusedTo: readonly string[];
}

/** A launch as it was planned. */
export interface Ordered {
  readonly at: number;
  readonly pool: string;
  readonly jobId: number | undefined;
  readonly retry: boolean;
}

interface Vm {
  readonly id: number;
  readonly name: string;
  readonly pool: Pool;
  readonly orderedAt: number;
  contactedAt: number | undefined;
  job: { readonly id: number; readonly endsAt: number } | undefined;
  done: number;
  freeSince: number;
  note: string | undefined;
  deleted: boolean;
  /** What GitLab's counts showed, by time. */
  counts: { readonly at: number; readonly busy: number; readonly done: number }[];
}

const STEP = 5 * SECOND;

/** Several pools whose machines all boot, and a GitLab with jobs that it gives to some of them only. */
export class CoreFarm {
  now = NOW;
  /** While it does not, every order fails at once, and nothing is remembered of it: the cloud answers 503, say. */
  sells = true;
  readonly launched: Ordered[] = [];
  readonly queued: FarmJob[] = [];
  readonly #options: FarmOptions;
  readonly #memories = new Map<string, PoolState>();
  readonly #vms: Vm[] = [];
  readonly #givenTo = new Map<number, LeftJob>();
  #waiting: FarmJob[] = [];

  constructor(options: FarmOptions) {
    this.#options = options;
  }

  get waiting(): readonly FarmJob[] {
    return this.#waiting;
  }

  memory(pool: string): PoolState {
    return this.#memories.get(pool) ?? EMPTY_POOL_STATE;
  }

  queue(tags: readonly string[], refusedTo: readonly string[]): void {
    const job = { id: this.queued.length + 1, projectId: 7, tags, queuedAt: this.now, refusedTo };
    this.queued.push(job);
    this.#waiting.push(job);
  }

  /** From now on GitLab gives every job to everybody. */
  allow(): void {
    this.#waiting = this.#waiting.map((job) => ({ ...job, refusedTo: [] }));
  }

  pass(time: number): void {
    for (const end = this.now + time; this.now < end; ) {
      this.now += STEP;
      for (const vm of this.#vms) this.#live(vm);
    }
  }

  /** One pass over all pools, as `observe` and `reconcile` make it. */
  reconcile(mayRemove: boolean): void {
    const { now } = this;
    const jobs = this.#waiting;
    const seen = this.#options.pools.map((pool) => {
      const before = this.memory(pool.name);
      const none = { failedOperations: new Map(), runningOperations: new Set<string>() };
      const workers = deriveFleet({ pool, servers: this.#servers(pool), runners: this.#runners(pool), memory: before, ...none, now });
      const sight = { workers, failedOperations: new Map(), jobs: candidates(pool, jobs), left: this.#givenTo };
      return { pool, workers, jobs, memory: updatePoolState(before, sight, pool.bootTimeoutMs, now), controls: NO_CONTROLS };
    });
    const assigned = assignJobs(seen, now);
    for (const queue of seen) {
      const { name } = queue.pool;
      const { actions } = planPool({ ...queue, jobs: assigned.get(name) ?? [], now, mayLaunch: true, mayRemove });
      const launches = queue.memory.launches.map(({ untold: _, ...launch }): Launch => launch);
      this.#memories.set(name, { ...queue.memory, launches });
      for (const action of actions) this.#act(queue.pool, action);
    }
  }

  #act(pool: Pool, action: Action): void {
    if (action.kind === 'launch' && this.sells) this.#launch(pool, action.jobId, action.retry ?? false);
    else if (action.kind !== 'launch') this.#remove(action);
  }

  #remove(action: Removal): void {
    const vm = this.#vms.find((one) => one.name === action.worker);
    if (vm && action.kind === 'drain') vm.note ??= drainNote(this.now, action.why);
    if (vm && action.kind === 'reap' && !vm.job) vm.deleted = true;
  }

  #launch(pool: Pool, jobId: number | undefined, retry: boolean): void {
    const id = this.launched.length + 1;
    const name = `${pool.name}-${String(id).padStart(26, '0')}`;
    const fresh = { contactedAt: undefined, job: undefined, done: 0, note: undefined, deleted: false, counts: [] };
    this.#vms.push({ id, name, pool, orderedAt: this.now, freeSince: this.now, ...fresh });
    this.launched.push({ at: this.now, pool: pool.name, jobId, retry });
    const of = { name, at: this.now, flavor: 'f', zone: 'z', listed: false, outcome: 'pending' } as const;
    const launch: Launch = { ...of, ...(jobId !== undefined && { jobId }), ...(retry && { retry }) };
    const memory = this.memory(pool.name);
    this.#memories.set(pool.name, { ...memory, launches: [...memory.launches, launch] });
  }

  #servers(of: Pool): readonly Server[] {
    return this.#vms.flatMap(({ id, name, pool, orderedAt: createdAt, deleted }) =>
      pool === of && !deleted
        ? [{ id: `vm-${id}`, name, status: 'active', deleting: false, createdAt, runnerId: id, flavor: 'f', zone: 'z' } as const]
        : [],
    );
  }

  #runners(of: Pool): readonly Runner[] {
    return this.#vms.flatMap(({ id, name, pool, orderedAt: createdAt, contactedAt, note, deleted, counts }) => {
      if (pool !== of || deleted) return [];
      const { busy, done } = counts.findLast((c) => c.at <= this.now - this.#options.lagMs) ?? { busy: 0, done: 0 };
      const known = { ...(contactedAt !== undefined && { contactedAt }), ...(note !== undefined && { note }) };
      return [{ id, name, paused: note !== undefined, createdAt, busy, done, ...known }];
    });
  }

  #live(vm: Vm): void {
    if (vm.deleted || this.now < vm.orderedAt + this.#options.bootMs) return;
    if (vm.contactedAt === undefined) vm.freeSince = this.now;
    vm.contactedAt = this.now;
    if (vm.job && this.now >= vm.job.endsAt) {
      vm.job = undefined;
      vm.done += 1;
      vm.freeSince = this.now;
    }
    if (!vm.job && vm.note === undefined) this.#take(vm);
    vm.counts = [...vm.counts.slice(-30), { at: this.now, busy: vm.job ? 1 : 0, done: vm.done }];
    // Where nothing keeps idle workers they leave by themselves.
    const { idleCount, idleTimeMs } = vm.pool.policy;
    if (!vm.job && idleCount === 0 && this.now - vm.freeSince > idleTimeMs) vm.deleted = true;
  }

  #take(vm: Vm): void {
    const job = candidates(vm.pool, this.#waiting).find(({ id }) => !this.queued[id - 1]?.refusedTo.includes(vm.pool.name));
    if (!job) return;
    this.#waiting = this.#waiting.filter((j) => j.id !== job.id);
    this.#givenTo.set(job.id, { runnerId: vm.id, startedAt: this.now });
    vm.job = { id: job.id, endsAt: this.now + this.#options.jobMs };
  }
}
