import { describeError } from '../core/errors.ts';
import { redactUrls } from '../http/redact.ts';

const SECRET_KEY = /token|secret|password|authorization|signature|cookie|user_?data/i;
const DEEPEST = 8;
const LONGEST_TEXT = 8_000;
const LONGEST_LIST = 200;

/**
 * Makes fields fit for the log: values under keys that name a secret are left out at any depth, URLs lose their queries and credentials
 * (presigned ones are secrets), errors keep what `describeError` shows of them, and what is endless is cut.
 */
export function scrub(fields: Readonly<Record<string, unknown>>): Record<string, unknown> {
  return scrubObject(fields, 0);
}

function scrubObject(value: object, depth: number): Record<string, unknown> {
  const entries = Object.entries(value).map(([key, item]) => [key, hidden(key, item) ? '[secret]' : scrubValue(item, depth + 1)] as const);
  return Object.fromEntries(entries);
}

/** A flag or a count says nothing of the secret. */
function hidden(key: string, value: unknown): boolean {
  return SECRET_KEY.test(key) && typeof value !== 'boolean' && typeof value !== 'number' && value !== undefined && value !== null;
}

function scrubValue(value: unknown, depth: number): unknown {
  if (typeof value === 'string') return scrubText(value);
  if (typeof value === 'bigint') return String(value);
  if (typeof value !== 'object' || value === null) return value;
  if (value instanceof Error) return scrubObject(describeError(value), depth);
  if (value instanceof Date) return value;
  if (value instanceof Uint8Array) return `${value.byteLength} bytes`;
  if ('toJSON' in value && typeof value.toJSON === 'function') return scrubValue(value.toJSON(), depth + 1);
  if (depth > DEEPEST) return '[too deep]';
  if (Array.isArray(value)) return value.slice(0, LONGEST_LIST).map((item) => scrubValue(item, depth + 1));
  return scrubObject(value, depth);
}

function scrubText(text: string): string {
  const short = text.length > LONGEST_TEXT ? `${text.slice(0, LONGEST_TEXT)}…` : text;
  return redactUrls(short);
}
