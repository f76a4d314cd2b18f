/**
 * Checks deploy/terraform against the provider's own schema: each resource has its required arguments, and only arguments and blocks that exist.
 * The schema comes with the generated bindings on npm, because the provider itself cannot be fetched everywhere. Formatting is checked where
 * Terraform is installed.
 */
import { execFileSync, spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Block, readHcl } from './hcl.ts';
import { problemsOf, readSchemas } from './provider-schema.ts';

const SOURCE = fileURLToPath(new URL('../deploy/terraform', import.meta.url));
const CACHE = fileURLToPath(new URL('../.cache/terraform-provider', import.meta.url));
/** 6 MB, of the provider's release 1.36.54. Its peers, a whole CDK, are not needed for reading. */
const BINDINGS = '@cdktf/provider-opentelekomcloud@12.0.16';

/** Resources that came after the bindings' release, as the provider documents them (docs/resources of 1.36.69). `!` is required. */
const NEWER: Readonly<Record<string, string>> = {
  opentelekomcloud_apigw_domain_v2: 'gateway_id! group_id! name! min_ssl_version http_redirect_to_https',
  opentelekomcloud_apigw_domain_certificate_associate_v2: 'gateway_id! group_id! domain_id! certificate_id!',
};

function fetchBindings(): string {
  const folder = path.join(CACHE, BINDINGS.replace(/.*@/, ''));
  const library = path.join(folder, 'node_modules', BINDINGS.replace(/@[^@]*$/, ''), 'lib');
  if (existsSync(library)) return library;
  mkdirSync(folder, { recursive: true });
  // Without a package.json of its own npm would look for the project above.
  writeFileSync(path.join(folder, 'package.json'), '{ "private": true }\n');
  const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--no-save', '--legacy-peer-deps'];
  execFileSync('npm', ['install', '--prefix', folder, ...options, BINDINGS], { stdio: ['ignore', 'ignore', 'inherit'] });
  return library;
}

function checkResource(library: string, block: Block): readonly string[] {
  const [type = '', name] = block.labels;
  const where = `${type}.${name}`;
  const newer = NEWER[type];
  if (newer !== undefined) {
    const members = newer.split(' ').map((word) => [word.replace('!', ''), { isRequired: word.endsWith('!'), inner: '' }] as const);
    return problemsOf(where, block, new Map(members), new Map());
  }
  const file = path.join(library, type.replace('opentelekomcloud_', '').replaceAll('_', '-'), 'index.d.ts');
  if (!existsSync(file)) return [`${where}: the provider has no such resource`];
  const schemas = readSchemas(readFileSync(file, 'utf8'));
  const [root] = [...schemas].filter(([title]) => title.endsWith('Config')).map(([, schema]) => schema);
  return root ? problemsOf(where, block, root, schemas) : [`${where}: the bindings have no schema of it`];
}

function main(): number {
  const { status: unformatted, error } = spawnSync('terraform', ['fmt', '-check', '-diff'], {
    cwd: SOURCE,
    stdio: ['ignore', 'inherit', 'ignore'],
  });
  if (error) console.log('terraform is not installed: formatting was not checked');
  const library = fetchBindings();
  const files = readdirSync(SOURCE).filter((name) => name.endsWith('.tf'));
  const blocks = files.flatMap((file) => readHcl(readFileSync(path.join(SOURCE, file), 'utf8')));
  const resources = blocks.filter(({ type }) => type === 'resource');
  const problems = resources.flatMap((block) => checkResource(library, block));
  for (const problem of problems) console.error(problem);
  console.log(`deploy/terraform: ${resources.length} resources checked against ${BINDINGS}; ${problems.length} problems`);
  return problems.length > 0 || unformatted ? 1 : 0;
}

process.exitCode = main();
