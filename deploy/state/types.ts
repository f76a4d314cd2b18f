import type { Secret } from '../../lib/config/secrets.ts';
import type { BucketPolicy } from '../../lib/otc/obs/policy.ts';
import type { ObsScheme } from '../../lib/otc/obs/signer.ts';
import type { ApiGroup } from '../clients/apig.ts';
import type { ExpiryRule, Lifecycle } from '../clients/bucket.ts';
import type { Gateway, GatewayOrder } from '../clients/gateways.ts';
import type { GrantPlace, PolicyDocument } from '../clients/iam.ts';
import type { FunctionKey } from '../inputs/schema.ts';
import type { SecretKey } from '../inputs/schema-functions.ts';

/* What is wanted, and what is there. */

export interface DesiredPolicy {
  readonly name: string;
  /** Global services are granted on the account (AX), the others on projects (XA); a policy may not mix them. */
  readonly type: 'AX' | 'XA';
  readonly document: PolicyDocument;
  readonly grants: readonly GrantPlace[];
}

export type DesiredTrigger =
  | { readonly type: 'TIMER'; readonly name: string; readonly scheduleType: 'Rate' | 'Cron'; readonly schedule: string }
  | {
      readonly type: 'DEDICATEDGATEWAY';
      readonly name: string;
      readonly path: string;
      readonly method: string;
      readonly timeoutMs: number;
    };

export interface DesiredAsync {
  readonly retries: number;
  readonly maxAgeSeconds: number;
  readonly onFailure?: { readonly bucket: string; readonly prefix: string };
}

export interface DesiredFunction {
  readonly key: FunctionKey;
  readonly name: string;
  /** Without a version. */
  readonly urn: string;
  readonly handler: string;
  readonly memorySize: number;
  readonly timeout: number;
  readonly maxInstances: number;
  /** Tells whose the function is and, by their digest, which secrets it has. */
  readonly description: string;
  readonly agency: string;
  readonly secrets: Readonly<Partial<Record<SecretKey, Secret>>>;
  readonly digest: string;
  readonly vpc?: { readonly id: string; readonly subnetId: string };
  readonly async?: DesiredAsync;
  readonly triggers: readonly DesiredTrigger[];
  readonly tags: Readonly<Record<string, string>>;
}

export interface Desired {
  /** `<service>-<stage>`: the name of everything that the deployment makes. */
  readonly name: string;
  readonly region: string;
  readonly projectId: string;
  readonly bucket: {
    readonly name: string;
    readonly create: boolean;
    readonly rules: readonly ExpiryRule[];
    /** Networks that may read the counts without a key; empty: everybody. Absent: nobody. */
    readonly countsFor?: readonly string[];
    /** In which dialect a policy is written. */
    readonly scheme: ObsScheme;
  };
  readonly agency: { readonly name: string; readonly create: boolean; readonly policies: readonly DesiredPolicy[] };
  readonly logs?: { readonly group: { readonly name: string; readonly days: number } | { readonly id: string } };
  readonly gateway?: {
    readonly instance: { readonly id: string } | GatewayOrder;
    readonly group: { readonly name: string } | { readonly id: string };
    readonly domain?: string;
    readonly certificate?: { readonly name: string };
  };
  readonly functions: readonly DesiredFunction[];
}

/** Of what the deployment makes or refers to, but for the functions: enough to look, and to remove. */
export type ResourceNames = Omit<Desired, 'functions'>;

export interface ActualTrigger {
  readonly id: string;
  readonly type: string;
  readonly name: string;
  readonly active: boolean;
  readonly data: Readonly<Record<string, unknown>>;
}

export interface ActualFunction {
  readonly name: string;
  readonly urn: string;
  readonly runtime: string;
  readonly handler: string;
  readonly memorySize: number;
  readonly timeout: number;
  readonly description: string;
  readonly agency: string;
  readonly digest: string;
  /** Absent where the answer does not tell. */
  readonly maxInstances?: number;
  readonly vpc?: { readonly id: string; readonly subnetId: string };
  readonly logs?: { readonly groupId: string; readonly streamId: string };
  /** Absent: the platform's defaults hold. */
  readonly async?: DesiredAsync;
  readonly triggers: readonly ActualTrigger[];
  readonly tags: Readonly<Record<string, string>>;
}

export interface ActualGateway extends Gateway {
  /** Made by this deployment, and serverless.yml does not refer to it by id: it goes with the deployment. */
  readonly own: boolean;
  /** Made by this deployment, but referred to by id now: it stays. */
  readonly adopted?: true;
  readonly group?: ApiGroup;
  /** Groups that others use there; only looked for at one of our own. `unread`: it could not be asked. */
  readonly foreign: readonly string[] | 'unread';
}

/** What is there of all that the deployment could want. */
export interface Actual {
  readonly bucket: { readonly exists: boolean; readonly lifecycle: Lifecycle; readonly policy?: BucketPolicy };
  /** `unread`: the key may not look at agencies; an agency that is only referenced may be there all the same. */
  readonly agency?: { readonly id: string; readonly trusts: string } | 'unread';
  readonly policies: Readonly<Record<string, { readonly id: string; readonly document: PolicyDocument }>>;
  /** `<id of policy> <place>`, see `grantKey`. */
  readonly grants: readonly string[];
  readonly logs?: {
    readonly groupId: string;
    readonly groupName: string;
    readonly days?: number;
    readonly streams: Readonly<Record<string, string>>;
  };
  readonly gateway?: ActualGateway;
  /** Where an earlier deployment has left something that is not wanted any more: the gateway that it made, its API group at one. */
  readonly left: readonly ActualGateway[];
  /** Why nothing is known of what is left. */
  readonly leftUnread?: string;
  /** Other deployments of the project whose farm has the same bucket. */
  readonly rivals: readonly string[];
  /** Those with our names and those that carry our mark, by name. */
  readonly functions: Readonly<Record<string, ActualFunction>>;
}
