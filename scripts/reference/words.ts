import * as z from 'zod';
import { formatDuration } from '../../lib/config/durations.ts';
import { unwrap } from './schema-tree.ts';

/** What a value of this schema may hold, for schemas that cannot say it themselves: their checks are code. */
export type Names = ReadonlyMap<z.core.$ZodType, string>;

/** What a value may hold, in words. Throws when neither the schema nor `names` says it. */
export function wordsOf(type: z.core.$ZodType, names: Names, where: string): string {
  const { type: bare } = unwrap(type);
  const named = names.get(bare);
  if (named !== undefined) return named;
  const span = spanOf(bare);
  if (span) return span;
  if (bare instanceof z.ZodString) return textWords(bare, where);
  if (bare instanceof z.ZodNumber) return numberWords(bare);
  if (bare instanceof z.ZodBoolean) return '`true` or `false`';
  if (bare instanceof z.ZodEnum) return either(bare.options.map((option) => `\`${option}\``));
  if (bare instanceof z.ZodLiteral) return either([...bare.def.values].map((value) => `\`${String(value)}\``));
  if (bare instanceof z.ZodObject) return 'section';
  return compositeWords(bare, names, where);
}

function compositeWords(type: z.core.$ZodType, names: Names, where: string): string {
  if (type instanceof z.ZodArray) return listWords(type, names, where);
  if (type instanceof z.ZodRecord) {
    return `section: ${wordsOf(type.def.keyType, names, where)} → ${wordsOf(type.def.valueType, names, where)}`;
  }
  if (type instanceof z.ZodUnion) {
    return either([...new Set(type.def.options.map((option) => wordsOf(option, names, where)))]);
  }
  throw new Error(`${where}: nothing says what it may hold; give its schema a name in the descriptions`);
}

function listWords(list: z.ZodArray, names: Names, where: string): string {
  const least = limitOf(list, 'min_length');
  const most = limitOf(list, 'max_length');
  const number = [least === undefined ? '' : `at least ${least}`, most === undefined ? '' : `at most ${most}`].filter(Boolean).join(', ');
  return `list${number && ` (${number})`}: ${wordsOf(list.def.element, names, where)}`;
}

/** A check tells itself by its message, "must be a region, such as eu-de"; where a check has none, the schema needs a name. */
function textWords(text: z.ZodString, where: string): string {
  const checks = text.def.checks ?? [];
  const said = checks.flatMap((check) => {
    const { check: kind, error }: { readonly check: string; readonly error?: unknown } = check._zod.def;
    if (kind === 'min_length' || kind === 'max_length') return [];
    const words: unknown = typeof error === 'function' ? error({ code: 'custom' }) : undefined;
    if (typeof words !== 'string') throw new Error(`${where}: a check of it has no message; give its schema a name in the descriptions`);
    return [words.replace(/^must be (?:an? |the )?/, '')];
  });
  const most = limitOf(text, 'max_length');
  return [said.length > 0 ? said.join('; ') : 'text', ...(most === undefined ? [] : [`at most ${most} characters`])].join(', ');
}

function limitOf(type: z.core.$ZodType, check: 'min_length' | 'max_length'): number | undefined {
  const Limit = z.object({ check: z.literal(check), minimum: z.number().optional(), maximum: z.number().optional() });
  const found = (type._zod.def.checks ?? []).flatMap(({ _zod }) => Limit.safeParse(_zod.def).data ?? []);
  return found[0]?.minimum ?? found[0]?.maximum;
}

function numberWords(number: z.ZodNumber): string {
  const kind = number.isInt ? 'whole number' : 'number';
  const { minValue: least, maxValue: most } = number;
  // Every whole number has the bounds of a safe integer.
  const bounded = most !== null && most < Number.MAX_SAFE_INTEGER;
  if (least === null || least <= Number.MIN_SAFE_INTEGER) return bounded ? `${kind}, at most ${most}` : kind;
  return bounded ? `${kind}, ${least} to ${most}` : `${kind}, at least ${least}`;
}

/** Whether a schema reads time spans. Its bounds are in a closure: the schema is asked, and tells them by what it says of a span beyond. */
export function isSpan(type: z.core.$ZodType): boolean {
  return /^must be at most \d/.test(complaint(type, '1000000d'));
}

function spanOf(type: z.core.$ZodType): string | undefined {
  if (!isSpan(type)) return undefined;
  const least = /^must be at least (\S+)$/.exec(complaint(type, '0s'))?.[1];
  const most = /^must be at most (\S+)$/.exec(complaint(type, '1000000d'))?.[1];
  return least === undefined ? `time, at most ${most}` : `time, ${least} to ${most}`;
}

function complaint(type: z.core.$ZodType, value: unknown): string {
  return type instanceof z.ZodPipe ? (type.safeParse(value).error?.issues[0]?.message ?? '') : '';
}

/** A value as one writes it in YAML. `preset` is the schema's own, where spans are milliseconds. */
export function presetOf(type: z.core.$ZodType, preset: unknown): unknown {
  return isSpan(type) && typeof preset === 'number' ? (preset === 0 ? 0 : formatDuration(preset)) : preset;
}

function either(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
