import * as z from 'zod';

/** What a schema says of one key, once optional, default and transformation are taken off. */
export interface Key {
  /** As in `pools[].machine.image`. */
  readonly path: string;
  readonly name: string;
  readonly type: z.core.$ZodType;
  /** `some`: in one of the forms that the section may have. */
  readonly required: boolean | 'some';
  /** As the schema holds it: spans are milliseconds. */
  readonly preset?: unknown;
}

/** One table: all keys of a section, whatever forms it has. */
export interface Section {
  /** Empty for the whole file. */
  readonly path: string;
  readonly keys: readonly Key[];
}

export interface Tree {
  readonly sections: readonly Section[];
  /** Where the keys of the section at this path are told: another path when the same section stands there, too. */
  home(path: string): string | undefined;
}

/** A schema without what says only when a value may be absent. */
export function unwrap(type: z.core.$ZodType): Pick<Key, 'type' | 'required' | 'preset'> {
  if (type instanceof z.ZodOptional) return { ...unwrap(type.def.innerType), required: false };
  if (type instanceof z.ZodDefault || type instanceof z.ZodPrefault) {
    return { ...unwrap(type.def.innerType), required: false, preset: type.def.defaultValue };
  }
  return { type, required: true };
}

/** The sections that a value may be or hold, with what is behind the key: nothing, or `[]` for the entries of a list. */
export function sectionsIn(type: z.core.$ZodType, behind = ''): readonly { readonly section: z.ZodObject; readonly behind: string }[] {
  const { type: bare } = unwrap(type);
  if (bare instanceof z.ZodObject) return [{ section: bare, behind }];
  if (bare instanceof z.ZodArray) return sectionsIn(bare.def.element, `${behind}[]`);
  if (bare instanceof z.ZodUnion) return bare.def.options.flatMap((option) => sectionsIn(option, behind));
  return [];
}

/** All sections below a schema, in the order of the file, each once. */
export function treeOf(root: z.ZodObject): Tree {
  const sections: Section[] = [];
  const homes = new Map<string, string>();
  const seen = new Map<z.ZodObject, string>();
  const visit = (path: string, forms: readonly z.ZodObject[]): void => {
    const [first] = forms;
    if (first === undefined) return;
    const known = seen.get(first);
    homes.set(path, known ?? path);
    if (known !== undefined) return;
    for (const form of forms) seen.set(form, path);
    const keys = forms.flatMap((form) => keysOf(path, form, forms.length > 1));
    sections.push({ path, keys });
    for (const key of keys) {
      const inside = sectionsIn(key.type);
      const [nearest] = inside;
      if (nearest)
        visit(
          `${key.path}${nearest.behind}`,
          inside.map(({ section }) => section),
        );
    }
  };
  visit('', [root]);
  return { sections, home: (path) => homes.get(path) };
}

function keysOf(path: string, section: z.ZodObject, oneOfSeveral: boolean): readonly Key[] {
  return Object.entries(section.shape).map(([name, type]) => {
    const bare = unwrap(type);
    return {
      ...bare,
      name,
      path: path === '' ? name : `${path}.${name}`,
      required: bare.required && oneOfSeveral ? 'some' : bare.required,
    };
  });
}
