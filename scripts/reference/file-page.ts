import type { FileReference } from './files.ts';
import type { JsonSchema } from './json-schema.ts';
import { anchorOf, GENERATED, table } from './markdown.ts';
import { wordsOf } from './words.ts';

/** One key in one form of its section. */
interface Key {
  /** As in `pools[].machine.image`. */
  readonly path: string;
  readonly name: string;
  readonly schema: JsonSchema;
  readonly isRequired: boolean;
}

/** One table: all keys of a section, whatever forms it has. */
interface Section {
  /** Empty for the whole file. */
  readonly path: string;
  readonly forms: readonly JsonSchema[];
  readonly keys: readonly Key[];
}

/** The page of a file's keys. Throws when keys have no description. */
export function filePage({ schema, page, title, introduction }: FileReference): string {
  const sections = sectionsOf(schema);
  const lacking = sections.flatMap(({ keys }) => keys.filter((key) => key.schema.description === undefined));
  if (lacking.length > 0) {
    throw new Error(`docs/reference/${page} cannot be written:\n${lacking.map(({ path }) => `  ${path} has no description`).join('\n')}`);
  }
  const homes = new Map(sections.map(({ path, forms }) => [identity(forms), path]));
  return `${[GENERATED, `# ${title}`, introduction, ...sections.map((section) => renderSection(section, homes))].join('\n\n')}\n`;
}

/** All sections below a schema, in the order of the file. Those with the same keys (`machine` and `pools[].machine`) have one table. */
export function sectionsOf(root: JsonSchema): readonly Section[] {
  const sections = new Map<string, Section>();
  const visit = (path: string, forms: readonly JsonSchema[]): void => {
    if (forms.length === 0 || sections.has(identity(forms))) return;
    const keys = forms.flatMap((form) => keysOf(path, form));
    sections.set(identity(forms), { path, forms, keys });
    for (const key of keys) {
      const { forms: inside, suffix } = sectionsIn(key.schema);
      visit(`${key.path}${suffix}`, inside);
    }
  };
  visit('', [root]);
  return [...sections.values()];
}

function identity(forms: readonly JsonSchema[]): string {
  return JSON.stringify(forms.map(({ properties }) => properties));
}

/** The sections that a value may be or hold; `suffix` is `[]` for the entries of a list. */
function sectionsIn(schema: JsonSchema): { readonly forms: readonly JsonSchema[]; readonly suffix: string } {
  if (schema.properties) return { forms: [schema], suffix: '' };
  if (schema.items) {
    const { forms, suffix } = sectionsIn(schema.items);
    return { forms, suffix: `[]${suffix}` };
  }
  return { forms: (schema.anyOf ?? []).filter(({ properties }) => properties !== undefined), suffix: '' };
}

function keysOf(path: string, { properties = {}, required = [] }: JsonSchema): readonly Key[] {
  return Object.entries(properties).map(([name, schema]) => ({
    path: path === '' ? name : `${path}.${name}`,
    name,
    schema,
    isRequired: required.includes(name),
  }));
}

function renderSection({ path, forms, keys }: Section, homes: ReadonlyMap<string, string>): string {
  const hasOldNames = keys.some(({ schema }) => schema.dockerMachine !== undefined);
  const head = ['key', 'may hold', 'default', 'meaning', ...(hasOldNames ? ['docker+machine'] : [])];
  const rows = keys.map((key) => {
    const { description = '', dockerMachine = '' } = key.schema;
    return [`\`${key.name}\``, holds(key, homes), defaultOf(key, forms.length), description, ...(hasOldNames ? [dockerMachine] : [])];
  });
  // Keys that several forms share stand once.
  const once = [...new Map(rows.map((row) => [JSON.stringify(row), row])).values()];
  const note = forms.find((form) => form.note !== undefined)?.note;
  return [`## ${heading(path)}`, ...(note === undefined ? [] : [note]), table(head, once)].join('\n\n');
}

function heading(path: string): string {
  return path === '' ? 'Top level' : `\`${path}\``;
}

function holds({ schema, path }: Key, homes: ReadonlyMap<string, string>): string {
  const words = wordsOf(schema, path).replaceAll('<', '\\<');
  const { forms } = sectionsIn(schema);
  const home = homes.get(identity(forms));
  return home === undefined ? words : words.replace('section', `[section](#${anchorOf(heading(home))})`);
}

function defaultOf({ schema, isRequired }: Key, forms: number): string {
  if (isRequired) return forms > 1 ? 'required in this form' : 'required';
  const { absent, filledIn, default: preset = filledIn } = schema;
  if (absent !== undefined) return absent;
  return preset === undefined ? 'none' : written(preset);
}

/** As in YAML, on one line. */
function written(value: unknown): string {
  if (Array.isArray(value)) return value.length === 0 ? 'none' : `\`[${value.map(flow).join(', ')}]\``;
  return typeof value === 'object' && value !== null && Object.keys(value).length === 0 ? 'empty' : `\`${flow(value)}\``;
}

function flow(value: unknown): string {
  if (typeof value === 'string') return /[:#,[\]{}]/.test(value) ? `"${value}"` : value;
  if (typeof value !== 'object' || value === null) return String(value);
  return `{ ${Object.entries(value)
    .map(([key, entry]) => `${key}: ${flow(entry)}`)
    .join(', ')} }`;
}
