import * as z from 'zod';
import { section } from '../../lib/config/check/messages.ts';
import { tags } from './schema-provider.ts';

/*
 * The part `functions` of serverless.yml, with the descriptions that docs/reference is written from.
 */

export const SECRET_KEYS = ['GITLAB_TOKEN', 'HOOK_TOKENS', 'HOOK_SIGNING_TOKENS', 'ALARM_WEBHOOK_URL'] as const;
export type SecretKey = (typeof SECRET_KEYS)[number];

/** Milliseconds through the trigger API: 1 to 60000. */
export const ApigEvent = section({
  path: z
    .string()
    .regex(/^\/[A-Za-z0-9/_.-]*$/, 'must begin with "/" and hold letters, digits, "/", "_", "." and "-" only')
    .meta({ holds: 'begins with "/"; letters, digits, "/", "_", "." and "-" only', description: 'its path' }),
  method: z.enum(['GET', 'POST', 'PUT', 'DELETE', 'HEAD', 'PATCH', 'OPTIONS', 'ANY']).default('POST').meta({ description: 'its method' }),
  timeout: z.int().min(1).max(60).default(10).meta({ description: 'seconds that the gateway waits for an answer' }),
});

/** FunctionGraph: a rate of 1 to 60 minutes, 1 to 24 hours or 1 to 30 days; else a cron expression, whose zone must be given. */
export const TimerEvent = z.union(
  [
    section({
      rate: z.string().refine(isRate, 'must be 1m to 60m, 1h to 24h or 1d to 30d').meta({ description: 'at this interval' }),
    }).meta({ note: 'One of the two.' }),
    section({
      cron: z
        .string()
        .regex(
          /^(CRON_TZ=\S+ \S.*|@every \S+)$/,
          'must begin with CRON_TZ=<zone>, such as "CRON_TZ=Europe/Berlin 0 0/5 * * *", or be "@every 90s"',
        )
        .meta({
          holds: '`CRON_TZ=<zone>` and a cron expression, such as "CRON_TZ=Europe/Berlin 0 0/5 * * *", or "@every 90s"',
          description: 'at these times',
        }),
    }),
  ],
  { error: 'must be { rate: 1m } or { cron: "CRON_TZ=… …" }' },
);

const Event = z.union(
  [
    section({ apig: ApigEvent.meta({ description: 'an API of the gateway' }) }).meta({ note: 'Each event is one of the two.' }),
    section({ timer: TimerEvent.meta({ description: 'a timer' }) }),
  ],
  { error: 'must be an apig or a timer event' },
);

const MEMORY = [128, 256, 512, 768, 1024, 1280, 1536, 1792, 2048, 2560, 3072, 3584, 4096, 8192, 10240] as const;

const Async = section({
  retries: z
    .int()
    .min(0)
    .max(3)
    .default(0)
    .meta({ description: 'times that a failed call is repeated; the next tick works on fresher data' }),
  maxAge: z.int().min(1).max(86_400).default(60).meta({ description: 'seconds that a call may wait' }),
  onFailure: section({
    obs: z
      .string()
      .regex(/^[a-z][a-z0-9/-]*\/$/, 'must be a prefix that ends with "/", such as failures/')
      .meta({ description: 'prefix of the objects in the bucket' }),
  })
    .optional()
    .meta({ description: 'where a record of each failed call is written' }),
});

export const FunctionPart = {
  handler: z
    .string()
    .regex(/^index\.[A-Za-z_]\w*$/, 'must be index.<export>: index.js is all the code in the zip')
    .default('index.handler')
    .meta({ description: 'the function in the zip to call' }),
  memorySize: z
    .literal([...MEMORY], { error: `must be one of ${MEMORY.join(', ')} (MB)` })
    .default(512)
    .meta({ description: 'in MB; the share of a processor grows with it' }),
  timeout: z.int().min(3).max(900).default(60).meta({ description: 'seconds that a call may take' }),
  maxInstances: z.int().min(1).max(1000).default(10).meta({
    description:
      'Maximum number of calls at once. FunctionGraph silently discards any call beyond it; the next tick makes up for the loss.',
  }),
  async: Async.optional().meta({
    description: 'asynchronous calls: how often they are repeated and what happens to failed ones',
    absent: "FunctionGraph's own settings",
  }),
  secrets: z.array(z.enum(SECRET_KEYS)).default([]).meta({
    description:
      'The secrets that the function gets, in its encrypted user data. Taken from the environment, else from the file `provider.secrets`.',
  }),
  tags: tags.default({}).meta({ description: 'tags in addition to those of the provider' }),
};

/** osls adds `name`. */
export const FunctionEntry = section({
  ...FunctionPart,
  name: z.string().optional().meta({ description: 'Written by osls; leave it out.' }),
  events: z.array(Event).default([]).meta({ description: 'what calls the function' }),
}).meta({ note: 'The keys of `functions.scaler` and `functions.reaper` are the same.' });
export type FunctionEntry = z.output<typeof FunctionEntry>;

function isRate(text: string): boolean {
  const [, amount, unit = ''] = /^([1-9]\d?)([mhd])$/.exec(text) ?? [];
  const most: Readonly<Record<string, number>> = { m: 60, h: 24, d: 30 };
  return amount !== undefined && Number(amount) <= (most[unit] ?? 0);
}
