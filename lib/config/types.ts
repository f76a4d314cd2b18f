import type { Settings } from '../app/settings.ts';
import type { ConfigProblem } from './check/problems.ts';

export type OtcService = 'ecs' | 'ims' | 'iam' | 'vpc' | 'obs' | 'smn' | 'functiongraph';

/** All of scaler.yml with its defaults filled in: the settings of a reconcile, and what the adapters are built from. */
export interface Config {
  readonly settings: Settings;
  readonly otc: {
    readonly region: string;
    readonly domain: string;
    readonly projectId: string;
    /** Base URLs without a slash at the end. `obs` is without the bucket. */
    readonly endpoints: Readonly<Record<OtcService, string>>;
  };
  readonly bucket: { readonly name: string; readonly dialect: 'obs' | 's3-v2' };
  /** Name or URN of the function that the webhook wakes; absent: the timer alone. */
  readonly scalerFunction?: string;
  /** URN of the SMN topic that alarms go to. */
  readonly alarmTopic?: string;
  /** Of the cache manager; the functions' compiled configuration has none. */
  readonly manager?: ManagerSettings;
  /** What works, but probably not as meant. */
  readonly warnings: readonly ConfigProblem[];
}

/** The machine that serves the caches: what its user data is rendered from. */
export interface ManagerSettings {
  /** Of its health object, and in its console lines. */
  readonly name: string;
  /** Where the data volume is mounted and what is exported. */
  readonly path: string;
  readonly clients: readonly { readonly subnet: string; readonly access: 'rw' | 'ro' }[];
  readonly sshFrom: readonly string[];
  readonly volume: { readonly device: string; readonly filesystem: 'ext4' | 'xfs' };
  /** Numeric user and group that everything a job writes belongs to. */
  readonly owner: number;
  readonly mirrors: readonly { readonly url: string; readonly name: string; readonly everySeconds: number }[];
  /** Spans in seconds, shares in percent. */
  readonly prune: {
    readonly sstateUnusedSeconds: number;
    readonly downloadsUnusedSeconds: number;
    readonly longestJobSeconds: number;
    readonly startAt: number;
    readonly stopAt: number;
    readonly most: number;
  };
  readonly hashserv?: { readonly mirror: string; readonly commit: string; readonly port: number; readonly readOnlyPort: number };
  /** Where the health object goes; absent: it stays on the machine. */
  readonly health?: { readonly endpoint: string; readonly bucket: string; readonly dialect: 'obs' | 's3-v2' };
}
