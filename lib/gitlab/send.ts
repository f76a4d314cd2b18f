import type { Agent as HttpAgent, IncomingHttpHeaders } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import got, { CancelError, type Got, HTTPError, RequestError, type Response } from 'got';
import type { Clock } from '../app/ports/index.ts';
import { ConfigError, ScalerError, UnclearError, UnsentError } from '../core/errors.ts';
import type { GitLabCallName } from './calls.ts';
import { askedWaitMs, refusalError, throttleMs } from './errors.ts';

export interface HttpOptions {
  /** Base URL of the installation; may have a path. */
  readonly url: string;
  readonly token: string;
  readonly clock: Clock;
  /** For one try. */
  readonly tryTimeoutMs?: number;
  /** Keep connections for the calls that follow; Node's own when absent. */
  readonly agents?: { readonly http: HttpAgent; readonly https: HttpsAgent } | undefined;
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

const TRIES_AFTER_THE_FIRST = 2;
/** A wait longer than this is the caller's business: a function is paid by the time it runs. */
const LONGEST_WAIT_MS = 5_000;
const BACKOFF_MS = [250, 1_000];
const REPEATED_STATUS = [408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524];

export function createSend({ url, token, clock, agents, tryTimeoutMs = 10_000, maxBytes = 16 * 1024 * 1024 }: HttpOptions): Send {
  const base = baseUrl(url);
  if (!/^[\x21-\x7e]+$/.test(token)) throw new ConfigError('invalid-token', 'the GitLab token must be one word of printable characters');
  const client = got.extend({
    headers: { 'private-token': token, 'user-agent': 'otc-gitlab-scaler', accept: 'application/json' },
    responseType: 'text',
    ...(agents && { agent: agents }),
    // A redirect would carry the token to another host, or turn a POST into a GET.
    followRedirect: false,
    timeout: { request: tryTimeoutMs },
    retry: {
      limit: TRIES_AFTER_THE_FIRST,
      statusCodes: REPEATED_STATUS,
      // got compares with its own idea of the longest wait otherwise; ours is in `pause`.
      maxRetryAfter: Number.POSITIVE_INFINITY,
    },
  });
  return async (request) => {
    const call = `${request.method} /${request.path}`;
    try {
      return parse(await perform(client, `${base}/${request.path}`, request, clock, maxBytes), call, clock);
    } catch (error) {
      throw toScalerError(error, call, clock, request.signal);
    }
  };
}

async function perform(client: Got, url: string, request: Request, clock: Clock, maxBytes: number): Promise<Response<string>> {
  const pending = client<string>(url, {
    method: request.method,
    searchParams: searchParams(request.query),
    ...(request.json !== undefined && { json: request.json }),
    signal: request.signal,
    retry: {
      methods: request.readOnly ? ['GET', 'POST'] : ['GET'],
      calculateDelay: ({ computedValue, attemptCount, error }) =>
        computedValue === 0 ? 0 : pause(clock, attemptCount, error.response, request.signal),
    },
  });
  void pending.on('downloadProgress', ({ transferred }) => {
    if (transferred > maxBytes) pending.cancel();
  });
  return await pending;
}

/** Waits on our clock and tells got to go on at once (1 ms), or not at all (0). */
async function pause(clock: Clock, attempt: number, response: Response | undefined, signal: AbortSignal): Promise<number> {
  const wait = waitMs(clock.now(), attempt, response);
  if (wait > LONGEST_WAIT_MS) return 0;
  await clock.sleep(wait, signal);
  return signal.aborted ? 0 : 1;
}

function waitMs(now: number, attempt: number, response: Response | undefined): number {
  if (response?.statusCode === 429) return throttleMs(response.headers, now);
  return (response && askedWaitMs(response.headers, now)) ?? BACKOFF_MS[attempt - 1] ?? LONGEST_WAIT_MS;
}

function parse(response: Response<string>, call: string, clock: Clock): Answer {
  const { statusCode: status, headers, body } = response;
  if (status >= 300) throw refusalError({ status, headers, body, call, now: clock.now() });
  if (body === '') return { status, headers, body: undefined };
  try {
    return { status, headers, body: JSON.parse(body) };
  } catch {
    throw new UnclearError('not-json', `${call}: the answer is no JSON`);
  }
}

/** Never with got's error as the cause: it holds the request with the token, and logs print causes. */
function toScalerError(error: unknown, call: string, clock: Clock, signal: AbortSignal): unknown {
  if (error instanceof ScalerError) return error;
  if (error instanceof RequestError && isUnsent(error))
    return new UnsentError(error.code, `${call}: not sent, no connection (${error.code})`);
  if (signal.aborted && signal.reason instanceof ScalerError) return signal.reason;
  if (error instanceof CancelError) return new UnclearError('too-long', `${call}: the answer is longer than any that GitLab gives`);
  if (error instanceof HTTPError) {
    const { statusCode: status, headers, body } = error.response;
    return refusalError({ status, headers, body: typeof body === 'string' ? body : '', call, now: clock.now() });
  }
  if (error instanceof RequestError) return new UnclearError(error.code, `${call}: no answer (${error.code})`);
  return error;
}

/** The only case that is certain: there was no connection to send anything on. */
function isUnsent({ timings }: RequestError): boolean {
  return timings?.socket !== undefined && timings.connect === undefined;
}

function searchParams(query: Readonly<Record<string, unknown>> = {}): URLSearchParams {
  const params = new URLSearchParams();
  for (const [key, value] of Object.entries(query)) {
    if (value === undefined || value === null) continue;
    if (Array.isArray(value)) for (const one of value) params.append(`${key}[]`, String(one));
    else params.append(key, String(value));
  }
  return params;
}

function baseUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain = url && /^https?:$/.test(url.protocol) && !url.username && !url.password && !url.search && !url.hash;
  if (!plain)
    throw new ConfigError('invalid-url', 'the address of GitLab must be like https://gitlab.example.com, with nothing secret in it');
  return url.href.replace(/\/+$/, '');
}
