import { managerKey } from '../../../core/keys.ts';
import { contains, parseNetwork } from '../../../core/network.ts';
import type { CacheSettings, PoolSettings } from '../../settings.ts';
import { healthProblems, ManagerHealth } from '../../status/cache-manager.ts';
import { type JsonRead, readJson } from '../../storage/json.ts';
import { bucketOf, cloudOf, type DoctorContext } from '../context.ts';
import { error, ok, orOk, type Result, unknown, warning } from '../findings.ts';
import type { AnyServer, SecurityGroupView, SecurityRule, Subject, SubnetView, VpcView } from '../types.ts';

const NFS_PORT = 2049;

type Cached = PoolSettings & { readonly cache: CacheSettings };

/** What can be known from outside of the way from a worker to the cache server. */
export async function checkCacheNetwork(context: DoctorContext): Promise<readonly Result[]> {
  const { subject, services, options, reads } = context;
  const pools = subject.settings.pools.filter((pool): pool is Cached => pool.cache !== undefined);
  if (pools.length === 0) return [ok('cache-network', 'No pool has caches.')];
  const cloud = cloudOf(services);
  const [subnets, vpcs] = await Promise.all([reads.subnets(), reads.vpcs()]);
  const all = pools.flatMap((pool) => pool.machine.subnetIds.map((subnetId) => ({ ...pool, subnetId })));
  const ways = new Map(all.map((way) => [`${way.cache.server} ${way.subnetId} ${way.cache.access}`, way]));
  const results = await Promise.all(
    [...ways.values()].map(async ({ cache, machine, subnetId }) => {
      const subnet = subnets.find(({ id }) => id === subnetId);
      const vpc = vpcs.find(({ id }) => id === machine.vpcId);
      const exported = judgeExport(subject.manager, cache, subnet);
      if (parseNetwork(cache.server) === undefined) return [...exported, hostName(cache)];
      const outside = judgeAddress(cache, subnet, vpc);
      // Beyond the VPC the server is not this project's to show.
      if (outside.length > 0) return [...exported, ...outside];
      const [server, groups] = await Promise.all([cloud.serverAt(cache.server, options), reads.securityGroups()]);
      return [...exported, ...judgeServer(cache, server, groups, subnet, machine.securityGroups)];
    }),
  );
  return orOk(results.flat(), 'cache-network', 'The cache server runs, and the workers may reach it.');
}

function hostName({ server }: CacheSettings): Result {
  return unknown(
    'cache-network',
    `not checked: ${server} is a name, which is resolved in the VPC.`,
    'look from a worker: scaler console NAME shows the mount.',
  );
}

function judgeAddress({ server }: CacheSettings, subnet: SubnetView | undefined, vpc: VpcView | undefined): readonly Result[] {
  if ((subnet && contains(subnet.cidr, server)) || (vpc && contains(vpc.cidr, server))) return [];
  if (!subnet && !vpc) return [];
  const found = `The cache server ${server} is neither in the workers' subnet${subnet ? ` (${subnet.cidr})` : ''} nor in their VPC${vpc?.cidr ? ` (${vpc.cidr})` : ''}.`;
  return [warning('cache-outside', found, 'mend cache.server, or see that a peering and its routes lead there.')];
}

/** The manager exports to the networks of its own section, and to nobody else. */
function judgeExport(manager: Subject['manager'], { access, server }: CacheSettings, subnet: SubnetView | undefined): readonly Result[] {
  if (!manager || !subnet) return [];
  const client = manager.clients.find((one) => contains(one.subnet, subnet.cidr));
  if (!client) {
    const found = `manager.clients lacks the workers' subnet ${subnet.cidr}: ${server} would refuse their mounts.`;
    return [
      error(
        'cache-not-exported',
        found,
        `add { subnet: ${subnet.cidr}, access: ${access} } to manager.clients, and render the manager again.`,
      ),
    ];
  }
  if (access === 'rw' && client.access === 'ro') {
    const found = `manager.clients gives the workers' subnet ${subnet.cidr} only read access, but cache.access is rw.`;
    return [warning('cache-read-only', found, 'set both to the same.')];
  }
  return [];
}

function judgeServer(
  { server }: CacheSettings,
  machine: AnyServer | undefined,
  groups: readonly SecurityGroupView[],
  subnet: SubnetView | undefined,
  workerGroups: readonly string[],
): readonly Result[] {
  if (!machine) {
    return [
      warning(
        'cache-machine-missing',
        `No server of this project has the address ${server}.`,
        'start the cache manager, or mend cache.server.',
      ),
    ];
  }
  if (machine.status !== 'ACTIVE') {
    return [
      error('cache-machine-off', `The cache server ${machine.name} is ${machine.status}.`, 'start it (console: Elastic Cloud Server).'),
    ];
  }
  const own = groups.filter(({ id, name }) => machine.securityGroups.includes(id) || machine.securityGroups.includes(name));
  if (own.length === 0 || own.some(({ rules }) => rules.some((rule) => letsNfsIn(rule, subnet?.cidr, workerGroups)))) return [];
  const from = subnet ? ` from ${subnet.cidr}` : '';
  const found = `No rule of the security groups of ${machine.name} (${own.map(({ name }) => name).join(', ')}) lets NFS in${from}.`;
  return [error('cache-blocked', found, `add an inbound rule for TCP ${NFS_PORT}${from} (console: VPC, Security Groups).`)];
}

function letsNfsIn(
  { direction, protocol, ports, network: from, groupId, addressGroup }: SecurityRule,
  subnet: string | undefined,
  workerGroups: readonly string[],
): boolean {
  if (direction !== 'ingress') return false;
  if (protocol !== undefined && protocol !== 'tcp' && protocol !== '6') return false;
  if (ports && (ports.from > NFS_PORT || ports.to < NFS_PORT)) return false;
  if (groupId !== undefined) return workerGroups.includes(groupId);
  // What is in a list of addresses cannot be seen here: it gets the benefit of the doubt.
  if (from === undefined || addressGroup === true) return true;
  return subnet === undefined || contains(from, subnet);
}

export async function checkCacheHealth({ subject, services, options }: DoctorContext): Promise<readonly Result[]> {
  const { manager } = subject;
  if (!manager) return [ok('cache-health', 'This file describes no cache manager.')];
  if (!manager.healthPublished) {
    return [unknown('cache-health', 'not looked at: manager.publish_health is false.', 'look on it: /var/lib/gl-cache/health.json.')];
  }
  const read = await readJson(bucketOf(services).store(subject.bucket.dialect), managerKey(manager.name), ManagerHealth, options);
  return judgeHealth(manager.name, read, services.clock.now());
}

function judgeHealth(name: string, { exists, value: health }: JsonRead<ManagerHealth>, now: number): readonly Result[] {
  if (!exists) {
    const todo = 'see that the VM is up, has an agency that may write to manager/, and was given the output of scaler manager render.';
    return [warning('cache-silent', `The cache manager ${name} has never reported its state.`, todo)];
  }
  if (!health)
    return [
      warning('cache-ill', `${managerKey(name)} was not written by a manager of this version.`, 'render and start the manager again.'),
    ];
  const problems = healthProblems(health, now).map(({ what, todo }) =>
    warning(what.startsWith('nothing heard') ? 'cache-silent' : 'cache-ill', `The cache manager ${name}: ${what}.`, `${todo}.`),
  );
  return orOk(problems, 'cache-health', `The cache manager ${name} reports no problem.`);
}
