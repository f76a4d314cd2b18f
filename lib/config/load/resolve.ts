import type { Scope } from '../../app/ports/index.ts';
import type { CacheSettings, Machine, PoolSettings, RunnerSettings } from '../../app/settings.ts';
import { defined } from '../../core/defined.ts';
import { LONGEST_JOB_MS, type Period, type Policy, type Pool } from '../../core/pool/pool.ts';
import { type ConfigProblem, InvalidConfigError, problem } from '../check/problems.ts';
import type { Document } from '../schema/document.ts';
import type { MachinePart } from '../schema/machine.ts';
import type { PoolPart } from '../schema/pool.ts';
import type { RunnerPart } from '../schema/runner.ts';
import type { Config, OtcService } from '../types.ts';

type ScopePart = Document['gitlab']['scope'];

/** Makes settings of a document that has been checked: merges the defaults and renames once, here. */
export function resolveDocument(document: Document, warnings: readonly ConfigProblem[]): Config {
  const { gitlab, otc, bucket, functions } = document;
  return {
    settings: {
      installation: document.installation,
      gitlabUrl: gitlab.url,
      pools: document.pools.map((pool, i) => resolvePool(document, pool, i)),
      launchConcurrency: otc.launch_concurrency,
      append: bucket.append,
      ...defined({ costs: document.costs }),
      alarms: { oldestPendingMs: document.alarms.oldest_pending },
      ...defined({ hookUrl: gitlab.hook_url }),
    },
    otc: { region: otc.region, domain: otc.domain, projectId: otc.project_id, endpoints: endpointsOf(otc) },
    bucket: { name: bucket.name, dialect: bucket.dialect },
    ...defined({ alarmTopic: document.alarms.smn_topic, scalerFunction: functions.scaler }),
    warnings,
  };
}

/** OTC regions and endpoints: `https://<service>.<region>.<domain>`. */
function endpointsOf(otc: Document['otc']): Record<OtcService, string> {
  const url = (service: OtcService) => otc.endpoints[service] ?? `https://${service}.${otc.region}.${otc.domain}`;
  return {
    ecs: url('ecs'),
    ims: url('ims'),
    iam: url('iam'),
    vpc: url('vpc'),
    obs: url('obs'),
    smn: url('smn'),
    functiongraph: url('functiongraph'),
  };
}

function resolvePool(document: Document, part: PoolPart, index: number): PoolSettings {
  const cache = cacheOf(document, part);
  return {
    pool: poolOf(part, part.runner?.maximum_timeout ?? document.runner.maximum_timeout),
    scope: scopeOf(part.scope ?? document.gitlab.scope),
    machine: machineOf({ ...document.machine, ...part.machine }, index),
    runner: runnerOf(document.runner, part.runner ?? {}, cache?.access ?? 'rw'),
    ...defined({ cache }),
  };
}

function poolOf(part: PoolPart, maximumTimeout: number | undefined): Pool {
  return {
    name: part.name,
    tags: part.tags,
    runUntagged: part.run_untagged,
    limit: part.limit,
    maxGrowthRate: part.max_growth_rate,
    maxBuilds: part.max_builds,
    maxAgeMs: part.max_age,
    longestJobMs: maximumTimeout ?? LONGEST_JOB_MS,
    bootTimeoutMs: part.boot_timeout,
    policy: policyOf(part),
    periods: part.periods.map((period): Period => ({ periods: period.periods, timezone: period.timezone, policy: policyOf(period) })),
  };
}

function policyOf(part: PoolPart | PoolPart['periods'][number]): Policy {
  return {
    idleCount: part.idle_count,
    idleScaleFactor: part.idle_scale_factor,
    idleCountMin: part.idle_count_min,
    idleTimeMs: part.idle_time,
  };
}

function scopeOf(scope: ScopePart): Scope {
  if (scope.group !== undefined) return { kind: 'group', path: scope.group };
  if (scope.project !== undefined) return { kind: 'project', path: scope.project };
  return { kind: 'instance' };
}

function machineOf(part: MachinePart, index: number): Machine {
  const { image, flavors, zones, vpc_id: vpcId, subnet_id: subnets, security_groups: securityGroups, public_ip: publicIp } = part;
  if (!image || !flavors || !zones || !vpcId || !subnets || !securityGroups) {
    throw new InvalidConfigError([problem(['pools', index, 'machine'], 'is incomplete')]);
  }
  return {
    image: typeof image === 'string' ? { name: image } : { id: image.id },
    flavors,
    zones,
    vpcId,
    subnetIds: [subnets].flat(),
    securityGroups,
    rootVolume: { type: part.root_volume?.type ?? 'SSD', sizeGb: part.root_volume?.size ?? 40 },
    ...(publicIp && { publicIp: { type: publicIp.type, bandwidthMbit: publicIp.bandwidth } }),
    ...defined({ keyName: part.key_name }),
  };
}

/** `[runners.docker]` of docker+machine farms. Jobs see the worker's /cache, which is a local folder where no caches are configured. */
function dockerDefaults(access: CacheSettings['access']): Readonly<Record<string, unknown>> {
  return {
    image: 'ubuntu:20.04',
    tls_verify: false,
    privileged: false,
    disable_entrypoint_overwrite: false,
    oom_kill_disable: false,
    disable_cache: false,
    volumes: [`/cache:/var/shared:${access}`],
    shm_size: 0,
  };
}

/** `docker` and `packages` are merged key by key, everything else replaced. */
function runnerOf(defaults: RunnerPart, own: RunnerPart, access: CacheSettings['access']): RunnerSettings {
  const part = { ...defaults, ...own };
  const executor = part.executor ?? 'docker';
  return {
    executor,
    docker: executor === 'docker' ? { ...dockerDefaults(access), ...defaults.docker, ...own.docker } : {},
    ...(executor === 'docker' && part.registry_mirrors && { registryMirrors: part.registry_mirrors }),
    environment: part.environment ?? [],
    protectedOnly: part.protected_only ?? false,
    ...(part.maximum_timeout !== undefined && { maximumTimeout: Math.floor(part.maximum_timeout / 1000) }),
    checkInterval: part.check_interval ?? 0,
    sessionTimeout: Math.ceil((part.session_timeout ?? 1_800_000) / 1000),
    disk: { minFreeGb: part.disk?.min_free_gb ?? 5, prune: part.disk?.prune ?? true },
    packages: pinsOf({ ...defaults.packages, ...own.packages }),
  };
}

function pinsOf(packages: NonNullable<RunnerPart['packages']>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.entries(packages).filter((pin): pin is [string, string] => pin[1] !== undefined));
}

function cacheOf(document: Document, part: PoolPart): CacheSettings | undefined {
  if (part.cache === false) return undefined;
  return part.cache ?? document.cache;
}
