import type { Costs } from '../core/costs.ts';
import type { Pool } from '../core/pool/pool.ts';
import type { Scope } from './ports/index.ts';

/** The machine behind a worker, as ECS wants it. Flavors, zones and subnets are walked in order of preference, flavor by flavor. */
export interface Machine {
  readonly image: { readonly id: string } | { readonly name: string };
  readonly flavors: readonly string[];
  readonly zones: readonly string[];
  readonly vpcId: string;
  readonly subnetIds: readonly string[];
  readonly securityGroups: readonly string[];
  readonly rootVolume: { readonly type: string; readonly sizeGb: number };
  readonly publicIp?: { readonly type: string; readonly bandwidthMbit: number };
  readonly keyName?: string;
}

/** What the worker's gitlab-runner is told: becomes its config.toml. */
export interface RunnerSettings {
  readonly executor: 'docker' | 'shell';
  /** `[runners.docker]`, key by key as gitlab-runner names them. */
  readonly docker: Readonly<Record<string, unknown>>;
  /** URLs that docker asks before Docker Hub, in this order; only with docker. */
  readonly registryMirrors?: readonly string[];
  /** `KEY=value` for every job. */
  readonly environment: readonly string[];
  readonly protectedOnly: boolean;
  readonly maximumTimeout?: number;
  /** Seconds; gitlab-runner's own default when 0. */
  readonly checkInterval: number;
  /** `[session_server]` of config.toml, which run-single does not read. */
  readonly sessionTimeout: number;
  /** What is looked at between two jobs: GiB that must be free, 0 for nobody looks; and whether what no job uses may be removed for it. */
  readonly disk: { readonly minFreeGb: number; readonly prune: boolean };
  /** Debian package and the version that is installed where the image lacks it; packages not named here come in the newest version. */
  readonly packages: Readonly<Record<string, string>>;
}

/** The NFS caches that a worker mounts before it takes jobs. */
export interface CacheSettings {
  /** Host name or address of the manager. */
  readonly server: string;
  /** Exported path on the server. */
  readonly export: string;
  /** `ro`: mounted read-only, for jobs that are not trusted with what others will use. */
  readonly access: 'rw' | 'ro';
  /** true: without the caches no job is taken. */
  readonly required: boolean;
}

export interface PoolSettings {
  readonly pool: Pool;
  readonly scope: Scope;
  readonly machine: Machine;
  readonly runner: RunnerSettings;
  readonly cache?: CacheSettings;
}

/** All that a reconcile needs to know besides what it observes. */
export interface Settings {
  /** Tells this installation's VMs from others of the same project: metadata `managed-by`. `[a-z0-9-]`. */
  readonly installation: string;
  readonly gitlabUrl: string;
  readonly pools: readonly PoolSettings[];
  /** Most launches in flight at once. */
  readonly launchConcurrency: number;
  /** `false` where the bucket cannot append (docs/deploy.md): no turnstile, records as single objects. */
  readonly append: boolean;
  /** Prices, for the counts and what people see. */
  readonly costs?: Costs;
  readonly alarms: {
    /** A job that waits longer than this is one to look at. */
    readonly oldestPendingMs: number;
  };
  /** Where GitLab's hook goes to, as GitLab shows it; absent: nobody looks whether it is enabled. */
  readonly hookUrl?: string;
}
