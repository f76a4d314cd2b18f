import { HOUR, MINUTE } from './time.ts';

/**
 * What somebody should look at. `raiseAfter`: the condition must have held that long; `clearAfter`: it must have been away that long. Conditions that
 * come and go by themselves (a refusal is forgotten after minutes, an unread source is read at the next tick) need both.
 */
const KINDS = {
  /** A job waits longer than `oldest_pending`. */
  'oldest-pending': { raiseAfter: 0, clearAfter: 2 * MINUTE },
  /** The last launches did not boot. */
  'boots-failing': { raiseAfter: 0, clearAfter: 0 },
  /** The cloud refuses to sell: quota, rights, throttling. */
  'launching-paused': { raiseAfter: 3 * MINUTE, clearAfter: 10 * MINUTE },
  /** Jobs wait and nothing is launched, for two ticks, for a reason that nobody has decided: an object of the bucket, a source, launches that fail. */
  'launching-stopped': { raiseAfter: 50_000, clearAfter: 2 * MINUTE },
  'sold-out': { raiseAfter: 3 * MINUTE, clearAfter: 10 * MINUTE },
  /** A source cannot be read, so nothing can be decided. */
  unread: { raiseAfter: 3 * MINUTE, clearAfter: 2 * MINUTE },
  /** A pool's periods cannot be evaluated. */
  periods: { raiseAfter: 0, clearAfter: 0 },
  /** Somebody has paused a pool and may have forgotten it. */
  paused: { raiseAfter: 4 * HOUR, clearAfter: 0 },
  /** A VM without a runner, or one in error, that the reaper could not remove for long. */
  orphan: { raiseAfter: 10 * MINUTE, clearAfter: 0 },
  /** A worker looks idle and takes no jobs. */
  unresponsive: { raiseAfter: 0, clearAfter: 10 * MINUTE },
  /** A VM died under a job. */
  'job-lost': { raiseAfter: 0, clearAfter: HOUR },
  /** The timer has paused: nobody looked after the farm. */
  'timer-late': { raiseAfter: 0, clearAfter: 10 * MINUTE },
  /** The counts hold a line of a time that has not come: a clock is wrong, or was. */
  clock: { raiseAfter: 3 * MINUTE, clearAfter: 2 * MINUTE },
  /** GitLab has disabled the hook, does not have it, or it sends no job events or without a secret. */
  hook: { raiseAfter: 0, clearAfter: 0 },
  /** The cache manager says that something is wrong, or nothing at all. */
  caches: { raiseAfter: 5 * MINUTE, clearAfter: 2 * MINUTE },
} as const;
export type AlarmKind = keyof typeof KINDS;
export const ALARM_KINDS = Object.keys(KINDS) as readonly AlarmKind[];

/** Something that is so at this moment. */
export interface Condition {
  readonly kind: AlarmKind;
  readonly pool?: string | undefined;
  /** Tells two of a kind and pool apart: a worker, a manager. */
  readonly subject?: string | undefined;
  /** One sentence: what is so. */
  readonly text: string;
}

/** A condition with its history. */
export interface Alarm extends Condition {
  /** When the condition was first seen. */
  readonly since: number;
  /** When it was last seen. */
  readonly seen: number;
  readonly state: 'coming' | 'raised' | 'cleared';
  /** Somebody is still to be told that it was raised, or cleared. */
  readonly untold?: true | undefined;
}

/**
 * The alarms after a look at the world. `unlooked` are kinds that could not be looked at now: these stay as they were. One change of state for each
 * time that a condition comes or goes, however often this runs.
 */
export function stepAlarms(
  before: readonly Alarm[],
  conditions: readonly Condition[],
  unlooked: ReadonlySet<AlarmKind>,
  now: number,
): readonly Alarm[] {
  // A time ahead of the clock would keep an alarm from being raised, or from being over.
  const earlier = before.map((alarm) => ({ ...alarm, since: Math.min(alarm.since, now), seen: Math.min(alarm.seen, now) }));
  const known = new Map(earlier.map((alarm) => [alarmKey(alarm), alarm]));
  const holding = new Map(conditions.map((condition) => [alarmKey(condition), condition]));
  const held = [...holding.values()].map((condition) => hold(known.get(alarmKey(condition)), condition, now));
  const others = earlier
    .filter((alarm) => !holding.has(alarmKey(alarm)))
    .flatMap((alarm) => (unlooked.has(alarm.kind) ? [alarm] : leave(alarm, now)));
  return [...held, ...others].sort((a, b) => a.since - b.since || (alarmKey(a) < alarmKey(b) ? -1 : 1));
}

function hold(alarm: Alarm | undefined, condition: Condition, now: number): Alarm {
  if (alarm?.state === 'raised') return { ...alarm, text: condition.text, seen: now };
  const since = alarm?.state === 'coming' ? alarm.since : now;
  const seen = { ...condition, since, seen: now };
  return now - since >= KINDS[condition.kind].raiseAfter ? { ...seen, state: 'raised', untold: true } : { ...seen, state: 'coming' };
}

function leave(alarm: Alarm, now: number): readonly Alarm[] {
  if (alarm.state === 'coming') return [];
  if (alarm.state === 'cleared') return alarm.untold ? [alarm] : [];
  if (now - alarm.seen < KINDS[alarm.kind].clearAfter) return [alarm];
  // Raised and gone before anybody was told: there is nothing to tell.
  return alarm.untold ? [] : [{ ...alarm, state: 'cleared', untold: true }];
}

function alarmKey({ kind, pool = '', subject = '' }: Condition): string {
  return `${kind} ${pool} ${subject}`;
}
