import type { Control, PoolControls } from '../../core/controls.ts';
import type { PendingJob, Worker } from '../../core/fleet/types.ts';
import type { PoolState } from '../../core/launches/types.ts';
import type { Plan } from '../../core/plan/types.ts';
import type { ActionEntry, RanEntry, SettledEntry } from '../ledger/types.ts';
import type { Trigger } from '../pass-context.ts';
import type { DemandRest, Scope } from '../ports/index.ts';
import type { PoolSettings } from '../settings.ts';

/** What a pass may do. */
export interface PassOptions {
  readonly trigger: Trigger;
  /** Absent: it is held by this pass, or there is none. */
  readonly turnstile?: TurnstileState;
  /** May launch. */
  readonly mayLaunch: boolean;
  /** May drain, reap and forget. */
  readonly mayRemove: boolean;
}

/** The hook that a pass is made for, as the webhook sends it to the scaler. */
export interface HookTrigger {
  readonly jobId: number;
  readonly projectId: number;
  /** When it arrived, in milliseconds; recorded, and decides nothing. */
  readonly hookAt?: number | undefined;
}

/** Why a tick works without the turnstile: another call holds it, and launching is left to that; or it cannot be used. */
export type TurnstileState =
  | { readonly state: 'held' }
  | { readonly state: 'unusable'; readonly error: string; readonly code: string; readonly message: string };

/** What was seen of one pool. */
export interface PoolView {
  readonly settings: PoolSettings;
  /** Absent when GitLab's runners or the cloud's servers could not be read: then nothing at all is done to the pool. */
  readonly workers?: readonly Worker[];
  /** Absent when none of the waiting jobs could be read. */
  readonly jobs?: readonly PendingJob[];
  /** Projects and pages of waiting jobs that could not be read: a job that is not among `jobs` may wait there. 0: `jobs` are all. */
  readonly unreadParts: number;
  /** As it was found, and as it is after this observation. */
  readonly before: PoolState;
  readonly memory: PoolState;
  /** Controls of this pool and its workers that hold now. */
  readonly activeControls: readonly Control[];
  readonly controls: PoolControls;
  readonly unread: readonly SourceFailure[];
  /** What the next reading of the demand should begin with, where that has changed. */
  readonly rest?: RestChange;
}

export interface SourceFailure {
  /** `pool`: what was read of it could not be understood, or no plan could be made of it: a mistake of ours. */
  readonly source: 'runners' | 'jobs' | 'servers' | 'memory' | 'controls' | 'pool';
  /** What of it, in words; absent for all of it. */
  readonly part?: string;
  readonly error: string;
  readonly code: string;
  readonly message: string;
}

export interface RestChange {
  readonly scope: Scope;
  /** Absent: the next reading begins where it likes. */
  readonly rest?: DemandRest;
}

/** One pool as it was seen, and the plan made of it, if one could be made. */
export interface PoolPlan {
  readonly view: PoolView;
  readonly plan: Plan | undefined;
}

/** What became of one pool's plan, and what the pool remembers after it. */
export interface PoolOutcome {
  readonly entries: readonly ActionEntry[];
  /** Launches whose end is told now. */
  readonly settled: readonly SettledEntry[];
  /** What the workers ran that were forgotten. */
  readonly ran: readonly RanEntry[];
  readonly memory: PoolState;
}
