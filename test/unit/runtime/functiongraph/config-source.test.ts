import { mkdirSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../../lib/core/errors.ts';
import { configPaths, configSource } from '../../../../lib/runtime/functiongraph/config-source.ts';
import { compiled, configFile, document, folder } from '../parts.ts';

describe('where the configuration is looked for', () => {
  it.each([
    { name: 'beside the bundle', env: {}, paths: ['/bundle/scaler.json'] },
    {
      name: "then in the function's root",
      env: { RUNTIME_CODE_ROOT: '/opt/function/code' },
      paths: ['/bundle/scaler.json', '/opt/function/code/scaler.json'],
    },
    {
      name: 'or only where the operator says',
      env: { RUNTIME_CODE_ROOT: '/opt/function/code', SCALER_CONFIG: '/etc/farm.json' },
      paths: ['/etc/farm.json'],
    },
    { name: 'an empty setting is none', env: { SCALER_CONFIG: '' }, paths: ['/bundle/scaler.json'] },
  ])('$name', ({ env, paths }) => {
    expect(configPaths(env, '/bundle')).toEqual(paths);
  });
});

describe('loading', () => {
  it('keeps what it has parsed while the file stays', () => {
    const load = configSource([configFile()]);
    expect(load()).toBe(load());
  });

  it('takes the first that exists', () => {
    const load = configSource([join(folder(), 'missing.json'), configFile(document({ installation: 'second' }))]);
    expect(load().settings.installation).toBe('second');
  });

  it.each([
    { name: 'another size', installation: 'longer-than-before', seconds: 1_700_000_000 },
    { name: 'another time', installation: 'farm-b', seconds: 1_700_000_001 },
  ])('sees a file that has changed: $name', ({ installation, seconds }) => {
    const path = configFile(document({ installation: 'farm-a' }));
    utimesSync(path, 1_700_000_000, 1_700_000_000);
    const load = configSource([path]);
    expect(load().settings.installation).toBe('farm-a');
    writeFileSync(path, compiled(document({ installation })));
    utimesSync(path, seconds, seconds);
    expect(load().settings.installation).toBe(installation);
  });

  it('neither keeps a failure nor answers it with what was right before', () => {
    const path = configFile();
    const load = configSource([path]);
    const before = load();
    writeFileSync(path, '{}');
    expect(() => load()).toThrow(ConfigError);
    expect(() => load()).toThrow(ConfigError);
    rmSync(path);
    expect(() => load()).toThrow(/no configuration/);
    writeFileSync(path, compiled());
    expect(load().settings).toEqual(before.settings);
  });

  it('a directory is no configuration', () => {
    const path = join(folder(), 'scaler.json');
    mkdirSync(path);
    expect(() => configSource([path])()).toThrow(expect.objectContaining({ code: 'no-config' }));
  });

  it('what cannot be looked at is the operator’s to mend', () => {
    expect(() => configSource([join(configFile(), 'scaler.json')])()).toThrow(ConfigError);
    expect(() => configSource(['\0'])()).toThrow(expect.objectContaining({ code: 'unreadable-config' }));
  });
});
