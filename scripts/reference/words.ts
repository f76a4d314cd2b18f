import type { JsonSchema } from './json-schema.ts';

/** What a value may hold, in words. Throws when the schema does not describe it. */
export function wordsOf(schema: JsonSchema, where: string): string {
  if (schema.holds !== undefined) return schema.holds;
  if (schema.const !== undefined) return code(schema.const);
  if (schema.enum !== undefined) return either(schema.enum.map(code));
  if (schema.anyOf !== undefined) return either([...new Set(schema.anyOf.map((form) => wordsOf(form, where)))]);
  switch (schema.type) {
    case 'boolean':
      return '`true` or `false`';
    case 'integer':
      return numberWords('whole number', schema);
    case 'number':
      return numberWords('number', schema);
    case 'array':
      return listWords(schema, where);
    case 'object':
      return sectionWords(schema, where);
    default:
      throw new Error(`${where}: nothing describes what it may hold; add .meta({ holds }) to its schema`);
  }
}

function sectionWords({ properties, propertyNames, additionalProperties }: JsonSchema, where: string): string {
  if (properties !== undefined || !propertyNames || !additionalProperties) return 'section';
  return `section: ${wordsOf(propertyNames, where)} → ${wordsOf(additionalProperties, where)}`;
}

function listWords({ items, minItems, maxItems }: JsonSchema, where: string): string {
  const number = [minItems === undefined ? '' : `at least ${minItems}`, maxItems === undefined ? '' : `at most ${maxItems}`];
  const bounds = number.filter((bound) => bound !== '').join(', ');
  return `list${bounds && ` (${bounds})`}: ${wordsOf(items ?? {}, where)}`;
}

function numberWords(kind: string, { minimum, maximum }: JsonSchema): string {
  // Every whole number has the bounds of a safe integer.
  const least = minimum === Number.MIN_SAFE_INTEGER ? undefined : minimum;
  const most = maximum === Number.MAX_SAFE_INTEGER ? undefined : maximum;
  if (least === undefined) return most === undefined ? kind : `${kind}, at most ${most}`;
  return most === undefined ? `${kind}, at least ${least}` : `${kind}, ${least} to ${most}`;
}

function code(value: unknown): string {
  return `\`${String(value)}\``;
}

function either(words: readonly string[]): string {
  return words.length < 2 ? words.join('') : `${words.slice(0, -1).join(', ')} or ${words.at(-1)}`;
}
