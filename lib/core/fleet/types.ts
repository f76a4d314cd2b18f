/** A VM of ours as the cloud lists it. */
export interface Server {
  readonly id: string;
  /** Equal to the runner's description: the join key. */
  readonly name: string;
  /** `off`: powered off, so it cannot be given a job. `other`: any status that says nothing certain. */
  readonly status: 'building' | 'active' | 'off' | 'error' | 'other';
  /** Being deleted: it exists, counts against the limit and is nobody's to touch. */
  readonly deleting: boolean;
  readonly createdAt: number;
  /** When the cloud first reported it running. */
  readonly activeAt?: number;
  /** The GitLab runner that it was created for, from its metadata. */
  readonly runnerId?: number;
  readonly flavor: string;
  readonly zone: string;
}

/** A runner of ours as GitLab lists it. */
export interface Runner {
  readonly id: number;
  /** The runner's description. */
  readonly name: string;
  readonly paused: boolean;
  readonly createdAt: number;
  /** Last contact; absent when it never asked for a job. */
  readonly contactedAt?: number;
  /** Jobs pending on it, running or canceling. May lag by a minute. */
  readonly busy: number;
  /** Jobs finished. May shrink when pipelines are deleted. */
  readonly done: number;
  /** When its token ends, where GitLab lets tokens expire. A job that it has then goes on with the job's own token. */
  readonly tokenExpiresAt?: number;
  /** The maintenance note: where a drain writes its time and reason. */
  readonly note?: string;
}

/** A job that waits: pending, and no runner has it. */
export interface PendingJob {
  readonly id: number;
  /** Numeric id of its project. */
  readonly projectId: number;
  readonly tags: readonly string[];
  /** When it became pending. */
  readonly queuedAt: number;
  readonly name?: string;
}

/**
 * `booting → idle ⇄ busy → draining → gone`, or `failed`. Derived from what GitLab and the cloud show, never stored.
 * `draining` includes VMs that are off or being deleted; `gone` has no VM any more.
 */
export type Phase = 'booting' | 'idle' | 'busy' | 'draining' | 'failed' | 'gone';

/** Why a worker counts as failed. `unresponsive`: it looks idle, and let a job wait that another worker then got (launches/unresponsive.ts). */
export type Failure = 'error' | 'never-booted' | 'off-before-contact' | 'orphan' | 'unresponsive';

/** One VM and its runner, joined by name. At least one of the two is there. */
export interface Worker {
  readonly name: string;
  readonly phase: Phase;
  readonly failure?: Failure;
  readonly server?: Server;
  readonly runner?: Runner;
  /** The earlier of what the two sources say. */
  readonly bornAt: number;
  /** It has asked GitLab for a job at least once. */
  readonly booted: boolean;
  readonly busy: number;
  readonly done: number;
  /** Only while idle. */
  readonly idleSince?: number;
  /** From the runner's note; absent while draining means that the note cannot be read, and nothing is deleted. */
  readonly drainingSince?: number;
}
