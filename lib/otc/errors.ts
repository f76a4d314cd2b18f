import {
  AccessError,
  ConfigError,
  ConflictError,
  NotFoundError,
  QuotaError,
  type ScalerError,
  SoldOutError,
  SubnetFullError,
  ThrottledError,
  UnclearError,
} from '../core/errors.ts';
import { parseJson } from '../core/json.ts';
import { MINUTE } from '../core/time.ts';
import { askedWaitMs, type Headers } from '../http/headers.ts';
import { redactLine } from '../http/redact.ts';
import { canonicalCode, type Meaning, meaningOf } from './error-codes.ts';

/** What was asked: the same code can mean other things. A create or an invocation never ends in "not found" or "conflict". */
export type CallKind = 'read' | 'create' | 'update' | 'delete' | 'invoke';

export interface TextAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
}

/** OTC counts calls by the minute and documents no Retry-After (Go SDK: wait 60 s). */
const THROTTLE_MS = MINUTE;

/**
 * The error of an answer that reports one. The code decides, wherever the envelope hides it; the HTTP status only when there is
 * no code that is known, since sold out, quota and failures of the backend all come as 400.
 * `name` names the call in the message.
 */
export function otcError(answer: TextAnswer, kind: CallKind, name: string): ScalerError {
  const body = parseJson(answer.text);
  const found = body === undefined ? [] : findings(body);
  const best = found.find((f) => specific(f.code)) ?? found.find((f) => meaningOf(f.code) !== undefined) ?? found[0];
  const code = best?.code ?? `http-${answer.status}`;
  // The detail with the code may lack the words that another one has.
  const said = [best, ...found].map((f) => redactLine(f?.message ?? '')).find((text) => text !== '') ?? redactLine(anyMessage(body));
  const message = `${name}: ${code}${said === '' ? '' : ` ${said}`} (HTTP ${answer.status})`;
  const meaning = (best && meaningOf(best.code)) ?? byStatus(answer.status, best?.code, body !== undefined || answer.text.trim() === '');
  return build(meaning, code, message, kind, askedWaitMs(answer.headers) ?? THROTTLE_MS);
}

/** The error inside a 2xx answer: OTC puts flow control (`Common.0024`) into a 202. `undefined` when there is none. */
export function errorInside(answer: TextAnswer, kind: CallKind, name: string): ScalerError | undefined {
  const body = parseJson(answer.text);
  if (!isRecord(body)) return undefined;
  const isOperation = 'job_id' in body || 'status' in body;
  const reports = hasContent(body.error) || (!isOperation && (hasContent(body.error_code) || canonicalCode(body.code) !== undefined));
  return reports ? otcError(answer, kind, name) : undefined;
}

/** The error that a code alone stands for, e.g. one of a failed operation; codes that are not known are unclear. */
export function errorOfCode(code: string | undefined, reason: string | undefined, kind: CallKind, name: string): ScalerError {
  const canonical = canonicalCode(code) ?? (code?.trim() || 'operation-failed');
  const said = redactLine(reason ?? '');
  return build(meaningOf(canonical) ?? 'backend', canonical, `${name}: ${canonical}${said === '' ? '' : ` ${said}`}`, kind, THROTTLE_MS);
}

interface Finding {
  readonly code: string;
  readonly message: string;
}

/** Every pair of code and message in the body, the most specific ones first. Shapes: OTC ECS API reference, API Gateway, Nova, IAM. */
function findings(body: unknown): Finding[] {
  if (!isRecord(body)) return [];
  const error = isRecord(body.error) ? body.error : undefined;
  const details = [error?.details, body.details, body.internalError].flatMap((list) => (Array.isArray(list) ? list : [list]));
  return [...details, error, body].flatMap((item) => (isRecord(item) ? finding(item) : []));
}

/** The create example of the reference has code and message swapped, so whichever looks like a code is the code. */
function finding(item: Readonly<Record<string, unknown>>): Finding[] {
  const texts = [item.code, item.error_code, item.errorCode, item.message, item.error_msg, item.error_message];
  const code = texts.map(canonicalCode).find((c) => c !== undefined);
  if (code === undefined) return [];
  return [{ code, message: [...texts, item.fail_reason, item.reason].find(isWords) ?? '' }];
}

/** Nova (`{"itemNotFound":{"message","code":404}}`) and IAM have numbers for codes, and some details have none at all: only the text is of use. */
function anyMessage(body: unknown): string {
  const items = isRecord(body) ? [body, ...Object.values(body)].flatMap((item) => (Array.isArray(item) ? item : [item])) : [];
  const deeper = items.flatMap((item) => (isRecord(item) ? [item, ...Object.values(item).flat()] : []));
  return (
    deeper.flatMap((item) => (isRecord(item) ? [item.message, item.error_msg, item.error_message, item.fail_reason] : [])).find(isWords) ??
    ''
  );
}

/** Words for people: no code, no number, not nothing. */
function isWords(text: unknown): text is string {
  return typeof text === 'string' && canonicalCode(text) === undefined && !/^[\d\s]*$/.test(text);
}

function specific(code: string): boolean {
  const meaning = meaningOf(code);
  return meaning !== undefined && meaning !== 'request' && meaning !== 'wrapper';
}

/** `readable`: the body is JSON or empty, so it comes from a service and not from a balancer. */
function byStatus(status: number, code: string | undefined, readable: boolean): Meaning {
  if (status === 401 || status === 403) return 'access';
  if (status === 429) return 'throttled';
  if (status >= 300 && status < 400) return 'config';
  if (status === 408 || status >= 500 || !readable || status < 300) return 'backend';
  // A gateway's 404 speaks of the URL, not of the thing behind it; APIG.2000 and above are of the service that manages gateways.
  if (status === 404) return code?.startsWith('APIG.0') ? 'config' : 'not-found';
  return status === 409 ? 'conflict' : 'config';
}

function build(meaning: Meaning, code: string, message: string, kind: CallKind, waitMs: number): ScalerError {
  const answersAThing = kind === 'read' || kind === 'update' || kind === 'delete';
  switch (meaning) {
    case 'quota':
      return new QuotaError(code, message);
    case 'subnet-full':
      return new SubnetFullError(code, message);
    case 'sold-out':
      return new SoldOutError(code, message);
    case 'config':
    case 'request':
      return new ConfigError(code, message);
    case 'access':
      return new AccessError(code, message);
    case 'throttled':
      return new ThrottledError(code, message, waitMs);
    case 'not-found':
      return answersAThing ? new NotFoundError(code, message) : new ConfigError(code, message);
    case 'conflict':
      return answersAThing ? new ConflictError(code, message) : new UnclearError(code, message);
    case 'backend':
    case 'wrapper':
      return new UnclearError(code, message);
  }
}

function hasContent(value: unknown): boolean {
  return (typeof value === 'string' && value !== '') || isRecord(value);
}

function isRecord(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
