import { usableAddresses } from '../../../core/network.ts';
import { counted } from '../../../core/plural.ts';
import type { PoolSettings } from '../../settings.ts';
import { cloudOf, type DoctorContext } from '../context.ts';
import { error, orOk, type Result, unique, unknown, warning } from '../findings.ts';
import type { SecurityGroupView, SecurityRule, SubnetView, VpcView } from '../types.ts';

interface Place {
  readonly vpcId: string;
  readonly subnetId: string;
}

export async function checkVpc({ subject, reads }: DoctorContext): Promise<readonly Result[]> {
  return judgeVpcs(await reads.vpcs(), unique(subject.settings.pools.map(({ machine }) => machine.vpcId)));
}

function judgeVpcs(vpcs: readonly VpcView[], wanted: readonly string[]): readonly Result[] {
  const problems = wanted
    .filter((id) => !vpcs.some((vpc) => vpc.id === id))
    .map((id) => error('vpc-missing', `There is no VPC ${id}.`, 'write its id into machine.vpc_id (console: Virtual Private Cloud).'));
  return orOk(problems, 'vpc', 'The VPC exists.');
}

export async function checkSubnets({ subject, reads }: DoctorContext): Promise<readonly Result[]> {
  return judgeSubnets(
    await reads.subnets(),
    subject.settings.pools.flatMap(({ machine: { vpcId, subnetIds } }) => subnetIds.map((subnetId) => ({ vpcId, subnetId }))),
  );
}

function judgeSubnets(subnets: readonly SubnetView[], places: readonly Place[]): readonly Result[] {
  const once = new Map(places.map((place) => [`${place.vpcId} ${place.subnetId}`, place]));
  const problems = [...once.values()].flatMap((place) => judgeSubnet(subnets, place));
  return orOk(problems, 'subnets', 'The subnet exists and belongs to the VPC.');
}

function judgeSubnet(subnets: readonly SubnetView[], { vpcId, subnetId }: Place): readonly Result[] {
  const subnet = subnets.find(({ id }) => id === subnetId);
  if (!subnet) {
    const other = subnets.find(({ neutronId }) => neutronId === subnetId);
    if (!other) {
      return [
        error('subnet-missing', `There is no subnet ${subnetId}.`, 'write its Network ID into machine.subnet_id (console: VPC, Subnets).'),
      ];
    }
    return [
      error(
        'subnet-id-of-neutron',
        `${subnetId} is the Subnet ID of ${other.id}.`,
        `set machine.subnet_id to the Network ID, ${other.id}.`,
      ),
    ];
  }
  const problems: Result[] = [];
  if (subnet.vpcId !== vpcId) {
    problems.push(
      error('subnet-elsewhere', `The subnet ${subnetId} belongs to the VPC ${subnet.vpcId}.`, `set machine.vpc_id to ${subnet.vpcId}.`),
    );
  }
  if (subnet.status !== 'ACTIVE') {
    problems.push(warning('subnet-inactive', `The subnet ${subnetId} is ${subnet.status}.`, 'check it in the console: VPC, Subnets.'));
  }
  if (!subnet.dhcp) {
    const found = `The subnet ${subnetId} has no DHCP: its machines get neither address nor user data.`;
    problems.push(error('subnet-without-dhcp', found, 'switch DHCP on in the subnet (console: VPC, Subnets).'));
  }
  return problems;
}

/** Room for all machines that may be there at once. */
export async function checkAddresses({ subject, services, options, reads }: DoctorContext): Promise<readonly Result[]> {
  const cloud = cloudOf(services);
  const { pools } = subject.settings;
  const wanted = unique(pools.flatMap(({ machine }) => machine.subnetIds));
  const subnets = (await reads.subnets()).filter(({ id }) => wanted.includes(id));
  if (subnets.length === 0) return [unknown('addresses', 'not looked at: the subnet is not known.', 'mend machine.subnet_id first.')];
  const results = await Promise.all(
    subnets.map(async (subnet) => {
      const mine = pools.filter(({ machine }) => machine.subnetIds.includes(subnet.id));
      const [usage, ...servers] = await Promise.all([
        cloud.addresses(subnet.id, options),
        ...mine.map(({ pool }) => cloud.servers(`${pool.name}-`, options)),
      ]);
      // With several subnets a pool's machines may be anywhere: what they use here is not known, and counts as used by others.
      const ours = servers.flatMap((list, i) => (mine[i]?.machine.subnetIds.length === 1 ? list : [])).length;
      return room(subnet, usage, ours);
    }),
  );
  const rooms = results.flatMap((found) => found ?? []);
  const full = rooms
    .filter(({ total, others }) => total <= others)
    .map(({ id, cidr }) => error('subnet-full', `The subnet ${id} (${cidr}) has no address left.`, TODO));
  return orOk([...full, ...tooSmall(rooms, pools)], 'addresses', 'The subnet has addresses for all machines.');
}

const TODO = 'use a larger subnet, free addresses, or lower the limits of the pools.';

interface Room {
  readonly id: string;
  readonly cidr: string;
  readonly total: number;
  readonly others: number;
}

/** Without `usage` only the size of the subnet is known. */
function room(
  { id, cidr }: SubnetView,
  usage: { readonly used: number; readonly total: number } | undefined,
  ours: number,
): Room | undefined {
  const total = usage?.total ?? usableAddresses(cidr);
  return total === undefined ? undefined : { id, cidr, total, others: usage ? Math.max(0, usage.used - ours) : 0 };
}

/** Pools with the same list of subnets share what is free in all of them. */
function tooSmall(rooms: readonly Room[], pools: readonly PoolSettings[]): readonly Result[] {
  const lists = new Map(pools.map(({ machine: { subnetIds } }) => [subnetIds.toSorted().join(' '), subnetIds]));
  return [...lists].flatMap(([key, ids]) => {
    const mine = rooms.filter(({ id }) => ids.includes(id));
    const most = pools
      .filter(({ machine }) => machine.subnetIds.toSorted().join(' ') === key)
      .reduce((sum, { pool }) => sum + pool.limit, 0);
    const sum = (of: (one: Room) => number) => mine.reduce((all, one) => all + of(one), 0);
    const [total, others] = [sum((one) => one.total), sum((one) => one.others)];
    if (mine.length < ids.length || total - others >= most || mine.every((one) => one.total <= one.others)) return [];
    const used = others > 0 ? `, of which others use ${others}` : '';
    const [what, have, whose] = mine.length === 1 ? ['subnet', 'has', 'all pools'] : ['subnets', 'have', 'their pools'];
    const names = mine.map(({ id, cidr }) => `${id} (${cidr})`).join(', ');
    return [
      warning(
        'subnet-small',
        `The ${what} ${names} ${have} ${counted(total, 'address', 'addresses')}${used}; ${whose} at their limits need ${most}.`,
        TODO,
      ),
    ];
  });
}

export async function checkSecurityGroups({ subject, reads }: DoctorContext): Promise<readonly Result[]> {
  const wanted = unique(subject.settings.pools.flatMap(({ machine }) => machine.securityGroups));
  return judgeSecurityGroups(
    await reads.securityGroups(),
    wanted,
    subject.settings.pools.map(({ machine }) => machine.securityGroups),
  );
}

/** `together`: the groups that machines have at the same time; one that lets out is enough. */
function judgeSecurityGroups(
  groups: readonly SecurityGroupView[],
  wanted: readonly string[],
  together: readonly (readonly string[])[],
): readonly Result[] {
  const found = wanted.map((id) => ({ id, group: groups.find((group) => group.id === id) }));
  const problems = found.flatMap(({ id, group }) => (group ? openings(group) : [missingGroup(id, groups)]));
  const shut = together.some((ids) => {
    const known = ids.flatMap((id) => groups.find((group) => group.id === id) ?? []);
    return known.length === ids.length && !known.some(({ rules }) => rules.some(letsOut));
  });
  const closed = error(
    'security-group-shut',
    'The security groups let nothing out: workers reach neither GitLab nor the metadata service.',
    'add an outbound rule for everything, or at least for TCP 443 and for TCP 80 to 169.254.0.0/16 (console: VPC, Security Groups).',
  );
  return orOk([...problems, ...(shut ? [closed] : [])], 'security-groups', 'The security groups exist and open nothing to everybody.');
}

function missingGroup(id: string, groups: readonly SecurityGroupView[]): Result {
  const named = groups.find(({ name }) => name === id);
  const todo = named
    ? `${id} is a name: write its id, ${named.id}.`
    : 'write its id into machine.security_groups (console: VPC, Security Groups).';
  return error('security-group-missing', `There is no security group ${id}.`, todo);
}

function letsOut({ direction, protocol }: SecurityRule): boolean {
  return direction === 'egress' && (protocol === undefined || protocol === 'tcp' || protocol === '6');
}

/** A worker asks GitLab for jobs; nobody needs to reach it. */
function openings({ id, name, rules }: SecurityGroupView): readonly Result[] {
  const open = rules.filter((rule) => rule.direction === 'ingress' && fromEverywhere(rule));
  if (open.length === 0) return [];
  const what = unique(open.map(describeRule)).join(', ');
  const todo = 'take the inbound rule away (console: VPC, Security Groups): a worker needs none.';
  return [warning('security-group-open', `The security group ${name} (${id}) opens ${what} to everybody.`, todo)];
}

function fromEverywhere({ network, groupId, addressGroup }: SecurityRule): boolean {
  if (network !== undefined) return /\/0$/.test(network);
  return groupId === undefined && addressGroup !== true;
}

function describeRule({ protocol, ports }: SecurityRule): string {
  if (protocol === undefined) return 'everything';
  if (!ports) return protocol;
  return ports.from === ports.to ? `${protocol} ${ports.from}` : `${protocol} ${ports.from}-${ports.to}`;
}
