import type { CallOptions, Clock, Cloud, Forge, Scope, Store } from '../ports/index.ts';
import type { Settings } from '../settings.ts';

export interface ProjectView {
  readonly id: string;
  /** Begins with the region: `eu-de`, `eu-de_builds`. */
  readonly name: string;
  readonly enabled: boolean;
}

export interface FlavorView {
  readonly id: string;
  readonly cores: number;
  readonly ramMib: number;
}

export interface ImageView {
  readonly id: string;
  readonly name: string;
  /** `active` is the one that can be started. */
  readonly status: string;
  readonly minDiskGb: number;
  readonly minRamMib: number;
  /** The image hands user data to something else than cloud-init. */
  readonly withoutCloudInit: boolean;
}

export interface VpcView {
  readonly id: string;
  readonly cidr: string;
}

export interface SubnetView {
  /** What a server is created with: the network's id. */
  readonly id: string;
  /** Another id of the same subnet, which a create does not take. */
  readonly neutronId?: string;
  readonly vpcId: string;
  readonly cidr: string;
  readonly status: string;
  readonly dhcp: boolean;
}

export interface SecurityRule {
  readonly direction: 'ingress' | 'egress';
  /** `tcp`, `udp`, `icmp`, a number; absent: every protocol. */
  readonly protocol?: string;
  /** Absent: every port. */
  readonly ports?: { readonly from: number; readonly to: number };
  /** A network. Absent together with the others: from or to everywhere. */
  readonly network?: string;
  readonly groupId?: string;
  /** A list of addresses that is kept elsewhere. */
  readonly addressGroup?: boolean;
}

export interface SecurityGroupView {
  readonly id: string;
  readonly name: string;
  readonly rules: readonly SecurityRule[];
}

/** A server that need not be ours. */
export interface AnyServer {
  readonly name: string;
  readonly status: string;
  /** Names or ids, as the list shows them. */
  readonly securityGroups: readonly string[];
}

export interface Usage {
  readonly used: number;
  /** Absent: unlimited. */
  readonly max?: number;
}

/** OTC, read only, beyond what the farm itself asks. All throw `lib/core/errors.ts`. */
export interface CloudSurvey extends Pick<Cloud, 'quotas' | 'flavors' | 'servers'> {
  /** Those that the keys may see. */
  projects(options: CallOptions): Promise<readonly ProjectView[]>;
  /** Every flavor of the region, on sale or not. */
  allFlavors(options: CallOptions): Promise<readonly FlavorView[]>;
  zones(options: CallOptions): Promise<readonly { readonly name: string; readonly available: boolean }[]>;
  images(which: { readonly id: string } | { readonly name: string }, options: CallOptions): Promise<readonly ImageView[]>;
  keyPairs(options: CallOptions): Promise<readonly string[]>;
  vpcs(options: CallOptions): Promise<readonly VpcView[]>;
  subnets(options: CallOptions): Promise<readonly SubnetView[]>;
  securityGroups(options: CallOptions): Promise<readonly SecurityGroupView[]>;
  /** Addresses that servers can have. `undefined` when the service does not tell. */
  addresses(subnetId: string, options: CallOptions): Promise<{ readonly used: number; readonly total: number } | undefined>;
  publicAddresses(options: CallOptions): Promise<Usage>;
  /** The server that has this private address. */
  serverAt(address: string, options: CallOptions): Promise<AnyServer | undefined>;
  /** `undefined`: there is no such function. */
  function(name: string, options: CallOptions): Promise<{ readonly timeoutSeconds: number; readonly agency?: string } | undefined>;
}

export interface TokenView {
  readonly name: string;
  readonly userId: number;
  readonly scopes: readonly string[];
  /** Of the day, in milliseconds; absent: never. */
  readonly expiresAt?: number;
}

/** GitLab, read only. All throw `lib/core/errors.ts`. */
export interface ForgeSurvey extends Pick<Forge, 'runners' | 'pendingJobs' | 'hooks'> {
  token(options: CallOptions): Promise<TokenView>;
  /** `undefined`: it does not exist for this token. */
  place(scope: Scope, options: CallOptions): Promise<{ readonly id: number } | undefined>;
  /** GitLab's number: 50 owner, 40 maintainer, …; 0 for who is no member. */
  role(scope: Exclude<Scope, { kind: 'instance' }>, userId: number, options: CallOptions): Promise<number>;
  isAdministrator(options: CallOptions): Promise<boolean>;
  /** Runners that the scope's jobs may run on and that have all these tags: the scope's own, those above it, the instance's. */
  runnersFor(
    scope: Scope,
    tags: readonly string[],
    options: CallOptions,
  ): Promise<readonly { readonly name: string; readonly type: string }[]>;
}

/** The bucket, read only, beyond reading objects. */
export interface BucketSurvey {
  /** HTTP status that somebody without any key gets for the object. */
  anonymousStatus(key: string, options: CallOptions): Promise<number>;
  versioning(options: CallOptions): Promise<'off' | 'enabled' | 'suspended'>;
}

export type Dialect = 'obs' | 's3-v2';

/** The `Date` of an answer, whatever the answer; the clock here at the middle of the exchange beside it. */
export interface ServerTime {
  readonly theirs: number;
  readonly ours: number;
}

/** What is examined. */
export interface Subject {
  readonly settings: Settings;
  readonly region: string;
  readonly projectId: string;
  readonly bucket: { readonly name: string; readonly dialect: Dialect };
  readonly scalerFunction?: string;
  /** Of the cache manager, where this file describes one. */
  readonly manager?: {
    readonly name: string;
    readonly healthPublished: boolean;
    readonly clients: readonly { readonly subnet: string; readonly access: 'rw' | 'ro' }[];
  };
  /** The configuration's name, as it was given. */
  readonly file: string;
  /** Of the configuration itself, each a line with its place. */
  readonly warnings: readonly string[];
  /** Write to the bucket to find out how it appends. */
  readonly probe: boolean;
}

/** Everything that the examination may touch. What cannot be built because a secret is missing is absent. */
export interface DoctorServices {
  readonly cloud?: CloudSurvey;
  readonly forge?: ForgeSurvey;
  readonly bucket?: BucketSurvey & { readonly store: (dialect: Dialect) => Store };
  readonly gitlabTime: (options: CallOptions) => Promise<ServerTime>;
  readonly otcTime: (options: CallOptions) => Promise<ServerTime>;
  /** Secrets that are needed and not set. */
  readonly missingSecrets: readonly string[];
  readonly clock: Pick<Clock, 'now'>;
  /** Unique, for the keys of a probe. */
  readonly nonce: () => string;
}
