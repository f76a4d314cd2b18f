import { defined } from '../../lib/core/defined.ts';
import { ScalerError } from '../../lib/core/errors.ts';
import type { Gateway, Gateways } from '../clients/gateways.ts';
import type { Clients } from '../clients/index.ts';
import { isBeingMade, isGoing, isRunning, wasNotMade } from './gateway-status.ts';
import { gatewayName, madeBy } from './ownership.ts';
import type { Actual, ActualGateway, ResourceNames } from './types.ts';

/** The gateway that serverless.yml names. One that we have made is ours whatever somebody calls it now. */
export async function readGateway({ name, gateway }: ResourceNames, { gateways }: Clients): Promise<Actual['gateway']> {
  if (!gateway) return undefined;
  const { instance } = gateway;
  const found = 'id' in instance ? await gateways.find(instance) : await madeOne(instance, name, gateways);
  if (!found) return undefined;
  const ours = isOurs(name, found);
  const own = ours && 'name' in instance;
  const told = { ...found, own, ...(ours && !own && { adopted: true as const }) };
  // One of somebody's that only has the name is none of our business.
  if (('name' in instance && !ours) || !isRunning(found)) return { ...told, foreign: await foreignAt(found, own, name, gateways) };
  const group = await gateways.at(found.id).group(gateway.group);
  return { ...told, ...defined({ group }), foreign: await foreignAt(found, own, name, gateways) };
}

/** By its mark, or else by its name. Throws where one that cannot be read could be it: nobody wants to pay for a second one. */
async function madeOne(which: { readonly name: string }, name: string, gateways: Gateways): Promise<Gateway | undefined> {
  const listed = await gateways.list();
  const answers = await Promise.allSettled(listed.map(({ id }) => gateways.find({ id })));
  const ours = answers.flatMap((answer) =>
    answer.status === 'fulfilled' && answer.value && isOurs(name, answer.value) ? [answer.value] : [],
  );
  const found = ours.find((one) => !isGoing(one)) ?? ours[0] ?? (await gateways.find(which));
  const unread = answers.find((answer) => answer.status === 'rejected');
  if (!found && unread) throw unread.reason;
  return found;
}

/**
 * What an earlier deployment has left at the gateways of the project, but for what is wanted. Whoever never had one may lack the right to look, or have
 * no such service at all; and one gateway that cannot be looked at is no reason to forget the others.
 */
export async function readLeft(
  { name, gateway }: ResourceNames,
  { gateways }: Clients,
  wanted: ActualGateway | undefined,
): Promise<Pick<Actual, 'left' | 'leftUnread'>> {
  const unread: string[] = [];
  const tolerate = (error: unknown) => {
    if (!(error instanceof ScalerError)) throw error;
    unread.push(error.code);
    return undefined;
  };
  const listed = (await gateways.list().catch(tolerate)) ?? [];
  const groupId = gateway && 'id' in gateway.group ? gateway.group.id : undefined;
  const found = await Promise.all(listed.map(({ id }) => readOne(id, name, { id: wanted?.id, groupId }, gateways).catch(tolerate)));
  return { left: found.flatMap((one) => one ?? []), ...defined({ leftUnread: unread[0] }) };
}

/** `undefined` when nothing of ours is there, or what is there is wanted. */
async function readOne(
  id: string,
  name: string,
  wanted: { readonly id: string | undefined; readonly groupId: string | undefined },
  gateways: Gateways,
): Promise<ActualGateway | undefined> {
  // In the wanted one our own group is left when serverless.yml names another.
  if (id === wanted.id && wanted.groupId === undefined) return undefined;
  const found = await gateways.find({ id });
  if (!found || isGoing(found)) return undefined;
  const own = id !== wanted.id && isOurs(name, found);
  const group = isRunning(found) ? await gateways.at(id).group({ name: gatewayName(name) }) : undefined;
  const ours = group?.remark === madeBy(name) && group.id !== wanted.groupId ? group : undefined;
  if (!own && !ours) return undefined;
  return { ...found, own, ...defined({ group: ours }), foreign: await foreignAt(found, own, name, gateways) };
}

/** Before it is there nobody can have anything at it; afterwards what cannot be asked may be somebody's. */
async function foreignAt(gateway: Gateway, own: boolean, name: string, gateways: Gateways): Promise<ActualGateway['foreign']> {
  if (!own || isBeingMade(gateway) || wasNotMade(gateway) || isGoing(gateway)) return [];
  try {
    return await gateways.at(gateway.id).foreignGroups({ name: gatewayName(name), remark: madeBy(name) });
  } catch (error) {
    if (!(error instanceof ScalerError)) throw error;
    return 'unread';
  }
}

function isOurs(name: string, { description }: Gateway): boolean {
  return description === madeBy(name);
}
