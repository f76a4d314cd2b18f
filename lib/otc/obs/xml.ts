import { UnclearError } from '../../core/errors.ts';

/**
 * The documents of OBS that are read here are flat, so that a pattern per element is enough and no XML library, with its entity expansion, is
 * needed. Anybody may have written them: a pattern stops at the next tag, so that reading takes time in proportion to the length.
 */

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Text of the first element of this name; `undefined` when there is none. */
export function elementText(xml: string, name: string): string | undefined {
  const match = new RegExp(`<${name}(?:\\s[^<>]*)?>([^<]*)</${name}>`).exec(xml);
  return match?.[1] === undefined ? undefined : unescapeXml(match[1]);
}

/** What stands between each `<name>` and the next `</name>`, in order; one that does not end is none. */
export function elements(xml: string, name: string): readonly string[] {
  const [open, close] = [`<${name}>`, `</${name}>`];
  const found: string[] = [];
  let at = 0;
  for (;;) {
    const start = xml.indexOf(open, at);
    const end = start === -1 ? -1 : xml.indexOf(close, start);
    if (end === -1) return found;
    found.push(xml.slice(start + open.length, end));
    at = end + close.length;
  }
}

/** A page has at most 1,000 keys of 1,024 bytes each, which escapes make at most six times as long. */
const LONGEST_PAGE = 16 * 1024 * 1024;

export interface Page {
  readonly keys: readonly string[];
  /** Where the next page begins; absent on the last one. */
  readonly next?: string;
}

/** Reads a ListObjects (v1) answer. Throws `UnclearError` for anything that is not a whole one. */
export function readPage(xml: string): Page {
  if (xml.length > LONGEST_PAGE) throw new UnclearError('unexpected-answer', 'obs.list: the answer is too long for a list of objects');
  const truncated = elementText(xml, 'IsTruncated');
  if (!/<ListBucketResult[\s>]/.test(xml) || !xml.includes('</ListBucketResult>') || truncated === undefined) {
    throw new UnclearError('unexpected-answer', 'obs.list: the answer is no list of objects');
  }
  const keys = elements(xml, 'Contents').map((contents) => elementText(contents, 'Key'));
  if (keys.includes(undefined)) throw new UnclearError('unexpected-answer', 'obs.list: an object without a key');
  const read = keys.filter((key): key is string => key !== undefined);
  if (truncated !== 'true') return { keys: read };
  const next = elementText(xml, 'NextMarker') ?? read.at(-1);
  if (next === undefined) throw new UnclearError('unexpected-answer', 'obs.list: a truncated list without an end');
  return { keys: read, next };
}

function unescapeXml(text: string): string {
  return text.replace(/&(?:#x([0-9a-f]{1,6})|#([0-9]{1,7})|(amp|lt|gt|quot|apos));/gi, (whole, hex, decimal, name) => {
    if (typeof name === 'string') return NAMED[name.toLowerCase()] ?? whole;
    const point = typeof hex === 'string' ? Number.parseInt(hex, 16) : Number(decimal);
    return point <= 0x10ffff ? String.fromCodePoint(point) : whole;
  });
}
