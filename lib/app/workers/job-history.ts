import { defined } from '../../core/defined.ts';
import { describeError } from '../../core/errors.ts';
import { toIso } from '../../core/time.ts';
import type { RanEntry, RanJob } from '../ledger/types.ts';
import { type PassInfo, recordHead } from '../pass-context.ts';
import type { Forge, JobView } from '../ports/index.ts';
import type { PoolView } from '../reconcile/types.ts';

/** Jobs in one line of the ledger: a reader of its end should not have to take in a worker's whole life. */
const JOBS_PER_ENTRY = 100;
const COUNTED = new Set(['success', 'failed', 'canceled']);

/**
 * Records which jobs the workers ran that are about to be forgotten: with its runner GitLab forgets who ran them. One request in a worker's life. Only
 * for the ledger: what cannot be read is a gap in them, and the worker is forgotten all the same.
 */
export class JobHistoryRecorder {
  readonly entries: RanEntry[] = [];
  readonly #forge: Pick<Forge, 'runnerJobs'>;
  readonly #view: Pick<PoolView, 'settings' | 'workers'>;
  readonly #pass: PassInfo;
  #useless: string | undefined;

  constructor(forge: Pick<Forge, 'runnerJobs'>, view: Pick<PoolView, 'settings' | 'workers'>, pass: PassInfo) {
    this.#forge = forge;
    this.#view = view;
    this.#pass = pass;
  }

  /** Never throws. Call it when nothing but the deletion of the runner is left to do. */
  async record(name: string, runnerId: number, signal: AbortSignal): Promise<void> {
    const worker = this.#view.workers?.find((w) => w.name === name);
    // One that never asked for a job was never given one.
    if (worker && !worker.booted) return;
    const head = { kind: 'ran', ...recordHead(this.#pass), pool: this.#view.settings.pool.name, worker: name, runnerId } as const;
    // What the first one met is everybody's: rights, silence, a throttle. The others are not to wait for it as well.
    if (this.#useless !== undefined) {
      this.entries.push({ ...head, jobs: [], jobsUnread: this.#useless });
      return;
    }
    try {
      const { jobs, complete } = await this.#forge.runnerJobs(runnerId, { signal });
      const unseen = complete ? Math.max(0, (worker?.done ?? 0) - jobs.filter((job) => COUNTED.has(job.status)).length) : 0;
      const lines = chunks(jobs.map(ranJob), JOBS_PER_ENTRY);
      const end = { ...(complete ? {} : { more: true as const }), ...(unseen > 0 ? { unseen } : {}) };
      this.entries.push(...lines.map((some, i): RanEntry => ({ ...head, jobs: some, ...(i === lines.length - 1 ? end : {}) })));
    } catch (error) {
      const { code } = describeError(error);
      this.#useless = code;
      this.entries.push({ ...head, jobs: [], jobsUnread: code });
    }
  }
}

/** A job as the ledger keeps it. */
export function ranJob(job: JobView): RanJob {
  const { id, project, projectId, status, name, createdAt, queuedAt, startedAt, finishedAt } = job;
  return {
    id,
    project: project ?? `#${projectId}`,
    ...defined({ name }),
    status,
    ...(createdAt === undefined ? {} : { created: toIso(createdAt) }),
    ...(queuedAt === undefined ? {} : { queued: toIso(queuedAt) }),
    ...(startedAt === undefined ? {} : { started: toIso(startedAt) }),
    ...(finishedAt === undefined ? {} : { finished: toIso(finishedAt) }),
  };
}

/** At least one, so that a worker without a job has its line, too. */
function chunks<T>(items: readonly T[], size: number): readonly (readonly T[])[] {
  const count = Math.max(1, Math.ceil(items.length / size));
  return Array.from({ length: count }, (_, i) => items.slice(i * size, (i + 1) * size));
}
