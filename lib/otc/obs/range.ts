import type { StoredObject } from '../../app/ports/index.ts';
import { UnclearError } from '../../core/errors.ts';

/** The part of an object that is asked for. `last` and `length` are at least 1. */
export type Span = { readonly last: number } | { readonly from: number; readonly length?: number };

/** Servers may ignore a range and send the whole object: OBS does when the object is shorter than the range. */
export function wholeObject(body: Uint8Array, span: Span | undefined): StoredObject {
  return { body: span ? body.subarray(begin(span, body.length), end(span, body.length)) : body, size: body.length };
}

/** A 206: what came must be what was asked for, or positions computed from it would be wrong. */
export function readRange(body: Uint8Array, contentRange: string | undefined, span: Span): StoredObject {
  const match = /^bytes (\d+)-(\d+)\/(\d+)$/.exec(contentRange ?? '');
  const [first, last, size] = (match ?? []).slice(1).map(Number);
  const whole =
    first !== undefined &&
    last !== undefined &&
    size !== undefined &&
    first === begin(span, size) &&
    last === end(span, size) - 1 &&
    body.length === last + 1 - first;
  if (!whole) throw new UnclearError('unexpected-answer', 'obs.get: the answer is not the range asked for');
  return { body, size };
}

function begin(span: Span, size: number): number {
  return 'last' in span ? Math.max(0, size - Math.max(1, span.last)) : Math.min(span.from, size);
}

function end(span: Span, size: number): number {
  return 'from' in span && span.length !== undefined ? Math.min(size, span.from + span.length) : size;
}
