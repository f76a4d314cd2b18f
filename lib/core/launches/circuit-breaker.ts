import { MINUTE } from '../time.ts';
import { finishedLaunches } from './pool-state.ts';
import type { Launch } from './types.ts';

/** How many of the last settled launches are judged. */
const WINDOW = 4;
const LONGEST_GAP = 16 * MINUTE;

export interface Breaker {
  readonly open: boolean;
  /** How many launches it lets through now. */
  readonly allowed: number;
  /** When the next probe may start; absent while one is on its way. */
  readonly nextProbeAt?: number;
}

/**
 * Stops a pool whose machines do not come up from ordering more and more of them: open when the newest settled launch failed and at least
 * half of the last four did; then one probe at a time, 1, 2, 4 … 16 minutes after the last failure, until one boots. However many were
 * under way when it opened, only probes that fail lengthen the gap.
 */
export function breaker(launches: readonly Launch[], now: number): Breaker {
  const settled = finishedLaunches(launches);
  const recent = settled.slice(-WINDOW);
  const newest = recent.at(-1);
  const failures = recent.filter((l) => l.outcome === 'failed').length;
  if (newest?.outcome !== 'failed' || failures * 2 < recent.length) return { open: false, allowed: Number.POSITIVE_INFINITY };

  const failed = sinceLastBoot(settled);
  // What was launched after the first failure is a probe; those of one reconcile count once.
  const opened = failed[0]?.settledAt ?? 0;
  const failedProbes = new Set(failed.map((l) => l.at).filter((at) => at > opened)).size;
  const nextProbeAt = (newest.settledAt ?? 0) + Math.min(LONGEST_GAP, MINUTE * 2 ** failedProbes);
  const probing = launches.some((l) => l.outcome === 'pending' && l.at > opened);
  if (probing) return { open: true, allowed: 0 };
  return { open: true, allowed: now >= nextProbeAt ? 1 : 0, nextProbeAt };
}

function sinceLastBoot(settled: readonly Launch[]): readonly Launch[] {
  return settled.slice(settled.findLastIndex((l) => l.outcome === 'booted') + 1);
}
