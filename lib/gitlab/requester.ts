import type { DefaultRequestOptions, FormattedResponse, RequesterType, ResponseBodyTypes } from '@gitbeaker/requester-utils';
import type { GitLabCallName } from './calls.ts';
import type { Answer, Request, Send } from './send.ts';

/** Everything that the calls of one operation share. */
export interface Session {
  readonly send: Send;
  /** The operation's deadline and the caller's wish to stop. */
  readonly signal: AbortSignal;
  now(): number;
}

/**
 * What a gitbeaker resource is built with, for the one call `name`. Its own transport repeats POSTs on 502 up to ten times within half a second and ignores
 * `Retry-After` (jdalrymple/gitbeaker issue 3805), so calls go through ours; the deadline is the session's.
 */
export function resourceOptions(
  session: Session,
  name: GitLabCallName,
): { readonly requesterFn: () => RequesterType; readonly queryTimeout: null } {
  const requester = createRequester(session, name);
  return { requesterFn: () => requester, queryTimeout: null };
}

function createRequester({ send, signal }: Session, name: GitLabCallName): RequesterType {
  const via =
    (method: Request['method']) =>
    async <T extends ResponseBodyTypes>(endpoint: string, options: DefaultRequestOptions = {}): Promise<FormattedResponse<T>> => {
      const answer = await send({
        name,
        method,
        path: `api/v4/${endpoint}`,
        ...(options.searchParams && { query: decamelizeKeys(options.searchParams) }),
        ...(withBody(method) && { json: decamelizeKeys(options.body ?? {}) }),
        signal,
      });
      return formatted<T>(answer);
    };
  return { get: via('GET'), post: via('POST'), put: via('PUT'), patch: via('PATCH'), delete: via('DELETE') };
}

/** gitbeaker hands `{}` to a DELETE, which servers and proxies treat as they like. */
function withBody(method: Request['method']): boolean {
  return method !== 'GET' && method !== 'DELETE';
}

/** gitbeaker's body types are assertions, nothing checks them; whoever calls a resource parses what it returns. */
function formatted<T extends ResponseBodyTypes>({ body, headers, status }: Answer): FormattedResponse<T> {
  const plain: Record<string, string> = {};
  for (const [name, value] of Object.entries(headers)) if (value !== undefined) plain[name] = String(value);
  return { body: body as T, headers: plain, status };
}

/** `tagList` -> `tag_list`, on the top level: no call of ours has more. */
function decamelizeKeys(values: object): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(values).map(([key, value]) => [key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`), value]),
  );
}
