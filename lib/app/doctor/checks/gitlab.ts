import { AccessError } from '../../../core/errors.ts';
import { counted } from '../../../core/plural.ts';
import { DAY, toIso } from '../../../core/time.ts';
import type { HookView, Scope } from '../../ports/index.ts';
import { unreadParts } from '../../reconcile/demand.ts';
import type { SourceFailure } from '../../reconcile/types.ts';
import { type DoctorContext, describe, forgeOf, unavailable } from '../context.ts';
import { error, ok, orOk, type Result, unique, unknown, warning } from '../findings.ts';
import type { TokenView } from '../types.ts';

const SOON_MS = 30 * DAY;
const MAINTAINER = 40;
const OWNER = 50;

/** Whatever GitLab answers to somebody without a token: it is there. */
export async function checkGitLab({ subject, reads }: DoctorContext): Promise<readonly Result[]> {
  try {
    await reads.gitlabTime();
    return [ok('gitlab', `${subject.settings.gitlabUrl} answers.`)];
  } catch (failure) {
    const todo = 'look at gitlab.url, and at the network from here; the functions need the way from OTC as well.';
    return [error('gitlab-unreachable', describe(failure), todo)];
  }
}

export async function checkToken({ services, reads }: DoctorContext): Promise<readonly Result[]> {
  try {
    return judgeToken(await reads.token(), services.clock.now());
  } catch (failure) {
    if (!(failure instanceof AccessError)) return [unavailable('token', failure)];
    const todo =
      'make a new token (GitLab: group or project, Settings, Access tokens) and put it into GITLAB_TOKEN here and in the functions.';
    return [error('token-refused', describe(failure), todo)];
  }
}

/** Source: GitLab's pages of access tokens; lib/api/user_runners.rb and lib/api/ci/runners.rb of gitlabhq. */
function judgeToken({ name, scopes, expiresAt }: TokenView, now: number): readonly Result[] {
  const problems: Result[] = [];
  const missing = scopes.includes('api') ? [] : ['read_api', 'create_runner', 'manage_runner'].filter((scope) => !scopes.includes(scope));
  if (missing.length > 0) {
    const found = `The token ${name} has ${scopes.length === 0 ? 'no scopes' : `the scopes ${scopes.join(', ')}`}; it lacks ${missing.join(', ')}.`;
    problems.push(
      error('token-scopes', found, 'make a token with read_api, create_runner and manage_runner; scopes cannot be added to one.'),
    );
  }
  if (expiresAt !== undefined && expiresAt - now < SOON_MS) {
    const days = Math.max(0, Math.floor((expiresAt - now) / DAY));
    const found = `The token ${name} expires in ${counted(days, 'day')}, on ${toIso(expiresAt).slice(0, 10)}: nothing works from then on.`;
    problems.push(
      warning(
        'token-expires',
        found,
        'rotate it (GitLab: Settings, Access tokens) and put the new one into GITLAB_TOKEN of the functions.',
      ),
    );
  }
  const wide = scopes.includes('api') ? ' It may do more than is needed (api).' : '';
  return orOk(problems, 'token', `The token ${name} has the scopes that are needed.${wide}`);
}

/** That the scope exists, the role in it, and that runners and jobs can be read. */
export async function checkScope(context: DoctorContext): Promise<readonly Result[]> {
  const scopes = scopesOf(context);
  const results = await Promise.all(scopes.map((scope) => lookAtScope(context, scope)));
  return orOk(results.flat(), 'scope', `Runners can be created and jobs can be read in ${scopes.map(nameOf).join(', ')}.`);
}

async function lookAtScope(context: DoctorContext, scope: Scope): Promise<readonly Result[]> {
  const { services, options } = context;
  const forge = forgeOf(services);
  if (!(await forge.place(scope, options))) {
    const todo = 'mend gitlab.scope (the path as in the address of its page), or make the user of the token a member.';
    return [error('scope-missing', `This token cannot see ${nameOf(scope)}.`, todo)];
  }
  const low = await judgeRole(roleIn(context, scope), scope);
  const reads = await Promise.allSettled([forge.runners(scope, options), forge.pendingJobs(scope, options)]);
  const unread = reads.flatMap((read) => (read.status === 'rejected' ? [unreadable(read.reason)] : []));
  const [, jobs] = reads;
  return [...low, ...unread, ...unreadParts(jobs.status === 'fulfilled' ? jobs.value.unread : []).map(unreadPart)];
}

function unreadable(failure: unknown): Result {
  if (!(failure instanceof AccessError)) return unavailable('scope', failure);
  return error('scope-unreadable', describe(failure), 'give the token read_api, and its user the role Maintainer at least.');
}

/** One project in which the token may not read the jobs is found here before it shows as a job that nobody serves. */
function unreadPart({ part, code, message }: SourceFailure): Result {
  const todo = "check that the token's user may read the jobs of these projects (https://GITLAB/projects/NUMBER).";
  return error('scope-partly-unreadable', `Not all jobs can be read: ${part} (${code}: ${message}).`, todo);
}

async function roleIn(
  { services, options, reads }: DoctorContext,
  scope: Scope,
): Promise<{ readonly role: number; readonly administrator: boolean }> {
  const forge = forgeOf(services);
  if (scope.kind === 'instance') return { role: 0, administrator: await forge.isAdministrator(options) };
  const { userId } = await reads.token();
  const role = await forge.role(scope, userId, options);
  // Who is no member may still be an administrator.
  return { role, administrator: role < neededRole(scope) && (await forge.isAdministrator(options)) };
}

function neededRole(scope: Scope): number {
  return scope.kind === 'group' ? OWNER : MAINTAINER;
}

async function judgeRole(
  asked: Promise<{ readonly role: number; readonly administrator: boolean }>,
  scope: Scope,
): Promise<readonly Result[]> {
  try {
    const { role, administrator } = await asked;
    if (administrator || (scope.kind !== 'instance' && role >= neededRole(scope))) return [];
    const needed = scope.kind === 'instance' ? 'an administrator' : scope.kind === 'group' ? 'Owner' : 'Maintainer';
    const found = `The user of the token is not ${needed} of ${nameOf(scope)} (role ${role}): it cannot create or remove runners.`;
    return [error('role-low', found, `give it the role ${needed}, or use an access token of the ${scope.kind} with that role.`)];
  } catch (failure) {
    return [unavailable('scope', failure)];
  }
}

export async function checkHook(context: DoctorContext): Promise<readonly Result[]> {
  const { services, options, subject } = context;
  const { hookUrl } = subject.settings;
  if (hookUrl === undefined) {
    if (subject.scalerFunction === undefined) return [ok('hook', 'No hook is configured: the timer alone finds jobs, within a minute.')];
    return [unknown('hook', 'not looked at: gitlab.hook_url is not set.', "set gitlab.hook_url to the gateway's URL as GitLab shows it.")];
  }
  const scopes = scopesOf(context).filter(({ kind }) => kind !== 'instance');
  if (scopes.length === 0) {
    return [
      unknown(
        'hook',
        'not looked at: hooks of a whole installation know no jobs; they belong to groups or projects.',
        'look there by hand.',
      ),
    ];
  }
  try {
    const hooks = await Promise.all(scopes.map(async (scope) => ({ scope, hooks: await forgeOf(services).hooks(scope, options) })));
    return orOk(
      hooks.flatMap(({ scope, hooks: found }) => judgeHooks(found, hookUrl, nameOf(scope))),
      'hook',
      'GitLab has the hook, and sends job events to it.',
    );
  } catch (failure) {
    if (!(failure instanceof AccessError)) return [unavailable('hook', failure)];
    const why = `not allowed to read this: ${describe(failure)}`;
    return [
      unknown(
        'hook',
        why,
        'hooks are shown to a Maintainer of the project or an Owner of the group (a paid tier), with read_api; look in GitLab, Webhooks.',
      ),
    ];
  }
}

function judgeHooks(hooks: readonly HookView[], url: string, where: string): readonly Result[] {
  const ours = hooks.filter((hook) => hook.url === url);
  const until = 'Jobs wait up to a minute longer.';
  if (ours.length === 0) {
    const todo = 'run scaler hook install, or set gitlab.hook_url as it stands in GitLab (Settings, Webhooks).';
    return [warning('hook-missing', `${where} has no hook to gitlab.hook_url. ${until}`, todo)];
  }
  const disabled = ours.find((hook) => hook.disabled !== undefined)?.disabled;
  if (disabled !== undefined) {
    const todo = 'mend what answers the hook, then run scaler hook install, which enables it.';
    return [warning('hook-disabled', `GitLab has disabled the hook of ${where} (${disabled}). ${until}`, todo)];
  }
  if (ours.every(({ withoutSecret }) => withoutSecret)) {
    const found = `The hook of ${where} has neither a secret nor a signing token: the webhook function refuses it. ${until}`;
    return [warning('hook-without-secret', found, 'run scaler hook install, which gives it the secrets of the functions.')];
  }
  if (ours.some(({ jobEvents }) => jobEvents)) return [];
  return [
    warning('hook-without-jobs', `The hook of ${where} sends no job events. ${until}`, 'run scaler hook install, which switches them on.'),
  ];
}

/** Runners of others that take a pool's jobs: not wrong, but surprising. */
export async function checkRivals({ services, options, subject }: DoctorContext): Promise<readonly Result[]> {
  const forge = forgeOf(services);
  const names = subject.settings.pools.map(({ pool }) => pool.name);
  const results = await Promise.all(
    subject.settings.pools.map(async ({ pool, scope }) => {
      // Every runner takes untagged jobs unless it is told otherwise, so a pool without tags has rivals everywhere: nothing to tell.
      if (pool.tags.length === 0) return [];
      return judgeRivals(pool.name, pool.tags, await forge.runnersFor(scope, pool.tags, options), names);
    }),
  );
  return orOk(results.flat(), 'rivals', "No other runner has the pools' tags.");
}

function judgeRivals(
  pool: string,
  tags: readonly string[],
  runners: readonly { readonly name: string; readonly type: string }[],
  pools: readonly string[],
): readonly Result[] {
  const others = runners.filter(({ name }) => !pools.some((own) => name.startsWith(`${own}-`)));
  if (others.length === 0) return [];
  const some = others.slice(0, 3).map(({ name, type }) => `${name === '' ? 'one without a description' : name} (${type})`);
  const more = others.length > some.length ? ` and ${others.length - some.length} more` : '';
  const found = `${pool}: other runners also have the tags ${tags.join(', ')}, and take its jobs: ${some.join(', ')}${more}.`;
  return [warning('runner-rival', found, 'if that is not meant: pause them, or give the pool and its jobs a tag of their own.')];
}

function scopesOf({ subject }: DoctorContext): readonly Scope[] {
  return unique(subject.settings.pools.map(({ scope }) => JSON.stringify(scope))).flatMap((text) => {
    const found = subject.settings.pools.find(({ scope }) => JSON.stringify(scope) === text);
    return found ? [found.scope] : [];
  });
}

function nameOf(scope: Scope): string {
  return scope.kind === 'instance' ? 'the installation' : `${scope.kind} ${scope.path}`;
}
