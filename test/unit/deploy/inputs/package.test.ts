import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { unzipSync } from 'fflate';
import { describe, expect, it, onTestFinished } from 'vitest';
import { parseLifecycle } from '../../../../deploy/clients/bucket.ts';
import { buildBundles, packageFunctions, writePackages } from '../../../../deploy/inputs/package.ts';

const text = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString();

describe('packages', () => {
  it('hold the bundle and the configuration and nothing else, and are the same byte for byte when made again', async () => {
    const made = packageFunctions(await buildBundles(['webhook']), '{"a":1}\n').webhook;
    const again = packageFunctions(await buildBundles(['webhook']), '{"a":1}\n').webhook;
    const files = unzipSync(made?.zip ?? new Uint8Array());
    expect(Object.keys(files)).toEqual(['index.js', 'scaler.json']);
    expect(text(files['scaler.json'])).toBe('{"a":1}\n');
    expect(text(files['index.js'])).toContain('handler');
    expect(again).toEqual(made);
    expect(made?.digest).toMatch(/^[0-9a-f]{128}$/);
  });

  it('do not depend on the time zone', () => {
    const before = process.env.TZ;
    onTestFinished(() => {
      process.env.TZ = before ?? '';
      if (before === undefined) delete process.env.TZ;
    });
    const digests = ['UTC', 'Asia/Tokyo', 'America/Los_Angeles'].map((zone) => {
      process.env.TZ = zone;
      return packageFunctions({ reaper: Buffer.from('x') }, '{}').reaper?.digest;
    });
    expect(new Set(digests).size).toBe(1);
  });

  it('another configuration is another digest', () => {
    const digest = (config: string) => packageFunctions({ reaper: Buffer.from('x') }, config).reaper?.digest;
    expect(digest('{}')).not.toBe(digest('{ }'));
  });

  it('are written as one zip a function', () => {
    const folder = mkdtempSync(join(tmpdir(), 'scaler-zip-'));
    onTestFinished(() => rmSync(folder, { recursive: true, force: true }));
    const packages = packageFunctions({ reaper: Buffer.from('x') }, '{}');
    const paths = writePackages(packages, join(folder, 'deep'));
    expect(new Uint8Array(readFileSync(paths.reaper ?? ''))).toEqual(packages.reaper?.zip);
  });
});

describe('rules of a bucket', () => {
  const rule = (id: string, status = 'Enabled') =>
    `<Rule><ID>${id}</ID><Prefix>a/</Prefix><Status>${status}</Status><Expiration><Days>3</Days></Expiration></Rule>`;
  it.each([
    ['ours', rule('scaler-a'), { rules: [{ id: 'scaler-a', prefix: 'a/', days: 3 }], others: [] }],
    ['ours, switched off', rule('scaler-a', 'Disabled'), { rules: [], others: [] }],
    ['theirs', rule('a'), { rules: [], others: [rule('a')] }],
    ['none', '', { rules: [], others: [] }],
  ])('%s', (_, xml, lifecycle) => {
    expect(parseLifecycle(`<LifecycleConfiguration>${xml}</LifecycleConfiguration>`)).toEqual(lifecycle);
  });
});
