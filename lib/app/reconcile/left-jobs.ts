import pMap from 'p-map';
import { defined } from '../../core/defined.ts';
import type { LeftJob } from '../../core/launches/types.ts';
import { MINUTE } from '../../core/time.ts';
import type { Forge } from '../ports/index.ts';

/** Of each kind, in one pass of one pool. The others are left: what they would have told, the next such job tells. */
const MOST_ASKED = 5;

interface Wanted {
  readonly id: number;
  readonly projectId: number;
}

/**
 * Which jobs to ask for. Those that were passed over may come again each minute, because GitLab gives no answer: others of them are asked for then.
 * Those that left beside an idle worker come once.
 */
export function jobsToAsk(passedOver: readonly Wanted[], besideIdle: readonly Wanted[], now: number): readonly Wanted[] {
  const from = passedOver.length <= MOST_ASKED ? 0 : (Math.floor(now / MINUTE) * MOST_ASKED) % passedOver.length;
  const turned = [...passedOver.slice(from), ...passedOver.slice(0, from)];
  const wanted = [...turned.slice(0, MOST_ASKED), ...besideIdle.slice(0, MOST_ASKED)];
  return [...new Map(wanted.map((job) => [job.id, job])).values()];
}

/**
 * Asks GitLab to which runner jobs were given that wait no longer. What cannot be read, and a job that waits after all, is absent; one that GitLab
 * does not know any more was given to nobody. Never throws.
 */
export async function askLeftJobs(
  forge: Pick<Forge, 'job'>,
  wanted: readonly Wanted[],
  signal: AbortSignal,
): Promise<ReadonlyMap<number, LeftJob>> {
  const answers = await pMap(
    wanted,
    async ({ id, projectId }): Promise<readonly (readonly [number, LeftJob])[]> => {
      try {
        const found = await forge.job(projectId, id, { signal });
        if (found?.status === 'pending' && found.runnerId === undefined) return [];
        const { runnerId, startedAt } = found ?? {};
        return [[id, defined({ runnerId, startedAt })]];
      } catch {
        return [];
      }
    },
    { concurrency: MOST_ASKED },
  );
  return new Map(answers.flat());
}
