/** An IPv4 or IPv6 network; an address is a network of one. */
export interface Network {
  readonly family: 4 | 6;
  /** The address as it was written: the first one of the network unless it has `hostBits`. */
  readonly base: bigint;
  readonly prefix: number;
}

const BITS = { 4: 32, 6: 128 } as const;

/**
 * `10.0.1.0/24`, `fd00:1::/64`, or one address. `undefined` for anything else, zones and numbers with leading zeros among them: `mount` and ssh
 * read `010.0.0.1` as 8.0.0.1 (inet_aton(3)).
 */
export function parseNetwork(text: string): Network | undefined {
  const [address = '', length, ...rest] = text.split('/');
  const family = address.includes(':') ? 6 : 4;
  const base = family === 4 ? number4(address) : number6(address);
  if (base === undefined || rest.length > 0) return undefined;
  if (length !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(length)) return undefined;
  const prefix = length === undefined ? BITS[family] : Number(length);
  return prefix > BITS[family] ? undefined : { family, base, prefix };
}

/** Whether the networks have an address in common. */
export function overlap(a: Network, b: Network): boolean {
  if (a.family !== b.family) return false;
  const shift = BigInt(BITS[a.family] - Math.min(a.prefix, b.prefix));
  return a.base >> shift === b.base >> shift;
}

/** All of `inner` lies in `outer`. False where either is no network. */
export function contains(outer: string, inner: string): boolean {
  const [a, b] = [parseNetwork(outer), parseNetwork(inner)];
  return a !== undefined && b !== undefined && a.prefix <= b.prefix && overlap(a, b);
}

/** Bits are set after the prefix, so that the text is not the network's first address. */
export function hasHostBits({ family, base, prefix }: Network): boolean {
  const bits = BigInt(BITS[family] - prefix);
  return (base >> bits) << bits !== base;
}

/** RFC 1918, RFC 6598 and RFC 4193: addresses that cannot be reached from outside. */
export function isPrivate(network: Network): boolean {
  return PRIVATE.some((range) => range.prefix <= network.prefix && overlap(range, network));
}

/**
 * Addresses that servers can have in an IPv4 subnet of OTC: the very first and last are nobody's, and the system keeps one at the beginning and two at the end (VPC
 * API reference, "Querying IP Address Usage").
 */
export function usableAddresses(cidr: string): number | undefined {
  const network = parseNetwork(cidr);
  return network?.family === 4 ? Math.max(0, 2 ** (32 - network.prefix) - 5) : undefined;
}

function number4(address: string): bigint | undefined {
  const parts = address.split('.');
  if (parts.length !== 4 || !parts.every((part) => /^(?:0|[1-9]\d{0,2})$/.test(part) && Number(part) < 256)) return undefined;
  return parts.reduce((sum, part) => (sum << 8n) + BigInt(part), 0n);
}

/** RFC 4291, 2.2: eight groups, of which `::` leaves out one or more; the last two may be written as an IPv4 address. */
function number6(address: string): bigint | undefined {
  const end = address.slice(address.lastIndexOf(':') + 1);
  const four = number4(end);
  const text =
    four === undefined ? address : `${address.slice(0, -end.length)}${(four >> 16n).toString(16)}:${(four & 0xffffn).toString(16)}`;
  const [left = [], right, ...rest] = text.split('::').map((side) => (side === '' ? [] : side.split(':')));
  const missing = 8 - left.length - (right?.length ?? 0);
  if (rest.length > 0 || (right === undefined ? missing !== 0 : missing < 1)) return undefined;
  const groups = [...left, ...Array<string>(missing).fill('0'), ...(right ?? [])];
  if (!groups.every((group) => /^[\da-f]{1,4}$/i.test(group))) return undefined;
  return groups.reduce((sum, group) => (sum << 16n) + BigInt(`0x${group}`), 0n);
}

const PRIVATE = ['10.0.0.0/8', '172.16.0.0/12', '192.168.0.0/16', '100.64.0.0/10', 'fc00::/7'].flatMap((text) => parseNetwork(text) ?? []);
