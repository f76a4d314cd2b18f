import { readdirSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { readCompiled } from '../../../lib/config/compiled.ts';
import type { Config } from '../../../lib/config/load/parse.ts';
import { compileConfig, loadConfigYaml } from '../../../lib/config/load/yaml.ts';

const folder = new URL('../../../examples/', import.meta.url);
const examples = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('scaler.yml'));
const read = (file: string) => readFileSync(new URL(file, folder), 'utf8');
const load = (file: string) => loadConfigYaml(read(file));

describe('examples', () => {
  it('are listed in their README, and nothing else is', () => {
    const listed = [...read('README.md').matchAll(/^\| \[([^\]]+)\]/gm)].map((match) => match[1] ?? '');
    expect(listed.sort()).toEqual(examples.sort());
  });

  it.each(examples)('%s has no mistake and no warning', (file) => {
    expect(load(file).warnings).toEqual([]);
  });

  it.each(examples)('%s is what the functions read, but for the manager', (file) => {
    const { manager: _, ...config } = load(file);
    expect(readCompiled(compileConfig(read(file)).json)).toEqual(config);
  });

  // The deployment fills the name in, and refuses another one.
  it.each(examples)('%s leaves the name of the scaler function to the deployment', (file) => {
    expect(load(file).scalerFunction).toBeUndefined();
  });
});

describe('examples/scaler.yml against the farm it replaces', () => {
  const config = load('scaler.yml');
  const farm = only(config);

  /** The old farm's words, its figure, and where that stands now. */
  const figures: readonly (readonly [string, unknown, (farm: Config['settings']['pools'][number]) => unknown])[] = [
    ['concurrent and limit', 19, ({ pool }) => pool.limit],
    ['check_interval', 0, ({ runner }) => runner.checkInterval],
    ['session_timeout', 1800, ({ runner }) => runner.sessionTimeout],
    ['IdleCount', 0, ({ pool }) => pool.policy.idleCount],
    ['IdleTime', 60_000, ({ pool }) => pool.policy.idleTimeMs],
    ['MaxBuilds', 100, ({ pool }) => pool.maxBuilds],
    ['autoscaling periods, commented out', [], ({ pool }) => pool.periods],
    ['executor', 'docker', ({ runner }) => runner.executor],
    ['image of the machine', { name: 'Standard_Ubuntu_20.04_latest' }, ({ machine }) => machine.image],
    ['flavor of 2 vCPU and 16 GB', 's3.large.8', ({ machine }) => machine.flavors[0]],
    ['root volume', 100, ({ machine }) => machine.rootVolume.sizeGb],
    ['public address, 10 Mbit/s', { type: '5_bgp', bandwidthMbit: 10 }, ({ machine }) => machine.publicIp],
    ['no key pair: nobody logs in', undefined, ({ machine }) => machine.keyName],
    ['caches', { server: '10.0.0.10', export: '/cache', access: 'rw', required: true }, ({ cache }) => cache],
  ];

  it.each(figures)('%s', (_name, figure, now) => {
    expect(now(farm)).toEqual(figure);
  });

  it('docker, key by key', () => {
    expect(farm.runner.docker).toEqual({
      tls_verify: false,
      image: 'ubuntu:20.04',
      privileged: false,
      disable_entrypoint_overwrite: false,
      oom_kill_disable: false,
      disable_cache: false,
      volumes: ['/cache:/var/shared:rw'],
      shm_size: 0,
    });
  });

  it('eu-de, and a manager for the workers of this subnet', () => {
    expect(config.otc.region).toBe('eu-de');
    expect(config.manager).toMatchObject({ path: '/cache', clients: [{ access: 'rw' }] });
    expect(config.manager?.mirrors.length).toBeGreaterThan(0);
  });
});

describe('examples/small', () => {
  it('has nothing that runs all day', () => {
    const config = load('small/scaler.yml');
    const { pool, cache } = only(config);
    expect(pool).toMatchObject({ policy: { idleCount: 0 }, periods: [] });
    expect([cache, config.manager, config.settings.hookUrl]).toEqual([undefined, undefined, undefined]);
  });
});

describe('examples/two-pools', () => {
  const config = load('two-pools/scaler.yml');
  const [builds, requests] = config.settings.pools;

  it('lets only protected branches write the caches', () => {
    expect(builds).toMatchObject({ runner: { protectedOnly: true }, cache: { access: 'rw' } });
    expect(requests).toMatchObject({ runner: { protectedOnly: false }, pool: { maxBuilds: 1 }, cache: { access: 'ro' } });
    expect(requests?.runner.docker.volumes).toEqual(['/cache:/var/shared:ro']);
  });

  it('keeps them in subnets of their own, because NFS trusts addresses', () => {
    expect(requests?.machine.subnetIds).not.toEqual(builds?.machine.subnetIds);
    expect(config.manager?.clients.map(({ access }) => access)).toEqual(['rw', 'ro']);
  });

  it('keeps idle workers in working hours only', () => {
    expect(builds?.pool.policy).toMatchObject({ idleCount: 0, idleTimeMs: 300_000 });
    expect(builds?.pool.periods).toMatchObject([
      { timezone: 'Europe/Berlin', policy: { idleCount: 4, idleScaleFactor: 0.5, idleCountMin: 1 } },
    ]);
  });
});

function only({ settings }: Config) {
  const [pool, ...others] = settings.pools;
  if (!pool || others.length > 0) throw new Error('the example should have exactly one pool');
  return pool;
}
