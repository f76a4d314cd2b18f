import * as z from 'zod';
import type { FileReference } from './describe.ts';
import { type Tree, treeOf, unwrap } from './schema-tree.ts';
import { isSpan, presetOf, wordsOf } from './words.ts';

type Json = Record<string, unknown>;

/** The form of spans as text (lib/config/durations.ts); how long they may be is in the description. */
const SPAN_TEXT = '^\\s*(?:\\d+|(?:\\d+(?:\\.\\d+)?[smhd])+)\\s*$';

/** The JSON Schema of a file, for editors: draft 7, which the YAML language server knows best, with the descriptions of the reference. */
export function editorSchema(reference: FileReference): string {
  const tree = treeOf(reference.root);
  const json = Shape.parse(z.toJSONSchema(reference.root, { io: 'input', target: 'draft-7', unrepresentable: 'any' }));
  decorate(json, reference.root, '', { ...reference, tree });
  const { $schema, ...rest } = json;
  return `${JSON.stringify({ $schema, title: reference.title, ...rest }, undefined, 1)}\n`;
}

const Shape: z.ZodType<Json> = z.record(z.string(), z.unknown());

/** Walks a schema and its JSON side by side, and writes into the latter what only the former, or the descriptions, know. */
function decorate(json: Json, type: z.core.$ZodType, path: string, about: FileReference & { readonly tree: Tree }): void {
  const { type: bare, preset } = unwrap(type);
  if (preset !== undefined) json.default = presetOf(bare, preset);
  if (isSpan(bare))
    json.anyOf = [
      { type: 'number', minimum: 0 },
      { type: 'string', pattern: SPAN_TEXT },
    ];
  else if (bare instanceof z.ZodObject) decorateSection(json, bare, about.tree.home(path) ?? path, about);
  else if (bare instanceof z.ZodArray) {
    const items = Shape.parse(json.items);
    decorate(items, bare.def.element, `${path}[]`, about);
    json.items = items;
  } else if (bare instanceof z.ZodUnion) {
    const forms = z.array(Shape).parse(json.anyOf);
    json.anyOf = forms.map((form, i) => {
      const option = bare.def.options[i];
      if (option) decorate(form, option, path, about);
      return form;
    });
  }
}

function decorateSection(json: Json, section: z.ZodObject, path: string, about: FileReference & { readonly tree: Tree }): void {
  const properties = Shape.parse(json.properties);
  for (const [name, type] of Object.entries(section.shape)) {
    const at = path === '' ? name : `${path}.${name}`;
    const property = { ...Shape.parse(properties[name]) };
    decorate(property, type, at, about);
    const { means = '' } = about.keys[at] ?? {};
    const words = wordsOf(type, about.names, at);
    property.description = (words === 'section' ? means : `${means} (${words})`).replaceAll('`', '');
    properties[name] = property;
  }
  json.properties = properties;
}
