import type { Description, FileReference } from './describe.ts';
import { anchorOf, GENERATED, table } from './markdown.ts';
import { type Key, type Section, sectionsIn, type Tree, treeOf } from './schema-tree.ts';
import { presetOf, wordsOf } from './words.ts';

/** The page of a file's keys. Throws when a key lacks its description, or a description its key. */
export function filePage(reference: FileReference): string {
  const tree = treeOf(reference.root);
  const lacking = undescribed(reference, tree);
  if (lacking.length > 0) throw new Error(`docs/reference/${reference.page} cannot be written:\n  ${lacking.join('\n  ')}`);
  const sections = tree.sections.map((section) => renderSection(section, tree, reference));
  return `${[GENERATED, `# ${reference.title}`, reference.introduction, ...sections].join('\n\n')}\n`;
}

/** What is missing on either side, as sentences. */
export function undescribed({ keys, notes }: Pick<FileReference, 'keys' | 'notes'>, tree: Tree): readonly string[] {
  const real = new Map(tree.sections.flatMap((section) => section.keys.map((key) => [key.path, key])));
  const places = new Set(tree.sections.map(({ path }) => path));
  return [
    ...[...real.keys()].filter((path) => keys[path] === undefined).map((path) => `${path} has no description`),
    ...Object.keys(keys)
      .filter((path) => !real.has(path))
      .map((path) => `${path} is described, but is no key`),
    ...Object.keys(notes)
      .filter((path) => !places.has(path))
      .map((path) => `${path} has a note, but is no section with keys of its own`),
    ...[...real.values()].flatMap((key) =>
      doubleDefault(key, keys[key.path]) ? [`${key.path} has its default in the schema already`] : [],
    ),
  ];
}

/** A section's empty preset says nothing, so there words are wanted. */
function doubleDefault(key: Key, description: Description | undefined): boolean {
  if (description?.absent === undefined || (key.preset === undefined && key.required !== true)) return false;
  return sectionsIn(key.type).length === 0 || key.required === true;
}

function renderSection({ path, keys }: Section, tree: Tree, reference: FileReference): string {
  const before = keys.some((key) => reference.keys[key.path]?.before !== undefined);
  const head = ['key', 'may hold', 'default', 'meaning', ...(before ? ['docker+machine'] : [])];
  const rows = keys.map((key) => {
    const { means = '', before: name = '', absent } = reference.keys[key.path] ?? {};
    return [`\`${key.name}\``, holds(key, tree, reference), defaultOf(key, absent), means, ...(before ? [name] : [])];
  });
  const note = reference.notes[path];
  return [`## ${heading(path)}`, ...(note === undefined ? [] : [note]), table(head, rows)].join('\n\n');
}

function heading(path: string): string {
  return path === '' ? 'Top level' : `\`${path}\``;
}

function holds(key: Key, tree: Tree, { names }: FileReference): string {
  const words = wordsOf(key.type, names, key.path).replaceAll('<', '\\<');
  const [inside] = sectionsIn(key.type);
  if (!inside) return words;
  const home = tree.home(`${key.path}${inside.behind}`) ?? '';
  // Several forms of one section are one table.
  return words.replace(/section(?:(?:,| or) section)*/, `[section](#${anchorOf(heading(home))})`);
}

function defaultOf(key: Key, absent: Description['absent']): string {
  if (key.required === true) return 'required';
  if (typeof absent === 'string') return absent;
  if (absent !== undefined) return written(absent.value);
  if (key.required === 'some') return 'required in this form';
  return key.preset === undefined ? 'none' : written(presetOf(key.type, key.preset));
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
