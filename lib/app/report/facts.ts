import { defined } from '../../core/defined.ts';
import type { Gap } from '../../core/report/report.ts';
import type { BootFact, JobFact, WaitFact } from '../../core/report/timeline.ts';
import type { MachineFact, TimeSpan } from '../../core/report/utilization.ts';
import { fromIso } from '../../core/time.ts';
import type { ReadEntry } from '../ledger/schema.ts';
import type { RanJob } from '../ledger/types.ts';
import { type AliveWorker, buildWorkerHistories, timeOf, type WorkerHistory } from './worker-histories.ts';

export interface Facts {
  readonly machines: readonly MachineFact[];
  readonly jobs: readonly JobFact[];
  readonly waits: ReadonlyMap<number, WaitFact>;
  readonly boots: ReadonlyMap<string, BootFact>;
  readonly gaps: readonly Gap[];
}

/**
 * Turns the ledger into facts about jobs and machines. `alive` are the workers that were there at `aliveAt`. What cannot be told is named as a gap,
 * for the machines whose time touches the span.
 */
export function factsOf(entries: readonly ReadEntry[], alive: readonly AliveWorker[], aliveAt: number, span: TimeSpan): Facts {
  const histories = buildWorkerHistories(entries, alive);
  const there = new Map(alive.map((worker) => [worker.name, worker]));
  const machines: MachineFact[] = [];
  const found = new Map<string, { count: number; readonly text: string }>();
  const gap = (kind: string, text: string, count = 1) => {
    const before = found.get(kind) ?? { count: 0, text };
    before.count += count;
    found.set(kind, before);
  };
  for (const history of histories.values()) {
    const machine = machineOf(history, there.get(history.worker), aliveAt);
    if (machine === 'endless') gap('no-end', 'machines whose end is not in the ledger and that are not there any more: left out');
    if (!machine || machine === 'endless' || machine.from >= span.to || machine.to <= span.from) continue;
    machines.push(machine);
    for (const [kind, text, count] of missing(history, there.get(history.worker))) gap(kind, text, count);
  }
  const boots = new Map([...histories.values()].map((history) => [history.worker, bootOf(history)]));
  const jobs = uniqueJobs([...histories.values()]);
  const waits = waitsOf(entries);
  const gaps = [...[...found].map(([kind, { count, text }]) => ({ kind, count, text })), ...neverHere(entries, jobs, span)];
  return { machines, jobs, waits, boots, gaps };
}

/** `undefined`: there never was a VM. */
function machineOf(history: WorkerHistory, there: AliveWorker | undefined, aliveAt: number): MachineFact | 'endless' | undefined {
  const from = history.createdAt ?? (there ? history.orderedAt : undefined);
  if (from === undefined) return undefined;
  const to = history.reapedAt ?? (there ? aliveAt : history.forgottenAt);
  if (to === undefined) return 'endless';
  const { worker, pool, flavor } = history;
  const online = history.onlineAt ?? history.contactSeenAt;
  const vague = isVague(history, there);
  return {
    worker,
    pool,
    ...defined({ flavor }),
    from,
    to,
    // Where nothing says when it was up, its time after the cloud's part of the boot may be work.
    ...(online !== undefined
      ? { onlineAt: online }
      : vague && !there?.booting && history.activeAt !== undefined
        ? { onlineAt: history.activeAt }
        : {}),
    vague,
    jobs: [...history.jobs.values()].map((job) => jobFact(job, history)),
  };
}

function isVague(history: WorkerHistory, there: AliveWorker | undefined): boolean {
  if (there) return !there.booting && there.jobs === undefined;
  if (history.unseen > 0 || history.more || history.unread !== undefined) return true;
  return !history.noted && !history.neverBooted;
}

function missing(
  history: WorkerHistory,
  there: AliveWorker | undefined,
): readonly (readonly [kind: string, text: string, count: number])[] {
  if (there) {
    return isVague(history, there)
      ? [['still-there', 'workers that are still there: what they ran is told when they are gone, or with --live', 1]]
      : [];
  }
  const late =
    history.reapedAt === undefined
      ? [['end-late', 'machines that went without the scaler: counted until that was noticed', 1] as const]
      : [];
  if (history.unread !== undefined) return [...late, ['jobs-unread', `workers whose jobs GitLab did not tell (${history.unread})`, 1]];
  const unseen = history.unseen > 0 ? [['jobs-unseen', 'jobs of projects that the token may not read', history.unseen] as const] : [];
  const more = history.more ? [['jobs-more', 'workers with more jobs than are read', 1] as const] : [];
  if (history.noted || history.neverBooted) return [...late, ...unseen, ...more];
  const kind = history.forgottenAt === undefined ? 'not-forgotten' : 'not-noted';
  const text =
    kind === 'not-noted'
      ? 'workers whose jobs were not noted when they were forgotten'
      : 'workers that are gone but not forgotten yet, or whose runner somebody else removed: their jobs are not noted';
  return [...late, [kind, text, 1]];
}

function bootOf({ launchedAt, orderedAt, createdAt, activeAt, onlineAt }: WorkerHistory): BootFact {
  const acceptedAt = createdAt ?? orderedAt;
  return defined({ launchedAt, acceptedAt, activeAt, onlineAt });
}

function jobFact(job: RanJob, { worker, pool }: WorkerHistory): JobFact {
  const { id, project, status } = job;
  const [createdAt, queuedAt, startedAt, finishedAt] = [job.created, job.queued, job.started, job.finished].map(timeOf);
  return {
    ...{ id, project, pool, worker, status },
    ...defined({ createdAt, queuedAt, startedAt, finishedAt }),
  };
}

/** GitLab gives a job to one runner in its life; should the ledger say otherwise, the first one has it. */
function uniqueJobs(histories: readonly WorkerHistory[]): readonly JobFact[] {
  const jobs = new Map<number, JobFact>();
  for (const history of histories) {
    for (const job of history.jobs.values()) if (!jobs.has(job.id)) jobs.set(job.id, jobFact(job, history));
  }
  return [...jobs.values()];
}

function waitsOf(entries: readonly ReadEntry[]): ReadonlyMap<number, WaitFact> {
  const noticed = new Map<number, number>();
  const hooks = new Map<number, number>();
  for (const { kind, time, waiting = [], hook } of entries) {
    const at = fromIso(time);
    if (kind !== 'plan' || at === undefined) continue;
    for (const id of waiting) if (!noticed.has(id)) noticed.set(id, at);
    const hookAt = timeOf(hook?.at);
    if (hook && hookAt !== undefined && !hooks.has(hook.jobId)) hooks.set(hook.jobId, hookAt);
  }
  return new Map(
    [...noticed].map(([id, noticedAt]) => {
      const hookAt = hooks.get(id);
      return [id, { noticedAt, ...defined({ hookAt }) }];
    }),
  );
}

/** Jobs that waited in the span and are in nobody's list. */
function neverHere(entries: readonly ReadEntry[], jobs: readonly JobFact[], { from, to }: TimeSpan): readonly Gap[] {
  const told = new Set(jobs.map(({ id }) => id));
  const last = new Map<string, readonly number[]>();
  const seen = new Set<number>();
  for (const { kind, time, pool, waiting = [] } of entries) {
    const at = fromIso(time);
    if (kind !== 'plan' || at === undefined || at < from || at >= to) continue;
    last.set(pool, waiting);
    for (const id of waiting) if (!told.has(id)) seen.add(id);
  }
  const waiting = new Set([...last.values()].flat());
  const still = [...seen].filter((id) => waiting.has(id)).length;
  const gone = seen.size - still;
  return [
    ...(still > 0 ? [{ kind: 'waiting', count: still, text: 'jobs that waited at the end of the span' }] : []),
    ...(gone > 0
      ? [
          {
            kind: 'never-here',
            count: gone,
            text: 'jobs that waited and are not known to have run here: cancelled, run elsewhere, or on a worker named above',
          },
        ]
      : []),
  ];
}
