import { hasStarted, type JobFact } from './timeline.ts';

/** One VM's life. Milliseconds. */
export interface MachineFact {
  readonly worker: string;
  readonly pool: string;
  /** Absent: its price cannot be known. */
  readonly flavor?: string;
  readonly from: number;
  readonly to: number;
  /** From here on it could take jobs; absent when it never came so far. */
  readonly onlineAt?: number;
  /** The jobs are not all known: what is left of its time may be theirs. */
  readonly vague: boolean;
  readonly jobs: readonly JobFact[];
}

export interface TimeSpan {
  readonly from: number;
  readonly to: number;
}

/** What one VM did within a span. The parts add up to the VM's whole time there. */
export interface MachineUse {
  readonly machine: MachineFact;
  readonly totalMs: number;
  /** Until it could take jobs; all of it, if it never could. */
  readonly bootMs: number;
  readonly idleMs: number;
  /** Neither booting nor with a job that is known, on a machine whose jobs are not all known. */
  readonly unknownMs: number;
  /** Only jobs that ran within the span. `overheadMs` is the job's share of the rest, by its own time. */
  readonly jobs: readonly JobUse[];
}

export interface JobUse {
  readonly job: JobFact;
  readonly ms: number;
  readonly overheadMs: number;
}

/**
 * Divides a VM's time within the span among its jobs, its boot and idleness. One job at a time: where two overlap, because GitLab takes a job for
 * finished before its runner does, the time belongs to the earlier one. A job that was never finished ran until the VM's end.
 */
export function useOf(machine: MachineFact, span: TimeSpan): MachineUse {
  const within = (from: number, to: number) => Math.max(0, Math.min(to, span.to) - Math.max(from, span.from));
  const end = Math.max(machine.from, machine.to);
  const jobs = machine.jobs.filter(hasStarted).sort((a, b) => a.startedAt - b.startedAt || a.id - b.id);
  const online = Math.min(machine.onlineAt ?? end, jobs[0]?.startedAt ?? end, end);
  const booted = Math.max(machine.from, online);
  let cursor = booted;
  let restMs = 0;
  const ran = jobs.map((job) => {
    const start = Math.min(Math.max(job.startedAt, cursor), end);
    const stop = Math.max(start, Math.min(job.finishedAt ?? end, end));
    restMs += within(cursor, start);
    cursor = stop;
    return { job, ms: within(start, stop) };
  });
  restMs += within(cursor, end);
  const bootMs = within(machine.from, booted);
  return {
    machine,
    totalMs: within(machine.from, end),
    bootMs,
    idleMs: machine.vague ? 0 : restMs,
    unknownMs: machine.vague ? restMs : 0,
    jobs: withOverhead(
      ran.filter(({ ms }) => ms > 0),
      bootMs + restMs,
    ),
  };
}

/** Whole milliseconds, so that the shares add up to exactly what is shared. */
function withOverhead(jobs: readonly { readonly job: JobFact; readonly ms: number }[], overheadMs: number): readonly JobUse[] {
  const shares = apportion(
    BigInt(overheadMs),
    jobs.map(({ ms }) => BigInt(ms)),
  );
  return jobs.map((job, i) => ({ ...job, overheadMs: Number(shares[i] ?? 0n) }));
}

/** Divides a whole number by weights into whole numbers that add up to it: largest remainder, the first of equals. Zeros when all weights are zero. */
export function apportion(whole: bigint, weights: readonly bigint[]): readonly bigint[] {
  const sum = weights.reduce((a, b) => a + b, 0n);
  if (sum === 0n) return weights.map(() => 0n);
  const parts = weights.map((weight, i) => ({ i, part: (whole * weight) / sum, remainder: (whole * weight) % sum }));
  const left = Number(whole - parts.reduce((a, { part }) => a + part, 0n));
  const raised = new Set(
    [...parts]
      .sort((a, b) => Number(b.remainder - a.remainder) || a.i - b.i)
      .slice(0, left)
      .map(({ i }) => i),
  );
  return parts.map(({ i, part }) => (raised.has(i) ? part + 1n : part));
}
