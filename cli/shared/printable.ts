import { withoutSequences } from '../../lib/core/fleet/boot-log.ts';
import { redactUrls } from '../../lib/http/redact.ts';

/**
 * The one place that makes text fit for a terminal. What GitLab, OTC, machines and the bucket say goes through `clean` before it is put into
 * sentences and tables, so that it cannot begin a line; all that is printed goes through `shown` or `escaped`, so that nothing but our own
 * colours moves the cursor, rings, or turns the direction of writing.
 */

/** Control, format, private and unassigned characters, and the separators that some terminals take for a new line. */
const UNPRINTABLE = /[\u2028\u2029]|[^\n\t\P{C}]/gu;
const ESCAPE = '\u001b';
const CODES = { head: '1', bad: '31;1', good: '32', warning: '33', unknown: '36' } as const;
const OURS = new RegExp(`(${ESCAPE}\\[(?:0|${Object.values(CODES).join('|')})m)`);

export type Colour = keyof typeof CODES;

export function paint(colour: Colour, text: string): string {
  return `${ESCAPE}[${CODES[colour]}m${text}${ESCAPE}[0m`;
}

export function isPainted(text: string): boolean {
  return text.includes(ESCAPE);
}

/** Text of several lines from outside: no sequences, no query of a URL. Its lines stay. */
export function harmless(text: string): string {
  const plain = withoutSequences(text).replace(/\r\n?/g, '\n').replace(UNPRINTABLE, '·');
  return redactUrls(plain).trimEnd();
}

/** The same in one line. */
export function oneLine(text: string): string {
  return harmless(text).replace(/\s+/g, ' ');
}

/** Data from outside with each text in it made `oneLine`; keys as well. */
export function clean<T>(value: T): T {
  return cleaned(value) as T;
}

function cleaned(value: unknown): unknown {
  if (typeof value === 'string') return oneLine(value);
  if (Array.isArray(value)) return value.map(cleaned);
  if (value instanceof Map) return new Map([...value].map(([key, item]) => [cleaned(key), cleaned(item)]));
  if (value instanceof Set) return new Set([...value].map(cleaned));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [oneLine(key), cleaned(item)]));
}

/** What is printed for people: lines, tabs and our own colours are all that is left of control characters. */
export function shown(text: string): string {
  return text
    .split(OURS)
    .map((part, i) => (i % 2 === 1 ? part : part.replace(UNPRINTABLE, '·')))
    .join('');
}

/** What is printed for programs: in JSON these characters can stand only inside a string, where an escape means the same. */
export function escaped(json: string): string {
  return json.replace(UNPRINTABLE, (character) =>
    character
      .split('')
      .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
      .join(''),
  );
}
