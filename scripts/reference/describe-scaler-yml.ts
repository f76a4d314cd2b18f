import type * as z from 'zod';
import {
  BaseUrl,
  BucketName,
  CronPeriod,
  EnvironmentEntry,
  FunctionName,
  GitLabUrl,
  HookUrl,
  HostName,
  Name,
  PackageVersion,
  RegistryMirror,
  Tags,
  Timezone,
  Uuid,
} from '../../lib/config/fields.ts';
import { ManagerPart, MirrorUrl } from '../../lib/config/manager.ts';
import { Document } from '../../lib/config/schema.ts';
import { SubnetText } from '../../lib/config/subnet.ts';
import type { Description, FileReference } from './describe.ts';
import { MACHINE_AND_RUNNER } from './describe-machine.ts';
import { MANAGER } from './describe-manager.ts';
import { POOLS } from './describe-pools.ts';

const OTHER_ADDRESS = 'another address of this service';
const ONE_OF_THREE = 'one of the three is required';
const FROM_REGION = 'from `region` and `domain`';

const TOP: Readonly<Record<string, Description>> = {
  installation: { means: "Marks this installation's VMs in the cloud project. Two installations in one project need different ones." },
  gitlab: { means: 'where jobs come from' },
  otc: { means: 'where machines are started' },
  bucket: { means: 'where the scaler keeps what it must remember' },
  functions: { means: 'the functions in FunctionGraph', absent: 'empty' },
  cache: { means: 'NFS caches for all pools' },
  costs: { means: 'prices: without them no cost is told' },
  alarms: { means: 'what to be told of', absent: 'its defaults' },
  manager: { means: 'The machine that serves these caches. Only the command line reads it: the functions are built without it.' },
  machine: { means: "VM settings for all pools; a pool's own `machine` overrides single keys", absent: 'empty' },
  runner: {
    means:
      "Runner settings for all pools; a pool's own `runner` overrides single keys, and within `docker` and `packages` single keys, too.",
    absent: 'empty',
  },
  pools: { means: 'Asked in the order of the file: a job starts a worker of the first pool that can run it.' },

  'gitlab.url': { means: "GitLab's address, with its path if it has one", before: '`url`' },
  'gitlab.scope': {
    means: 'Where jobs come from and where runners are created: exactly one of its keys. A pool may have its own.',
    before: 'where the runner was registered',
  },
  'gitlab.scope.group': { means: 'all projects of this group and its subgroups', absent: ONE_OF_THREE },
  'gitlab.scope.project': { means: 'this project alone', absent: ONE_OF_THREE },
  'gitlab.scope.instance': { means: "the whole GitLab; needs an administrator's token", absent: ONE_OF_THREE },
  'gitlab.hook_url': {
    means:
      "The hook's URL exactly as it stands in GitLab. With it the reaper looks each ten minutes whether GitLab still sends to it; the token must be allowed to read hooks (Maintainer of the project, Owner of the group; `read_api` is enough).",
  },

  'otc.region': { means: 'where machines and the bucket are', before: '`otc-region`' },
  'otc.domain': { means: 'Hosts are `https://<service>.<region>.<domain>`.', before: '`otc-service-endpoint`' },
  'otc.project_id': {
    means: 'The project that machines are started in. An id that consists of digits only must be in quotes.',
    before: '`otc-tenant-id`, `otc-project-id`',
  },
  'otc.endpoints': { means: 'other addresses for single services', absent: FROM_REGION },
  'otc.endpoints.ecs': { means: OTHER_ADDRESS, absent: FROM_REGION },
  'otc.endpoints.ims': { means: OTHER_ADDRESS, absent: FROM_REGION },
  'otc.endpoints.iam': { means: OTHER_ADDRESS, absent: FROM_REGION },
  'otc.endpoints.vpc': { means: OTHER_ADDRESS, absent: FROM_REGION },
  'otc.endpoints.obs': { means: `${OTHER_ADDRESS}, without the bucket`, absent: FROM_REGION },
  'otc.endpoints.smn': { means: OTHER_ADDRESS, absent: FROM_REGION },
  'otc.endpoints.functiongraph': {
    means: 'FunctionGraph does not exist in eu-nl: a function in eu-de can manage VMs there, and then this must say where the function is.',
    absent: FROM_REGION,
  },
  'otc.launch_concurrency': { means: 'most launches in flight at once' },

  'bucket.name': { means: 'A bucket that exists. A dot is possible, but TLS certificates do not cover such names.' },
  'bucket.append': {
    means:
      '`false` where objects cannot be appended to (a versioned bucket, an S3 server without append). Then there is no turnstile, and records are single objects: give the scaler function one instance at most, so that two hooks at once do not both launch.',
  },
  'bucket.dialect': { means: "How requests are signed. `s3-v2` is for S3 stand-ins such as Ceph's gateway." },

  'functions.scaler': {
    means:
      'The function that the webhook wakes. Without it the timer alone scales, within a minute: a supported, cheaper mode that needs no API Gateway.',
  },

  'cache.server': { means: "the manager's host" },
  'cache.export': { means: 'the exported path; the manager of this repository exports `/cache`' },
  'cache.access': {
    means:
      "`ro` mounts the share read-only: for pools whose jobs (merge requests of strangers, say) must not write what others will use. The manager's exports must say the same for the pool's subnet. Such jobs write to folders of their own and read `/var/shared` through `SSTATE_MIRRORS` and `PREMIRRORS`.",
  },
  'cache.required': {
    means:
      '`true`: a worker that cannot mount it within three minutes says so on its console and powers off. `false`: it goes on with empty local folders `downloads`, `sstate` and `git`, and the jobs take longer.',
  },

  'costs.currency': { means: 'of all prices' },
  'costs.flavors': {
    means:
      'Price of a whole machine per hour (VM, its disk, its address), for each flavor that a pool names. While a machine without a price runs, what that minute costs is unknown, and the check warns.',
  },

  'alarms.oldest_pending': { means: 'a job that waits longer is worth an alarm' },
  'alarms.smn_topic': { means: 'SMN topic that alarms are published to' },
};

export const SCALER_YML: FileReference = {
  page: 'configuration.md',
  schema: 'scaler.schema.json',
  title: 'Reference: scaler.yml',
  introduction: `Every key of \`scaler.yml\`. How the parts work together, examples and the secrets, which stand elsewhere: [configuration.md](../configuration.md).
A complete file: [\`examples/scaler.yml\`](../../examples/scaler.yml). Editors that know [scaler.schema.json](scaler.schema.json) complete and check while you type;
\`scaler check\` knows more.

A **time** is seconds as a number, or text with units: \`90s\`, \`10m\`, \`24h\`, \`7d\`, \`1h30m\`. "none" as a default: without the key there is no such thing.
An unknown key is an error.`,
  root: Document.extend({ manager: ManagerPart.optional() }),
  names: new Map<z.core.$ZodType, string>([
    [Name, '`a-z`, `0-9` and `-`; begins with a letter, does not end with `-`; at most 32 characters'],
    [Uuid, 'UUID'],
    [BaseUrl, 'URL with `https://`, without password and query'],
    [GitLabUrl, 'URL with `https://`, without password and query'],
    [HookUrl, 'URL with `https://`, without password and query'],
    [Timezone, 'IANA name, such as `Europe/Berlin`'],
    [CronPeriod, 'cron expression of seven fields, such as `* * 8-17 * * mon-fri *`'],
    [BucketName, '3 to 63 of `a-z`, `0-9`, `-` and `.`; begins and ends with a letter or digit'],
    [FunctionName, "function's name, or its URN (`urn:fss:…`)"],
    [HostName, 'host name or IPv4 address'],
    [RegistryMirror, 'URL with `https://` or `http://`, without password and query'],
    [PackageVersion, 'Debian version as `apt-cache policy` prints it, such as `18.5.0-1`'],
    [Tags, 'list (at most 50, no two the same): text without a comma, at most 255 characters'],
    [EnvironmentEntry, '`KEY=value` in one line'],
    [SubnetText, 'subnet, such as `10.0.1.0/24` (IPv6, too), not wider than /8 (IPv6: /32)'],
    [MirrorUrl, 'URL with `https://`, `ssh://`, `http://` or `git://`, without password'],
  ]),
  keys: { ...TOP, ...MACHINE_AND_RUNNER, ...POOLS, ...MANAGER },
  notes: {
    cache: 'More: [caches in configuration.md](../configuration.md#cache).',
    costs: 'An example: [costs in configuration.md](../configuration.md#costs).',
    alarms:
      'What is looked at, and what to do: [alarms.md](../alarms.md). Alarms are always evaluated and shown; these keys say when and to whom they are told.',
    manager:
      '`scaler manager render` makes the user data of the cache manager from it. An example: [configuration.md](../configuration.md#manager); how to bring one up: [manager.md](../manager.md).',
    machine:
      "Under `pools[].machine` the same keys stand for one pool. What is required must stand in one of the two places. Not carried over from docker+machine because not needed: SSH user, admin password, docker's TLS port, `MachineDriver`, user data of your own.",
    runner:
      'Under `pools[].runner` the same keys stand for one pool. `concurrent` is always 1: one worker, one job at a time. More: [the runner in configuration.md](../configuration.md#runner).',
    'runner.docker':
      "gitlab-runner's own `[runners.docker]` section. The keys below are checked; all others that gitlab-runner knows (17.1 to 19.4) pass unchanged, and any other key is an error. What is left out is as the defaults say.",
    'runner.packages':
      'Versions of the Debian packages that a worker installs when its image lacks them. What the image already holds is taken as it is. Before you pin: [configuration.md](../configuration.md#runner).',
    'pools[]': 'More: [pools in configuration.md](../configuration.md#pools).',
    'pools[].periods[]':
      "The last period that matches counts, and it replaces **all four** idle values: what it leaves out is zero, not the pool's value. More: [periods in configuration.md](../configuration.md#periods).",
  },
};
