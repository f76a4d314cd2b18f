import {
  AccessError,
  ConfigError,
  ConflictError,
  NotFoundError,
  QuotaError,
  type ScalerError,
  ThrottledError,
  UnclearError,
} from '../core/errors.ts';
import { type TextAnswer, tidy } from './errors.ts';
import { elementText } from './obs-xml.ts';

const THROTTLE_MS = 10_000;

/** Source: OBS API reference, error_codes; for the codes of append also Huawei's page of AppendObject. */
const ACCESS = new Set([
  ...['AccessDenied', 'InvalidAccessKeyId', 'SignatureDoesNotMatch', 'TooManyWrongSignature', 'RequestTimeTooSkewed', 'InvalidToken'],
  ...['InArrearOrInsufficientBalance', 'ExpiredToken'],
]);
const CONFIG = new Set([
  // Came to be by PUT or copy, is COLD or lies in a parallel file system; or has its 10,000 appends.
  ...['ObjectNotAppendable', 'AppendTooLarge', 'OperationNotSupported', 'InvalidBucketState', 'EntityTooLarge'],
  ...['NoSuchBucket', 'VirtualHostDomainRequired', 'InvalidBucketName', 'PermanentRedirect', 'TemporaryRedirect', 'MethodNotAllowed'],
]);
/** The call may be repeated; whether it was carried out is open. */
const TRANSIENT = new Set(['InternalError', 'ServiceUnavailable', 'IncompleteBody', 'BadDigest', 'RequestTimeout']);
const THROTTLED = new Set(['SlowDown', 'TooManyRequests']);

/** The error code of an answer that is none of success; a HEAD has it in a header only. */
export function obsCode(answer: TextAnswer): string | undefined {
  const header = answer.headers['x-obs-error-code'];
  return /<Error[\s>]/.test(answer.text) ? elementText(answer.text, 'Code') : typeof header === 'string' ? header : undefined;
}

/**
 * The error of an OBS answer. `append`: even a throttled append may have been carried out after all, so that only a look at the
 * object tells.
 */
export function obsError(answer: TextAnswer, kind: 'append' | 'other', name: string): ScalerError {
  const code = obsCode(answer);
  const said = tidy(elementText(answer.text, 'Message') ?? '');
  const hint = code === 'AccessDenied' ? ' (also the answer for a missing key where the right to list the bucket is missing)' : '';
  const message = `${name}: ${code ?? 'no code'}${said === '' ? '' : ` ${said}`}${hint} (HTTP ${answer.status})`;
  const known = code === undefined ? undefined : ofCode(code, kind, message);
  return known ?? ofStatus(answer, code ?? `http-${answer.status}`, kind, message);
}

function ofCode(code: string, kind: 'append' | 'other', message: string): ScalerError | undefined {
  if (ACCESS.has(code)) return new AccessError(code, message);
  if (CONFIG.has(code)) return new ConfigError(code, message);
  if (TRANSIENT.has(code)) return new UnclearError(code, message);
  if (code === 'NoSuchKey') return new NotFoundError(code, message);
  if (code === 'InsufficientStorageSpace') return new QuotaError(code, message);
  if (THROTTLED.has(code)) return kind === 'append' ? new UnclearError(code, message) : new ThrottledError(code, message, THROTTLE_MS);
  return undefined;
}

function ofStatus(answer: TextAnswer, code: string, kind: 'append' | 'other', message: string): ScalerError {
  const { status } = answer;
  const readable = answer.text.trim() === '' || /<Error[\s>]/.test(answer.text);
  if (status === 401 || status === 403) return new AccessError(code, message);
  if (status === 429 && kind === 'other') return new ThrottledError(code, message, THROTTLE_MS);
  if (status === 501 || (status >= 300 && status < 400)) return new ConfigError(code, message);
  if (status === 408 || status === 429 || status >= 500 || status < 300 || !readable) return new UnclearError(code, message);
  if (status === 404) return new NotFoundError(code, message);
  return status === 409 ? new ConflictError(code, message) : new ConfigError(code, message);
}
