import pMap from 'p-map';
import type { LeftJob } from '../../core/launches/unclaimed-jobs.ts';
import type { Forge } from '../ports/index.ts';

/** Asked for in one pass of one pool. The others are left: what they would have told, the next such job tells. */
const MOST_ASKED = 5;

/**
 * Asks GitLab to which runner jobs were given that wait no longer. What cannot be read, and a job that waits after all, is absent; one that GitLab
 * does not know any more was given to nobody. Never throws.
 */
export async function askLeftJobs(
  forge: Pick<Forge, 'job'>,
  wanted: readonly { readonly id: number; readonly projectId: number }[],
  signal: AbortSignal,
): Promise<ReadonlyMap<number, LeftJob>> {
  const once = [...new Map(wanted.map((job) => [job.id, job])).values()];
  const answers = await pMap(
    once.slice(0, MOST_ASKED),
    async ({ id, projectId }): Promise<readonly (readonly [number, LeftJob])[]> => {
      try {
        const found = await forge.job(projectId, id, { signal });
        if (found?.status === 'pending' && found.runnerId === undefined) return [];
        const { runnerId, startedAt } = found ?? {};
        return [[id, { ...(runnerId !== undefined && { runnerId }), ...(startedAt !== undefined && { startedAt }) }]];
      } catch {
        return [];
      }
    },
    { concurrency: MOST_ASKED },
  );
  return new Map(answers.flat());
}
