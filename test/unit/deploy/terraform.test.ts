import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readHcl } from '../../../scripts/hcl.ts';
import { problemsOf, readSchemas } from '../../../scripts/provider-schema.ts';

const FOLDER = new URL('../../../deploy/terraform/', import.meta.url);
const TEXTS = readdirSync(FOLDER)
  .filter((name) => name.endsWith('.tf'))
  .map((name) => ({ name, text: readFileSync(new URL(name, FOLDER), 'utf8') }));
const BLOCKS = TEXTS.flatMap(({ text }) => readHcl(text));
const ALL = TEXTS.map(({ text }) => text).join('\n');
const RESOURCES = BLOCKS.filter(({ type }) => type === 'resource');
const named = (type: string) => BLOCKS.filter((block) => block.type === type).map(({ labels: [name = ''] }) => name);

describe('deploy/terraform', () => {
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

describe('a resource compared with the declarations of the provider (scripts/check-terraform.ts)', () => {
  const member = (name: string, line: string) =>
    `    /**\n    * Docs: {@link https://x/docs#${name} Thing#${name}}\n    */\n    readonly ${line};\n`;
  const schemas = readSchemas(
    `export interface ThingConfig extends cdktf.TerraformMetaArguments {\n${member('name', 'name: string')}${member('ttl_days', 'ttlDays?: number')}${member('rule', 'rule: ThingRule[] | cdktf.IResolvable')}}\nexport interface ThingRule {\n${member('effect', 'effect: string')}}\n`,
  );
  const problems = (body: string) => {
    const [block] = readHcl(`resource "thing" "one" {\n${body}\n}`);
    const root = schemas.get('ThingConfig');
    return block && root && problemsOf('thing.one', block, root, schemas);
  };

  it.each([
    ['all is there', 'name = "a"\nttl_days = 1\ncount = 1\nrule {\neffect = "x"\n}', []],
    ['the block is dynamic', 'name = "a"\ndynamic "rule" {\nfor_each = []\ncontent {\neffect = "x"\n}\n}', []],
    ['a name is wrong', 'name = "a"\nttl_day = 1\nrule {\neffect = "x"\n}', ['thing.one: the provider has no "ttl_day" here']],
    ['something is missing', 'rule {\n}', ['thing.one: "name" is required', 'thing.one.rule: "effect" is required']],
  ])('%s', (_name, body, expected) => {
    expect(problems(body)).toEqual(expected);
  });
});
