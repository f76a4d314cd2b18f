/** An IPv4 network; OTC's subnets are given in IPv4, IPv6 comes beside. */
export interface Network {
  readonly base: number;
  readonly prefix: number;
}

/** `10.0.0.0/24`, or one address. `undefined` for everything else. */
export function network(text: string): Network | undefined {
  const match = /^(\d{1,3})\.(\d{1,3})\.(\d{1,3})\.(\d{1,3})(?:\/(\d{1,2}))?$/.exec(text);
  if (!match) return undefined;
  const bytes = match.slice(1, 5).map(Number);
  const prefix = Number(match[5] ?? 32);
  if (bytes.some((byte) => byte > 255) || prefix > 32) return undefined;
  return { base: bytes.reduce((sum, byte) => sum * 256 + byte, 0), prefix };
}

/** All of `inner` lies in `outer`. False where either is no IPv4 network. */
export function contains(outer: string, inner: string): boolean {
  const [a, b] = [network(outer), network(inner)];
  if (!a || !b || a.prefix > b.prefix) return false;
  const size = 2 ** (32 - a.prefix);
  return Math.floor(a.base / size) === Math.floor(b.base / size);
}

/** Addresses that servers can have: the first and the last two are the system's (VPC API reference, "Querying IP Address Usage"), the very first and last nobody's. */
export function usableAddresses(cidr: string): number | undefined {
  const found = network(cidr);
  return found && Math.max(0, 2 ** (32 - found.prefix) - 5);
}
