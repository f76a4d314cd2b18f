import { AccessError, ScalerError } from '../../lib/core/errors.ts';
import type { BucketPolicy } from '../../lib/otc/obs/policy.ts';
import type { ApiGroup } from '../clients/apig.ts';
import type { Lifecycle } from '../clients/bucket.ts';
import type { Gateway } from '../clients/gateways.ts';
import type { GrantPlace, PolicyDocument } from '../clients/iam.ts';
import type { Clients } from '../clients/index.ts';
import type { Desired } from './desired.ts';
import { deploymentAt, ownerMark } from './ownership.ts';
import { type ActualFunction, readFunction } from './read-function.ts';
import { readGateway, readLeft } from './read-gateway.ts';

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

export function grantKey(policyId: string, place: GrantPlace): string {
  return `${policyId} ${place === 'account' ? place : place.projectId}`;
}

/** What of the desired state tells where to look; `remove` knows no more. */
export type Places = Pick<Desired, 'name' | 'bucket' | 'agency' | 'logs' | 'gateway'>;

/** Reads what is there. Changes nothing. */
export async function readActual(places: Places, clients: Clients): Promise<Actual> {
  const [bucket, identity, logs, gateway, { functions, rivals }] = await Promise.all([
    readBucket(places, clients),
    readIdentity(places, clients),
    readLogs(places, clients),
    readGateway(places, clients),
    readFunctions(places, clients),
  ]);
  const left = await readLeft(places, clients, gateway);
  return { bucket, ...identity, ...(logs && { logs }), ...(gateway && { gateway }), ...left, rivals, functions };
}

/** A bucket that is only referred to is nobody's to look into. */
async function readBucket({ bucket: { create, countsFor } }: Places, { bucket, site }: Clients): Promise<Actual['bucket']> {
  const exists = await bucket.exists();
  if (!exists || !create) return { exists, lifecycle: { rules: [], others: [] } };
  const [lifecycle, policy] = await Promise.all([bucket.lifecycle(), readPolicy(countsFor !== undefined, site)]);
  return { exists, lifecycle, ...(policy && { policy }) };
}

/** Only who asks for a statement in it must be able to read it: what cannot be read must never be overwritten. */
async function readPolicy(wanted: boolean, site: Clients['site']): Promise<BucketPolicy | undefined> {
  try {
    return await site.policy();
  } catch (error) {
    if (wanted || !(error instanceof ScalerError)) throw error;
    return undefined;
  }
}

async function readIdentity({ agency }: Places, clients: Clients): Promise<Pick<Actual, 'agency' | 'policies' | 'grants'>> {
  try {
    const iam = await clients.iam();
    const [found, policies] = await Promise.all([
      iam.agency(agency.name),
      agency.policies.length === 0 ? [] : iam.policies(agency.policies.map(({ name }) => name)),
    ]);
    const places = new Map(agency.policies.flatMap(({ grants }) => grants).map((place) => [grantKey('', place), place]));
    const grants = await Promise.all(
      found ? [...places.values()].map(async (place) => (await iam.granted(found.id, place)).map((id) => grantKey(id, place))) : [],
    );
    return {
      ...(found && { agency: found }),
      policies: Object.fromEntries(policies.map(({ id, name, document }) => [name, { id, document }])),
      grants: grants.flat(),
    };
  } catch (error) {
    if (error instanceof AccessError && !agency.create) return { agency: 'unread', policies: {}, grants: [] };
    throw error;
  }
}

async function readLogs({ logs }: Places, { lts }: Clients): Promise<Actual['logs']> {
  if (!logs) return undefined;
  const { group } = logs;
  const found = (await lts.groups()).find(({ id, name }) => ('id' in group ? id === group.id : name === group.name));
  if (!found) return undefined;
  const streams = await lts.streams(found.id);
  return { groupId: found.id, groupName: found.name, ...(found.days !== undefined && { days: found.days }), streams };
}

async function readFunctions({ name, bucket }: Places, { fgs }: Clients): Promise<Pick<Actual, 'functions' | 'rivals'>> {
  const listed = await fgs.functions();
  const mark = `${ownerMark(name)},`;
  const ours = listed.filter(
    (f) => f.description?.startsWith(mark) || ['webhook', 'scaler', 'reaper'].some((key) => f.func_name === `${name}-${key}`),
  );
  const read = await Promise.all(ours.map(({ func_urn }) => readFunction(func_urn.replace(/:latest$/, ''), fgs)));
  const at = listed.flatMap(({ description }) => deploymentAt(bucket.name, description ?? '') ?? []);
  return {
    functions: Object.fromEntries(read.flatMap((f) => (f ? [[f.name, f]] : []))),
    rivals: [...new Set(at)].filter((other) => other !== name),
  };
}
