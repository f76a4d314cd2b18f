import * as z from 'zod';
import { plainMessage, section } from '../../lib/config/check/messages.ts';
import { findingsOf, InvalidConfigError, problem } from '../../lib/config/check/problems.ts';
import { BaseUrl, HostName, Uuid } from '../../lib/config/fields.ts';
import { SubnetText } from '../../lib/config/subnet.ts';

/*
 * What serverless.yml may hold under `provider` and `functions`. Handed to osls as a JSON schema (so that osls itself refuses unknown keys), and
 * read by this, which knows more and says it better.
 */

const id = z.string().min(1).max(64);
const projectId = z.string().regex(/^[0-9a-f]{32}$/, "must be the project's id, 32 of 0-9 and a-f");
const file = z.string().min(1);

const Agency = z.union([section({ create: z.literal(true) }), section({ name: id })], {
  error: 'must be { create: true }, or { name: <an agency that exists> }',
});

const Bucket = section({
  create: z.boolean(),
  countsFor: z
    .union([z.literal('everybody'), z.array(SubnetText).min(1)], { error: 'must be everybody, or a list of networks' })
    .optional(),
}).refine(({ create, countsFor }) => create || countsFor === undefined, {
  path: ['countsFor'],
  error: 'is for a bucket with create: true; of another the policy is yours',
});

const Group = z.union([section({ create: z.literal(true) }), section({ id })], {
  error: 'must be { create: true }, or { id: <an API group that exists> }',
});

const GatewayParts = {
  domain: HostName.optional(),
  // APIG: 4 to 50 of letters, digits and underscores; a digest of the certificate is added.
  certificate: section({
    name: z.string().regex(/^[A-Za-z]\w{0,40}$/, 'must be letters, digits and "_"'),
    cert: file,
    key: file,
  }).optional(),
};

/** Source: OTC API Gateway API reference V2, "Creating a Dedicated Gateway". */
const NewGateway = section({
  spec: z.enum(['BASIC', 'PROFESSIONAL', 'ENTERPRISE', 'PLATINUM']).default('BASIC'),
  zones: z.array(z.string().regex(/^[a-z]+-[a-z]+-\d+[a-z]?$/, 'must be a zone, such as eu-de-01')).min(1),
  vpcId: Uuid,
  subnetId: Uuid,
  securityGroupId: Uuid,
  bandwidth: z.int().min(5).max(2000).default(5),
  enterpriseProjectId: z.union([z.literal('0'), Uuid]).optional(),
});

const Gateway = z.union(
  [
    z.literal('none'),
    section({ id, group: Group.default({ create: true }), ...GatewayParts }),
    section({ create: NewGateway, ...GatewayParts }),
  ],
  { error: 'must be none, or { id: <instance of the dedicated gateway> }, or { create: … } for one of its own' },
);

const Logs = z.union([section({ days: z.int().min(1).max(365).default(14) }), section({ groupId: Uuid })], {
  error: 'must be { days: 14 } for a log group of its own, or { groupId: <one that exists> }',
});

const tags = z.record(z.string().regex(/^[\w-]{1,36}$/, 'must be 1 to 36 letters, digits, "_" and "-"'), z.string().max(43));

export const Provider = section({
  name: z.literal('otc'),
  stage: z.string().optional(),
  region: z
    .string()
    .regex(/^[a-z]+-[a-z0-9-]*[a-z0-9]$/, 'must be a region, such as eu-de')
    .optional(),
  config: file.default('scaler.yml'),
  secrets: file.default('secrets.env'),
  projectId: projectId.optional(),
  endpoints: section({
    functiongraph: BaseUrl.optional(),
    apig: BaseUrl.optional(),
    iam: BaseUrl.optional(),
    lts: BaseUrl.optional(),
    obs: BaseUrl.optional(),
  }).default({}),
  agency: Agency,
  bucket: Bucket.default({ create: false }),
  gateway: Gateway,
  logs: Logs.optional(),
  vpc: section({ id: Uuid, subnetId: Uuid }).optional(),
  tags: tags.default({}),
});
export type Provider = z.output<typeof Provider>;

export const SECRET_KEYS = ['GITLAB_TOKEN', 'HOOK_TOKENS', 'HOOK_SIGNING_TOKENS', 'ALARM_WEBHOOK_URL'] as const;
export type SecretKey = (typeof SECRET_KEYS)[number];

/** Milliseconds through the trigger API: 1 to 60000. */
const ApigEvent = section({
  path: z.string().regex(/^\/[A-Za-z0-9/_.-]*$/, 'must begin with "/" and hold letters, digits, "/", "_", "." and "-" only'),
  method: z.enum(['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS', 'ANY']).default('POST'),
  timeout: z.int().min(1).max(60).default(10),
});

/** FunctionGraph: a rate of 1 to 60 minutes, 1 to 24 hours or 1 to 30 days; else a cron expression, whose zone must be said. */
const TimerEvent = z.union(
  [
    section({ rate: z.string().refine(isRate, 'must be 1m to 60m, 1h to 24h or 1d to 30d') }),
    section({
      cron: z
        .string()
        .regex(
          /^(CRON_TZ=\S+ \S.*|@every \S+)$/,
          'must begin with CRON_TZ=<zone>, such as "CRON_TZ=Europe/Berlin 0 0/5 * * *", or be "@every 90s"',
        ),
    }),
  ],
  { error: 'must be { rate: 1m } or { cron: "CRON_TZ=… …" }' },
);

const Event = z.union([section({ apig: ApigEvent }), section({ timer: TimerEvent })], { error: 'must be an apig or a timer event' });

const MEMORY = [128, 256, 512, 768, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096, 8192, 10240] as const;

const FunctionPart = {
  handler: z
    .string()
    .regex(/^index\.[A-Za-z_]\w*$/, 'must be index.<export>: index.js is all the code in the zip')
    .default('index.handler'),
  memorySize: z.literal([...MEMORY], { error: `must be one of ${MEMORY.join(', ')} (MB)` }).default(512),
  timeout: z.int().min(3).max(900).default(60),
  maxInstances: z.int().min(1).max(1000).default(10),
  async: section({
    retries: z.int().min(0).max(3).default(0),
    maxAge: z.int().min(1).max(86_400).default(60),
    onFailure: section({
      obs: z.string().regex(/^[a-z][a-z0-9/-]*\/$/, 'must be a prefix that ends with "/", such as failures/'),
    }).optional(),
  }).optional(),
  secrets: z.array(z.enum(SECRET_KEYS)).default([]),
  tags: tags.default({}),
};

/** osls adds `name`. */
const FunctionEntry = section({ ...FunctionPart, name: z.string().optional(), events: z.array(Event).default([]) });
export type FunctionEntry = z.output<typeof FunctionEntry>;

const KINDS = ['webhook', 'scaler', 'reaper'] as const;
export type FunctionKey = (typeof KINDS)[number];

const Functions = section({ webhook: FunctionEntry.optional(), scaler: FunctionEntry.optional(), reaper: FunctionEntry });

export const Service = section({
  // As a name of a function with stage and key behind it: 60 characters in all.
  service: z.string().regex(/^[a-zA-Z][0-9a-zA-Z-]{0,30}$/, 'must be letters, digits and "-", beginning with a letter, at most 31'),
  stage: z.string().regex(/^[a-zA-Z0-9-]{1,16}$/, 'must be letters, digits and "-", at most 16'),
  provider: Provider,
  functions: Functions,
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

/** ajv is strict in osls: it takes no keyword that it does not know. */
function jsonSchema(type: z.ZodType): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(type, { io: 'input', target: 'draft-7', unrepresentable: 'any' });
  return schema;
}

function isRate(text: string): boolean {
  const [, amount, unit = ''] = /^([1-9]\d?)([mhd])$/.exec(text) ?? [];
  const most: Readonly<Record<string, number>> = { m: 60, h: 24, d: 30 };
  return amount !== undefined && Number(amount) <= (most[unit] ?? 0);
}
