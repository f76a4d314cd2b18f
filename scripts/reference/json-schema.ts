import * as z from 'zod';

/** What the references use of a JSON Schema (draft 7), with the keywords of ours (lib/config/schema/fields.ts: GlobalMeta). */
export interface JsonSchema extends z.GlobalMeta {
  readonly type?: string;
  readonly properties?: Readonly<Record<string, JsonSchema>>;
  readonly required?: readonly string[];
  readonly additionalProperties?: JsonSchema | false;
  readonly propertyNames?: JsonSchema;
  readonly items?: JsonSchema;
  readonly anyOf?: readonly JsonSchema[];
  readonly enum?: readonly unknown[];
  readonly const?: unknown;
  readonly default?: unknown;
  readonly minimum?: number;
  readonly maximum?: number;
  readonly minItems?: number;
  readonly maxItems?: number;
}

/** zod's own JSON Schema of what people write, with the descriptions of the schema. `holds` of a text comes from the messages of its checks. */
export function jsonSchemaOf(root: z.ZodType): JsonSchema {
  const schema = z.toJSONSchema(root, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => {
      if (zodSchema instanceof z.ZodString && jsonSchema.holds === undefined) jsonSchema.holds = textWords(zodSchema);
    },
  });
  return schema as JsonSchema;
}

/** "must be a region, such as eu-de" is a region. `undefined` where a check has no message: the schema needs `holds`. */
function textWords(text: z.ZodString): string | undefined {
  const words: string[] = [];
  for (const { _zod } of text.def.checks ?? []) {
    const { check, error }: { readonly check: string; readonly error?: unknown } = _zod.def;
    if (check === 'min_length' || check === 'max_length') continue;
    const message: unknown = typeof error === 'function' ? error({ code: 'custom' }) : undefined;
    if (typeof message !== 'string') return undefined;
    words.push(message.replace(/^must be (?:an? |the )?/, ''));
  }
  const most = text.maxLength === null ? '' : `, at most ${text.maxLength} characters`;
  return `${words.join('; ') || 'text'}${most}`;
}
