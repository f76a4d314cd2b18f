import type { Policy, Pool } from './pool.ts';

/*
 * When a worker leaves by itself. `run-single` looks at `--wait-timeout` only between two requests for a job, in whole seconds (gitlab-runner:
 * commands/single.go, checkFinishedConditions). It asks at once after a job, and again 3 s after each answer (common/consts.go, CheckInterval).
 * GitLab answers the first request at once and holds the following ones for up to 50 s while nothing is new (Workhorse, `apiCiLongPollingDuration`).
 * So an idle runner looks 3, 56, 109, … s after its last job, and each 3 s where GitLab does not hold requests.
 */
const CHECK_S = 3;
const STEP_S = CHECK_S + 50;

/** From a runner's end to a VM that is listed as off. */
const POWER_OFF_MS = 10_000;

/**
 * `--wait-timeout` with which a worker leaves at its last look within the idle time, whether or not requests are held. Between 3 and 56 s there is
 * no look with held requests: such a worker leaves after 56 s, because after 3 s it would have asked only once.
 */
export function waitTimeoutFor(idleTimeMs: number): number {
  const idle = Math.floor(idleTimeMs / 1000);
  // 0 is for ever.
  if (idle < CHECK_S) return 1;
  // The look must come after the timeout by a whole second, and without held requests it comes up to 3 s after that.
  const early = idle - CHECK_S - 1;
  if (idle < CHECK_S + STEP_S) return Math.max(CHECK_S + 1, early);
  return Math.min(lastLook(idle) - 1, early);
}

/** Seconds after the last job at which a runner with this timeout leaves, where requests are held. */
export function leavesAfter(waitTimeout: number): number {
  return lastLook(waitTimeout) + (waitTimeout < CHECK_S ? 0 : STEP_S);
}

/** The last look that is not later than this; the first one where there is none. */
function lastLook(seconds: number): number {
  return CHECK_S + Math.max(0, Math.floor((seconds - CHECK_S) / STEP_S)) * STEP_S;
}

/**
 * `run-single --wait-timeout` of a pool's workers, in seconds. Where no period keeps idle workers it follows the idle time, because only the
 * runner knows for certain that it holds no job; else it is a backstop, and the reaper decides who stays.
 */
export function waitTimeoutSeconds(pool: Pool): number {
  return waitTimeoutFor(keepsIdle(pool) ? pool.maxAgeMs : Math.max(...policiesOf(pool).map((p) => p.idleTimeMs)));
}

/** How long an idle worker that nobody needs is left alone: for the idle time, and where it leaves by itself until it should be off. */
export function idleLimitMs(pool: Pool, { idleTimeMs }: Policy): number {
  if (keepsIdle(pool)) return idleTimeMs;
  return Math.max(idleTimeMs, leavesAfter(waitTimeoutFor(idleTimeMs)) * 1000 + POWER_OFF_MS);
}

function keepsIdle(pool: Pool): boolean {
  return policiesOf(pool).some((p) => p.idleCount > 0);
}

function policiesOf(pool: Pool): readonly Policy[] {
  return [pool.policy, ...pool.periods.map((p) => p.policy)];
}
