import * as z from 'zod';
import { MINUTE } from '../../core/time.ts';
import { section } from '../check/messages.ts';
import { duration } from '../durations.ts';
import { BaseUrl, BucketName, FunctionName, GitLabUrl, HookUrl, HostName, Name, ScopeField } from './fields.ts';
import { Flavor, MachinePart } from './machine.ts';
import { Cache, PoolPart } from './pool.ts';
import { RunnerPart } from './runner.ts';

/*
 * The form of scaler.yml, with the descriptions that docs/reference is written from. `machine` and `runner` are partial here, because the
 * top-level ones are merged under each pool's; contradictions.ts checks what no single value shows, resolve.ts makes settings of it.
 */

const FROM_REGION = 'from `region` and `domain`';
const Endpoint = BaseUrl.optional().meta({ description: 'another address of this service', absent: FROM_REGION });

const GitLabPart = section({
  url: GitLabUrl.meta({ description: "GitLab's address, with its path if it has one", dockerMachine: '`url`' }),
  scope: ScopeField.meta({
    description: 'Where jobs come from and where runners are created: exactly one of its keys. A pool may have its own.',
    dockerMachine: 'where the runner was registered',
  }),
  hook_url: HookUrl.optional().meta({
    description:
      "The hook's URL exactly as GitLab shows it. With it, the reaper checks every ten minutes that GitLab still sends to it; the token must be allowed to read hooks (Maintainer of the project, Owner of the group; `read_api` is enough).",
  }),
});

const OtcPart = section({
  region: z
    .string()
    .regex(/^[a-z]+-[a-z0-9-]*[a-z0-9]$/, 'must be a region, such as eu-de')
    .meta({ description: 'where machines and the bucket are', dockerMachine: '`otc-region`' }),
  domain: HostName.default('otc.t-systems.com').meta({
    description: 'Hosts are `https://<service>.<region>.<domain>`.',
    dockerMachine: '`otc-service-endpoint`',
  }),
  project_id: z
    .string()
    .regex(/^[0-9a-f]{32}$/, "must be the project's id, 32 of 0-9 and a-f (console: My Credentials, Projects)")
    .meta({
      description: 'The project that machines are started in. An id that consists of digits only must be in quotes.',
      dockerMachine: '`otc-tenant-id`, `otc-project-id`',
    }),
  endpoints: section({
    ecs: Endpoint,
    ims: Endpoint,
    iam: Endpoint,
    vpc: Endpoint,
    obs: Endpoint.meta({ description: 'another address of this service, without the bucket' }),
    smn: Endpoint,
    functiongraph: Endpoint.meta({
      description:
        'FunctionGraph does not exist in eu-nl. A function in eu-de can manage VMs there; this key must then hold the address of its region.',
    }),
  })
    .prefault({})
    .meta({ description: 'other addresses for single services', absent: FROM_REGION }),
  launch_concurrency: z.int().min(1).max(100).default(16).meta({ description: 'maximum number of launches in flight at once' }),
});

const BucketPart = section({
  name: BucketName.meta({
    description: 'A bucket that exists. Its name may contain dots, but TLS certificates do not cover such names.',
  }),
  append: z.boolean().default(true).meta({
    description:
      '`false` if objects cannot be appended to (a versioned bucket, an S3 server without append). There is then no turnstile, and each record is an object of its own: give the scaler function at most one instance, so that two concurrent hooks do not both launch.',
  }),
  dialect: z
    .enum(['obs', 's3-v2'])
    .default('obs')
    .meta({ description: "How requests are signed. `s3-v2` is for S3 stand-ins such as Ceph's gateway." }),
});

/** Prices of whole machines per hour, as the price list of the tenant says. */
const CostsPart = section({
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be a currency, such as EUR')
    .default('EUR')
    .meta({ description: 'currency of all prices' }),
  flavors: z.record(Flavor, z.number().min(0).max(1000)).meta({
    description:
      'Price of a whole machine per hour (VM, its disk, its address), for each flavor that a pool names. While a machine without a price runs, the cost of that minute is unknown, and the check warns.',
  }),
}).meta({ note: 'An example: [costs in configuration.md](../configuration.md#costs).' });

const AlarmsPart = section({
  oldest_pending: duration({ min: MINUTE }).prefault('30m').meta({ description: 'raise an alarm when a job has waited longer than this' }),
  smn_topic: z
    .string()
    .regex(/^urn:smn:[a-z0-9-]+:[0-9a-f]{32}:[A-Za-z0-9_-]{1,255}$/, "must be a topic's URN, such as urn:smn:eu-de:<project id>:ci-alarms")
    .optional()
    .meta({ description: 'SMN topic that alarms are published to' }),
}).meta({
  note: 'The alarms and what to do about each: [alarms.md](../alarms.md). Alarms are always evaluated and shown; these keys set when they are raised and where they are sent.',
});

export const Document = section({
  installation: Name.default('gl-scaler').meta({
    description: "Marks this installation's VMs in the cloud project. Two installations in one project need different ones.",
  }),
  gitlab: GitLabPart.meta({ description: 'where jobs come from' }),
  otc: OtcPart.meta({ description: 'where machines are started' }),
  bucket: BucketPart.meta({ description: 'where the scaler keeps its state and records' }),
  functions: section({
    scaler: FunctionName.optional().meta({
      description:
        'The function that the webhook wakes. Without it the timer alone scales, within a minute: a supported, cheaper mode that needs no API Gateway.',
    }),
  })
    .default({})
    .meta({ description: 'the functions in FunctionGraph' }),
  cache: Cache.optional().meta({ description: 'NFS caches for all pools' }),
  costs: CostsPart.optional().meta({ description: 'prices; without them no cost is reported' }),
  alarms: AlarmsPart.prefault({}).meta({ description: 'when alarms are raised and where they are sent', absent: 'its defaults' }),
  // The command line alone reads it (manager.ts); the functions are built without it.
  manager: z.unknown().optional(),
  machine: MachinePart.default({}).meta({
    description: "VM settings for all pools; a pool's own `machine` overrides single keys",
    absent: 'empty',
  }),
  runner: RunnerPart.prefault({}).meta({
    description:
      "Runner settings for all pools; a pool's own `runner` overrides single keys, including those within `docker` and `packages`.",
    absent: 'empty',
  }),
  pools: z
    .array(PoolPart)
    .min(1)
    .meta({ description: 'Considered in the order of the file: a job starts a worker of the first pool that can run it.' }),
});
export type Document = z.infer<typeof Document>;
