/** How long a job may go on after max_age where the pool sets no maximum_timeout. */
export const LONGEST_JOB_MS = 6 * 3_600_000;

/**
 * A pool: workers of one kind. Names and meanings are docker+machine's where it has them;
 * times are milliseconds here and seconds in scaler.yml.
 */
export interface Pool {
  /** `[a-z0-9-]`, at most 32 characters, so that a worker's name stays within 59. */
  readonly name: string;
  /** Runner tags: a job is served when all its tags are among these, exactly and case-sensitively. */
  readonly tags: readonly string[];
  /** Serves jobs without any tag, too. */
  readonly runUntagged: boolean;
  /** Most VMs in any state, deleting ones included. At least 1. */
  readonly limit: number;
  /** Most VMs booting at once; 0 is no bound. */
  readonly maxGrowthRate: number;
  /** Jobs after which a worker is replaced; 0 is no bound. */
  readonly maxBuilds: number;
  /** Age after which a worker takes no new job. */
  readonly maxAgeMs: number;
  /** How long a job may go on after that; then the machine ends whatever runs. */
  readonly longestJobMs: number;
  /** From creation to the first contact with GitLab; later means that it did not boot. */
  readonly bootTimeoutMs: number;
  /** What holds when no period matches. */
  readonly policy: Policy;
  /** The last one that matches replaces all four values of `policy`. */
  readonly periods: readonly Period[];
}

/** The four values that a period replaces as a whole, as docker+machine's `[[runners.machine.autoscaling]]` does. */
export interface Policy {
  readonly idleCount: number;
  /** 0 turns the factor off. */
  readonly idleScaleFactor: number;
  readonly idleCountMin: number;
  readonly idleTimeMs: number;
}

export interface Period {
  /** 7-field cron expressions (second … year); one that matches is enough. */
  readonly periods: readonly string[];
  /** IANA name. */
  readonly timezone: string;
  readonly policy: Policy;
}
