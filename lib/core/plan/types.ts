import type { PoolControls } from '../controls.ts';
import type { PendingJob, Worker } from '../fleet/types.ts';
import type { PoolState } from '../launches/types.ts';
import type { Pool } from '../pool/pool.ts';
import type { LeaveWhy } from './coverage.ts';

/** `unfit`: it takes none of the jobs that wait for its place. */
export type DrainWhy = LeaveWhy | 'idle' | 'surplus' | 'unfit';

export type Action =
  | Launching
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

export type Removal = Exclude<Action, Launching>;

/** Something that one might expect and that was left alone, with the reason. */
export interface Skipped {
  readonly worker: string;
  /** The last three stand where something would be done, had people not said to leave it: all, or this one; or could what they said be read. */
  readonly why:
    | 'drain-settling'
    | 'still-busy'
    | 'note-unreadable'
    | 'clock-ahead'
    | 'recent-contact'
    /** Its runner is gone from GitLab, and it may have a job that GitLab no longer ties to it. */
    | 'may-have-job'
    | 'paused'
    | 'kept'
    | 'controls-unread';
}

/** The numbers that a plan was made on. The counts are of VMs. */
export interface PlanNumbers extends Counts {
  /** Runners whose VM is ordered and not listed yet: no machine so far, and yet a place of the limit; absent without any. */
  readonly coming?: number;
  /** Absent when GitLab's jobs could not be read; with `unreadParts` what of them was read. */
  readonly demand?: number;
  /** Projects and pages of jobs that could not be read; absent when all were, or none. */
  readonly unreadParts?: number;
  readonly limit: number;
  readonly idleTarget: number;
  /** Index of the period that holds; absent for the pool's own values. */
  readonly period?: number;
  /** Pending jobs left without a worker that is there or on its way. */
  readonly unmet: number;
}

export interface Plan {
  readonly pool: string;
  readonly actions: readonly Action[];
  readonly held: readonly Skipped[];
  readonly numbers: PlanNumbers;
  readonly brakes: readonly LaunchLimit[];
  /** The time zone of periods that could not be evaluated; the pool's own values hold. */
  readonly brokenZone?: string;
}

export interface PlanInput {
  readonly pool: Pool;
  readonly workers: readonly Worker[];
  /** This pool's waiting jobs, oldest first; `undefined` when they could not be read: then nothing is launched and nothing idle is drained. */
  readonly jobs: readonly PendingJob[] | undefined;
  /** Parts of the demand that could not be read: `jobs` are served, and nothing idle is drained, because a job for it may be among the others. */
  readonly unreadParts?: number;
  readonly memory: PoolState;
  readonly controls: PoolControls;
  readonly now: number;
  readonly mayLaunch: boolean;
  readonly mayRemove: boolean;
}

/** One worker more. */
export interface Launching {
  readonly kind: 'launch';
  readonly why: 'demand' | 'idle-target' | 'probe';
  /** The job that it stands for. */
  readonly jobId?: number;
  /** The job was passed over before: an attempt for all such jobs of the pool. */
  readonly retry?: true;
}

/** What kept a plan from launching all that was wanted. */
export interface LaunchLimit {
  /**
   * `paused`: the cloud refuses to sell; without `until` while an attempt is on its way. `pool-paused`, `pool-draining`: people have said so.
   * `passed-over`: workers were started for the job, and GitLab did not give it to them. `turnstile-held`, `memory-unread`: the pass itself may not
   * launch, though the pool would.
   */
  readonly why:
    | 'limit'
    | 'max-growth-rate'
    | 'breaker'
    | 'paused'
    | 'pool-paused'
    | 'pool-draining'
    | 'passed-over'
    | 'turnstile-held'
    | 'memory-unread';
  readonly until?: number;
  /** Of a refusal; of `pool-paused` and `pool-draining` the object, when it cannot be read. */
  readonly code?: string;
}

/** How many workers are in which phase. Where it bounds launches, `machines` is every VM that exists or is on its way. */
export interface Counts {
  readonly machines: number;
  readonly booting: number;
  readonly idle: number;
  readonly busy: number;
  readonly draining: number;
  readonly failed: number;
}
