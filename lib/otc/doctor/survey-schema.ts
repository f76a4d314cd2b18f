import * as z from 'zod';

/*
 * Answers that only an examination of the installation reads, tolerant, as plain values. Sources: OTC API references of IAM ("Querying Project
 * Information"), ECS ("Listing Flavor Details", "Listing AZs", "Querying SSH Key Pairs"), IMS ("Querying Images"), VPC ("Querying Subnets", "Querying
 * Security Groups", "Querying Quotas", "Querying IP Address Usage on a Specified Network") and FunctionGraph ("Querying Metadata of a Function").
 */

export const projectsSchema = z.object({
  projects: z.array(z.object({ id: z.string(), name: z.string(), enabled: z.boolean().default(true) })),
});

/** `vcpus` is a string, `ram` a number of MiB. */
export const allFlavorsSchema = z
  .object({ flavors: z.array(z.object({ id: z.string(), vcpus: z.coerce.number(), ram: z.coerce.number() })) })
  .transform(({ flavors }) => flavors.map(({ id, vcpus, ram }) => ({ id, cores: vcpus, ramMib: ram })));

export const zonesSchema = z
  .object({
    availabilityZoneInfo: z.array(z.object({ zoneName: z.string(), zoneState: z.object({ available: z.boolean() }) })),
  })
  .transform(({ availabilityZoneInfo }) =>
    availabilityZoneInfo.map(({ zoneName, zoneState }) => ({ name: zoneName, available: zoneState.available })),
  );

export const imageListSchema = z
  .object({
    images: z.array(
      z.object({
        id: z.string(),
        name: z.string(),
        status: z.string(),
        min_disk: z.number(),
        min_ram: z.number().nullish(),
        __support_fc_inject: z.string().nullish(),
      }),
    ),
  })
  .transform(({ images }) =>
    images.map((image) => ({
      id: image.id,
      name: image.name,
      status: image.status,
      minDiskGb: image.min_disk,
      minRamMib: image.min_ram ?? 0,
      withoutCloudInit: image.__support_fc_inject === 'true',
    })),
  );

export const keyPairsSchema = z
  .object({ keypairs: z.array(z.object({ keypair: z.object({ name: z.string() }) })) })
  .transform(({ keypairs }) => keypairs.map(({ keypair }) => keypair.name));

export const vpcsSchema = z
  .object({ vpcs: z.array(z.object({ id: z.string(), cidr: z.string().nullish() })) })
  .transform(({ vpcs }) => vpcs.map(({ id, cidr }) => ({ id, cidr: cidr ?? '' })));

/** `id` equals `neutron_network_id`; `neutron_subnet_id` is another one. */
export const subnetsSchema = z
  .object({
    subnets: z.array(
      z.object({
        id: z.string(),
        vpc_id: z.string(),
        cidr: z.string(),
        status: z.string().nullish(),
        dhcp_enable: z.boolean().nullish(),
        neutron_subnet_id: z.string().nullish(),
      }),
    ),
  })
  .transform(({ subnets }) =>
    subnets.map((subnet) => ({
      id: subnet.id,
      vpcId: subnet.vpc_id,
      cidr: subnet.cidr,
      status: subnet.status ?? 'ACTIVE',
      dhcp: subnet.dhcp_enable !== false,
      ...(subnet.neutron_subnet_id && { neutronId: subnet.neutron_subnet_id }),
    })),
  );

const ruleSchema = z
  .object({
    direction: z.enum(['ingress', 'egress']),
    protocol: z.string().nullish(),
    port_range_min: z.number().nullish(),
    port_range_max: z.number().nullish(),
    remote_ip_prefix: z.string().nullish(),
    remote_group_id: z.string().nullish(),
    remote_address_group_id: z.string().nullish(),
  })
  .transform((rule) => ({
    direction: rule.direction,
    ...(rule.protocol && rule.protocol !== 'any' && { protocol: rule.protocol }),
    ...(typeof rule.port_range_min === 'number' && {
      ports: { from: rule.port_range_min, to: rule.port_range_max ?? rule.port_range_min },
    }),
    ...(rule.remote_ip_prefix && { network: rule.remote_ip_prefix }),
    ...(rule.remote_group_id && { groupId: rule.remote_group_id }),
    ...(rule.remote_address_group_id && { addressGroup: true }),
  }));

export const securityGroupsSchema = z
  .object({ security_groups: z.array(z.object({ id: z.string(), name: z.string(), security_group_rules: z.array(ruleSchema) })) })
  .transform(({ security_groups }) =>
    security_groups.map(({ id, name, security_group_rules }) => ({ id, name, rules: security_group_rules })),
  );

export const availabilitySchema = z.object({
  network_ip_availability: z.object({ total_ips: z.number(), used_ips: z.number() }),
});

/** -1 is unlimited. */
export const vpcQuotasSchema = z.object({
  quotas: z.object({ resources: z.array(z.object({ type: z.string(), used: z.number(), quota: z.number() })) }),
});

/** A server that need not be ours. The answer holds the user data of VMs: nothing of it but this may be kept. */
export const anyServersSchema = z.object({
  servers: z.array(
    z.object({
      name: z.string(),
      status: z.string(),
      addresses: z.record(z.string(), z.array(z.object({ addr: z.string() }))),
      security_groups: z.array(z.object({ name: z.string(), id: z.string().nullish() })).nullish(),
    }),
  ),
});

export const functionSchema = z
  .object({ timeout: z.number(), xrole: z.string().nullish(), app_xrole: z.string().nullish() })
  .transform(({ timeout, xrole, app_xrole }) => {
    // Without an agency for execution that of configuration is used.
    const agency = app_xrole || xrole;
    return { timeoutSeconds: timeout, ...(agency && { agency }) };
  });
