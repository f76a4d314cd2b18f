export type Slice =
  | { readonly kind: 'whole' }
  | { readonly kind: 'part'; readonly start: number; readonly end: number }
  | { readonly kind: 'unsatisfiable' };

const WHOLE: Slice = { kind: 'whole' };

/**
 * What a `Range` header means for an object of `size` bytes. OBS ignores malformed and multiple ranges and those that reach
 * over both ends of the object: it then sends the whole with 200 (OTC OBS API reference, "Downloading Objects").
 */
export function sliceOf(range: string | undefined, size: number): Slice {
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
