import type { Clock, Cloud, Forge, Log, Notifier, Store } from './ports/index.ts';
import type { PoolSettings } from './settings.ts';

/** Everything outside that a use case may touch. Built per call by lib/runtime/compose.ts, never kept. */
export interface Services {
  readonly forge: Forge;
  readonly cloud: Cloud;
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  /** A fresh ULID for the time given: names of workers and of passes. */
  readonly ulid: (now: number) => string;
  readonly worker: WorkerTemplates;
  /** Where changes of alarms go besides ledger and bucket. */
  readonly notifiers: readonly Notifier[];
}

/** What a new VM is given: user data without any secret, and the handoff that holds the runner's token. */
export interface WorkerTemplates {
  /** `maxAgeMs`: from boot; then it takes no new job. */
  userData(input: {
    readonly settings: PoolSettings;
    readonly worker: string;
    readonly handoffUrl: string;
    readonly maxAgeMs: number;
  }): string;
  handoff(input: { readonly settings: PoolSettings; readonly worker: string; readonly runnerId: number; readonly token: string }): string;
}

/** How long a use case may take. */
export interface Deadline {
  /** Aborts when nothing new may be started, early enough to undo and to record. */
  readonly act: AbortSignal;
  /** Aborts when the process is about to be stopped. */
  readonly all: AbortSignal;
}
