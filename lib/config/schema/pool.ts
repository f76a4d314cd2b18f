import * as z from 'zod';
import { HOUR, MINUTE } from '../../core/time.ts';
import { section } from '../check/messages.ts';
import { duration } from '../durations.ts';
import { CronPeriod, ExportPath, HostName, Name, ScopeField, Tags, Timezone } from './fields.ts';
import { MachinePart } from './machine.ts';
import { RunnerPart } from './runner.ts';

/*
 * The sections `pools` and `cache` of scaler.yml.
 */

const count = z.int().min(0).max(1000);
const IN_PERIOD = "as the pool's key, during this period";
const TOP_LEVEL = "the top level's";

export const Cache = section({
  server: HostName.meta({ description: "the manager's host" }),
  export: ExportPath.meta({ description: 'the exported path; the manager of this repository exports `/cache`' }),
  access: z.enum(['rw', 'ro']).default('rw').meta({
    description:
      "`ro` mounts the share read-only, for pools whose jobs (merge requests from strangers, for example) must not write what others will use. The manager's exports must grant the same access to the pool's subnet. Such jobs write to folders of their own and read `/var/shared` through `SSTATE_MIRRORS` and `PREMIRRORS`.",
  }),
  required: z.boolean().default(true).meta({
    description:
      '`true`: a worker that cannot mount the share within three minutes reports it on its console and powers off. `false`: it continues with empty local folders `downloads`, `sstate` and `git`, and its jobs take longer.',
  }),
}).meta({ note: 'More: [caches in configuration.md](../configuration.md#cache).' });

const PeriodPart = section({
  periods: z.array(CronPeriod).min(1).meta({
    description: 'Second, minute, hour, day of month, month, day of week, year. One expression that matches is enough.',
    dockerMachine: '`Periods`',
  }),
  timezone: Timezone.default('UTC').meta({
    description: 'including its summer time',
    dockerMachine: "`Timezone` (default: the manager's zone)",
  }),
  idle_count: count.default(0).meta({ description: IN_PERIOD, dockerMachine: '`IdleCount`' }),
  idle_scale_factor: z.number().min(0).max(100).default(0).meta({ description: IN_PERIOD, dockerMachine: '`IdleScaleFactor`' }),
  idle_count_min: count.default(0).meta({ description: IN_PERIOD, dockerMachine: '`IdleCountMin`' }),
  // Zero as docker+machine's, not the pool's: a period replaces all four values.
  idle_time: duration()
    .prefault(0)
    .meta({ description: `${IN_PERIOD}; the check warns when \`idle_count\` is set and this is not`, dockerMachine: '`IdleTime`' }),
}).meta({
  note: "The last period that matches counts, and it replaces **all four** idle values: a value that it leaves out is zero, not the pool's. More: [periods in configuration.md](../configuration.md#periods).",
});

export const PoolPart = section({
  name: Name.meta({
    description:
      "First part of every worker's name, `<pool>-<ulid>`. Must be unique, also among installations that share a GitLab scope. One pool's name may be the beginning of another's: a worker belongs to a pool only when exactly a ULID follows the name.",
    dockerMachine: '`MachineName`',
  }),
  tags: Tags.default([]).meta({
    description: 'GitLab tags, compared exactly and with their case. A pool without tags needs `run_untagged`.',
    dockerMachine: 'tags of the registration',
  }),
  run_untagged: z.boolean().default(false).meta({ description: 'also serve jobs without tags', dockerMachine: '`run_untagged`' }),
  limit: z.int().min(1).max(1000).meta({
    description: 'Maximum number of VMs in any state, including those being deleted. One job at a time per VM.',
    dockerMachine: '`limit` and `concurrent`',
  }),
  idle_count: count.default(0).meta({
    description: 'Workers to keep free. With `idle_scale_factor` it is the upper bound of that share. At most `limit`.',
    dockerMachine: '`IdleCount`',
  }),
  idle_scale_factor: z.number().min(0).max(100).default(0).meta({
    description: 'Free workers as a share of the busy ones, rounded down, at least 1; 0 is off.',
    dockerMachine: '`IdleScaleFactor`',
  }),
  idle_count_min: count
    .default(0)
    .meta({ description: 'lower bound of that share, at most `idle_count`', dockerMachine: '`IdleCountMin`' }),
  idle_time: duration().prefault('1m').meta({
    description:
      'How long a worker that is not needed may be without a job. In a pool that keeps no idle workers, the worker itself measures this time and powers off at its last check within it: 3, 56, 109, … s after its last job (every 53 s), because gitlab-runner checks only between two requests and GitLab holds each for 50 s; every 3 s if GitLab does not hold them. 3 to 55 s count as 56 s: after 3 s a worker has asked only once.',
    dockerMachine: '`IdleTime`',
  }),
  max_builds: z
    .int()
    .min(0)
    .default(0)
    .meta({ description: 'Number of jobs after which a worker is replaced; 0 is no limit.', dockerMachine: '`MaxBuilds`' }),
  max_growth_rate: count
    .default(0)
    .meta({ description: 'Maximum number of VMs booting at once; 0 is no limit.', dockerMachine: '`MaxGrowthRate`' }),
  max_age: duration({ min: 600_000 }).prefault('1d').meta({
    description:
      'Measured from boot. A worker of this age takes no new job and leaves after the running one. If it does not leave, it powers off `maximum_timeout` later (6 h if that is not set), whatever it runs. Longer than `boot_timeout`.',
  }),
  boot_timeout: duration({ min: MINUTE, max: HOUR }).prefault('10m').meta({
    description:
      'Time from creation to the first contact with GitLab; a worker that takes longer is replaced. It includes the installation of packages: an image that holds docker and gitlab-runner boots in a fraction of it.',
  }),
  periods: z.array(PeriodPart).prefault([]).meta({
    description: 'other idle values at other times',
    dockerMachine: '`[[runners.machine.autoscaling]]`',
  }),
  scope: ScopeField.optional().meta({ description: 'jobs and runners of this pool belong elsewhere', absent: '`gitlab.scope`' }),
  machine: MachinePart.optional().meta({
    description: 'single keys that differ from the top-level `machine`',
    absent: TOP_LEVEL,
    dockerMachine: '`MachineOptions`',
  }),
  runner: RunnerPart.optional().meta({
    description: 'single keys that differ from the top-level `runner`',
    absent: TOP_LEVEL,
    dockerMachine: '`[[runners]]`',
  }),
  cache: z
    .union([z.literal(false), Cache], { error: 'must be false, or a section with server and export' })
    .optional()
    .meta({ description: "replaces the top level's as a whole; `false` for none", absent: TOP_LEVEL }),
}).meta({ note: 'More: [pools in configuration.md](../configuration.md#pools).' });
export type PoolPart = z.infer<typeof PoolPart>;
