import * as z from 'zod';
import type { CallOptions, Clock, HookChange, HookDelivery, HookDetail, HookForge, HookPlace } from '../../app/ports/index.ts';
import { defined } from '../../core/defined.ts';
import { NotFoundError } from '../../core/errors.ts';
import type { GitLabCallName } from '../calls.ts';
import { withDeadline } from '../deadline.ts';
import { readAnswer } from '../schemas.ts';
import { type Answer, createSend, type Request, type Send } from '../send.ts';

/** gitlabhq: lib/api/entities/hook.rb. `token_present` and `signing_token_present` since 19.0. */
const Hook = z.object({
  id: z.number(),
  url: z.string(),
  job_events: z.boolean().nullish(),
  push_events: z.boolean().nullish(),
  enable_ssl_verification: z.boolean().nullish(),
  alert_status: z.string().nullish(),
  token_present: z.boolean().nullish(),
  signing_token_present: z.boolean().nullish(),
});
/** gitlabhq: doc/api/project_webhooks.md, "List all events for a project webhook" (17.3); the newest comes first. */
const Event = z.object({ response_status: z.coerce.string() });
const Project = z.object({ path_with_namespace: z.string() });

const PER_PAGE = 100;
/** GitLab's own limits are 100 hooks of a project and 50 of a group; projects of a group are the ones that need more pages. */
const MOST_PAGES = 20;
const DEADLINE_MS = 30_000;

export interface HookAdminOptions {
  readonly url: string;
  /** Scope `api`; Maintainer of a project, Owner of a group. */
  readonly token: string;
  readonly clock: Clock;
}

/**
 * Hooks of projects and groups (doc/api/project_webhooks.md, group_webhooks.md). For people at the command line: the functions only look at hooks
 * (list.ts). Not by gitbeaker, for the reason given there.
 */
export class HookAdmin implements HookForge {
  readonly #send: Send;

  constructor(options: HookAdminOptions) {
    this.#send = createSend(options);
  }

  async hooks(place: HookPlace, options?: CallOptions): Promise<readonly HookDetail[]> {
    return (await this.#pages('gitlab.hooks', `${pathOf(place)}/hooks`, {}, Hook, options)).map(detail);
  }

  async create(place: HookPlace, change: HookChange, options?: CallOptions): Promise<HookDetail> {
    const { body } = await this.#call(
      { name: 'gitlab.hook-create', method: 'POST', path: `${pathOf(place)}/hooks`, json: fields(change) },
      options,
    );
    return detail(readAnswer(Hook, body, 'POST hooks'));
  }

  async update(place: HookPlace, id: number, change: HookChange, options?: CallOptions): Promise<HookDetail> {
    const { body } = await this.#call(
      { name: 'gitlab.hook-update', method: 'PUT', path: `${pathOf(place)}/hooks/${id}`, json: fields(change) },
      options,
    );
    return detail(readAnswer(Hook, body, 'PUT hook'));
  }

  async remove(place: HookPlace, id: number, options?: CallOptions): Promise<void> {
    try {
      await this.#call({ name: 'gitlab.hook-delete', method: 'DELETE', path: `${pathOf(place)}/hooks/${id}` }, options);
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
    }
  }

  async test(place: HookPlace, id: number, options?: CallOptions): Promise<void> {
    await this.#call({ name: 'gitlab.hook-test', method: 'POST', path: `${pathOf(place)}/hooks/${id}/test/job_events`, json: {} }, options);
  }

  async lastDelivery(place: HookPlace, id: number, options?: CallOptions): Promise<HookDelivery | undefined> {
    const { body } = await this.#call(
      { name: 'gitlab.hook-events', method: 'GET', path: `${pathOf(place)}/hooks/${id}/events`, query: { per_page: 1 } },
      options,
    );
    const [event] = readAnswer(z.array(Event), body, 'GET hook events');
    return event && { status: event.response_status };
  }

  async projects(group: string, options?: CallOptions): Promise<readonly string[]> {
    const query = { include_subgroups: true, archived: false, with_shared: false, simple: true, order_by: 'id', sort: 'asc' };
    const found = await this.#pages(
      'gitlab.group-projects',
      `api/v4/groups/${encodeURIComponent(group)}/projects`,
      query,
      Project,
      options,
    );
    return found.map((project) => project.path_with_namespace);
  }

  async #pages<T>(
    name: GitLabCallName,
    path: string,
    query: Readonly<Record<string, unknown>>,
    item: z.ZodType<T>,
    options: CallOptions | undefined,
  ): Promise<readonly T[]> {
    const all: T[] = [];
    for (let page = 1; page <= MOST_PAGES; page++) {
      const { body } = await this.#call({ name, method: 'GET', path, query: { ...query, per_page: PER_PAGE, page } }, options);
      const items = readAnswer(z.array(item), body, `GET /${path}`);
      all.push(...items);
      if (items.length < PER_PAGE) break;
    }
    return all;
  }

  #call(request: Omit<Request, 'signal'>, options: CallOptions | undefined): Promise<Answer> {
    return withDeadline(DEADLINE_MS, [options?.signal], (signal) => this.#send({ ...request, signal }));
  }
}

function pathOf({ kind, path }: HookPlace): string {
  return `api/v4/${kind}s/${encodeURIComponent(path)}`;
}

function fields({ url, token, signingToken }: HookChange): Readonly<Record<string, unknown>> {
  return {
    url,
    name: 'otc-gitlab-scaler',
    job_events: true,
    // On unless it is switched off.
    push_events: false,
    enable_ssl_verification: url.startsWith('https:'),
    ...defined({ token, signing_token: signingToken }),
  };
}

function detail(hook: z.infer<typeof Hook>): HookDetail {
  const disabled = hook.alert_status && hook.alert_status !== 'executable' ? { disabled: hook.alert_status } : {};
  return {
    id: hook.id,
    url: hook.url,
    jobEvents: hook.job_events === true,
    pushEvents: hook.push_events === true,
    sslVerification: hook.enable_ssl_verification !== false,
    ...(hook.token_present == null ? {} : { tokenPresent: hook.token_present }),
    ...(hook.signing_token_present == null ? {} : { signingTokenPresent: hook.signing_token_present }),
    ...disabled,
  };
}
