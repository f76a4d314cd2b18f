import { isIPv4, isIPv6 } from 'node:net';
import * as z from 'zod';

export interface Subnet {
  readonly family: 4 | 6;
  /** The first address. */
  readonly base: bigint;
  readonly prefix: number;
}

const BITS = { 4: 32, 6: 128 } as const;
/** Wider than this is no network of one's own. */
const WIDEST = { 4: 8, 6: 32 } as const;

/** `10.0.1.0/24` or `fd00:1::/64`; a single address is a subnet of one. `undefined` for anything else. */
export function parseSubnet(text: string): Subnet | undefined {
  const [address = '', length, ...rest] = text.split('/');
  const family = isIPv4(address) ? 4 : isIPv6(address) && !address.includes('%') ? 6 : undefined;
  if (family === undefined || rest.length > 0) return undefined;
  if (length !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(length)) return undefined;
  const prefix = length === undefined ? BITS[family] : Number(length);
  return prefix > BITS[family] ? undefined : { family, base: family === 4 ? numberOf4(address) : numberOf6(address), prefix };
}

export function overlap(a: Subnet, b: Subnet): boolean {
  if (a.family !== b.family) return false;
  const shift = BigInt(BITS[a.family] - Math.min(a.prefix, b.prefix));
  return a.base >> shift === b.base >> shift;
}

/** RFC 1918, RFC 6598 and RFC 4193: addresses that nobody reaches from outside. */
export function isPrivate(subnet: Subnet): boolean {
  return PRIVATE.some((range) => range.prefix <= subnet.prefix && overlap(range, subnet));
}

const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'].flatMap((text) => parseSubnet(text) ?? []);

/** Who may reach a service: a network of one's own, never everybody. */
export const SubnetText = z.string().superRefine((text, ctx) => {
  const message = subnetProblem(text);
  if (message !== undefined) ctx.addIssue({ code: 'custom', message });
});

function subnetProblem(text: string): string | undefined {
  const subnet = parseSubnet(text);
  if (subnet === undefined) return 'is no subnet: write it as in the VPC, such as 10.0.1.0/24';
  if (subnet.prefix < WIDEST[subnet.family]) {
    const everybody = subnet.prefix === 0 ? 'is everybody' : `is wider than /${WIDEST[subnet.family]}`;
    return `${everybody}: name the subnets of the machines themselves, such as 10.0.1.0/24`;
  }
  const hostBits = BigInt(BITS[subnet.family] - subnet.prefix);
  if ((subnet.base >> hostBits) << hostBits !== subnet.base) return 'has bits set after its prefix: write the first address of the subnet';
  return undefined;
}

function numberOf4(address: string): bigint {
  return address.split('.').reduce((sum, part) => (sum << 8n) + BigInt(part), 0n);
}

function numberOf6(address: string): bigint {
  // The URL parser writes every form (`::`, dotted end, leading zeros) in one.
  const [head = '', tail] = new URL(`http://[${address}]/`).hostname.slice(1, -1).split('::');
  const left = head === '' ? [] : head.split(':');
  const right = tail === undefined || tail === '' ? [] : tail.split(':');
  const middle = Array.from({ length: 8 - left.length - right.length }, () => '0');
  return [...left, ...middle, ...right].reduce((sum, part) => (sum << 16n) + BigInt(`0x${part}`), 0n);
}
