import { fromIso } from '../../core/time.ts';
import type { ReadEntry } from '../ledger/schema.ts';
import type { RanJob } from '../ledger/types.ts';

/** A worker that is still there. */
export interface AliveWorker {
  readonly name: string;
  readonly pool: string;
  readonly flavor?: string | undefined;
  /** It has not asked for a job yet. */
  readonly booting: boolean;
  /** What it was given so far, where GitLab was asked. */
  readonly jobs?: readonly RanJob[];
}

/** Everything that the ledger has about one worker. */
export interface WorkerHistory {
  readonly worker: string;
  pool: string;
  flavor?: string | undefined;
  launchedAt?: number | undefined;
  /** The launch's own end, where the cloud's time of the order is not known. */
  orderedAt?: number | undefined;
  createdAt?: number | undefined;
  activeAt?: number | undefined;
  onlineAt?: number | undefined;
  /** Seen by a pass, hence up to a minute late. */
  contactSeenAt?: number | undefined;
  reapedAt?: number | undefined;
  forgottenAt?: number | undefined;
  noted: boolean;
  neverBooted: boolean;
  unread?: string | undefined;
  unseen: number;
  more: boolean;
  readonly jobs: Map<number, RanJob>;
}

/** What the ledger tells of each worker, in the order in which they are first mentioned, and what is known of those that are there. */
export function buildWorkerHistories(entries: readonly ReadEntry[], alive: readonly AliveWorker[]): ReadonlyMap<string, WorkerHistory> {
  const histories = new Map<string, WorkerHistory>();
  const of = (worker: string, pool: string): WorkerHistory => {
    const known = histories.get(worker);
    if (known) return known;
    const history: WorkerHistory = { worker, pool, noted: false, neverBooted: false, unseen: 0, more: false, jobs: new Map() };
    histories.set(worker, history);
    return history;
  };
  for (const entry of entries) if (entry.worker) applyEntry(of(entry.worker, entry.pool), entry);
  for (const { name, pool, flavor, jobs = [] } of alive) {
    const history = of(name, pool);
    history.flavor ??= flavor;
    for (const job of jobs) history.jobs.set(job.id, job);
  }
  return histories;
}

function applyEntry(history: WorkerHistory, entry: ReadEntry): void {
  const at = fromIso(entry.time);
  if (at === undefined) return;
  const done = entry.outcome === 'done';
  switch (entry.kind) {
    case 'launch':
      if (!done && entry.outcome !== 'unclear') return;
      history.launchedAt = at;
      history.flavor ??= entry.flavor;
      if (done) history.orderedAt = at + (entry.ms ?? 0);
      return;
    case 'booted':
    case 'boot-failed':
      applyBoot(history, entry);
      return;
    case 'reap':
      if (!done) return;
      history.reapedAt = at + (entry.ms ?? 0);
      // The VM's own listing; a launch may have ended on another rung than its record says.
      history.flavor = entry.flavor ?? history.flavor;
      history.createdAt ??= timeOf(entry.createdAt);
      history.activeAt ??= timeOf(entry.activeAt);
      return;
    case 'forget':
      if (done) history.forgottenAt = at + (entry.ms ?? 0);
      return;
    case 'ran':
      applyRan(history, entry);
      return;
  }
}

function applyBoot(history: WorkerHistory, entry: ReadEntry): void {
  history.createdAt = timeOf(entry.createdAt) ?? history.createdAt;
  history.activeAt = timeOf(entry.activeAt) ?? history.activeAt;
  history.neverBooted = entry.kind === 'boot-failed';
  if (entry.kind !== 'booted') return;
  if (history.launchedAt !== undefined && entry.seconds !== undefined) history.contactSeenAt = history.launchedAt + entry.seconds * 1000;
  const uptime = entry.phases?.find(([name]) => name === 'runner-started')?.[1];
  if (history.activeAt !== undefined && uptime !== undefined) history.onlineAt = history.activeAt + Math.round(uptime * 1000);
}

function applyRan(history: WorkerHistory, entry: ReadEntry): void {
  if (entry.jobsUnread !== undefined) {
    // A later try may have gone better, or an earlier one.
    if (!history.noted) history.unread = entry.jobsUnread;
    return;
  }
  history.noted = true;
  history.unread = undefined;
  history.unseen = entry.unseen ?? history.unseen;
  history.more ||= entry.more ?? false;
  for (const job of entry.jobs ?? []) history.jobs.set(job.id, job);
}

/** The time of an ISO text; `undefined` for what is none. */
export function timeOf(text: string | undefined): number | undefined {
  return fromIso(text ?? '');
}
