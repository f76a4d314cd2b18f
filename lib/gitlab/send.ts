import type { IncomingHttpHeaders } from 'node:http';
import type { Clock } from '../app/ports/index.ts';
import { ConfigError, UnclearError } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import type { Agents } from '../http/agents.ts';
import { type Answer as HttpAnswer, send } from '../http/client.ts';
import { askedWaitMs } from '../http/headers.ts';
import type { GitLabCallName } from './calls.ts';
import { refusalError, throttleMs } from './errors.ts';

export interface HttpOptions {
  /** Base URL of the installation; may have a path. */
  readonly url: string;
  readonly token: string;
  readonly clock: Clock;
  /** For one try. */
  readonly tryTimeoutMs?: number;
  /** Keep connections for the calls that follow; Node's own when absent. */
  readonly agents?: Agents | undefined;
  /** Longest answer taken, after decompression. */
  readonly maxBytes?: number;
}

export interface Request {
  /** What it needs is in `calls.ts`. */
  readonly name: GitLabCallName;
  readonly method: 'GET' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  /** Below the base URL, without a leading slash, encoded. */
  readonly path: string;
  /** Lists become `name[]=`; undefined values are left out. */
  readonly query?: Readonly<Record<string, unknown>>;
  readonly json?: unknown;
  /** A POST that only reads may be repeated as a GET is. */
  readonly readOnly?: boolean;
  readonly signal: AbortSignal;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  /** Parsed JSON; `undefined` when there was no body. */
  readonly body: unknown;
}

/** One call to GitLab. Reads are repeated at most twice, writes never. Throws `lib/core/errors.ts`. */
export type Send = (request: Request) => Promise<Answer>;

/** Between the tries of a read. */
const PAUSES_MS = [250, 1_000];

export function createSend({ url, token, clock, agents, tryTimeoutMs = 10_000, maxBytes = 16 * 1024 * 1024 }: HttpOptions): Send {
  const base = baseUrl(url);
  if (!/^[\x21-\x7e]+$/.test(token)) throw new ConfigError('invalid-token', 'the GitLab token must be one word of printable characters');
  const headers = { 'private-token': token, 'user-agent': 'otc-gitlab-scaler', accept: 'application/json' };
  return async ({ name, method, path, query, json, readOnly, signal }) => {
    const call = `${method} /${path}`;
    const answer = await send({
      name: call,
      label: name,
      method,
      url: `${base}/${path}${queryString(query)}`,
      body: json === undefined ? undefined : Buffer.from(JSON.stringify(json)),
      headers: () => (json === undefined ? headers : { ...headers, 'content-type': 'application/json' }),
      pausesMs: method === 'GET' || readOnly ? PAUSES_MS : [],
      askedWaitMs: (given, status) => (status === 429 ? throttleMs : askedWaitMs)(given, clock.now()),
      tryTimeoutMs,
      maxBytes,
      signal,
      agents,
      clock,
    });
    return parse(answer, call, clock);
  };
}

function parse({ status, headers, body }: HttpAnswer, call: string, clock: Clock): Answer {
  const text = body.toString('utf8');
  if (status >= 300) throw refusalError({ status, headers, body: text, call, now: clock.now() });
  if (text === '') return { status, headers, body: undefined };
  const json = parseJson(text);
  if (json === undefined) throw new UnclearError('not-json', `${call}: the answer is no JSON`);
  return { status, headers, body: json };
}

function queryString(query: Readonly<Record<string, unknown>> = {}): string {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue;
    if (Array.isArray(value)) for (const one of value) params.append(`${key}[]`, String(one));
    else params.append(key, String(value));
  }
  return params.size === 0 ? '' : `?${params}`;
}

function baseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.search && !url.hash;
  if (!plain)
    throw new ConfigError('invalid-url', 'the address of GitLab must be like https://gitlab.example.com, with nothing secret in it');
  return url.href.replace(/\/+$/, '');
}
