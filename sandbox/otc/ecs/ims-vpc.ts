import type { Service } from '../error-formats.ts';
import type { SecurityGroup } from './catalogue.ts';
import type { EcsFleet } from './fleet.ts';

/** Images, `/v2/cloudimages` (OTC IMS API reference, "Querying Images"). The path has no project id. */
export function registerIms({ app, operation, respond }: Service, fleet: EcsFleet): void {
  app.get('/v2/cloudimages', operation('ims.images'), (c) => {
    const q = c.req.query();
    const isAsked = (name: string, value: string) => q[name] === undefined || q[name] === value;
    const wanted = fleet.catalogue.images.filter(
      (i) => isAsked('id', i.id) && isAsked('name', i.name) && isAsked('status', i.status) && isAsked('__imagetype', i.type),
    );
    const newest = q.sort_dir !== 'asc';
    const sorted = q.sort_key === 'created_at' ? wanted.sort((a, b) => (a.createdAt < b.createdAt === newest ? 1 : -1)) : wanted;
    const images = sorted.slice(0, Number(q.limit ?? 500)).map((i) => ({
      id: i.id,
      name: i.name,
      status: i.status,
      created_at: i.createdAt,
      updated_at: i.createdAt,
      min_disk: i.minDiskGb,
      min_ram: i.minRamMib ?? 0,
      visibility: i.type === 'gold' ? 'public' : i.type,
      owner: 'sandbox',
      tags: [],
      __imagetype: i.type,
      __os_type: 'Linux',
      __os_version: 'Debian GNU/Linux 12.0.0 64bit',
      __isregistered: 'true',
      __platform: 'Debian',
      ...(i.withoutCloudInit ? { __support_fc_inject: 'true' } : {}),
    }));
    return respond.json({ images });
  });
}

/** Networks and quotas, below `/v1/{project_id}` (OTC VPC API reference). Names are filtered by the client. */
export function registerVpc({ app: root, operation, respond }: Service, fleet: EcsFleet): void {
  const app = root.basePath('/v1/:project');
  const { networks, securityGroups } = fleet.catalogue;

  app.get('/quotas', operation('vpc.quotas'), (c) => {
    const all = [
      { type: 'vpc', used: networks.length, quota: 150, min: 0 },
      { type: 'subnet', used: networks.length, quota: 400, min: 0 },
      { type: 'securityGroup', used: securityGroups.length, quota: 100, min: 0 },
      { type: 'publicIp', used: fleet.eips.all().length, quota: fleet.market.quota.publicIps, min: 0 },
    ];
    const type = c.req.query('type');
    return respond.json({ quotas: { resources: all.filter((q) => type === undefined || q.type === type) } });
  });

  app.get('/vpcs', operation('vpc.vpcs'), () =>
    respond.json({ vpcs: networks.map((n) => ({ id: n.vpcId, name: n.vpcName, cidr: n.cidr, status: 'OK' })) }),
  );

  app.get('/subnets', operation('vpc.subnets'), (c) => {
    const vpc = c.req.query('vpc_id');
    const subnets = networks
      .filter((n) => vpc === undefined || n.vpcId === vpc)
      .map((n) => ({
        id: n.subnetId,
        name: n.subnetName,
        cidr: n.cidr,
        status: n.status ?? 'ACTIVE',
        vpc_id: n.vpcId,
        neutron_network_id: n.subnetId,
        // A different id, which a create does not take.
        neutron_subnet_id: n.subnetId.replace(/^......../, '00000000'),
        dhcp_enable: n.dhcp ?? true,
      }));
    return respond.json({ subnets });
  });

  app.get('/security-groups', operation('vpc.security-groups'), () => respond.json({ security_groups: securityGroups.map(groupView) }));
}

/** Calls that follow Neutron's own paths, without a project (VPC API reference, "Querying IP Address Usage on a Specified Network"). */
export function registerNeutron({ app, operation, respond }: Service, fleet: EcsFleet): void {
  app.get('/v2.0/network-ip-availabilities/:network', operation('vpc.addresses'), (c) => {
    const network = fleet.catalogue.networks.find(({ subnetId }) => subnetId === c.req.param('network'));
    if (!network)
      return respond.json({ NeutronError: { message: 'Network could not be found.', type: 'NetworkNotFound', detail: '' } }, 404);
    const { total, used } = fleet.addresses(network.subnetId);
    const found = { network_id: network.subnetId, network_name: network.subnetName, total_ips: total, used_ips: used };
    return respond.json({ network_ip_availability: found });
  });
}

/** A new group lets everything out, and in what comes from itself. */
function groupView({ id, name, rules }: SecurityGroup): Readonly<Record<string, unknown>> {
  const own = rules ?? [{ direction: 'egress' as const }, { direction: 'ingress' as const, remote_group_id: id }];
  const blank = { protocol: null, port_range_min: null, port_range_max: null, remote_ip_prefix: null, remote_group_id: null };
  const security_group_rules = own.map((rule, i) => ({ id: `${id}-${i}`, ethertype: 'IPv4', security_group_id: id, ...blank, ...rule }));
  return { id, name, description: '', vpc_id: '', security_group_rules };
}
