import type { BucketPolicy } from '../../lib/otc/obs/policy.ts';
import type { BoundDomain } from '../clients/apig.ts';
import type { Lifecycle } from '../clients/bucket.ts';
import type { Tag } from '../clients/fgs.ts';
import type { GatewayOrder } from '../clients/gateways.ts';
import type { GrantPlace } from '../clients/iam.ts';
import type { ActualTrigger, DesiredAsync, DesiredFunction, DesiredPolicy, DesiredTrigger } from '../state/types.ts';

/** A group at another gateway than the deployment's. */
export interface GroupPlace {
  readonly instanceId: string;
  readonly groupId: string;
}

/** What can be done, and what it takes. Ids of what an earlier step makes are not known yet: steps name things, apply.ts knows the ids. */
export interface Changes {
  readonly 'create-bucket': object;
  readonly 'set-lifecycle': { readonly lifecycle: Lifecycle };
  /** Absent: the bucket has no policy afterwards. */
  readonly 'set-bucket-policy': { readonly policy?: BucketPolicy };
  readonly 'create-policy': { readonly policy: DesiredPolicy };
  readonly 'update-policy': { readonly policy: DesiredPolicy; readonly id: string };
  readonly 'create-agency': { readonly name: string };
  readonly grant: { readonly policy: string; readonly place: GrantPlace };
  readonly 'create-log-group': { readonly name: string; readonly days: number };
  readonly 'create-log-stream': { readonly name: string };
  readonly 'create-gateway': { readonly order: GatewayOrder };
  readonly 'await-gateway': object;
  readonly 'create-api-group': { readonly name: string };
  readonly 'bind-domain': { readonly domain: string };
  readonly 'unbind-domain': { readonly domain: BoundDomain; readonly at?: GroupPlace };
  readonly 'bind-certificate': { readonly domain: string; readonly name: string };
  readonly 'unbind-certificate': { readonly domain: BoundDomain; readonly at?: GroupPlace };
  readonly 'create-function': { readonly of: DesiredFunction };
  readonly 'update-code': { readonly of: DesiredFunction };
  readonly 'update-config': { readonly of: DesiredFunction };
  readonly 'set-instances': { readonly of: DesiredFunction };
  readonly 'set-async': { readonly of: DesiredFunction; readonly async: DesiredAsync };
  readonly 'remove-async': { readonly urn: string };
  readonly 'remove-trigger': { readonly urn: string; readonly trigger: ActualTrigger };
  readonly 'create-trigger': { readonly of: DesiredFunction; readonly trigger: DesiredTrigger };
  readonly 'remove-tags': { readonly urn: string; readonly tags: readonly Tag[] };
  readonly 'add-tags': { readonly urn: string; readonly tags: readonly Tag[] };
  readonly 'remove-function': { readonly urn: string };
  readonly 'remove-log-stream': { readonly name: string };
  readonly 'remove-log-group': { readonly id: string };
  readonly 'remove-api-group': { readonly id: string; readonly at?: GroupPlace };
  readonly 'remove-gateway': { readonly id: string };
  readonly 'remove-agency': { readonly id: string };
  readonly 'remove-policy': { readonly id: string };
}

export type Change<K extends keyof Changes = keyof Changes> = { [P in K]: Changes[P] & { readonly do: P } }[K];

export interface Step {
  readonly change: Change;
  /** What is done and why, for people. */
  readonly what: string;
  /** The function that it belongs to; absent for what several share. */
  readonly function?: string;
}
