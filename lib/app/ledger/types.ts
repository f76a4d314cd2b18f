import type { Alarm, AlarmKind } from '../../core/alarms.ts';
import type { ControlKind } from '../../core/controls.ts';
import type { BootPhase } from '../../core/fleet/boot-log.ts';
import type { Action, LaunchLimit, PlanNumbers, Skipped } from '../../core/plan/types.ts';
import type { Trigger } from '../pass-context.ts';

/** What every entry says. */
export interface EntryHead {
  readonly time: string;
  readonly pass: string;
  readonly trigger: Trigger;
  /** Empty for an alarm or a control that is about no single pool. */
  readonly pool: string;
}

/** A plan with the numbers it was made on. Answers "why is job 123 waiting". */
export interface PlanEntry extends EntryHead {
  readonly kind: 'plan';
  readonly numbers: PlanNumbers;
  readonly brakes: readonly LaunchLimit[];
  readonly held: readonly Skipped[];
  /** Waiting jobs of this pool, oldest first; only so many. */
  readonly waiting: readonly number[];
  /** When the hook arrived that this pass was made for, if its job waits here. Hooks that shared the pass are not told. */
  readonly hook?: { readonly jobId: number; readonly at: string };
  /** What could not be read; `part` where it is not all of a source. */
  readonly unread: readonly {
    readonly source: string;
    readonly part?: string;
    readonly error: string;
    readonly code: string;
    readonly message: string;
  }[];
}

/** No plan could be made, and why. */
export interface BlindEntry extends EntryHead {
  readonly kind: 'blind';
  readonly unread: PlanEntry['unread'];
  /** Waiting jobs of this pool, as far as they are known. */
  readonly waiting?: readonly number[];
}

/** What became of one action. Answers "why was this VM started, why deleted". */
export interface ActionEntry extends EntryHead {
  readonly kind: Action['kind'];
  readonly worker: string;
  readonly why: string;
  readonly outcome: 'done' | 'failed' | 'skipped' | 'unclear';
  readonly jobId?: number;
  readonly runnerId?: number;
  readonly serverId?: string;
  readonly flavor?: string;
  readonly zone?: string;
  /** Where the pool has several. */
  readonly subnet?: string;
  /** Of a reaped VM: when the cloud took its order, and when it ran. With `time` its whole life. */
  readonly createdAt?: string;
  readonly activeAt?: string;
  /** GitLab still shows a job on the worker whose VM is gone: somebody must look at that job. */
  readonly alarm?: 'job-lost';
  readonly code?: string;
  readonly message?: string;
  /** Milliseconds that it took. */
  readonly ms?: number;
}

/** A launch that came to its end: asked GitLab for a job, or did not. */
export interface SettledEntry extends EntryHead {
  readonly kind: 'booted' | 'boot-failed';
  readonly worker: string;
  readonly why?: string;
  /** Seconds from launch to being seen; to the minute where nobody looked sooner. */
  readonly seconds: number;
  /** When the cloud took the order, and when its VM ran. */
  readonly createdAt?: string;
  readonly activeAt?: string;
  /** What the worker printed on its console: each phase with its seconds since power-on. */
  readonly phases?: readonly BootPhase[];
  /** Why it gave up, in its own words. */
  readonly reason?: string;
  /** Of its gitlab-runner, as it was found on the worker. */
  readonly runnerVersion?: string;
  /** Code of the error that kept the console from being read. */
  readonly consoleUnread?: string;
}

/** One job that a worker was given. Times as GitLab has them; what did not happen is absent. */
export interface RanJob {
  readonly id: number;
  /** Full path, or `#` and the number where GitLab did not say it. */
  readonly project: string;
  readonly name?: string;
  readonly status: string;
  readonly created?: string;
  readonly queued?: string;
  readonly started?: string;
  readonly finished?: string;
}

/** What a worker ran, written when it is forgotten; in several entries where there were many. Should one come twice, the later one holds. */
export interface RanEntry extends EntryHead {
  readonly kind: 'ran';
  readonly worker: string;
  readonly runnerId: number;
  /** Newest first. */
  readonly jobs: readonly RanJob[];
  /** There were more than are read. */
  readonly more?: true;
  /** So many more jobs are counted by GitLab, of projects that the token may not read. */
  readonly unseen?: number;
  /** Code of the error that kept the jobs from being read. */
  readonly jobsUnread?: string;
}

/** An alarm was raised, or is over. */
export interface AlarmEntry extends EntryHead {
  readonly kind: 'alarm';
  readonly alarm: AlarmKind;
  readonly state: Alarm['state'];
  readonly subject?: string;
  readonly text: string;
}

/** What somebody has said with `scaler pause` and the like began to hold, or holds no more. */
export interface ControlEntry extends EntryHead {
  readonly kind: 'control';
  readonly control: ControlKind;
  /** The pool or worker. */
  readonly subject: string;
  readonly state: 'begun' | 'ended';
  readonly until?: string;
  readonly by?: string;
  readonly reason?: string;
}

export type LedgerEntry = PlanEntry | BlindEntry | ActionEntry | SettledEntry | RanEntry | AlarmEntry | ControlEntry;
