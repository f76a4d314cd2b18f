import { ScalerError } from '../lib/core/errors.ts';
import type { Actual, ActualGateway, Places } from './actual.ts';
import type { Gateway, Gateways } from './client-gateways.ts';
import type { Clients } from './clients.ts';
import { isBeingMade, isGoing, isRunning, wasNotMade } from './gateway-life.ts';
import { gatewayName, madeBy } from './marks.ts';

/** The gateway that serverless.yml names. */
export async function readGateway({ name, gateway }: Places, { gateways }: Clients): Promise<Actual['gateway']> {
  if (!gateway) return undefined;
  const found = await gateways.find(gateway.instance);
  if (!found) return undefined;
  const ours = isOurs(name, found);
  const own = ours && 'name' in gateway.instance;
  // One of somebody's that only has the name is none of our business.
  if (('name' in gateway.instance && !ours) || !isRunning(found))
    return { ...found, own, foreign: await foreignAt(found, own, name, gateways) };
  const group = await gateways.at(found.id).group(gateway.group);
  const foreign = await foreignAt(found, own, name, gateways);
  return { ...found, own, ...(ours && !own && { adopted: true }), ...(group && { group }), foreign };
}

/** Looks at every gateway of the project. Whoever never had one may lack the right to look, or have no such service at all. */
export async function readLeft({ name, gateway }: Places, { gateways }: Clients): Promise<Pick<Actual, 'left' | 'leftUnread'>> {
  try {
    const listed = await gateways.list();
    const found = await Promise.all(listed.map(({ id }) => readOne(id, name, gateway, gateways)));
    return { left: found.flatMap((one) => one ?? []) };
  } catch (error) {
    if (gateway || !(error instanceof ScalerError)) throw error;
    return { left: [], leftUnread: error.code };
  }
}

/** `undefined` when nothing of ours is there, or what is there is wanted. */
async function readOne(id: string, name: string, gateway: Places['gateway'], gateways: Gateways): Promise<ActualGateway | undefined> {
  const found = await gateways.find({ id });
  if (!found || isGoing(found)) return undefined;
  const wanted = gateway && ('id' in gateway.instance ? gateway.instance.id === id : isOurs(name, found));
  // In the wanted one our own group is left when serverless.yml names another.
  if (wanted && !('id' in gateway.group)) return undefined;
  const own = !wanted && isOurs(name, found);
  const group = isRunning(found) ? await gateways.at(id).group({ name: gatewayName(name) }) : undefined;
  const ours = group?.remark === madeBy(name) ? group : undefined;
  if (!own && !ours) return undefined;
  return { ...found, own, ...(ours && { group: ours }), foreign: await foreignAt(found, own, name, gateways) };
}

/** Before it is there nobody can have anything at it; afterwards what cannot be asked may be somebody's. */
async function foreignAt(gateway: Gateway, own: boolean, name: string, gateways: Gateways): Promise<ActualGateway['foreign']> {
  if (!own || isBeingMade(gateway) || wasNotMade(gateway)) return [];
  try {
    return await gateways.at(gateway.id).foreignGroups(gatewayName(name));
  } catch (error) {
    if (!(error instanceof ScalerError)) throw error;
    return 'unread';
  }
}

function isOurs(name: string, { description }: Gateway): boolean {
  return description === madeBy(name);
}
