import * as z from 'zod';
import type { CallOptions, Clock, Scope } from '../app/ports/index.ts';
import { NotFoundError } from '../core/errors.ts';
import type { GitLabCallName } from './calls.ts';
import { withDeadline } from './deadline.ts';
import { readAnswer } from './schemas.ts';
import { createSend, type Send } from './send.ts';

/** gitlabhq: lib/api/entities/personal_access_token.rb; `expires_at` is a day. Group and project access tokens answer here, too. */
const Token = z.object({
  name: z.string(),
  user_id: z.number(),
  scopes: z.array(z.string()),
  expires_at: z.string().nullish(),
});
const Identified = z.object({ id: z.number() });
/** gitlabhq: lib/api/entities/member.rb. */
const Member = z.object({ access_level: z.number() });
/** `is_admin` is shown to administrators only. */
const Self = z.object({ is_admin: z.boolean().nullish() });
const RunnerList = z.array(z.object({ description: z.string().nullish(), runner_type: z.string() }));

type Place = Exclude<Scope, { kind: 'instance' }>;

/** Reads what an examination of the installation wants to know and the farm itself does not ask. The functions do not carry it. */
export class GitLabSurvey {
  readonly #send: Send;
  readonly #deadlineMs: number;

  constructor(options: { readonly url: string; readonly token: string; readonly clock: Clock; readonly deadlineMs?: number }) {
    this.#send = createSend({ url: options.url, token: options.token, clock: options.clock });
    this.#deadlineMs = options.deadlineMs ?? 10_000;
  }

  async token(options: CallOptions = {}) {
    const { name, user_id, scopes, expires_at } = await this.#get('gitlab.token', 'personal_access_tokens/self', Token, options);
    const expiresAt = Date.parse(expires_at ?? '');
    return { name, userId: user_id, scopes, ...(Number.isNaN(expiresAt) ? {} : { expiresAt }) };
  }

  async place(scope: Scope, options: CallOptions = {}): Promise<{ readonly id: number } | undefined> {
    if (scope.kind === 'instance') return { id: 0 };
    const query = scope.kind === 'group' ? { with_projects: false } : {};
    return await absent(this.#get(scope.kind === 'group' ? 'gitlab.group' : 'gitlab.project', pathOf(scope), Identified, options, query));
  }

  /** Inherited memberships count. */
  async role(scope: Place, userId: number, options: CallOptions = {}): Promise<number> {
    const member = await absent(this.#get('gitlab.member', `${pathOf(scope)}/members/all/${userId}`, Member, options));
    return member?.access_level ?? 0;
  }

  async isAdministrator(options: CallOptions = {}): Promise<boolean> {
    return (await this.#get('gitlab.user', 'user', Self, options)).is_admin === true;
  }

  /** The first hundred. `tag_list` finds runners that have all of the tags. */
  async runnersFor(scope: Scope, tags: readonly string[], options: CallOptions = {}) {
    const [name, path] =
      scope.kind === 'instance'
        ? (['gitlab.runners-all', 'runners/all'] as const)
        : ([`gitlab.${scope.kind}-runners`, `${pathOf(scope)}/runners`] as const);
    const query = { ...(tags.length > 0 && { tag_list: tags.join(',') }), paused: false, per_page: 100 };
    const found = await this.#get(name, path, RunnerList, options, query);
    return found.map(({ description, runner_type }) => ({ name: description ?? '', type: runner_type }));
  }

  async #get<T>(
    name: GitLabCallName,
    path: string,
    schema: z.ZodType<T>,
    options: CallOptions,
    query: Readonly<Record<string, unknown>> = {},
  ): Promise<T> {
    const whole = `api/v4/${path}`;
    return await withDeadline(this.#deadlineMs, [options.signal], async (signal) => {
      const { body } = await this.#send({ name, method: 'GET', path: whole, query, signal });
      return readAnswer(schema, body, `GET /${whole}`);
    });
  }
}

function pathOf(scope: Place): string {
  return `${scope.kind}s/${encodeURIComponent(scope.path)}`;
}

async function absent<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}
