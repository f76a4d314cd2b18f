import type { IncomingHttpHeaders } from 'node:http';
import * as z from 'zod/mini';
import { AccessError, ConfigError, ConflictError, NotFoundError, type ScalerError, ThrottledError, UnclearError } from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import { MINUTE } from '../core/time.ts';
import { askedWaitMs, withinBounds } from '../http/headers.ts';
import { redactLine } from '../http/redact.ts';

interface RefusedCall {
  readonly status: number;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  /** Method and path, without the query. */
  readonly call: string;
  readonly now: number;
}

const DEFAULT_THROTTLE_MS = MINUTE;

// Bodies by gitlabhq/gitlabhq: lib/api/api_guard.rb (`error`, `error_description`, `scope`) and lib/api/helpers.rb (`message`: text, list or object).
const refusalBody = z.object({
  message: z.optional(z.unknown()),
  error: z.catch(z.optional(z.string()), undefined),
  error_description: z.catch(z.optional(z.string()), undefined),
  scope: z.catch(z.optional(z.string()), undefined),
});

/** GitLab's refusal as the error class that says what to do about it. */
export function refusalError(refused: RefusedCall): ScalerError {
  const { status, call } = refused;
  const { code, text } = explain(refused);
  const message = `${call}: HTTP ${status}${text && `: ${text}`}`;
  if (status === 429) return new ThrottledError(code, message, throttleMs(refused.headers, refused.now));
  if (status === 401 || status === 403) return new AccessError(code, message);
  if (status === 404) return new NotFoundError(code, message);
  if (status === 409) return new ConflictError(code, message);
  if (status >= 300 && status < 400) {
    return new ConfigError('redirected', `${call}: HTTP ${status}: GitLab is elsewhere; set its final address`);
  }
  if (status >= 500 || status === 408 || status === 425) return new UnclearError(code, message);
  return new ConfigError(code, message);
}

/**
 * The wait after a 429. Application limits (`jobs_index` …) answer without `Retry-After` and do not show in the RateLimit headers,
 * so the reset time counts only when those say that nothing remains (GitLab docs, "User and IP rate limits").
 */
export function throttleMs(headers: IncomingHttpHeaders, now: number): number {
  const asked = askedWaitMs(headers, now);
  if (asked !== undefined) return asked;
  const reset = Number(headers['ratelimit-reset'] ?? Number.NaN) * 1000;
  const used = headers['ratelimit-remaining'] === undefined || headers['ratelimit-remaining'] === '0';
  if (!used || Number.isNaN(reset) || reset <= now) return DEFAULT_THROTTLE_MS;
  return withinBounds(reset - now);
}

function explain({ status, body }: RefusedCall): { readonly code: string; readonly text: string } {
  const parsed = refusalBody.safeParse(parseJson(body));
  const fallback = `http-${status}`;
  // HTML and other bodies come from something in front of GitLab and are as long as they like: not worth a line in a log.
  if (!parsed.success) return { code: fallback, text: '' };
  const { message, error, error_description: description, scope } = parsed.data;
  const code = error !== undefined && /^[a-z_]{1,40}$/.test(error) ? error : fallback;
  const words = [error, description, scope && `needs ${scope}`].filter((text) => text?.trim());
  return { code, text: redactLine(asText(message) || words.join(', ')) };
}

/** Nothing where there are no words: `null`, `""`, `{}`, `[]`. */
function asText(message: unknown): string {
  if (typeof message === 'string') return message.trim();
  const isEmpty = message === null || message === undefined || (typeof message === 'object' && Object.keys(message).length === 0);
  return isEmpty ? '' : JSON.stringify(message);
}
