/** One job that a worker was given. Milliseconds; what did not happen or is not known is absent. */
export interface JobFact {
  readonly id: number;
  readonly project: string;
  readonly pool: string;
  readonly worker: string;
  readonly status: string;
  readonly createdAt?: number;
  /** When it became pending. */
  readonly queuedAt?: number;
  readonly startedAt?: number;
  readonly finishedAt?: number;
}

/** What the ledger has about a job that waits. */
export interface WaitFact {
  /** The first plan that lists it. */
  readonly noticedAt: number;
  /** Its hook, where that was not one of several that shared a pass. */
  readonly hookAt?: number;
}

/** How the worker came to be that ran it. */
export interface BootFact {
  /** The plan that launched it. */
  readonly launchedAt?: number;
  /** The cloud took the order. */
  readonly acceptedAt?: number;
  /** The VM ran. */
  readonly activeAt?: number;
  /** gitlab-runner was started on it. */
  readonly onlineAt?: number;
}

/** The steps from a job's making to its start, in order. */
export const STEPS = [
  'created-pending',
  'pending-hook',
  'hook-noticed',
  'pending-noticed',
  'noticed-accepted',
  'accepted-active',
  'active-online',
  'online-running',
  'ready-running',
  'pending-running',
] as const;
export type Step = (typeof STEPS)[number];

/** One job's way. All times are in order: one that seems to be before its predecessor, because three clocks are involved, is put equal to it. */
export interface Timeline {
  readonly job: JobFact;
  /** Its worker was launched after the job was noticed. Else the worker was there already, or on its way. */
  readonly fresh: boolean;
  readonly hookAt?: number;
  readonly noticedAt?: number;
  readonly acceptedAt?: number;
  readonly activeAt?: number;
  readonly onlineAt?: number;
  /** Milliseconds, of the steps whose both ends are known. */
  readonly steps: Partial<Record<Step, number>>;
}

type Started = JobFact & { readonly startedAt: number };

export function hasStarted(job: JobFact): job is Started {
  return job.startedAt !== undefined;
}

/** Joins what GitLab, the ledger and the cloud know about the way of a job that was started. */
export function timeline(job: Started, wait: WaitFact | undefined, boot: BootFact | undefined): Timeline {
  const { startedAt } = job;
  const fresh = wait !== undefined && isFresh(wait, boot);
  let last = Number.NEGATIVE_INFINITY;
  const inOrder = (at: number | undefined): number | undefined => {
    if (at === undefined) return undefined;
    last = Math.min(Math.max(at, last), startedAt);
    return last;
  };
  const created = inOrder(job.createdAt);
  const pending = inOrder(job.queuedAt);
  const hookAt = inOrder(wait?.hookAt);
  const noticedAt = inOrder(wait?.noticedAt);
  const own = fresh ? boot : undefined;
  const acceptedAt = inOrder(own?.acceptedAt);
  const activeAt = inOrder(own?.activeAt);
  const onlineAt = inOrder(own?.onlineAt);
  const ends: readonly (readonly [Step, number | undefined, number | undefined])[] = [
    ['created-pending', created, pending],
    ['pending-hook', pending, hookAt],
    ['hook-noticed', hookAt, noticedAt],
    ['pending-noticed', pending, noticedAt],
    ['noticed-accepted', noticedAt, acceptedAt],
    ['accepted-active', acceptedAt, activeAt],
    ['active-online', activeAt, onlineAt],
    ['online-running', onlineAt, startedAt],
    ['ready-running', fresh ? undefined : (noticedAt ?? pending), startedAt],
    ['pending-running', pending, startedAt],
  ];
  const steps = Object.fromEntries(
    ends.flatMap(([step, from, to]) => (from === undefined || to === undefined ? [] : [[step, to - from] as const])),
  );
  return {
    job,
    fresh,
    ...known('hookAt', hookAt),
    ...known('noticedAt', noticedAt),
    ...known('acceptedAt', acceptedAt),
    ...known('activeAt', activeAt),
    ...known('onlineAt', onlineAt),
    steps,
  };
}

/** By the scaler's own clock where it can be: the cloud's may differ by more than a launch takes. */
function isFresh({ noticedAt }: WaitFact, boot: BootFact | undefined): boolean {
  const began = boot?.launchedAt ?? boot?.acceptedAt;
  return began !== undefined && began >= noticedAt;
}

function known<K extends string>(key: K, value: number | undefined): Partial<Record<K, number>> {
  return value === undefined ? {} : ({ [key]: value } as Partial<Record<K, number>>);
}
