import { formatDuration, fromIso } from '../../../core/time.ts';
import type { RanJob } from '../types.ts';

/** A job as the ledger is read back. */
type Ran = { readonly [K in keyof RanJob]: RanJob[K] | undefined } & Pick<RanJob, 'id' | 'project' | 'status'>;

interface RanView {
  readonly worker?: string | undefined;
  readonly jobs?: readonly Ran[] | undefined;
  readonly more?: boolean | undefined;
  readonly unseen?: number | undefined;
  readonly jobsUnread?: string | undefined;
}

/** What became of a job, as one sentence. */
export function ranByJob({ worker, jobs = [] }: RanView, jobId: number): string {
  const job = jobs.find(({ id }) => id === jobId);
  if (!job?.started) return `${worker} was given job ${jobId} but did not begin it (${job?.status ?? 'unknown'})`;
  return `${worker} ran job ${jobId}: ${course(job)}`;
}

/** What a worker did in its life, as one sentence. */
export function ranByWorker({ worker, jobs = [], more, unseen, jobsUnread }: RanView): string {
  if (jobsUnread !== undefined) return `what ${worker} ran could not be read: ${jobsUnread}`;
  const count = jobs.length === 1 ? 'one job' : `${jobs.length} jobs`;
  const hidden = unseen === undefined ? '' : `, and ${unseen} of projects that the token may not read`;
  return `${worker} was given ${count}${more ? ', and more than are read' : ''}${hidden}`;
}

/** A worker's jobs, one a line, oldest first. */
export function ranLines(jobs: readonly Ran[]): readonly string[] {
  return jobs.toReversed().map((job) => `job ${job.id} of ${job.project}: ${course(job)}`);
}

function course({ queued, started, finished, status }: Ran): string {
  if (started === undefined) return `${status}, never begun`;
  const wait = msBetween(queued, started);
  const run = msBetween(started, finished);
  const begun = `running at ${started}${wait === undefined ? '' : ` after ${formatDuration(wait, 'fine')} of waiting`}`;
  return finished === undefined
    ? `${begun}, never finished (${status})`
    : `${begun}, ${status} at ${finished} (${formatDuration(run ?? 0, 'fine')})`;
}

function msBetween(from: string | undefined, to: string | undefined): number | undefined {
  const [begin, end] = [fromIso(from ?? ''), fromIso(to ?? '')];
  return begin === undefined || end === undefined ? undefined : end - begin;
}
