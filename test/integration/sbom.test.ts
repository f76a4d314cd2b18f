import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../..');
const dist = (file: string) => readFileSync(path.join(root, 'dist', file), 'utf8');

interface Component {
  readonly name: string;
  readonly version: string;
  readonly licenses?: readonly unknown[];
}

it('what is delivered stands in a bill of materials, and its licences beside it', () => {
  execFileSync(process.execPath, ['--import', 'tsx', 'scripts/sbom.ts'], { cwd: root });
  const { bomFormat, components } = JSON.parse(dist('sbom.cdx.json')) as { bomFormat: string; components: readonly Component[] };
  expect(bomFormat).toBe('CycloneDX');
  expect(components.filter(({ licenses }) => !licenses?.length)).toEqual([]);
  const listed = components.map(({ name, version }) => `${name} ${version}`);
  const licences = dist('third-party-licenses.txt');
  const bundled = [...licences.matchAll(/^-{80}\n(.+)\nLicense: (.+)\nIn: (.+)$/gm)].map(([, name = '', licence, bundles = '']) => ({
    name,
    licence,
    bundles: bundles.split(', '),
  }));
  expect(bundled.filter(({ name }) => !listed.includes(name))).toEqual([]);
  // Of the functions, of the page (there a package for development), of the command line.
  const bundlesOf = (name: string) => bundled.find((part) => part.name.startsWith(`${name} `))?.bundles;
  expect(bundlesOf('zod')).toEqual(expect.arrayContaining(['reaper', 'scaler', 'webhook']));
  expect(bundlesOf('uplot')).toEqual(['dashboard']);
  expect(bundlesOf('hono')).toEqual(['scaler-cli']);
  expect(bundlesOf('commander')).toEqual(['scaler-cli']);
  expect(listed.some((name) => name.startsWith('vitest '))).toBe(false);
  expect(licences).toContain('Permission is hereby granted, free of charge');
});
