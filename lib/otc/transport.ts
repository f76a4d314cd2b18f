import type { Agent as HttpAgent, IncomingHttpHeaders } from 'node:http';
import type { Agent as HttpsAgent } from 'node:https';
import { got, RequestError } from 'got';
import { UnclearError } from '../core/errors.ts';

/** Keep-alive agents that outlive a call; Node's own when absent. */
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
  const deadline = AbortSignal.timeout(call.deadlineMs);
  const tooLarge = new AbortController();
  const signals = [deadline, tooLarge.signal, ...(call.signal ? [call.signal] : [])];
  try {
    const request = got(call.url, {
      method: call.method,
      ...(call.body ? { body: call.body } : {}),
      responseType: 'buffer',
      throwHttpErrors: false,
      followRedirect: false,
      decompress: call.decompress,
      signal: AbortSignal.any(signals),
      agent: { ...(call.agents?.http ? { http: call.agents.http } : {}), ...(call.agents?.https ? { https: call.agents.https } : {}) },
      retry: {
        limit: call.repeat ? REPEATS : 0,
        // The limit above decides: some reads are a POST.
        methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
        statusCodes: [408, 429, 500, 502, 503, 504],
        maxRetryAfter: LONGEST_WAIT_MS,
        calculateDelay: ({ computedValue, attemptCount, retryAfter, error }) => {
          if (computedValue === 0 || retryAfter !== undefined) return computedValue;
          // Without a hint a throttled call would only feed the throttle: OTC counts by the minute.
          if (error.response?.statusCode === 429) return 0;
          return Math.min(call.backoffMs * 2 ** (attemptCount - 1), LONGEST_WAIT_MS);
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
    throw unclear(call, error, deadline.aborted, tooLarge.signal.aborted);
  }
}

function unclear(call: Send, error: RequestError, late: boolean, tooLarge: boolean): UnclearError {
  if (tooLarge) return new UnclearError('response-too-large', `${call.name}: the answer is larger than ${call.maxBytes} bytes`);
  if (late) return new UnclearError('timeout', `${call.name}: no answer within ${call.deadlineMs} ms`);
  if (call.signal?.aborted) return new UnclearError('aborted', `${call.name}: called off before the answer came`);
  return new UnclearError(error.code, `${call.name}: no answer (${error.code})`);
}
