import * as z from 'zod';
import { checked, parseJson, Refused } from '../otc/refused.ts';

/*
 * What the management calls take (FunctionGraph API reference, "Function Lifecycle Management", "Asynchronous Execution Notification").
 * Strict: a member that the reference does not name for a call is refused, so that a typing error cannot pass as deployed.
 */

/** The printed enumeration of the reference stops before 20.15, which all its samples use. */
const RUNTIMES = [
  ...['Node.js6.10', 'Node.js8.10', 'Node.js10.16', 'Node.js12.13', 'Node.js14.18', 'Node.js16.17', 'Node.js18.15', 'Node.js20.15'],
  ...['Python2.7', 'Python3.6', 'Python3.9', 'Python3.10', 'Java8', 'Java11', 'Go1.x', 'PHP7.3', 'C#(.NET Core 3.1)'],
  ...['Custom', 'http', 'Custom Image'],
] as const;
const MEMORY_MB = [128, 256, 512, 768, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096, 8192, 10240];
const MOST_KEYS = 20;
const MOST_BYTES = 4096;

const Handler = z
  .string()
  .min(3)
  .max(128)
  .regex(/^[^.]+(\.[^.]+)+$/, 'a file, a dot and an export');
/** The text of a JSON document. */
function textOf<T>(schema: z.ZodType<T>, what: string) {
  return z.string().transform((text, ctx) => {
    const parsed = schema.safeParse(parseJson(text));
    if (parsed.success) return parsed.data;
    ctx.addIssue({ code: 'custom', message: `the text of a JSON object ${what}` });
    return z.NEVER;
  });
}
const UserData = textOf(z.record(z.string().regex(/^[A-Za-z]\w*$/), z.string()), 'of texts');

const shared = {
  runtime: z.enum(RUNTIMES),
  handler: Handler,
  memory_size: z.number().refine((mb) => MEMORY_MB.includes(mb), `one of ${MEMORY_MB.join(', ')}`),
  timeout: z.number().int().min(3).max(259_200),
  user_data: UserData.default({}),
  encrypted_user_data: UserData.default({}),
  xrole: z.string().default(''),
  app_xrole: z.string().default(''),
  description: z.string().max(512).default(''),
  initializer_handler: Handler.optional(),
  initializer_timeout: z.number().int().min(1).max(300).optional(),
  pre_stop_handler: Handler.optional(),
  pre_stop_timeout: z.number().int().min(1).max(90).optional(),
  func_vpc: z.strictObject({ vpc_id: z.string(), subnet_id: z.string(), security_groups: z.array(z.string()).optional() }).optional(),
  log_config: z
    .strictObject({ group_id: z.string(), group_name: z.string().optional(), stream_id: z.string(), stream_name: z.string().optional() })
    .optional(),
  enable_lts_log: z.boolean().default(false),
  enterprise_project_id: z.string().default('0'),
};
const Name = z
  .string()
  .max(60)
  .regex(/^[A-Za-z]([\w-]*[A-Za-z0-9])?$/, 'a letter first, then letters, digits, _ and -, no separator last');
const code = {
  code_type: z.literal('zip'),
  code_filename: z.string().min(1).optional(),
  func_code: z.strictObject({ file: z.base64().transform((text) => Buffer.from(text, 'base64')) }),
  depend_version_list: z.array(z.string()).max(0).optional(),
};

/** Both user data count together. */
function withinUserData(body: { readonly user_data: object; readonly encrypted_user_data: object }, ctx: z.RefinementCtx): void {
  const both = [body.user_data, body.encrypted_user_data];
  const keys = both.flatMap(Object.keys);
  const bytes = both.reduce((sum, data) => sum + Buffer.byteLength(JSON.stringify(data)), 0);
  const wrong = (message: string) => ctx.addIssue({ code: 'custom', path: ['user_data'], message });
  if (keys.length > MOST_KEYS) wrong(`at most ${MOST_KEYS} keys`);
  else if (new Set(keys).size < keys.length) wrong('a key that is also in encrypted_user_data');
  else if (bytes > MOST_BYTES) wrong(`at most ${MOST_BYTES} bytes in all`);
}

export const Create = z
  .strictObject({ func_name: Name, package: z.string().min(1), type: z.literal('v2'), ...shared, ...code })
  .superRefine(withinUserData);
export const Config = z
  .strictObject({
    func_name: Name,
    ...shared,
    strategy_config: z
      .strictObject({ concurrency: z.number().int().min(-1).max(1000), concurrent_num: z.number().int().min(1).max(1000) })
      .optional(),
    ephemeral_storage: z.union([z.literal(512), z.literal(10_240)]).optional(),
    enable_auth_in_header: z.boolean().optional(),
  })
  .superRefine(withinUserData);
export const Code = z.strictObject(code);
export const MaxInstances = z.strictObject({ max_instance_num: z.number().int().min(-1).max(1000) });

const ObsParam = z.strictObject({ bucket: z.string().min(3), prefix: z.string().default(''), expires: z.number().int().min(0).default(0) });
const Destination = z.strictObject({ destination: z.literal('OBS'), param: textOf(ObsParam, 'with bucket, prefix and expires') });
export const Async = z.strictObject({
  max_async_event_age_in_seconds: z.number().int().min(1).max(86_400).default(3600),
  max_async_retry_attempts: z.number().int().min(0).max(3).default(1),
  destination_config: z.strictObject({ on_success: Destination.optional(), on_failure: Destination.optional() }).default({}),
  enable_async_status_log: z.boolean().default(false),
});

export const Tags = z.strictObject({
  tags: z
    .array(z.strictObject({ key: z.string().min(1).max(128), value: z.string().max(255).default('') }))
    .min(1)
    .max(20),
});

export type CreateBody = z.infer<typeof Create>;
export type ConfigBody = z.infer<typeof Config>;
export type CodeBody = z.infer<typeof Code>;
export type FunctionConfig = Omit<ConfigBody, 'strategy_config'>;
export type AsyncConfig = z.infer<typeof Async>;
export type ObsDestination = z.infer<typeof ObsParam>;

const CODES: Readonly<Record<string, string>> = {
  runtime: 'FSS.1005',
  memory_size: 'FSS.1007',
  func_code: 'FSS.1011',
  code_type: 'FSS.1011',
};

export function readBody<T>(schema: z.ZodType<T>, body: unknown): T {
  return checked(
    schema,
    body,
    (text, at) => new Refused(400, CODES[at.split('.')[0] ?? ''] ?? 'FSS.0400', `Invalid request body. ${text}`),
  );
}
