import {
  AccessError,
  ConfigError,
  ConflictError,
  NotFoundError,
  QuotaError,
  type ScalerError,
  ThrottledError,
  UnclearError,
} from '../../core/errors.ts';
import { redactLine } from '../../http/redact.ts';
import type { TextAnswer } from '../errors.ts';
import { elementText } from './xml.ts';

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
  const text = beginning(answer);
  return /<Error[\s>]/.test(text) ? elementText(text, 'Code') : typeof header === 'string' ? header : undefined;
}

/**
 * The error of an OBS answer. `append`: even a throttled append may have been carried out after all, so that only a look at the
 * object tells.
 */
export function obsError(answer: TextAnswer, kind: 'append' | 'other', name: string): ScalerError {
  const code = obsCode(answer);
  const message = `${name}: ${code === undefined ? withoutCode(answer) : `${code}${wordsOf(answer, code)} (HTTP ${answer.status})`}`;
  const known = code === undefined ? undefined : ofCode(code, kind, message);
  return known ?? ofStatus(answer, code ?? `http-${answer.status}`, kind, message);
}

function wordsOf(answer: TextAnswer, code: string): string {
  const said = redactLine(elementText(beginning(answer), 'Message') ?? '');
  const hint = code === 'AccessDenied' ? ' (also the answer for a missing key where the right to list the bucket is missing)' : '';
  return `${said === '' ? '' : ` ${said}`}${hint}`;
}

/** OBS gives each of its errors a code, except to a HEAD; what has none is mostly somebody else's answer. */
function withoutCode(answer: TextAnswer): string {
  const { status, headers } = answer;
  if (status >= 300 && status < 400)
    return `HTTP ${status}, sent on to ${hostOf(headers.location)}: is otc.endpoints.obs right, or is a proxy in between?`;
  if (answer.text.trim() === '') return `HTTP ${status}`;
  return `HTTP ${status} and a page that is not of OBS: is a proxy in between?`;
}

/** Only the host: the rest of an address may hold a signature. */
function hostOf(location: unknown): string {
  return typeof location === 'string' && URL.canParse(location) ? redactLine(new URL(location).host) : 'another address';
}

/** An error takes some hundred characters. */
function beginning({ text }: TextAnswer): string {
  return text.slice(0, 65_536);
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
  const readable = answer.text.trim() === '' || /<Error[\s>]/.test(beginning(answer));
  if (status === 401 || status === 403) return new AccessError(code, message);
  if (status === 429 && kind === 'other') return new ThrottledError(code, message, THROTTLE_MS);
  if (status === 501 || (status >= 300 && status < 400)) return new ConfigError(code, message);
  if (status === 408 || status === 429 || status >= 500 || status < 300 || !readable) return new UnclearError(code, message);
  if (status === 404) return new NotFoundError(code, message);
  return status === 409 ? new ConflictError(code, message) : new ConfigError(code, message);
}
