import * as z from 'zod';
import { plainMessage, section } from '../../lib/config/check/messages.ts';
import { findingsOf, InvalidConfigError, problem } from '../../lib/config/check/problems.ts';
import { ApigEvent, FunctionEntry, FunctionPart, TimerEvent } from './schema-functions.ts';
import { Provider } from './schema-provider.ts';

/*
 * What serverless.yml may hold under `provider` and `functions`. Handed to osls as a JSON schema (so that osls itself refuses unknown keys), and
 * read by this, which knows more and explains it better.
 */

const KINDS = ['webhook', 'scaler', 'reaper'] as const;
export type FunctionKey = (typeof KINDS)[number];

const Functions = section({
  webhook: FunctionEntry.optional().meta({ description: "Takes GitLab's hooks. Deployed only with a gateway, and required then." }),
  scaler: FunctionEntry.optional().meta({ description: 'Called by the webhook. Deployed only with a gateway, and required then.' }),
  reaper: FunctionEntry.meta({ description: 'the tick of every minute' }),
}).meta({ note: 'All three have [the same keys](#functionswebhook).' });

export const Service = section({
  // As a name of a function with stage and key behind it: 60 characters in all.
  service: z
    .string()
    .regex(/^[a-zA-Z][0-9a-zA-Z-]{0,30}$/, 'must be letters, digits and "-", beginning with a letter, at most 31')
    .meta({ description: 'First part of every name: functions are called `<service>-<stage>-<key>`.' }),
  stage: z.string().regex(/^[a-zA-Z0-9-]{1,16}$/, 'must be letters, digits and "-", at most 16'),
  provider: Provider.meta({ description: 'the cloud, and what the functions share' }),
  functions: Functions.meta({ description: 'the functions themselves' }),
});
export type Service = z.output<typeof Service>;

/** Throws `InvalidConfigError` with all that is wrong at once. */
export function parseService(data: {
  readonly service: unknown;
  readonly stage: unknown;
  readonly provider: unknown;
  readonly functions: unknown;
}): Service {
  const { service, stage, provider, functions } = data;
  const parsed = Service.safeParse({ service, stage, provider, functions }, { error: plainMessage });
  if (!parsed.success) throw new InvalidConfigError(findingsOf(parsed.error.issues).map(({ path, message }) => problem(path, message)));
  return parsed.data;
}

type JsonSchema = Record<string, unknown>;

/** For osls's `configSchemaHandler.defineProvider`. */
export function oslsSchemas() {
  const { name: _, ...provider } = Provider.shape;
  return {
    provider: { properties: propertiesOf(provider), required: ['agency', 'gateway'] },
    function: { properties: propertiesOf(FunctionPart) },
    functionEvents: { apig: jsonSchema(ApigEvent), timer: jsonSchema(TimerEvent) },
  };
}

function propertiesOf(shape: Readonly<Record<string, z.ZodType>>): Record<string, JsonSchema> {
  return Object.fromEntries(Object.entries(shape).map(([key, type]) => [key, jsonSchema(type)]));
}

/** Without the descriptions: ajv is strict in osls and accepts no keyword that it does not know. */
function jsonSchema(type: z.ZodType): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(type, {
    io: 'input',
    target: 'draft-7',
    unrepresentable: 'any',
    metadata: z.registry(),
  });
  return schema;
}
