import * as z from 'zod';
import { hasHostBits, parseNetwork } from '../../core/network.ts';

/** Wider than this is no network of one's own. */
const WIDEST = { 4: 8, 6: 32 } as const;

/** Who may reach a service: a network of one's own, never everybody. */
export const SubnetText = z
  .string()
  .meta({ holds: 'subnet, such as `10.0.1.0/24` (IPv6, too), not wider than /8 (IPv6: /32)' })
  .superRefine((text, ctx) => {
    const message = subnetProblem(text);
    if (message !== undefined) ctx.addIssue({ code: 'custom', message });
  });

function subnetProblem(text: string): string | undefined {
  const subnet = parseNetwork(text);
  if (subnet === undefined) return 'is no subnet: write it as in the VPC, such as 10.0.1.0/24';
  if (subnet.prefix < WIDEST[subnet.family]) {
    const everybody = subnet.prefix === 0 ? 'is everybody' : `is wider than /${WIDEST[subnet.family]}`;
    return `${everybody}: name the subnets of the machines themselves, such as 10.0.1.0/24`;
  }
  return hasHostBits(subnet) ? 'has bits set after its prefix: write the first address of the subnet' : undefined;
}
