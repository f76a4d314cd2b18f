import { defined } from '../../lib/core/defined.ts';
import { AccessError, ScalerError } from '../../lib/core/errors.ts';
import type { BucketPolicy } from '../../lib/otc/obs/policy.ts';
import type { GrantPlace } from '../clients/iam.ts';
import type { Clients } from '../clients/index.ts';
import { deploymentAt, ownerMark } from './ownership.ts';
import { readFunction } from './read-function.ts';
import { readGateway, readLeft } from './read-gateway.ts';
import type { Actual, ResourceNames } from './types.ts';

export function grantKey(policyId: string, place: GrantPlace): string {
  return `${policyId} ${place === 'account' ? place : place.projectId}`;
}

/** Reads what is there. Changes nothing. */
export async function readActual(places: ResourceNames, clients: Clients): Promise<Actual> {
  const [bucket, identity, logs, gateway, { functions, rivals }] = await Promise.all([
    readBucket(places, clients),
    readIdentity(places, clients),
    readLogs(places, clients),
    readGateway(places, clients),
    readFunctions(places, clients),
  ]);
  const left = await readLeft(places, clients, gateway);
  return { bucket, ...identity, ...defined({ logs, gateway }), ...left, rivals, functions };
}

/** A bucket that is only referred to is nobody's to look into. */
async function readBucket({ bucket: { create, countsFor } }: ResourceNames, { bucket, site }: Clients): Promise<Actual['bucket']> {
  const exists = await bucket.exists();
  if (!exists || !create) return { exists, lifecycle: { rules: [], others: [] } };
  const [lifecycle, policy] = await Promise.all([bucket.lifecycle(), readPolicy(countsFor !== undefined, site)]);
  return { exists, lifecycle, ...defined({ policy }) };
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

async function readIdentity({ agency }: ResourceNames, clients: Clients): Promise<Pick<Actual, 'agency' | 'policies' | 'grants'>> {
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
      ...defined({ agency: found }),
      policies: Object.fromEntries(policies.map(({ id, name, document }) => [name, { id, document }])),
      grants: grants.flat(),
    };
  } catch (error) {
    if (error instanceof AccessError && !agency.create) return { agency: 'unread', policies: {}, grants: [] };
    throw error;
  }
}

async function readLogs({ logs }: ResourceNames, { lts }: Clients): Promise<Actual['logs']> {
  if (!logs) return undefined;
  const { group } = logs;
  const found = (await lts.groups()).find(({ id, name }) => ('id' in group ? id === group.id : name === group.name));
  if (!found) return undefined;
  const streams = await lts.streams(found.id);
  return { groupId: found.id, groupName: found.name, ...defined({ days: found.days }), streams };
}

async function readFunctions({ name, bucket }: ResourceNames, { fgs }: Clients): Promise<Pick<Actual, 'functions' | 'rivals'>> {
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
