import * as z from 'zod/mini';
import type { HookView, Scope } from '../../app/ports/index.ts';
import type { Session } from '../requester.ts';
import { readAnswer } from '../schemas.ts';

/** gitlabhq: lib/api/entities/hook.rb. `token_present` and `signing_token_present` since 19.0; `alert_status` is `executable`, `temporarily_disabled` or `disabled`. */
const Hook = z.object({
  id: z.number(),
  url: z.string(),
  job_events: z.nullish(z.boolean()),
  token_present: z.nullish(z.boolean()),
  signing_token_present: z.nullish(z.boolean()),
  alert_status: z.nullish(z.string()),
});

/**
 * The first hundred, which are all that anybody has. Hooks of a group need a paid tier of GitLab; those of a whole installation know no job events.
 * Not by gitbeaker, whose hook classes keep half of the path in a base URL that our transport does not use.
 */
export async function listHooks({ send, signal }: Session, scope: Scope): Promise<readonly HookView[]> {
  if (scope.kind === 'instance') return [];
  const path = `api/v4/${scope.kind}s/${encodeURIComponent(scope.path)}/hooks`;
  const { body } = await send({ name: 'gitlab.hooks', method: 'GET', path, query: { per_page: 100 }, signal });
  return readAnswer(z.array(Hook), body, `GET /${path}`).map((hook) => {
    const disabled = hook.alert_status && hook.alert_status !== 'executable' ? { disabled: hook.alert_status } : {};
    const secrets = [hook.token_present, hook.signing_token_present];
    const withoutSecret = secrets.every((present) => typeof present === 'boolean') ? { withoutSecret: !secrets.includes(true) } : {};
    return { id: hook.id, url: hook.url, jobEvents: hook.job_events === true, ...withoutSecret, ...disabled };
  });
}
