import type { Random } from './random.ts';

/** How this GitLab is set up. */
export interface GitLabOptions {
  /** GitLab's own address in hooks and in `web_url`s. */
  readonly externalUrl?: string;
  readonly version?: string;
  /** Where tokens, ids and luck come from. */
  readonly random?: Random;
  /** GraphQL's `jobCount` shows the state of this long ago; the REST lists do not. */
  readonly busyLagMs?: number;
  /** Failing hooks are switched off: on at gitlab.com, off by default elsewhere. */
  readonly autoDisableHooks?: boolean;
  /** `false`: as before 19.0, signing tokens are ignored without a word. */
  readonly signing?: boolean;
  /** Group hooks need a paid tier. */
  readonly groupHooks?: boolean;
  /** Real milliseconds that a hook's receiver has. */
  readonly hookTimeoutMs?: number;
  /** Deliveries on their way at once. */
  readonly hookConcurrency?: number;
  /** New runners' tokens expire after this time, like GitLab's setting "runner token expiration"; 0: never. */
  readonly runnerTokenLifeMs?: number;
  /** Most runners of one group or project that were created or seen in the last seven days. */
  readonly runnerLimit?: number;
  /** How long a simulated worker's request for a job is held while nothing is new (Workhorse's `apiCiLongPollingDuration`); 0: not at all. */
  readonly longPollMs?: number;
}

export type Settings = Required<GitLabOptions>;

export function withDefaults(options: GitLabOptions): Settings {
  return {
    externalUrl: 'https://gitlab.example.com',
    version: '19.4.0',
    random: Math.random,
    busyLagMs: 0,
    autoDisableHooks: true,
    signing: true,
    groupHooks: true,
    hookTimeoutMs: 10_000,
    hookConcurrency: 10,
    runnerTokenLifeMs: 0,
    runnerLimit: 1000,
    longPollMs: 50_000,
    ...options,
  };
}
