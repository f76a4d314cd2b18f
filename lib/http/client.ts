import type { IncomingHttpHeaders } from 'node:http';
import { got, RequestError } from 'got';
import type { Clock } from '../app/ports/index.ts';
import { defined } from '../core/defined.ts';
import { ScalerError, UnclearError, UnsentError } from '../core/errors.ts';
import { bounded } from '../signals/bounded.ts';
import type { Agents } from './agents.ts';
import { askedWaitMs } from './headers.ts';
import { reported } from './on-call.ts';

export interface Answer {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface Call {
  /** Names the call in errors, e.g. `ecs.create`. */
  readonly name: string;
  /** Names it in the debug log, where the name in errors is another. */
  readonly label?: string;
  readonly method: 'GET' | 'HEAD' | 'POST' | 'PUT' | 'PATCH' | 'DELETE';
  readonly url: string;
  readonly body?: Buffer | undefined;
  /** Returns all headers of one try; called anew for each, so that every try carries a fresh date and signature. */
  readonly headers: (url: URL) => Record<string, string>;
  /**
   * The pause before each repetition after a failure of the network or of the server, in milliseconds; empty for a call that must be sent only
   * once. `Retry-After` makes a pause longer, never shorter.
   */
  readonly pausesMs: readonly number[];
  /** How long a refusal asks to wait; by `Retry-After` when absent. */
  readonly askedWaitMs?: (headers: IncomingHttpHeaders, status: number) => number | undefined;
  /** For the call with all its repetitions, in real milliseconds; without it only the signal ends the call. */
  readonly deadlineMs?: number;
  /** For one try, in real milliseconds. */
  readonly tryTimeoutMs?: number;
  /** Longest answer taken, after decompression. */
  readonly maxBytes: number;
  /** Whether the answer may be compressed; true when absent. */
  readonly decompress?: boolean;
  /** Ends the call. Where its reason is a `ScalerError`, that is thrown. */
  readonly signal?: AbortSignal | undefined;
  readonly agents?: Partial<Agents> | undefined;
  /** Pauses on this clock; in real time when absent. */
  readonly clock?: Pick<Clock, 'sleep'>;
}

/** Failures that pass: of the server, and of a proxy or CDN before it. */
const REPEATED_STATUS = [408, 429, 500, 502, 503, 504, 520, 521, 522, 523, 524];
/** Longer waits are the caller's business: a function is paid by the time it runs. */
const LONGEST_WAIT_MS = 5_000;

/**
 * One HTTP call; any status is an answer. No answer in time, a connection that breaks or an answer too large is an `UnclearError`, and one for
 * which there was no connection an `UnsentError`. The cause is left out on purpose: the HTTP library's errors carry the request's headers and URL.
 */
export async function send(call: Call): Promise<Answer> {
  return await reported(call.label ?? call.name, () => perform(call));
}

async function perform(call: Call): Promise<Answer> {
  const tooLarge = new AbortController();
  const deadline = bounded(call.deadlineMs, [tooLarge.signal, call.signal]);
  try {
    const request = got(call.url, {
      method: call.method,
      ...defined({ body: call.body }),
      responseType: 'buffer',
      throwHttpErrors: false,
      // A redirect would carry keys to another host, or turn a POST into a GET.
      followRedirect: false,
      decompress: call.decompress ?? true,
      signal: deadline.signal,
      ...(call.tryTimeoutMs !== undefined && { timeout: { request: call.tryTimeoutMs } }),
      agent: { ...(call.agents?.http && { http: call.agents.http }), ...(call.agents?.https && { https: call.agents.https }) },
      retry: {
        limit: call.pausesMs.length,
        // The limit decides: some reads are a POST.
        methods: ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE'],
        statusCodes: REPEATED_STATUS,
        // got compares with its own idea of the longest wait otherwise; ours is in `waitMs`.
        maxRetryAfter: Number.POSITIVE_INFINITY,
        calculateDelay: ({ computedValue, attemptCount, error }) =>
          computedValue === 0 ? 0 : pause(call, waitMs(call, attemptCount, error.response), deadline.signal),
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

type Refusal = { readonly statusCode: number; readonly headers: IncomingHttpHeaders };

/** Before a repetition; `undefined` where there shall be none. */
function waitMs(call: Call, attempt: number, response: Refusal | undefined): number | undefined {
  const backoff = Math.min(call.pausesMs[attempt - 1] ?? LONGEST_WAIT_MS, LONGEST_WAIT_MS);
  const asked = response && (call.askedWaitMs ? call.askedWaitMs(response.headers, response.statusCode) : askedWaitMs(response.headers));
  // Without a hint a call that was throttled would only feed the throttle: services count by the minute.
  if (asked === undefined) return response?.statusCode === 429 ? undefined : backoff;
  return asked > LONGEST_WAIT_MS ? undefined : Math.max(asked, backoff);
}

/** What got is to wait: nothing more (1 ms) where the call has a clock of its own, or no repetition at all (0). */
async function pause({ clock }: Call, ms: number | undefined, signal: AbortSignal): Promise<number> {
  if (ms === undefined) return 0;
  if (!clock) return ms;
  await clock.sleep(ms, signal);
  return signal.aborted ? 0 : 1;
}

function unclear(call: Call, error: RequestError, late: boolean, tooLarge: boolean): ScalerError {
  const { name, signal, maxBytes, deadlineMs } = call;
  if (isUnsent(error)) return new UnsentError(error.code, `${name}: not sent, no connection (${error.code})`);
  if (tooLarge) return new UnclearError('response-too-large', `${name}: the answer is larger than ${maxBytes} bytes`);
  if (late) return new UnclearError('timeout', `${name}: no answer within ${deadlineMs} ms`);
  if (signal?.aborted)
    return signal.reason instanceof ScalerError ? signal.reason : new UnclearError('aborted', `${name}: called off before the answer came`);
  return new UnclearError(error.code, `${name}: no answer (${error.code})`);
}

/**
 * The only case that is certain: there was no connection to send anything on. A kept one that breaks says nothing of what the other side has read.
 */
function isUnsent({ timings }: RequestError): boolean {
  return timings?.socket !== undefined && timings.connect === undefined;
}
