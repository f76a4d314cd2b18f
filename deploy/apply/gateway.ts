import { ConfigError, UnclearError } from '../../lib/core/errors.ts';
import type { Gateways } from '../clients/gateways.ts';
import { isBeingMade, isGoing, wasNotMade } from '../state/gateway-status.ts';
import { gatewayName, madeBy } from '../state/ownership.ts';

export interface Patience {
  readonly say: (line: string) => void;
  /** Waits so many milliseconds. */
  readonly sleep: (ms: number) => Promise<unknown>;
}

/** Two looks at a gateway that comes or goes, and how many at most: an hour. */
const GATEWAY_POLL_MS = 15_000;
const GATEWAY_POLLS = 240;

/** Throws `ConfigError` when it failed for good, `UnclearError` when it takes too long. */
export async function awaitGateway(gateways: Gateways, instanceId: string, { say, sleep }: Patience): Promise<void> {
  let told = -1;
  for (let polls = 0; polls < GATEWAY_POLLS; polls++) {
    const { status, percent, why } = await gateways.progress(instanceId);
    if (status === 'failed') throw new ConfigError('gateway-failed', `the gateway could not be created: ${why || 'no cause was given'}`);
    if (status === 'success') {
      const { address } = (await gateways.find({ id: instanceId })) ?? {};
      return say(`  the gateway runs${address ? `, its address is ${address}` : ''}`);
    }
    if (percent !== told) say(`  ${percent} %`);
    told = percent;
    await sleep(GATEWAY_POLL_MS);
  }
  throw new UnclearError('gateway-slow', 'the gateway does not run after an hour; see its state in the console of API Gateway');
}

/** Until it is gone: it is paid for until then, and its name is taken. Others may have come since it was looked at. */
export async function removeGateway(gateways: Gateways, id: string, name: string, { sleep }: Patience): Promise<void> {
  const there = await gateways.find({ id });
  if (!there) return;
  const ours = { name: gatewayName(name), remark: madeBy(name) };
  const foreign = wasNotMade(there) || isBeingMade(there) || isGoing(there) ? [] : await gateways.at(id).foreignGroups(ours);
  if (foreign.length > 0) throw new ConfigError('gateway-used', `the gateway is used by others: ${foreign.join(', ')}`);
  if (!isGoing(there)) await gateways.remove(id);
  for (let polls = 0; polls < GATEWAY_POLLS; polls++) {
    if (!(await gateways.find({ id }))) return;
    await sleep(GATEWAY_POLL_MS);
  }
  throw new UnclearError('gateway-slow', 'the gateway still exists after an hour; see its state in the console of API Gateway');
}
