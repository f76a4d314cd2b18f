import type { Agent as HttpAgent, IncomingHttpHeaders } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import { got, RequestError } from 'got';
import { UnclearError, UnsentError } from '../core/errors.ts';
import { bounded } from '../signals/bounded.ts';
import { askedWaitMs } from './errors.ts';

/** Agents that keep connections for the calls that follow; Node's own when absent. */
export interface Agents {
  readonly http?: HttpAgent;
  readonly https?: HttpsAgent;
}

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Send {
  /** Names the call in errors, e.g. `ecs.create`. */
  readonly name: string;
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly body?: Buffer;
  /** Gives all headers of one try; called anew for each, so that every try carries a fresh date and signature. */
  readonly headers: (url: URL) => Record<string, string>;
  /** Repeat after a failure of the network or of the server. Only for calls that may be carried out twice. */
  readonly repeat: boolean;
  /** For the call with all its repetitions, in real milliseconds. */
  readonly deadlineMs: number;
  readonly maxBytes: number;
  /** Before the first repetition; doubles. */
  readonly backoffMs: number;
  readonly decompress: boolean;
  readonly signal?: AbortSignal | undefined;
  readonly agents?: Agents | undefined;
}

const REPEATS = 2;
/** Waits longer than this are the caller's business. */
const LONGEST_WAIT_MS = 5_000;

/**
 * One HTTP call; any status is an answer. No answer in time, a connection that breaks or an answer too large is an `UnclearError`.
 * The cause is left out on purpose: the HTTP library's errors carry the request's headers and URL.
 */
export async function send(call: Send): Promise<Answer> {
  const tooLarge = new AbortController();
  const deadline = bounded(call.deadlineMs, [tooLarge.signal, call.signal]);
  try {
    const request = got(call.url, {
      method: call.method,
      ...(call.body ? { body: call.body } : {}),
      responseType: 'buffer',
      throwHttpErrors: false,
      followRedirect: false,
      decompress: call.decompress,
      signal: deadline.signal,
      agent: { ...(call.agents?.http ? { http: call.agents.http } : {}), ...(call.agents?.https ? { https: call.agents.https } : {}) },
      retry: {
        limit: call.repeat ? REPEATS : 0,
        // The limit above decides: some reads are a POST.
        methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
        statusCodes: [408, 429, 500, 502, 503, 504],
        maxRetryAfter: LONGEST_WAIT_MS,
        calculateDelay: ({ computedValue, attemptCount, error }) => {
          if (computedValue === 0) return 0;
          // got takes a date in the past, 0 and less for "at once".
          const asked = error.response && askedWaitMs(error.response.headers);
          const backoff = Math.min(call.backoffMs * 2 ** (attemptCount - 1), LONGEST_WAIT_MS);
          if (asked !== undefined) return asked > LONGEST_WAIT_MS ? 0 : Math.max(asked, backoff);
          // Without a hint a throttled call would only feed the throttle: OTC counts by the minute.
          return error.response?.statusCode === 429 ? 0 : backoff;
        },
      },
      hooks: {
        beforeRequest: [
          (options) => {
            if (options.url instanceof URL) options.headers = { ...options.headers, ...call.headers(options.url) };
          },
        ],
      },
    });
    request.on('downloadProgress', ({ transferred }) => {
      if (transferred > call.maxBytes) tooLarge.abort();
    });
    const response = await request;
    return { status: response.statusCode, headers: response.headers, body: response.body };
  } catch (error) {
    if (!(error instanceof RequestError)) throw error;
    throw unclear(call, error, deadline.late, tooLarge.signal.aborted);
  } finally {
    deadline.end();
  }
}

function unclear(call: Send, error: RequestError, late: boolean, tooLarge: boolean): UnclearError {
  if (isUnsent(error)) return new UnsentError(error.code, `${call.name}: not sent, no connection (${error.code})`);
  if (tooLarge) return new UnclearError('response-too-large', `${call.name}: the answer is larger than ${call.maxBytes} bytes`);
  if (late) return new UnclearError('timeout', `${call.name}: no answer within ${call.deadlineMs} ms`);
  if (call.signal?.aborted) return new UnclearError('aborted', `${call.name}: called off before the answer came`);
  return new UnclearError(error.code, `${call.name}: no answer (${error.code})`);
}

/**
 * The only case that is certain: there was no connection to send anything on. A kept one that breaks says nothing of what the other side has read.
 */
function isUnsent({ timings }: RequestError): boolean {
  return timings?.socket !== undefined && timings.connect === undefined;
}
