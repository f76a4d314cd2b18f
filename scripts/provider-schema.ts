import type { Block } from './hcl.ts';

/** Terraform's own. */
const META = new Set(['count', 'for_each', 'depends_on', 'lifecycle']);

/** What a resource or a block may hold. */
export type Schema = ReadonlyMap<string, { readonly isRequired: boolean; readonly inner: string }>;

/** The interfaces of a resource's declaration, by name. The documented anchor of a member is Terraform's name of it; `?` is optional. */
export function readSchemas(declarations: string): ReadonlyMap<string, Schema> {
  const interfaces = declarations.matchAll(/^export interface (\w+)[^{]*\{\n([\s\S]*?)^\}/gm);
  return new Map(
    [...interfaces].map(([, name = '', body = '']) => {
      const members = body.matchAll(/#(\w+) \w+#\w+\}[\s\S]*?readonly \w+(\??): (\w*)/g);
      return [name, new Map([...members].map(([, member = '', optional, inner = '']) => [member, { isRequired: optional === '', inner }]))];
    }),
  );
}

/** A block's content, and its name: those of `dynamic` blocks are inside. */
function unfold(block: Block): { readonly name: string; readonly body: Block } {
  if (block.type !== 'dynamic') return { name: block.type, body: block };
  return { name: block.labels[0] ?? '', body: block.blocks.find(({ type }) => type === 'content') ?? block };
}

/** What is wrong with a block, as sentences. */
export function problemsOf(where: string, block: Block, schema: Schema, schemas: ReadonlyMap<string, Schema>): readonly string[] {
  const inner = block.blocks.map(unfold).filter(({ name }) => !META.has(name));
  const used = [...block.args.keys(), ...inner.map(({ name }) => name)].filter((name) => !META.has(name));
  const required = [...schema].filter(([, { isRequired }]) => isRequired).map(([name]) => name);
  return [
    ...used.filter((name) => !schema.has(name)).map((name) => `${where}: the provider has no "${name}" here`),
    ...required.filter((name) => !used.includes(name)).map((name) => `${where}: "${name}" is required`),
    ...inner.flatMap(({ name, body }) => {
      const found = schemas.get(schema.get(name)?.inner ?? '');
      return found ? problemsOf(`${where}.${name}`, body, found, schemas) : [];
    }),
  ];
}
