import { Refused } from '../refused.ts';

type Slice =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' };

const WHOLE: Slice = { kind: 'whole' };

/**
 * What a `Range` header means for an object of `size` bytes. OBS ignores malformed and multiple ranges and those that reach
 * over both ends of the object: it then sends the whole with 200 (OTC OBS API reference, "Downloading Objects").
 */
function sliceOf(range: string | undefined, size: number): Slice {
  const [, from, to] = /^bytes=(\d*)-(\d*)$/.exec(range ?? '') ?? [];
  if (from === undefined || to === undefined || (from === '' && to === '')) return WHOLE;
  if (from === '') return suffix(Number(to), size);
  const start = Number(from);
  const end = to === '' ? size - 1 : Number(to);
  if (to !== '' && end < start) return WHOLE;
  if (start >= size) return { kind: 'unsatisfiable' };
  if (start === 0 && end >= size) return WHOLE;
  return { kind: 'part', start, end: Math.min(end, size - 1) };
}

function suffix(length: number, size: number): Slice {
  if (length > size) return WHOLE;
  return length === 0 ? { kind: 'unsatisfiable' } : { kind: 'part', start: size - length, end: size - 1 };
}

export interface Part {
  readonly status: 200 | 206;
  readonly headers: Readonly<Record<string, string>>;
  readonly bytes: Buffer;
}

/** The part of an object that a `Range` header asks for, with the headers that describe it. */
export function partOf(range: string | undefined, body: Buffer): Part {
  const slice = sliceOf(range, body.length);
  if (slice.kind === 'unsatisfiable') throw new Refused(416, 'InvalidRange', 'The requested range cannot be satisfied.');
  if (slice.kind === 'whole') return { status: 200, headers: { 'content-length': String(body.length) }, bytes: body };
  const { start, end } = slice;
  const headers = { 'content-range': `bytes ${start}-${end}/${body.length}`, 'content-length': String(end + 1 - start) };
  return { status: 206, headers, bytes: body.subarray(start, end + 1) };
}
