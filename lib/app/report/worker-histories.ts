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
export interface Story {
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
export function tellStories(entries: readonly ReadEntry[], alive: readonly AliveWorker[]): ReadonlyMap<string, Story> {
  const stories = new Map<string, Story>();
  const of = (worker: string, pool: string): Story => {
    const known = stories.get(worker);
    if (known) return known;
    const story: Story = { worker, pool, noted: false, neverBooted: false, unseen: 0, more: false, jobs: new Map() };
    stories.set(worker, story);
    return story;
  };
  for (const entry of entries) if (entry.worker) tell(of(entry.worker, entry.pool), entry);
  for (const { name, pool, flavor, jobs = [] } of alive) {
    const story = of(name, pool);
    story.flavor ??= flavor;
    for (const job of jobs) story.jobs.set(job.id, job);
  }
  return stories;
}

function tell(story: Story, entry: ReadEntry): void {
  const at = fromIso(entry.time);
  if (at === undefined) return;
  const done = entry.outcome === 'done';
  switch (entry.kind) {
    case 'launch':
      if (!done && entry.outcome !== 'unclear') return;
      story.launchedAt = at;
      story.flavor ??= entry.flavor;
      if (done) story.orderedAt = at + (entry.ms ?? 0);
      return;
    case 'booted':
    case 'boot-failed':
      tellBoot(story, entry);
      return;
    case 'reap':
      if (!done) return;
      story.reapedAt = at + (entry.ms ?? 0);
      // The VM's own listing; a launch may have ended on another rung than its record says.
      story.flavor = entry.flavor ?? story.flavor;
      story.createdAt ??= timeOf(entry.createdAt);
      story.activeAt ??= timeOf(entry.activeAt);
      return;
    case 'forget':
      if (done) story.forgottenAt = at + (entry.ms ?? 0);
      return;
    case 'ran':
      tellRan(story, entry);
      return;
  }
}

function tellBoot(story: Story, entry: ReadEntry): void {
  story.createdAt = timeOf(entry.createdAt) ?? story.createdAt;
  story.activeAt = timeOf(entry.activeAt) ?? story.activeAt;
  story.neverBooted = entry.kind === 'boot-failed';
  if (entry.kind !== 'booted') return;
  if (story.launchedAt !== undefined && entry.seconds !== undefined) story.contactSeenAt = story.launchedAt + entry.seconds * 1000;
  const uptime = entry.phases?.find(([name]) => name === 'runner-started')?.[1];
  if (story.activeAt !== undefined && uptime !== undefined) story.onlineAt = story.activeAt + Math.round(uptime * 1000);
}

function tellRan(story: Story, entry: ReadEntry): void {
  if (entry.jobsUnread !== undefined) {
    // A later try may have gone better, or an earlier one.
    if (!story.noted) story.unread = entry.jobsUnread;
    return;
  }
  story.noted = true;
  story.unread = undefined;
  story.unseen = entry.unseen ?? story.unseen;
  story.more ||= entry.more ?? false;
  for (const job of entry.jobs ?? []) story.jobs.set(job.id, job);
}

/** The time of an ISO text; `undefined` for what is none. */
export function timeOf(text: string | undefined): number | undefined {
  return fromIso(text ?? '');
}
