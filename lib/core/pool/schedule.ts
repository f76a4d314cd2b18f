import { Cron } from 'croner';
import { toDate } from '../time.ts';
import type { Policy, Pool } from './pool.ts';

/** Compiling an expression costs ten times as much as a match; the same text always compiles to the same thing. */
const compiled = new Map<string, Cron>();

/**
 * Whether the moment lies in the period, by gitlab-runner's rule: the next match strictly later is at most one second away
 * (helpers/timeperiod/period.go). So the last second of a period is outside, and 08:59:59.5 is inside one that starts at nine.
 */
export function inPeriod(expression: string, timezone: string, now: number): boolean {
  const key = `${timezone} ${expression}`;
  let cron = compiled.get(key);
  if (!cron) {
    cron = new Cron(expression, { timezone, mode: '7-part', paused: true });
    compiled.set(key, cron);
  }
  return cron.match(toDate((Math.floor(now / 1000) + 1) * 1000));
}

export interface ActivePolicy {
  readonly policy: Policy;
  /** Index of the period that holds; absent for the pool's own values. */
  readonly period?: number;
  /** The time zone of a period that could not be evaluated: then the pool's own values hold. */
  readonly brokenZone?: string;
}

/**
 * What holds now: the last period that matches, as a whole, else the pool's own values. Never throws: a period that cannot be evaluated, e.g. in a
 * zone that this Node does not know, costs the pool its periods.
 */
export function activePolicy(pool: Pool, now: number): ActivePolicy {
  for (let i = pool.periods.length - 1; i >= 0; i--) {
    const period = pool.periods[i];
    try {
      if (period?.periods.some((expression) => inPeriod(expression, period.timezone, now))) return { policy: period.policy, period: i };
    } catch {
      return { policy: pool.policy, ...(period && { brokenZone: period.timezone }) };
    }
  }
  return { policy: pool.policy };
}

/**
 * How many workers should be free or on their way. As docker+machine: without a factor `idleCount`; with one, the busy workers times the
 * factor (cut to a whole number), at least `idleCountMin` (at least 1), at most `idleCount`.
 */
export function idleTarget(policy: Policy, busy: number): number {
  if (policy.idleScaleFactor <= 0) return policy.idleCount;
  return Math.min(policy.idleCount, Math.max(1, policy.idleCountMin, Math.trunc(busy * policy.idleScaleFactor)));
}
