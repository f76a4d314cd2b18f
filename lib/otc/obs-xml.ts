import { UnclearError } from '../core/errors.ts';

/**
 * The two documents of OBS that are read here are flat, so that a pattern per element is enough and no XML library, with its
 * entity expansion, is needed.
 */

const NAMED: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', quot: '"', apos: "'" };

/** Text of the first element of this name; `undefined` when there is none. */
export function elementText(xml: string, name: string): string | undefined {
  const match = new RegExp(`<${name}(?:\\s[^>]*)?>([^<]*)</${name}>`).exec(xml);
  return match?.[1] === undefined ? undefined : unescapeXml(match[1]);
}

export interface Page {
  readonly keys: readonly string[];
  /** Where the next page begins; absent on the last one. */
  readonly next?: string;
}

/** Reads a ListObjects (v1) answer. Throws `UnclearError` for anything that is not a whole one. */
export function readPage(xml: string): Page {
  const truncated = elementText(xml, 'IsTruncated');
  if (!/<ListBucketResult[\s>]/.test(xml) || !xml.includes('</ListBucketResult>') || truncated === undefined) {
    throw new UnclearError('unexpected-answer', 'obs.list: the answer is no list of objects');
  }
  const keys = [...xml.matchAll(/<Contents>([\s\S]*?)<\/Contents>/g)].map(([, contents]) => elementText(contents ?? '', 'Key'));
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
