import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { loadConfigYaml } from '../../../lib/config/load-yaml.ts';
import { MANAGER_SECTIONS } from '../../../lib/config/manager.ts';
import { AlarmsPart, Cache, CostsPart, Document, MachinePart, PackagesPart, RunnerPart } from '../../../lib/config/schema.ts';

const page = readFileSync(new URL('../../../docs/configuration.md', import.meta.url), 'utf8');
const pool = Document.shape.pools.element;

describe('docs/configuration.md', () => {
  it.each([
    ['the top level', Document],
    ['gitlab', Document.shape.gitlab],
    ['otc', Document.shape.otc],
    ['bucket', Document.shape.bucket],
    ['a pool', pool],
    ['a machine', MachinePart],
    ['a runner', RunnerPart],
    ["a runner's packages", PackagesPart],
    ['the caches', Cache],
    ['costs', CostsPart],
    ['alarms', AlarmsPart],
    ...Object.entries(MANAGER_SECTIONS),
  ])('names every key of %s', (_name, schema) => {
    expect(Object.keys(schema.shape).filter((key) => !page.includes(`\`${key}\``))).toEqual([]);
  });

  it('shows a manager that is accepted', () => {
    const small = /## A small file\n+```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
    const manager = /## `manager`[\s\S]*?```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
    expect(loadConfigYaml(small + manager)).toMatchObject({ warnings: [], manager: { mirrors: [{}, {}, { name: 'bsp/kernel.git' }] } });
  });

  it('begins with a file that is accepted', () => {
    const yaml = /## A small file\n+```yaml\n([\s\S]*?)```/.exec(page)?.[1] ?? '';
    expect(loadConfigYaml(yaml).warnings).toEqual([]);
  });
});
