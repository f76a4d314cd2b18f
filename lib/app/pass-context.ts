import { toIso } from '../core/time.ts';
import type { Deadline, Services } from './services.ts';
import type { Settings } from './settings.ts';

/** Why a pass runs. */
export type Trigger = 'hook' | 'timer' | 'person';

/** One pass among the others. */
export interface PassInfo {
  /** A ULID; each record of the pass has it. */
  readonly id: string;
  readonly trigger: Trigger;
  /** The clock in milliseconds, read once, after everything was read. Plans, records and alarms of the pass have this time. */
  readonly time: number;
}

/** What each pass of one call is given. */
export interface PassInputs {
  readonly services: Services;
  readonly settings: Settings;
  readonly deadline: Deadline;
}

/** What a pass works with once it has read everything. Actions read the clock themselves: what they make begins when it is made. */
export interface PassContext extends PassInputs {
  readonly pass: PassInfo;
}

/** How each record of a pass begins. */
export function recordHead({ id, trigger, time }: PassInfo): { readonly time: string; readonly pass: string; readonly trigger: Trigger } {
  return { time: toIso(time), pass: id, trigger };
}
