/**
 * Runs the logic of deploy/terraform with a real Terraform and without the provider, which cannot be fetched everywhere: each of its resources is
 * replaced by Terraform's built-in `terraform_data` with the same arguments, count and references. What the provider itself demands is not seen.
 * Without Terraform it says so and succeeds.
 */
import { spawnSync } from 'node:child_process';
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';
import { type Block, readHcl } from './hcl.ts';

const SOURCE = fileURLToPath(new URL('../deploy/terraform', import.meta.url));
const POLICIES = fileURLToPath(new URL('../deploy/policies', import.meta.url));

const ALWAYS = ['identity_agency_v3_functions', 'identity_role_v3_account', 'identity_role_v3_project'];
const LOGS = ['lts_group_v2_functions', ...['reaper', 'scaler', 'webhook'].map((name) => `lts_stream_v2_function["${name}"]`)];
const BUCKET = ['obs_bucket_records'];
const DOMAIN = ['apigw_domain_v2_hooks'];
const CERTIFICATE = ['apigw_certificate_v2_hooks', 'apigw_domain_certificate_associate_v2_hooks'];
const GROUP = ['apigw_group_v2_hooks'];
const GATEWAY = [
  'apigw_gateway_v2_hooks',
  'networking_secgroup_rule_v2_gateway_https["192.0.2.0/24"]',
  'networking_secgroup_rule_v2_gateway_out',
  'networking_secgroup_v2_gateway',
];
const NETWORK = ['networking_secgroup_rule_v2_workers_out', 'networking_secgroup_v2_workers', 'vpc_subnet_v1_workers', 'vpc_v1_workers'];

const certificate = { name: 'hooks', content: 'PEM', private_key: 'PEM' };
const gateway = { vpc_id: 'v', subnet_id: 's', zones: ['eu-de-01'], allow_from: ['192.0.2.0/24'] };
const CASES: readonly { readonly settings: object; readonly planned: readonly string[] }[] = [
  { settings: {}, planned: [...ALWAYS, ...LOGS, ...BUCKET] },
  { settings: { log_days: 0, create_bucket: false }, planned: ALWAYS },
  { settings: { gateway_id: 'g' }, planned: [...ALWAYS, ...LOGS, ...BUCKET, ...GROUP] },
  { settings: { gateway_id: 'g', domain: 'h.example.com' }, planned: [...ALWAYS, ...LOGS, ...BUCKET, ...GROUP, ...DOMAIN] },
  {
    settings: { gateway_id: 'g', domain: 'h.example.com', certificate },
    planned: [...ALWAYS, ...LOGS, ...BUCKET, ...GROUP, ...DOMAIN, ...CERTIFICATE],
  },
  { settings: { domain: 'h.example.com', certificate }, planned: [...ALWAYS, ...LOGS, ...BUCKET] },
  { settings: { gateway, network: {} }, planned: [...ALWAYS, ...LOGS, ...BUCKET, ...GROUP, ...GATEWAY, ...NETWORK] },
];

const Plan = z.object({ planned_values: z.object({ root_module: z.object({ resources: z.array(z.object({ address: z.string() })) }) }) });

function terraform(cwd: string, ...args: readonly string[]): string {
  const { status, stdout, stderr } = spawnSync('terraform', args, { cwd, encoding: 'utf8' });
  if (status === 0) return stdout;
  throw new Error(`terraform ${args.join(' ')}:\n${stdout}\n${stderr}`);
}

/** The text with the provider's resources replaced; nested blocks are left out. */
function standIn(text: string): string {
  const others = text.replace(/^resource "(\w+)" "(\w+)" \{\n[\s\S]*?^\}\n?/gm, '');
  const resources = readHcl(text).filter(({ type }) => type === 'resource');
  return replaceReferences(`${others}\n${resources.map(standInOf).join('\n')}\n`);
}

function standInOf({ labels: [type = '', name = ''], args }: Block): string {
  const line = ([key, value]: readonly [string, string]) => `${key} = ${value}`;
  const repeats = [...args].filter(([key]) => key === 'count' || key === 'for_each').map(line);
  const input = [...args].filter(([key]) => key !== 'count' && key !== 'for_each').map(line);
  return `resource "terraform_data" "${short(type)}_${name}" {\n${repeats.join('\n')}\ninput = {\n${input.join('\n')}\n}\n}`;
}

const short = (type: string): string => type.replace('opentelekomcloud_', '');

function replaceReferences(text: string): string {
  return text
    .replace(/opentelekomcloud_(\w+)\.(\w+)(\[0\]|\[\*\])?\.(\w+)/g, (_, type, name, index = '', attribute) =>
      attribute === 'id' ? `terraform_data.${type}_${name}${index}.id` : `terraform_data.${type}_${name}${index}.input.${attribute}`,
    )
    .replace(/opentelekomcloud_(\w+)\.(\w+)/g, 'terraform_data.$1_$2');
}

function planned(cwd: string, settings: object): readonly string[] {
  writeFileSync(path.join(cwd, 'settings.tfvars.json'), JSON.stringify({ project: 'eu-de', bucket: 'ci-fleet', ...settings }));
  terraform(cwd, 'plan', '-input=false', '-no-color', '-var-file=settings.tfvars.json', '-out=plan');
  const plan = Plan.parse(JSON.parse(terraform(cwd, 'show', '-json', 'plan')));
  return plan.planned_values.root_module.resources.map(({ address }) => address.replace('terraform_data.', '').replace('[0]', ''));
}

function check(): number {
  terraform(SOURCE, 'fmt', '-check', '-diff');
  const dir = mkdtempSync(path.join(tmpdir(), 'terraform-'));
  try {
    cpSync(POLICIES, path.join(dir, 'policies'), { recursive: true });
    const cwd = path.join(dir, 'terraform');
    mkdirSync(cwd);
    for (const file of readdirSync(SOURCE).filter((name) => name.endsWith('.tf') && name !== 'versions.tf')) {
      writeFileSync(path.join(cwd, file), standIn(readFileSync(path.join(SOURCE, file), 'utf8')));
    }
    terraform(cwd, 'init', '-input=false', '-no-color');
    terraform(cwd, 'validate', '-no-color');
    let wrong = 0;
    for (const { settings, planned: expected } of CASES) {
      const found = planned(cwd, settings).toSorted().join(' ');
      if (found === expected.toSorted().join(' ')) continue;
      wrong += 1;
      console.error(`with ${JSON.stringify(settings)}\n  planned: ${found}\n  wanted:  ${expected.toSorted().join(' ')}`);
    }
    console.log(`terraform: formatted; ${CASES.length - wrong} of ${CASES.length} plans as they should be, without the provider`);
    return wrong === 0 ? 0 : 1;
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

if (spawnSync('terraform', ['version']).status === 0) process.exitCode = check();
else console.log('terraform is not on this machine: deploy/terraform was not run');
