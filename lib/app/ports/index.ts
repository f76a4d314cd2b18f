import type { Alarm } from '../../core/alarms.ts';
import type { ScalerError } from '../../core/errors.ts';
import type { PendingJob, Runner, Server } from '../../core/fleet/types.ts';

/** Where a pool's jobs come from and where its runners belong. */
export type Scope =
  | { readonly kind: 'group'; readonly path: string }
  | { readonly kind: 'project'; readonly path: string }
  /** The whole installation; needs an administrator's token. */
  | { readonly kind: 'instance' };

export interface RunnerSpec {
  readonly scope: Scope;
  /** Becomes the runner's description. */
  readonly name: string;
  readonly tags: readonly string[];
  readonly runUntagged: boolean;
  /** Serve protected branches and tags only. */
  readonly protectedOnly: boolean;
  /** Seconds; GitLab takes none below 600. */
  readonly maximumTimeout?: number;
}

/** A runner as it was made; its token is not shown again. */
export interface NewRunner {
  readonly id: number;
  readonly token: string;
  /** Absent where tokens do not expire. */
  readonly tokenExpiresAt?: number;
}

/** A job on a runner, or the answer to "where is job 123". */
export interface JobView {
  readonly id: number;
  readonly projectId: number;
  /** Full path of its project, where the answer has it. */
  readonly project?: string;
  readonly status: string;
  readonly name?: string;
  readonly tags: readonly string[];
  readonly runnerId?: number;
  readonly createdAt?: number;
  readonly queuedAt?: number;
  readonly startedAt?: number;
  readonly finishedAt?: number;
}

/** A hook as GitLab shows it; its secrets are never shown. */
export interface HookView {
  readonly id: number;
  readonly url: string;
  readonly jobEvents: boolean;
  /** It carries neither a secret token nor a signature, so no receiver can tell that it is GitLab's. Absent where GitLab does not say (before 19.0). */
  readonly withoutSecret?: boolean;
  /** In GitLab's words: `disabled`, `temporarily_disabled`. Absent while it is sent. */
  readonly disabled?: string;
}

/** Options that every call takes. The adapter also has a deadline of its own per call. */
export interface CallOptions {
  readonly signal?: AbortSignal;
}

/** The waiting jobs of a scope as far as they could be read: a part is better than nothing, because launching fails open. */
export interface Demand {
  readonly jobs: readonly PendingJob[];
  /** What could not be read. While there is any, a job that is not among `jobs` may wait all the same. */
  readonly unread: readonly UnreadDemand[];
  /** What the next reading should begin with; absent when it does not matter. */
  readonly rest?: DemandRest;
}

/** A part of the demand that could not be read, and why. */
export interface UnreadDemand {
  /** Numeric id; absent for pages of a list, of which nobody knows what stands on them. */
  readonly project?: number;
  readonly error: unknown;
}

/** What a reading did not reach for lack of time. It goes out of date without harm: only the order of reading follows from it. */
export interface DemandRest {
  /** GitLab's cursor in the list of the scope. */
  readonly after?: string;
  /** Projects that are read one by one, by numeric id. */
  readonly projects?: readonly number[];
}

export interface DemandCall extends CallOptions {
  /** What the last reading of the scope did not reach; asked for only where there is so much that it matters. Never rejects. */
  readonly resume?: () => Promise<DemandRest | undefined>;
}

/**
 * GitLab. Reads are repeated a little by the adapter; writes never. All methods throw `lib/core/errors.ts`:
 * `AccessError` (401, 403), `ThrottledError` (429), `UnclearError` (timeout, 5xx, nonsense), `NotFoundError` (404),
 * `ConfigError` (400, 422).
 */
export interface Forge {
  /** Every runner of the scope's own kind; the caller keeps those whose names are a pool's. */
  runners(scope: Scope, options?: CallOptions): Promise<readonly Runner[]>;
  /** The waiting jobs of the scope: status pending and no runner yet, whatever their tags. Throws only when none of them can be read. */
  pendingJobs(scope: Scope, options?: DemandCall): Promise<Demand>;
  /** Not idempotent: after `UnclearError` look for the name before anything else. The token is shown only here. */
  createRunner(spec: RunnerSpec, options?: CallOptions): Promise<NewRunner>;
  /** Runners of the scope whose description is exactly `name`. */
  findRunners(scope: Scope, name: string, options?: CallOptions): Promise<readonly Runner[]>;
  /** Pauses the runner and writes the note, in one call. There is no counterpart: nothing un-pauses a runner. */
  drainRunner(id: number, note: string, options?: CallOptions): Promise<void>;
  /** `undefined` only when GitLab answers 404: the second source for an orphan. */
  runner(id: number, options?: CallOptions): Promise<{ readonly id: number; readonly name: string; readonly paused: boolean } | undefined>;
  /** Jobs of the runner that are not finished (pending, running, canceling …), as far as the token may see: the second source for a reap. */
  unfinishedJobs(runnerId: number, options?: CallOptions): Promise<readonly JobView[]>;
  /** Every job that the runner was ever given, newest first, as far as the token may see. `complete` is false when there are more than are read. */
  runnerJobs(runnerId: number, options?: CallOptions): Promise<{ readonly jobs: readonly JobView[]; readonly complete: boolean }>;
  /** A runner that is already gone is success. */
  deleteRunner(id: number, options?: CallOptions): Promise<void>;
  /** Hooks of the scope, where it has any of its own: those of a group or a project. */
  hooks(scope: Scope, options?: CallOptions): Promise<readonly HookView[]>;
  /** One job; `undefined` when GitLab answers 404. */
  job(project: number | string, jobId: number, options?: CallOptions): Promise<JobView | undefined>;
}

export interface ServerSpec {
  readonly name: string;
  readonly flavor: string;
  readonly zone: string;
  readonly imageId: string;
  readonly vpcId: string;
  readonly subnetId: string;
  readonly securityGroups: readonly string[];
  readonly rootVolume: { readonly type: string; readonly sizeGb: number };
  /** Absent: no public address. */
  readonly publicIp?: { readonly type: string; readonly bandwidthMbit: number };
  readonly keyName?: string;
  /** Plain text; the adapter encodes it. At most 32 KB before encoding. */
  readonly userData: string;
  /** At most 10 pairs; readable by whoever may list servers and by every process on the VM. */
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

/** What ECS calls a job. */
export interface Operation {
  readonly status: 'running' | 'success' | 'failed';
  /** The most specific code, of the sub job where there is one. */
  readonly code?: string;
  readonly reason?: string;
  /** When failed: what a refused create with that code would have thrown, so that the reaction is the same. */
  readonly error?: ScalerError;
}

/** One line of the account's quota; `max` is absent when it is unlimited. */
export interface Quota {
  readonly name: 'servers' | 'cores' | 'ram-mib';
  readonly used: number;
  readonly max?: number;
}

/**
 * The cloud's servers. Reads are repeated a little by the adapter; create and delete never. Throws `lib/core/errors.ts`;
 * for create: `QuotaError` (stop, say which), `SoldOutError` (next flavor or zone), `ConfigError`, `AccessError`, `ThrottledError`,
 * `UnclearError` (look for the name before repeating).
 */
export interface Cloud {
  /** Servers whose names begin with `prefix` and whose metadata says that they are ours. Being late by minutes for new ones is normal. */
  servers(prefix: string, options?: CallOptions): Promise<readonly Server[]>;
  /** Accepted is not done: the server may be listed late, and the operation may still fail and take it back. */
  createServer(spec: ServerSpec, options?: CallOptions): Promise<{ readonly operationId: string; readonly serverId: string }>;
  /** Deletes the server with its public address and data disks. Already gone is success. */
  deleteServer(id: string, options?: CallOptions): Promise<void>;
  /** `undefined` when the service does not know the id (any more). */
  operation(id: string, options?: CallOptions): Promise<Operation | undefined>;
  /**
   * The last lines that the server wrote to its console, -1 for all that is kept. A server that is off still has its console, a deleted one not.
   * `undefined` when there is none or the cloud does not offer it. What it says comes from the machine and its jobs: never log it.
   */
  consoleLog(serverId: string, wanted: { readonly lines: number }, options?: CallOptions): Promise<string | undefined>;
  quotas(options?: CallOptions): Promise<readonly Quota[]>;
  /** Ids of the flavors that can be bought in the zone now. */
  flavors(zone: string, options?: CallOptions): Promise<readonly string[]>;
  /** The newest active image of exactly this name; `ConfigError` when there is none. */
  image(name: string, options?: CallOptions): Promise<{ readonly id: string; readonly minDiskGb: number }>;
}

export interface StoredObject {
  /** The bytes asked for. */
  readonly body: Uint8Array;
  /** Length of the whole object. */
  readonly size: number;
}

/**
 * One bucket. Throws `lib/core/errors.ts`: `NotFoundError` is a value here (`undefined`), `ConflictError` is a stale position,
 * `UnclearError` an unknown outcome: read the tail, never repeat an append blindly.
 */
export interface Store {
  /** `range.last`: only the final n bytes (the whole object when it is shorter); `range.from`: from an offset on, at most `length` bytes. */
  get(
    key: string,
    options?: CallOptions & { readonly range?: { readonly last: number } | { readonly from: number; readonly length?: number } },
  ): Promise<StoredObject | undefined>;
  put(
    key: string,
    body: string | Uint8Array,
    options?: CallOptions & { readonly contentType?: string; readonly expiresDays?: number },
  ): Promise<void>;
  /** Succeeds only when the object is `position` bytes long; 0 creates it. Gives the new length. Never repeated by the adapter. `ObjectNotAppendable` is a `ConfigError`. */
  append(key: string, position: number, body: string, options?: CallOptions & { readonly contentType?: string }): Promise<number>;
  /** Already gone is success. */
  delete(key: string, options?: CallOptions): Promise<void>;
  /** Keys with the prefix, in binary order, all pages. */
  list(prefix: string, options?: CallOptions & { readonly startAfter?: string; readonly max?: number }): Promise<readonly string[]>;
  /** A URL that lets anyone read the key until `expiresAt`. No request is made. */
  presignGet(key: string, expiresAt: number): string;
}

/** A change of an alarm, for people. */
export interface AlarmMessage {
  readonly installation: string;
  /** One line. */
  readonly subject: string;
  readonly alarm: Alarm;
}

/** Takes messages to people. Throws when the receiver did not take it; an unclear outcome counts as that, so a message may come twice. */
export interface Notifier {
  notify(message: AlarmMessage, options?: CallOptions): Promise<void>;
}

/** Starts the scaler function without waiting for it. */
export interface ScalerTrigger {
  trigger(options?: CallOptions): Promise<void>;
}

/** The only source of time. `sleep` ends early (without error) when the signal aborts. */
export interface Clock {
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** Static message, the rest in fields. Never bodies, tokens or headers. */
export interface Log {
  info(message: string, fields?: Readonly<Record<string, unknown>>): void;
  warn(message: string, fields?: Readonly<Record<string, unknown>>): void;
  error(message: string, fields?: Readonly<Record<string, unknown>>): void;
}

/** Where a hook belongs to. Hooks of a group need a paid tier of GitLab. */
export interface HookPlace {
  readonly kind: 'project' | 'group';
  readonly path: string;
}

export interface HookDetail extends HookView {
  readonly pushEvents: boolean;
  readonly sslVerification: boolean;
  /** Absent before GitLab 19.0, which does not tell. */
  readonly tokenPresent?: boolean;
  /** Absent before GitLab 19.0, which forgets a signing token without a word. */
  readonly signingTokenPresent?: boolean;
}

/** What a hook is made to be: job events alone, TLS checked, these secrets. */
export interface HookChange {
  readonly url: string;
  readonly token?: string;
  readonly signingToken?: string;
}

export interface HookDelivery {
  /** GitLab's word: an HTTP status, or `internal error`. */
  readonly status: string;
}

/** GitLab's administration of hooks; throws `lib/core/errors.ts`. */
export interface HookForge {
  hooks(place: HookPlace, options?: CallOptions): Promise<readonly HookDetail[]>;
  create(place: HookPlace, change: HookChange, options?: CallOptions): Promise<HookDetail>;
  update(place: HookPlace, id: number, change: HookChange, options?: CallOptions): Promise<HookDetail>;
  /** One that is gone already is success. */
  remove(place: HookPlace, id: number, options?: CallOptions): Promise<void>;
  /** Delivers an event of the latest job, and throws `ConfigError` when the receiver did not take it or there is no job. */
  test(place: HookPlace, id: number, options?: CallOptions): Promise<void>;
  /** The newest delivery of the last seven days. */
  lastDelivery(place: HookPlace, id: number, options?: CallOptions): Promise<HookDelivery | undefined>;
  /** Paths of the group's projects and its subgroups', archived ones left out. */
  projects(group: string, options?: CallOptions): Promise<readonly string[]>;
}
