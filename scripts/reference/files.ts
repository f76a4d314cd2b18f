import { Service } from '../../deploy/inputs/schema.ts';
import { Document } from '../../lib/config/schema/document.ts';
import { ManagerPart } from '../../lib/config/schema/manager.ts';
import { type JsonSchema, jsonSchemaOf } from './json-schema.ts';

/** A file that people write, and what its reference needs. */
export interface FileReference {
  /** Of the page, below docs/reference. */
  readonly page: string;
  /** Of the JSON Schema for editors, beside it. */
  readonly editorSchema?: string;
  readonly title: string;
  /** Stands above the tables. */
  readonly introduction: string;
  readonly schema: JsonSchema;
}

export const SCALER_YML: FileReference = {
  page: 'configuration.md',
  editorSchema: 'scaler.schema.json',
  title: 'Reference: scaler.yml',
  introduction: `Every key of \`scaler.yml\`. How the parts work together, examples, and where the secrets belong: [configuration.md](../configuration.md).
A complete file: [\`examples/scaler.yml\`](../../examples/scaler.yml). Editors that know [scaler.schema.json](scaler.schema.json) complete and check while you type;
\`scaler check\` knows more.

A **time** is seconds as a number, or text with units: \`90s\`, \`10m\`, \`24h\`, \`7d\`, \`1h30m\`. "none" as a default: the feature is off without the key.
An unknown key is an error.`,
  schema: jsonSchemaOf(Document.extend({ manager: ManagerPart.optional() })),
};

export const SERVERLESS_YML: FileReference = {
  page: 'serverless.md',
  title: 'Reference: serverless.yml',
  introduction: `Every key of \`serverless.yml\` that the provider \`otc\` reads. The file in [the root of the repository](../../serverless.yml) is complete.
\`frameworkVersion\`, \`configValidationMode\`, \`plugins\` and variables such as \`\${env:NAME}\` are osls's own. An unknown key is an error.

"none" as a default: the feature is off without the key. "required in this form": the section has several forms, and this key belongs to one of them.`,
  schema: jsonSchemaOf(Service.omit({ stage: true })),
};
