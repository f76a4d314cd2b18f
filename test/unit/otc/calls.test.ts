import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Policy, renderPolicy } from '../../../deploy/inputs/policies.ts';
import { GITLAB_CALLS } from '../../../lib/gitlab/calls.ts';
import { type Caller, OTC_CALLS, type Right } from '../../../lib/otc/calls.ts';

const RIGHTS: readonly Right[] = Object.values(OTC_CALLS);
const FUNCTIONS: readonly Caller[] = ['webhook', 'scaler', 'reaper'];
const read = (file: string) => readFileSync(new URL(`../../../deploy/policies/${file}`, import.meta.url), 'utf8');
const policy = (file: string, bucket = 'ci-fleet') => renderPolicy(read(file), { bucket });
const actions = ({ Statement }: Policy) => Statement.flatMap((one) => one.Action);
const isGlobal = (action: string) => action.startsWith('obs:');
const covered = (action: string, by: readonly string[]) =>
  by.some((pattern) => pattern === action || (pattern.endsWith(':*') && action.startsWith(pattern.slice(0, -1))));

function needed(callers: readonly Caller[], global: boolean): readonly string[] {
  const all = RIGHTS.filter(({ usedBy }) => usedBy.some((caller) => callers.includes(caller))).flatMap((right) => right.actions);
  return [...new Set(all)].filter((action) => isGlobal(action) === global).toSorted();
}

describe('the policies of deploy/policies/', () => {
  it.each([
    ['project.json', FUNCTIONS, false],
    ['account.json', FUNCTIONS, true],
    ['deployer-account.json', ['deploy'], true],
  ] as const)('%s allows exactly what the calls need', (file, callers, global) => {
    expect(actions(policy(file)).toSorted()).toEqual(needed(callers, global));
  });

  it('deployer-project.json allows what the calls need, and nothing that is not within what they need', () => {
    const allowed = actions(policy('deployer-project.json'));
    const wanted = needed(['deploy'], false);
    expect(wanted.filter((action) => !covered(action, allowed))).toEqual([]);
    expect(allowed.filter((action) => !wanted.includes(action))).toEqual([]);
  });

  it('there are no others', () => {
    const files = readdirSync(new URL('../../../deploy/policies/', import.meta.url));
    expect(files.toSorted()).toEqual(['account.json', 'deployer-account.json', 'deployer-project.json', 'project.json']);
  });

  it.each(['account.json', 'deployer-account.json'])(
    '%s names one bucket, and each action with the kind of resource that it is about',
    (file) => {
      for (const { Action, Resource } of policy(file, 'one-bucket').Statement) {
        const kinds = new Set(Action.map((action) => action.split(':')[1]));
        const resource = kinds.has('bucket') ? 'OBS:*:*:bucket:one-bucket' : 'OBS:*:*:object:one-bucket/*';
        expect([kinds.size, Resource]).toEqual([1, [resource]]);
      }
    },
  );

  it('nothing of the functions can make rights, functions or buckets', () => {
    const all = [...actions(policy('project.json')), ...actions(policy('account.json'))];
    const strong =
      /^iam:|^functiongraph:(?!function:invokeAsync)|Policy|Acl|Bucket(?<!obs:bucket:ListBucket)$|^obs:bucket:(?!ListBucket$)|:\*$/;
    expect(all.filter((action) => strong.test(action))).toEqual([]);
  });

  it.each(['*', '', 'a/b', 'Upper', 'a"'])('a bucket named %j is refused', (bucket) => {
    expect(() => policy('account.json', bucket)).toThrow(expect.objectContaining({ code: 'bucket-invalid' }));
  });
});

describe('docs/rights.md', () => {
  const text = readFileSync(new URL('../../../docs/rights.md', import.meta.url), 'utf8');

  it.each(Object.entries(OTC_CALLS as Readonly<Record<string, Right>>))('tells what %s needs', (name, { actions, role, assumed }) => {
    const line = text.split('\n').find((one) => one.startsWith('|') && one.includes(`\`${name}\``)) ?? '';
    for (const action of actions) expect(line).toContain(`\`${action}\``);
    if (role) expect(line).toContain(role);
    expect(line.includes('assumed')).toBe(assumed === true);
  });

  it.each(Object.entries(GITLAB_CALLS))('tells what %s needs', (name, { scopes, role }) => {
    const line = text.split('\n').find((one) => one.startsWith(`| \`${name}\` |`)) ?? '';
    expect(
      line
        .split('|')
        .slice(2, 4)
        .map((cell) => cell.trim()),
    ).toEqual([scopes.map((scope) => `\`${scope}\``).join(' or '), role]);
  });
});
