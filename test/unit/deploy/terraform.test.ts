import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Block, readHcl } from '../../../scripts/hcl.ts';

const FOLDER = new URL('../../../deploy/terraform/', import.meta.url);
const TEXTS = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.tf'))
  .map((name) => ({ name, text: readFileSync(new URL(name, FOLDER), 'utf8') }));
const BLOCKS = TEXTS.flatMap(({ text }) => readHcl(text));
const ALL = TEXTS.map(({ text }) => text).join('\n');
const RESOURCES = BLOCKS.filter(({ type }) => type === 'resource');
const named = (type: string) => BLOCKS.filter((block) => block.type === type).map(({ labels: [name = ''] }) => name);

/**
 * Arguments and blocks that we use, as the documentation of the provider has them (opentelekomcloud/terraform-provider-opentelekomcloud, docs/resources).
 * A block's own are after a dot. `!`: required.
 */
const DOCUMENTED: Readonly<Record<string, string>> = {
  opentelekomcloud_identity_role_v3:
    'display_name! display_layer! description! statement! statement.effect! statement.action! statement.resource',
  opentelekomcloud_identity_agency_v3:
    'name! description delegated_domain_name! project_role project_role.project! project_role.roles! domain_roles',
  opentelekomcloud_obs_bucket:
    'bucket! acl storage_class versioning tags lifecycle_rule lifecycle_rule.name! lifecycle_rule.enabled! lifecycle_rule.prefix ' +
    'lifecycle_rule.expiration lifecycle_rule.expiration.days!',
  opentelekomcloud_lts_group_v2: 'group_name! ttl_in_days! tags',
  opentelekomcloud_lts_stream_v2: 'group_id! stream_name! ttl_in_days tags',
  opentelekomcloud_apigw_gateway_v2:
    'name! spec_id! vpc_id! subnet_id! security_group_id! description availability_zones bandwidth_size bandwidth_charging_mode ' +
    'ingress_bandwidth_size ingress_bandwidth_charging_mode loadbalancer_provider maintain_begin',
  opentelekomcloud_apigw_group_v2: 'instance_id! name! description environment',
  opentelekomcloud_apigw_domain_v2: 'gateway_id! group_id! name! min_ssl_version http_redirect_to_https',
  opentelekomcloud_apigw_certificate_v2: 'name! content! private_key! type instance_id trusted_root_ca',
  opentelekomcloud_apigw_domain_certificate_associate_v2: 'gateway_id! group_id! domain_id! certificate_id!',
  opentelekomcloud_vpc_v1: 'name! cidr! shared tags',
  opentelekomcloud_vpc_subnet_v1: 'name! description cidr! gateway_ip! vpc_id! dhcp_enable primary_dns secondary_dns tags',
  opentelekomcloud_networking_secgroup_v2: 'name! description delete_default_rules',
  opentelekomcloud_networking_secgroup_rule_v2:
    'description direction! ethertype! protocol port_range_min port_range_max remote_ip_prefix remote_group_id security_group_id!',
};
/** Terraform's own. */
const META = ['count', 'for_each', 'depends_on', 'lifecycle'];

/** All arguments and blocks, with the names of the blocks that they are in. */
function used(block: Block, prefix = ''): readonly string[] {
  const inner = block.blocks.flatMap((one) => {
    const dynamic = one.type === 'dynamic';
    const name = `${prefix}${dynamic ? one.labels[0] : one.type}`;
    const body = dynamic ? one.blocks.find(({ type }) => type === 'content') : one;
    return META.includes(one.type) ? [] : [name, ...(body ? used(body, `${name}.`) : [])];
  });
  const own = [...block.args.keys()].filter((name) => !META.includes(name)).map((name) => prefix + name);
  return [...own, ...inner];
}

describe('deploy/terraform', () => {
  it.each(RESOURCES.map((block) => ({ name: block.labels.join('.'), block })))('$name has what the provider documents', ({ block }) => {
    const documented = (DOCUMENTED[block.labels[0] ?? ''] ?? '').split(' ');
    const names = documented.map((name) => name.replace('!', ''));
    const found = used(block);
    expect(found.filter((name) => !names.includes(name))).toEqual([]);
    const present = (parent: string) => parent === '' || found.includes(parent);
    const required = documented.filter((name) => name.endsWith('!')).map((name) => name.slice(0, -1));
    expect(required.filter((name) => present(name.slice(0, Math.max(0, name.lastIndexOf('.')))) && !found.includes(name))).toEqual([]);
  });

  it('refers to nothing that is not there, and has nothing that nobody refers to', () => {
    const resources = RESOURCES.map(({ labels }) => labels.join('.'));
    const asked = (pattern: RegExp) => [...new Set([...ALL.matchAll(pattern)].map(([, name = '']) => name))];
    expect(asked(/\b(opentelekomcloud_\w+\.\w+)/g).filter((name) => !resources.includes(name))).toEqual([]);
    expect(asked(/\bvar\.(\w+)/g).toSorted()).toEqual(named('variable').toSorted());
    const locals = BLOCKS.filter(({ type }) => type === 'locals').flatMap(({ args }) => [...args.keys()]);
    expect(asked(/\blocal\.(\w+)/g).toSorted()).toEqual(locals.toSorted());
  });

  it('describes every variable and output, and the README tells of each output', () => {
    const readme = readFileSync(new URL('README.md', FOLDER), 'utf8');
    const described = BLOCKS.filter(({ type }) => type === 'variable' || type === 'output');
    expect(described.filter(({ args }) => !args.get('description')).map(({ labels }) => labels)).toEqual([]);
    expect(named('output').filter((name) => name !== 'log_stream_ids' && !readme.includes(`\`${name}\``))).toEqual([]);
  });

  it('gives the agency the policies that the deployment gives, on project and account', () => {
    expect(ALL).toMatch(/jsondecode\(file\("\$\{path\.module\}\/\.\.\/policies\/project\.json"\)\)/);
    expect(ALL).toMatch(/jsondecode\(templatefile\("\$\{path\.module\}\/\.\.\/policies\/account\.json", \{ bucket = var\.bucket \}\)\)/);
    const layers = RESOURCES.filter(({ labels: [type] }) => type === 'opentelekomcloud_identity_role_v3').map(({ labels, args }) => [
      labels[1],
      args.get('display_layer'),
    ]);
    expect(layers).toEqual([
      ['project', '"project"'],
      ['account', '"domain"'],
    ]);
  });

  it('expires what docs/deploy.md says, none of the prefixes within another', () => {
    const rules = RESOURCES.find(({ labels: [type] }) => type === 'opentelekomcloud_obs_bucket')?.blocks.filter(
      ({ type }) => type === 'lifecycle_rule',
    );
    const days = (rules ?? []).map(({ args, blocks }) => [args.get('prefix'), blocks[0]?.args.get('days')]);
    expect(days).toEqual([
      ['"handoff"', '1'],
      ['"state/v1/turnstile"', '14'],
      ['"counts/v1/raw"', '7'],
    ]);
  });

  it('lets nothing in to the workers', () => {
    const rules = RESOURCES.filter(
      ({ labels: [type], args }) => type?.endsWith('secgroup_rule_v2') && /workers/.test(args.get('security_group_id') ?? ''),
    );
    expect(rules.map(({ args }) => args.get('direction'))).toEqual(['"egress"']);
    const groups = RESOURCES.filter(({ labels: [type] }) => type?.endsWith('secgroup_v2'));
    expect(groups.map(({ args }) => args.get('delete_default_rules'))).toEqual(['true', 'true']);
  });
});

it.each(['a {', 'a = [', 'a b c', '}'])('what is no HCL of ours is refused: %s', (text) => {
  expect(() => readHcl(text)).toThrow(/^line 1/);
});
