import * as z from 'zod/mini';
import type { Clock } from '../app/ports/index.ts';
import { defined } from '../core/defined.ts';
import { UnclearError } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import type { Agents } from '../http/agents.ts';
import { send } from '../http/client.ts';
import type { OtcCallName } from './calls.ts';
import type { Credentials } from './credentials.ts';
import { type CallKind, errorInside, otcError } from './errors.ts';
import { type Scope, signedHeaders } from './signer.ts';

export interface OtcHttpOptions {
  readonly credentials: Credentials;
  readonly projectId: string;
  /** The account, for calls that belong to no project (IAM); they then name it instead of the project. */
  readonly domainId?: string;
  readonly clock: Pick<Clock, 'now'>;
  /** Per call with its repetitions, in real milliseconds. */
  readonly deadlineMs?: number;
  readonly maxBytes?: number;
  /** Before the first repetition of a read; doubles. */
  readonly backoffMs?: number;
  /** Signs in the scoped dialect; for the day when the unscoped one is refused. */
  readonly scope?: Scope;
  readonly agents?: Partial<Agents>;
}

export interface OtcCall<Schema extends z.core.$ZodType> {
  /** Names the call in errors, e.g. `ecs.create`. */
  readonly name: OtcCallName;
  readonly kind: CallKind;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  /** Names in lower case only. */
  readonly query?: Readonly<Record<string, string | number>>;
  readonly json?: unknown;
  readonly headers?: Readonly<Record<string, string>>;
  /** Of the body; one that takes `undefined` takes no body. */
  readonly schema: Schema;
  /** Less than what the client allows every call. */
  readonly deadlineMs?: number;
  readonly maxBytes?: number;
  readonly signal?: AbortSignal | undefined;
}

type Headers = Record<string, string | string[] | undefined>;

/** Lists carry the user data of every VM. */
const MAX_BYTES = 64 * 1024 * 1024;

/** Signed calls of OTC's JSON services. Reads are repeated twice at most, never after 401 or 403; writes never. */
export class OtcHttp {
  readonly #options: OtcHttpOptions;

  constructor(options: OtcHttpOptions) {
    this.#options = options;
  }

  /** The parsed body of a 2xx answer. Throws `lib/core/errors.ts`; an answer that cannot be understood is an `UnclearError`. */
  async call<Schema extends z.core.$ZodType>(call: OtcCall<Schema>): Promise<z.output<Schema>> {
    return (await this.exchange(call)).data;
  }

  /** As `call`, with the headers of the answer. */
  async exchange<Schema extends z.core.$ZodType>(
    call: OtcCall<Schema>,
  ): Promise<{ readonly data: z.output<Schema>; readonly headers: Headers }> {
    const {
      credentials,
      projectId,
      domainId,
      clock,
      scope,
      agents,
      deadlineMs = 10_000,
      maxBytes = MAX_BYTES,
      backoffMs = 500,
    } = this.#options;
    const body = call.json === undefined ? undefined : Buffer.from(JSON.stringify(call.json));
    const whose = domainId === undefined ? { 'x-project-id': projectId } : { 'x-domain-id': domainId };
    const own = { ...whose, ...(body ? { 'content-type': 'application/json' } : {}), ...call.headers };
    const answer = await send({
      name: call.name,
      method: call.method,
      url: withQuery(call.url, call.query ?? {}),
      body,
      headers: (url) => ({
        accept: 'application/json',
        'user-agent': 'otc-gitlab-scaler',
        ...signedHeaders({ method: call.method, url, headers: own, ...defined({ body }) }, credentials, clock.now(), scope),
      }),
      pausesMs: call.kind === 'read' ? [backoffMs, 2 * backoffMs] : [],
      deadlineMs: Math.min(deadlineMs, call.deadlineMs ?? deadlineMs),
      maxBytes: Math.min(maxBytes, call.maxBytes ?? maxBytes),
      signal: call.signal,
      agents,
    });
    const { status, headers } = answer;
    return { data: understand({ status, headers, text: answer.body.toString('utf8') }, call), headers };
  }
}

function understand<Schema extends z.core.$ZodType>(
  answer: { readonly status: number; readonly headers: Headers; readonly text: string },
  call: OtcCall<Schema>,
): z.output<Schema> {
  if (answer.status < 200 || answer.status > 299) throw otcError(answer, call.kind, call.name);
  const inside = errorInside(answer, call.kind, call.name);
  if (inside) throw inside;
  const empty = answer.text.trim() === '' ? z.safeParse(call.schema, undefined) : undefined;
  if (empty?.success) return empty.data;
  const json = jsonOf(answer, call.name);
  const parsed = z.safeParse(call.schema, json);
  if (parsed.success) return parsed.data;
  const where = parsed.error.issues[0]?.path.join('.') ?? '';
  throw new UnclearError('unexpected-answer', `${call.name}: the answer lacks what it should have at "${where}" (HTTP ${answer.status})`);
}

function jsonOf({ status, text }: { readonly status: number; readonly text: string }, name: string): unknown {
  const json = parseJson(text);
  if (json === undefined) throw new UnclearError('not-json', `${name}: the answer is no JSON (HTTP ${status})`);
  return json;
}

/** `%20` and not `+` for a space, as the signature has it. */
function withQuery(url: string, query: Readonly<Record<string, string | number>>): string {
  const pairs = Object.entries(query).map(([name, value]) => `${encodeURIComponent(name)}=${encodeURIComponent(value)}`);
  return pairs.length === 0 ? url : `${url}?${pairs.join('&')}`;
}
