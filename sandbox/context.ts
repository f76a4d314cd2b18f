import type { SandboxClock } from './clock.ts';
import type { Faults } from './faults.ts';

/** What all parts of the sandbox share. */
export interface SandboxContext {
  readonly clock: SandboxClock;
  readonly faults: Faults;
  /** Real milliseconds that every answer takes; set by benchmarks. */
  latencyMs: number;
  /** Something happened that a person may want to see. */
  emit(event: SandboxEvent): void;
}

export interface SandboxEvent {
  readonly at: number;
  /** e.g. `job-pending`, `job-running`, `job-finished`, `server-created`, `server-active`, `server-off`, `server-deleted`, `hook-delivered`, `hook-failed`. */
  readonly kind: string;
  readonly fields: Readonly<Record<string, string | number | boolean | undefined>>;
}

/** A VM as the simulated worker on it sees it. */
export interface SimulatedVm {
  readonly id: string;
  readonly name: string;
  /** Decoded. */
  readonly userData: string;
  /** Fires when the VM is deleted or stopped from outside: whatever runs on it ends at once. */
  readonly gone: AbortSignal;
  /** Writes to the VM's console, as it is: line breaks, escape sequences and all. */
  console(text: string): void;
  powerOff(): void;
}
