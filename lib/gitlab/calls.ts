/** A scope of an access token. `api` contains all of them. */
export type TokenScope = 'read_api' | 'create_runner' | 'manage_runner' | 'api';

/** What GitLab must allow for a call. */
export interface TokenRight {
  /** One of these. */
  readonly scopes: readonly TokenScope[];
  /** The least role in the group or project that the call is about; where two are named the first is the project's, the second the group's. */
  readonly role: 'none' | 'member' | 'Reporter' | 'Maintainer' | 'Maintainer or Owner';
  readonly usedBy: readonly ('scaler' | 'reaper' | 'cli')[];
}

const FARM = ['scaler', 'reaper', 'cli'] as const;
const MINUTE = ['reaper', 'cli'] as const;
const HOOK_ADMIN = { scopes: ['api'], role: 'Maintainer or Owner', usedBy: ['cli'] } as const;

/**
 * Every call to GitLab that this project can make. A request without a name from here does not compile; test/integration/rights.test.ts lives a
 * worker's life with a token that has just these rights. For `instance` scope an administrator's token is needed instead of the roles.
 * Sources (gitlabhq/gitlabhq): lib/api/api.rb (`read_api` allows every GET), lib/api/user_runners.rb, lib/api/ci/runners.rb, app/policies/ci/runner_policy.rb,
 * app/policies/group_policy.rb, lib/api/personal_access_tokens/self_information.rb. The functions need the names only as types: this module is in no bundle.
 */
export const GITLAB_CALLS = {
  /** Runners with their counts of jobs, and waiting jobs. Never a mutation. */
  'gitlab.graphql': { scopes: ['read_api'], role: 'Maintainer', usedBy: FARM },
  'gitlab.group': { scopes: ['read_api'], role: 'member', usedBy: FARM },
  'gitlab.project': { scopes: ['read_api'], role: 'member', usedBy: FARM },
  'gitlab.jobs': { scopes: ['read_api'], role: 'Reporter', usedBy: FARM },
  /** The job of a hook: its tags. Where the token may not see it the hook is served as if it were ours. */
  'gitlab.job': { scopes: ['read_api'], role: 'Reporter', usedBy: ['scaler'] },
  'gitlab.runner-create': { scopes: ['create_runner'], role: 'Maintainer or Owner', usedBy: FARM },
  'gitlab.runner': { scopes: ['read_api', 'manage_runner'], role: 'Maintainer', usedBy: MINUTE },
  'gitlab.runner-jobs': { scopes: ['read_api', 'manage_runner'], role: 'Maintainer', usedBy: MINUTE },
  'gitlab.runner-update': { scopes: ['manage_runner'], role: 'Maintainer or Owner', usedBy: MINUTE },
  'gitlab.runner-delete': { scopes: ['manage_runner'], role: 'Maintainer or Owner', usedBy: FARM },
  'gitlab.hooks': { scopes: ['read_api'], role: 'Maintainer or Owner', usedBy: MINUTE },
  /** Whether the token is an administrator's, for the instance scope. */
  'gitlab.user': { scopes: ['read_api'], role: 'none', usedBy: FARM },

  'gitlab.token': { scopes: ['read_api'], role: 'none', usedBy: ['cli'] },
  'gitlab.member': { scopes: ['read_api'], role: 'member', usedBy: ['cli'] },
  'gitlab.runners-all': { scopes: ['read_api'], role: 'none', usedBy: ['cli'] },
  'gitlab.group-runners': { scopes: ['read_api'], role: 'Maintainer', usedBy: ['cli'] },
  'gitlab.project-runners': { scopes: ['read_api'], role: 'Maintainer', usedBy: ['cli'] },
  'gitlab.group-projects': { scopes: ['read_api'], role: 'member', usedBy: ['cli'] },
  'gitlab.hook-events': { scopes: ['read_api'], role: 'Maintainer or Owner', usedBy: ['cli'] },
  'gitlab.hook-create': HOOK_ADMIN,
  'gitlab.hook-update': HOOK_ADMIN,
  'gitlab.hook-delete': HOOK_ADMIN,
  'gitlab.hook-test': HOOK_ADMIN,
} as const satisfies Readonly<Record<string, TokenRight>>;

/** Names of calls to GitLab. */
export type GitLabCallName = keyof typeof GITLAB_CALLS;
