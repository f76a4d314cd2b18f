import type { FileReference } from './files.ts';
import type { JsonSchema } from './json-schema.ts';
import { wordsOf } from './words.ts';

/** The JSON Schema of a file, for editors: draft 7, which the YAML language server knows best. What a key may hold is in its description. */
export function editorSchema({ schema, title }: Pick<FileReference, 'schema' | 'title'>): string {
  const { $schema, ...rest } = plain(schema);
  return `${JSON.stringify({ $schema, title, ...rest }, undefined, 1)}\n`;
}

/** Without the keywords that only the pages use. `filledIn` is one of them: in a pool, the top level's value comes first. */
function plain({ holds: _, note: __, absent: ___, dockerMachine: ____, filledIn: _____, ...schema }: JsonSchema): Record<string, unknown> {
  const { properties, items, anyOf, propertyNames, additionalProperties } = schema;
  return {
    ...schema,
    ...(properties && { properties: Object.fromEntries(Object.entries(properties).map(([name, key]) => [name, described(name, key)])) }),
    ...(items && { items: plain(items) }),
    ...(anyOf && { anyOf: anyOf.map(plain) }),
    ...(propertyNames && { propertyNames: plain(propertyNames) }),
    ...(additionalProperties && { additionalProperties: plain(additionalProperties) }),
  };
}

function described(name: string, key: JsonSchema): Record<string, unknown> {
  const words = wordsOf(key, name);
  const description = words === 'section' ? key.description : `${key.description} (${words})`;
  return { ...plain(key), description: description?.replaceAll('`', '') };
}
