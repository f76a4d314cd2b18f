import * as z from 'zod';
import { section } from './check/messages.ts';
import { duration } from './durations.ts';
import {
  BaseUrl,
  BucketName,
  CronPeriod,
  EnvironmentEntry,
  ExportPath,
  FunctionName,
  GitLabUrl,
  HookUrl,
  HostName,
  Name,
  PackageVersion,
  RegistryMirror,
  ScopeField,
  Tags,
  Timezone,
  Uuid,
} from './fields.ts';

/*
 * The form of scaler.yml. `machine` and `runner` are partial here, because the top-level ones are merged under each pool's;
 * contradictions.ts checks what no single value shows, resolve.ts makes settings of it.
 */

const identifier = (what: string) => z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, `must be ${what}`);
const count = z.int().min(0).max(1000);

/** OTC ECS API reference, creating_ecss: `root_volume.volumetype`. SATA is end of sale. */
const VolumeType = z.enum(['SSD', 'SAS', 'GPSSD', 'GPSSD2', 'ESSD'], {
  error: ({ input }) => (input === 'SATA' ? 'SATA disks are no longer sold: write SSD, or SAS for less money' : undefined),
});

const Image = z.union([z.string().min(1).max(128), section({ id: Uuid })], { error: 'must be the name of an image, or { id: <UUID> }' });

const PublicIp = z.union(
  [z.literal(false), section({ bandwidth: z.int().min(1).max(1000), type: z.enum(['5_bgp', '5_mailbgp']).default('5_bgp') })],
  { error: 'must be false, or a section with the bandwidth in Mbit/s, such as { bandwidth: 10 }' },
);

/** The keys that a machine cannot do without, once the defaults are merged in. */
export const REQUIRED_OF_MACHINE = ['image', 'flavors', 'zones', 'vpc_id', 'subnet_id', 'security_groups'] as const;

const MachinePart = section({
  image: Image.optional(),
  flavors: z.array(identifier('a flavor, such as s3.large.8')).min(1).optional(),
  zones: z.array(identifier('an availability zone, such as eu-de-01')).min(1).optional(),
  vpc_id: Uuid.optional(),
  subnet_id: z.union([Uuid, z.array(Uuid).min(1).max(20)], { error: 'must be a UUID, or a list of them' }).optional(),
  security_groups: z.array(Uuid).min(1).optional(),
  root_volume: section({ type: VolumeType.default('SSD'), size: z.int().min(1).max(1024).default(40) }).optional(),
  public_ip: PublicIp.optional(),
  key_name: z.string().min(1).max(255).optional(),
});
export type MachinePart = z.infer<typeof MachinePart>;

/** Whatever gitlab-runner's `[runners.docker]` takes; the keys named here are checked, all others pass as they are. */
const DockerPart = z
  .looseObject({
    image: z.string().min(1).optional(),
    privileged: z.boolean().optional(),
    disable_entrypoint_overwrite: z.boolean().optional(),
    oom_kill_disable: z.boolean().optional(),
    disable_cache: z.boolean().optional(),
    tls_verify: z.boolean().optional(),
    volumes: z.array(z.string().min(1)).optional(),
    shm_size: z.int().min(0).optional(),
    pull_policy: z.union([z.string(), z.array(z.string())], { error: 'must be text or a list of texts' }).optional(),
  })
  .superRefine((docker, ctx) => {
    for (const path of unwritable(docker)) {
      ctx.addIssue({
        code: 'custom',
        path,
        message: 'must be text, a number, true, false, a list or a section: config.toml has no empty values',
      });
    }
  });

/** Paths of what TOML cannot say: null and the numbers that are none. */
function unwritable(value: unknown): (string | number)[][] {
  if (value === null || (typeof value === 'number' && !Number.isFinite(value))) return [[]];
  if (Array.isArray(value)) return value.flatMap((entry, i) => unwritable(entry).map((path) => [i, ...path]));
  if (typeof value !== 'object') return [];
  return Object.entries(value).flatMap(([key, entry]) => unwritable(entry).map((path) => [key, ...path]));
}

/** The packages that a worker installs by itself. The helper images follow gitlab-runner. */
const PackagesPart = section({
  apparmor: PackageVersion.optional(),
  'ca-certificates': PackageVersion.optional(),
  curl: PackageVersion.optional(),
  'docker.io': PackageVersion.optional(),
  'gitlab-runner': PackageVersion.optional(),
  'nfs-common': PackageVersion.optional(),
  nftables: PackageVersion.optional(),
});

const RunnerPart = section({
  executor: z.enum(['docker', 'shell']).optional(),
  docker: DockerPart.optional(),
  registry_mirrors: z
    .array(RegistryMirror)
    .refine((list) => list.length <= 10, 'must have at most 10 entries')
    .optional(),
  environment: z.array(EnvironmentEntry).optional(),
  protected_only: z.boolean().optional(),
  // gitlabhq: maximum_timeout of a runner is at least ten minutes.
  maximum_timeout: duration({ min: 600_000 }).optional(),
  check_interval: z.int().min(0).max(3600).optional(),
  session_timeout: duration({ min: 1000 }).optional(),
  packages: PackagesPart.optional(),
  disk: section({ min_free_gb: z.int().min(0).max(1024).default(5), prune: z.boolean().default(true) }).optional(),
});
export type RunnerPart = z.infer<typeof RunnerPart>;

const Cache = section({
  server: HostName,
  export: ExportPath,
  access: z.enum(['rw', 'ro']).default('rw'),
  required: z.boolean().default(true),
});

const policy = {
  idle_count: count.default(0),
  idle_scale_factor: z.number().min(0).max(100).default(0),
  idle_count_min: count.default(0),
};

const PeriodPart = section({
  periods: z.array(CronPeriod).min(1),
  timezone: Timezone.default('UTC'),
  ...policy,
  // Zero as docker+machine's, not the pool's: a period replaces all four values.
  idle_time: duration().default(0),
});

const PoolPart = section({
  name: Name,
  tags: Tags.default([]),
  run_untagged: z.boolean().default(false),
  limit: z.int().min(1).max(1000),
  ...policy,
  idle_time: duration().default(60_000),
  max_builds: z.int().min(0).default(0),
  max_growth_rate: count.default(0),
  max_age: duration({ min: 600_000 }).default(86_400_000),
  boot_timeout: duration({ min: 60_000, max: 3_600_000 }).default(600_000),
  periods: z.array(PeriodPart).default([]),
  scope: ScopeField.optional(),
  machine: MachinePart.optional(),
  runner: RunnerPart.optional(),
  cache: z.union([z.literal(false), Cache], { error: 'must be false, or a section with server and export' }).optional(),
});
export type PoolPart = z.infer<typeof PoolPart>;

/** Prices of whole machines per hour, as the price list of the tenant says. */
const CostsPart = section({
  currency: z
    .string()
    .regex(/^[A-Z]{3}$/, 'must be a currency, such as EUR')
    .default('EUR'),
  flavors: z.record(identifier('a flavor, such as s3.large.8'), z.number().min(0).max(1000)),
});

const AlarmsPart = section({
  oldest_pending: duration({ min: 60_000 }).default(1_800_000),
  smn_topic: z
    .string()
    .regex(/^urn:smn:[a-z0-9-]+:[0-9a-f]{32}:[A-Za-z0-9_-]{1,255}$/, "must be a topic's URN, such as urn:smn:eu-de:<project id>:ci-alarms")
    .optional(),
});

export const Document = section({
  installation: Name.default('gl-scaler'),
  gitlab: section({ url: GitLabUrl, scope: ScopeField, hook_url: HookUrl.optional() }),
  otc: section({
    region: z.string().regex(/^[a-z]+-[a-z0-9-]*[a-z0-9]$/, 'must be a region, such as eu-de'),
    domain: HostName.default('otc.t-systems.com'),
    project_id: z.string().regex(/^[0-9a-f]{32}$/, "must be the project's id, 32 of 0-9 and a-f (console: My Credentials, Projects)"),
    endpoints: section({
      ecs: BaseUrl.optional(),
      ims: BaseUrl.optional(),
      iam: BaseUrl.optional(),
      vpc: BaseUrl.optional(),
      obs: BaseUrl.optional(),
      smn: BaseUrl.optional(),
      functiongraph: BaseUrl.optional(),
    }).default({}),
    launch_concurrency: z.int().min(1).max(100).default(16),
  }),
  bucket: section({ name: BucketName, append: z.boolean().default(true), dialect: z.enum(['obs', 's3-v2']).default('obs') }),
  functions: section({ scaler: FunctionName.optional() }).default({}),
  cache: Cache.optional(),
  costs: CostsPart.optional(),
  alarms: AlarmsPart.prefault({}),
  // Read by the command line alone (manager.ts); the functions are built without it.
  manager: z.unknown().optional(),
  machine: MachinePart.default({}),
  runner: RunnerPart.default({}),
  pools: z.array(PoolPart).min(1),
});
export type Document = z.infer<typeof Document>;
