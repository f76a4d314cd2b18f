import type { PendingJob, Worker } from '../fleet/types.ts';

/**
 * What one pool remembers between reconciles, in one small object. Losing it costs time or a launch too many, never a job:
 * nothing is deleted on its word.
 */
export interface PoolState {
  /** Recent launches, oldest first. */
  readonly launches: readonly Launch[];
  /** Flavors and zones that had no capacity. */
  readonly refusals: readonly Refusal[];
  /** What keeps the pool from ordering: quota, throttling, rights, a missing image. */
  readonly pause?: Pause;
  /** Since when each idle worker is seen idle, and how many jobs it had done then. */
  readonly idle: Readonly<Record<string, { readonly since: number; readonly done: number }>>;
  /** Waiting jobs, by id, that no worker started for them was given. */
  readonly passedOver: Readonly<Record<string, PassedOver>>;
  /** Absent until one of them was passed over. */
  readonly attempts?: Attempts;
  /** Jobs that wait beside an idle worker, by id. */
  readonly watched: Readonly<Record<string, WatchedJob>>;
  /** Workers, by name, that look idle and take no jobs. */
  readonly suspects: Readonly<Record<string, Suspicion>>;
}

export interface Launch {
  readonly name: string;
  /** Time of the reconcile that launched it: equal for all of one wave. */
  readonly at: number;
  readonly operationId?: string;
  readonly flavor: string;
  readonly zone: string;
  /** Only where the pool has several. */
  readonly subnet?: string;
  /** The job that it was started for. */
  readonly jobId?: number;
  /** That job had been passed over before: an attempt for all such jobs of the pool. */
  readonly retry?: true;
  /** The cloud has listed it at least once. */
  readonly listed: boolean;
  /** Booted: it asked GitLab for a job. */
  readonly outcome: 'pending' | 'booted' | 'failed';
  readonly settledAt?: number;
  /** `REFUSED`, `DRAINED`, or why it counts as a failed boot: an operation's code, or a `Failure` or `vanished`. */
  readonly why?: string;
  /** Once it is known: it had a job; it had none while its own went on waiting; it had none and its own does not wait any more. */
  readonly use?: 'job' | 'passed-over' | 'none';
  /** How it ended is not in the ledger yet. */
  readonly untold?: true;
}

export const EMPTY_POOL_STATE: PoolState = { launches: [], refusals: [], idle: {}, passedOver: {}, watched: {}, suspects: {} };

export interface Refusal {
  readonly flavor: string;
  readonly zone: string;
  /** It had no free address; then the refusal is about this subnet, whatever the flavor and zone. */
  readonly subnet?: string;
  readonly code: string;
  readonly until: number;
}

/** A launch that the cloud accepted and then took back, and what that means. */
export interface FailedOperation {
  readonly code: string;
  readonly message: string;
  /** `boot`: the machine as such failed. The other two say nothing about the machine: try elsewhere, or stop. */
  readonly meaning: 'boot' | 'sold-out' | 'subnet-full' | 'quota';
}

/** Why nothing is ordered before `until`. */
export interface Pause {
  readonly until: number;
  readonly code: string;
  readonly message: string;
  /** Absent after a throttle, which is over at `until`; and in what an older release wrote. */
  readonly refused?: Refused;
}

/** A refusal that an immediate repetition does not cure: from `until` on there is one attempt at a time, until one has become a running VM. */
export interface Refused {
  /** `setting`: image, rights, network; also what is not understood. `sold-out`: every offer of the pool's list. */
  readonly kind: 'setting' | 'quota' | 'sold-out';
  /** When the last attempt was refused, as time of its pass. */
  readonly at: number;
  /** Refused attempts in a row. */
  readonly tries: number;
  /** Machines that the pool had then. Under a quota that many may be had again at any time. */
  readonly machines: number;
  /** Digest of the settings that the order was made of; with other ones the pause is over. */
  readonly settings?: string;
}

/** How a job was passed over so far. */
export interface PassedOver {
  readonly tries: number;
  /** Launch time of the last worker that was started for it in vain. */
  readonly lastAt: number;
  /** Numeric id of its project; an older release did not note it. */
  readonly projectId?: number;
}

/** The attempts of a pool for all jobs that were passed over, since it last began afresh. */
export interface Attempts {
  /** Those in vain; the workers that the jobs got when they were new are not among them. */
  readonly inVain: number;
  /** Launch time of the last worker that passed a job over. */
  readonly lastAt: number;
}

/** What GitLab answered about a job that has left the queue. */
export interface LeftJob {
  /** Whom it was given to; absent when it was cancelled, say. */
  readonly runnerId?: number;
  readonly startedAt?: number;
}

/** What an observation tells about jobs that were passed over. */
export interface QueueObservation {
  readonly workers: readonly Worker[];
  /** Jobs waiting that the pool may run, whoever is to serve them; `undefined` when they could not be read. */
  readonly jobs: readonly PendingJob[] | undefined;
  /** Not all of the jobs could be read: one that is not among them may wait all the same, unless it is among `left`. */
  readonly partial?: true;
  /** Jobs that have left the queue, by id, as far as they were asked for and GitLab answered. */
  readonly left?: ReadonlyMap<number, LeftJob>;
}

/** A job that waits beside an idle worker. */
export interface WatchedJob {
  readonly projectId: number;
  readonly queuedAt: number;
}

/** Why a worker is taken to take no jobs. */
export interface Suspicion {
  readonly since: number;
  /** The job that it let wait, and that another worker got. */
  readonly jobId: number;
  /** Jobs that it had done by then: with one more it is trusted again. */
  readonly done: number;
}
