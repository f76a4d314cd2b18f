import { type Control, poolControls } from '../../lib/core/controls.ts';
import { deriveFleet } from '../../lib/core/fleet/derive.ts';
import { drainNote } from '../../lib/core/fleet/drain-note.ts';
import type { PendingJob, Runner, Server, Worker } from '../../lib/core/fleet/types.ts';
import { updatePoolState } from '../../lib/core/launches/pool-state.ts';
import { EMPTY_POOL_STATE, type FailedOperation, type Launch, type PoolState } from '../../lib/core/launches/types.ts';
import { planPool } from '../../lib/core/plan/plan.ts';
import type { Action, Launching, Plan } from '../../lib/core/plan/types.ts';
import type { Pool } from '../../lib/core/pool/pool.ts';
import { waitTimeoutSeconds } from '../../lib/core/pool/wait-timeout.ts';
import { MINUTE, NOW, nameOf, SECOND } from '../../testkit/builders.ts';

/**
 * What becomes of a VM: it boots; calls GitLab and takes no job all the same (`deaf`); runs without ever calling; ends in error; is listed once and
 * then no more; is accepted and never seen; powers off before it called; or its operation fails.
 */
export type Fate = 'boots' | 'deaf' | 'silent' | 'error' | 'vanishes' | 'unseen' | 'off' | 'taken-back';

export const BAD_FATES: readonly Fate[] = ['silent', 'error', 'vanishes', 'unseen', 'off', 'taken-back'];

export interface WorldOptions {
  readonly pool: Pool;
  /** Of the n-th VM, ordered at that time. */
  readonly fate: (n: number, at: number) => Fate;
  /** From the order to the first contact. */
  readonly bootMs?: number;
  /** From the order until the cloud lists it. */
  readonly listedAfterMs?: number;
  readonly jobMs?: number;
  /** GitLab's counts are this much behind. */
  readonly lagMs?: number;
  /** Workers leave by themselves after the wait timeout. */
  readonly leave?: boolean;
}

interface Machine {
  readonly n: number;
  readonly name: string;
  readonly fate: Fate;
  readonly orderedAt: number;
  off: boolean;
  deleting: boolean;
  removed: boolean;
  job: { readonly id: number; readonly endsAt: number } | undefined;
  done: number;
  freeSince: number;
  contactedAt: number | undefined;
  /** The runner's side. */
  known: boolean;
  pausedAt: number | undefined;
  note: string | undefined;
  /** What GitLab's counts showed, by time. */
  counts: { readonly at: number; readonly busy: number; readonly done: number }[];
}

const STEP = 10 * SECOND;

/** A small world of one pool: a cloud, GitLab and what the pool remembers, moving in steps of ten seconds. */
export class CoreWorld {
  now = NOW;
  memory: PoolState = EMPTY_POOL_STATE;
  pool: Pool;
  controls: readonly Control[] = [];
  readonly machines: Machine[] = [];
  readonly launches: number[] = [];
  readonly served: number[] = [];
  readonly blocked = new Set<number>();
  /** Jobs whose VM was deleted under them. */
  readonly killed: number[] = [];
  readonly #options: WorldOptions;
  #waiting: PendingJob[] = [];
  #nextJob = 1;

  constructor(options: WorldOptions) {
    this.#options = options;
    this.pool = options.pool;
  }

  /** VMs that exist, listed or not. */
  get existing(): number {
    return this.machines.filter((m) => !m.removed && m.fate !== 'unseen' && m.fate !== 'taken-back').length;
  }

  get waiting(): number {
    return this.#waiting.length;
  }

  /** Nothing waits, nothing runs. */
  get quiet(): boolean {
    return this.#waiting.length === 0 && this.machines.every((m) => m.job === undefined);
  }

  /** `blocked`: GitLab gives them to nobody, and its API does not say so. */
  queue(count: number, blocked = false): void {
    for (let i = 0; i < count; i++) {
      if (blocked) this.blocked.add(this.#nextJob);
      this.#waiting.push({ id: this.#nextJob++, projectId: 7, tags: ['bake'], queuedAt: this.now });
    }
  }

  pass(time: number): void {
    for (const end = this.now + time; this.now < end; ) {
      this.now += STEP;
      for (const m of this.machines) this.#live(m);
      for (const m of this.machines) m.counts = [...m.counts.slice(-30), { at: this.now, busy: m.job ? 1 : 0, done: m.done }];
    }
  }

  /** One reconcile: what was seen, planned and done. */
  reconcile(mode: { readonly mayLaunch?: boolean; readonly mayRemove?: boolean } = {}): {
    readonly workers: readonly Worker[];
    readonly plan: Plan;
  } {
    const { pool, now } = this;
    const failedOperations = this.#failedOperations();
    const seen = { servers: this.#servers(), runners: this.#runners(), failedOperations, runningOperations: new Set<string>() };
    const workers = deriveFleet({ pool, memory: this.memory, now, ...seen });
    this.memory = told(updatePoolState(this.memory, { workers, failedOperations, jobs: this.#waiting }, pool.bootTimeoutMs, now));
    const plan = planPool({
      pool,
      workers,
      jobs: this.#waiting,
      memory: this.memory,
      controls: poolControls(pool.name, this.controls, now),
      now,
      mayLaunch: true,
      mayRemove: true,
      ...mode,
    });
    for (const action of plan.actions) this.#act(action);
    return { workers, plan };
  }

  #servers(): readonly Server[] {
    const { listedAfterMs = 0 } = this.#options;
    return this.machines.flatMap((m) => {
      const age = this.now - m.orderedAt;
      const unlisted = m.fate === 'unseen' || m.fate === 'taken-back';
      if (m.removed || unlisted || age < listedAfterMs) return [];
      const failed = m.fate === 'error' ? 'error' : m.fate === 'off' && age > MINUTE ? 'off' : 'active';
      const status = m.off ? 'off' : failed;
      const { name, deleting, orderedAt: createdAt, n } = m;
      return [{ id: `vm-${n}`, name, status, deleting, createdAt, runnerId: n, flavor: 'f', zone: 'z' } satisfies Server];
    });
  }

  #runners(): readonly Runner[] {
    const { lagMs = 0 } = this.#options;
    return this.machines.flatMap((m) => {
      if (!m.known) return [];
      const { busy, done } = m.counts.findLast((c) => c.at <= this.now - lagMs) ?? { busy: 0, done: 0 };
      const { n: id, name, orderedAt: createdAt, contactedAt, note } = m;
      const optional = { ...(contactedAt === undefined ? {} : { contactedAt }), ...(note === undefined ? {} : { note }) };
      return [{ id, name, paused: m.pausedAt !== undefined, createdAt, busy, done, ...optional }];
    });
  }

  #failedOperations(): ReadonlyMap<string, FailedOperation> {
    const failed = this.machines.filter((m) => m.fate === 'taken-back' && this.now > m.orderedAt);
    return new Map(failed.map((m) => [m.name, { code: 'Ecs.0000', message: 'taken back', meaning: 'boot' }]));
  }

  #act(action: Action): void {
    if (action.kind === 'launch') this.#launch(action);
    else this.#remove(action);
  }

  #remove(action: Exclude<Action, { kind: 'launch' }>): void {
    const m = this.machines.find((one) => one.name === action.worker);
    if (!m) throw new Error(`no such worker: ${action.worker}`);
    if (action.kind === 'forget') m.known = false;
    else if (action.kind === 'drain') {
      if (m.pausedAt !== undefined) throw new Error(`drained twice: ${m.name}`);
      m.pausedAt = this.now;
      m.note = drainNote(this.now, action.why);
    } else this.#reap(m, action.check);
  }

  #launch({ jobId, retry }: Launching): void {
    const n = this.launches.length + 1;
    const launch: Launch = {
      name: nameOf(n),
      at: this.now,
      flavor: 'f',
      zone: 'z',
      listed: false,
      outcome: 'pending',
      ...(jobId !== undefined && { jobId }),
      ...(retry && { retry }),
    };
    this.machines.push({
      n,
      name: launch.name,
      fate: this.#options.fate(n, this.now),
      orderedAt: this.now,
      off: false,
      deleting: false,
      removed: false,
      job: undefined,
      done: 0,
      freeSince: this.now,
      contactedAt: undefined,
      known: true,
      pausedAt: undefined,
      note: undefined,
      counts: [],
    });
    this.memory = { ...this.memory, launches: [...this.memory.launches, launch] };
    this.launches.push(this.now);
  }

  /** The second look is at what is really so. */
  #reap(m: Machine, check: 'none' | 'no-jobs' | 'no-runner'): void {
    if (check === 'no-jobs' && m.job) return;
    if (check === 'no-runner' && m.known) return;
    if (m.job) this.killed.push(m.job.id);
    m.deleting = true;
  }

  #live(m: Machine): void {
    const { bootMs = MINUTE, jobMs = 5 * MINUTE, leave = false, listedAfterMs = 0 } = this.#options;
    if (m.deleting || (m.fate === 'vanishes' && this.now > m.orderedAt + listedAfterMs + 2 * MINUTE)) m.removed = true;
    if (m.removed || m.off || !m.known || (m.fate !== 'boots' && m.fate !== 'deaf') || this.now < m.orderedAt + bootMs) return;
    if (m.contactedAt === undefined) m.freeSince = this.now;
    m.contactedAt = this.now;
    if (m.job && this.now >= m.job.endsAt) this.#finish(m, m.job.id);
    if (!m.job) this.#take(m, jobMs);
    if (!m.job && leave) m.off = this.now - m.freeSince > waitTimeoutSeconds(this.pool) * SECOND;
  }

  #finish(m: Machine, id: number): void {
    this.served.push(id);
    m.job = undefined;
    m.done += 1;
    m.freeSince = this.now;
  }

  /** A request that GitLab checked just before the pause still brings a job. */
  #take(m: Machine, jobMs: number): void {
    const late = m.pausedAt !== undefined && this.now > m.pausedAt + STEP;
    const spent = this.pool.maxBuilds > 0 && m.done >= this.pool.maxBuilds;
    const idle = late || spent || m.fate === 'deaf';
    const job = idle ? undefined : this.#waiting.find((j) => !this.blocked.has(j.id));
    this.#waiting = this.#waiting.filter((j) => j !== job);
    if (job) m.job = { id: job.id, endsAt: this.now + jobMs };
  }
}

/** The ledger is written in each pass here. */
function told(memory: PoolState): PoolState {
  return { ...memory, launches: memory.launches.map(({ untold: _, ...launch }) => launch) };
}
