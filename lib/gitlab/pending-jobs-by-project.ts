import pMap from 'p-map';
import type { DemandRest, UnreadDemand } from '../app/ports/index.ts';
import { NotFoundError, ThrottledError } from '../core/errors.ts';
import type { PendingJob } from '../core/fleet/types.ts';
import type { PartialList } from './pages.ts';
import type { Session } from './requester.ts';

/** 340 projects at 250 ms an answer would take 11 s, less than a reading has; `jobs_index` allows 600 a minute. */
const PROJECTS_AT_ONCE = 8;

export interface ProjectReads {
  readonly jobs: readonly PendingJob[];
  readonly unread: readonly UnreadDemand[];
  /** Projects that time did not suffice for, in the order in which the next reading should take them. */
  readonly left: readonly number[];
}

/**
 * Reads projects one by one, those first that the last reading left; one that fails costs only its own jobs. What time does not suffice for is left
 * to the next reading: first those not begun, which were left the last time, too; then those cut short, so that a project that never answers does not
 * keep the others from their turn; then those whose turn was the last time.
 */
export async function eachProject(
  session: Session,
  ids: readonly number[],
  resume: () => Promise<DemandRest | undefined>,
  read: (id: number) => Promise<PartialList<PendingJob>>,
): Promise<ProjectReads> {
  const jobs: PendingJob[] = [];
  const unread: UnreadDemand[] = [];
  const untouched: number[] = [];
  const cut: number[] = [];
  /** GitLab has asked for quiet: another project would be refused for the same reason. */
  let throttled: unknown;
  const stop = () => throttled ?? (session.signal.aborted ? session.signal.reason : undefined);
  const one = async (project: number) => {
    const before = stop();
    if (before !== undefined) {
      untouched.push(project);
      unread.push({ project, error: before });
      return;
    }
    try {
      const { nodes, rest } = await read(project);
      jobs.push(...nodes);
      if (rest) throw rest.failure;
    } catch (error) {
      // Deleted since it was listed: it has no jobs.
      if (error instanceof NotFoundError) return;
      if (error instanceof ThrottledError) throttled ??= error;
      if (stop() !== undefined) cut.push(project);
      unread.push({ project, error });
    }
  };
  const wanted = new Set(ids);
  const last = ids.length > PROJECTS_AT_ONCE ? ((await resume())?.projects ?? []) : [];
  const first = new Set(last.length > 0 ? last.filter((id) => wanted.has(id)) : ids);
  await pMap(new Set([...first, ...ids]), one, { concurrency: PROJECTS_AT_ONCE });
  const left = [...untouched.filter((id) => first.has(id)), ...cut, ...untouched.filter((id) => !first.has(id))];
  return { jobs, unread, left };
}
