import { readFileSync } from 'node:fs';
import { build } from 'esbuild';
import { describe, expect, it } from 'vitest';
import { InvalidConfigError } from '../../../../lib/config/check/problems.ts';
import { readCompiled } from '../../../../lib/config/compiled.ts';
import { parseConfig } from '../../../../lib/config/load/parse.ts';
import { compileConfig, loadConfigText, loadConfigYaml } from '../../../../lib/config/load/yaml.ts';
import { baseDocument, basePool, withValue } from '../base.ts';

const example = readFileSync(new URL('../../../../examples/scaler.yml', import.meta.url), 'utf8');

function problemsIn(text: string, format: 'yaml' | 'json' = 'yaml') {
  try {
    loadConfigText(text, format);
  } catch (error) {
    if (error instanceof InvalidConfigError) return error.problems;
    throw error;
  }
  return [];
}

/** `[runners.docker]` of the farm that this replaces. */
const FARM_DOCKER = {
  image: 'ubuntu:20.04',
  tls_verify: false,
  privileged: false,
  disable_entrypoint_overwrite: false,
  oom_kill_disable: false,
  disable_cache: false,
  volumes: ['/cache:/var/shared:rw'],
  shm_size: 0,
};

describe('defaults', () => {
  it('are what the documentation says', () => {
    expect(parseConfig(baseDocument())).toEqual({
      settings: {
        installation: 'gl-scaler',
        gitlabUrl: 'https://gitlab.example.com',
        launchConcurrency: 16,
        append: true,
        alarms: { oldestPendingMs: 1_800_000 },
        pools: [
          {
            pool: {
              name: 'bitbake',
              tags: ['bitbake'],
              runUntagged: false,
              limit: 19,
              maxGrowthRate: 0,
              maxBuilds: 0,
              maxAgeMs: 86_400_000,
              longestJobMs: 43_200_000,
              bootTimeoutMs: 600_000,
              policy: { idleCount: 0, idleScaleFactor: 0, idleCountMin: 0, idleTimeMs: 60_000 },
              periods: [],
            },
            scope: { kind: 'group', path: 'acme' },
            machine: {
              image: { name: 'Standard_Ubuntu_22.04_latest' },
              flavors: ['s3.large.8'],
              zones: ['eu-de-01'],
              vpcId: '0f3c2b1a-1111-4222-8333-444455556666',
              subnetIds: ['1f3c2b1a-1111-4222-8333-444455556666'],
              securityGroups: ['2f3c2b1a-1111-4222-8333-444455556666'],
              rootVolume: { type: 'SSD', sizeGb: 40 },
            },
            runner: {
              executor: 'docker',
              docker: { ...FARM_DOCKER, image: 'ubuntu:22.04' },
              environment: [],
              protectedOnly: false,
              maximumTimeout: 43_200,
              checkInterval: 0,
              sessionTimeout: 1800,
              disk: { minFreeGb: 5, prune: true },
              packages: {},
            },
          },
        ],
      },
      otc: {
        region: 'eu-de',
        domain: 'otc.t-systems.com',
        projectId: '0123456789abcdef0123456789abcdef',
        endpoints: {
          ecs: 'https://ecs.eu-de.otc.t-systems.com',
          ims: 'https://ims.eu-de.otc.t-systems.com',
          iam: 'https://iam.eu-de.otc.t-systems.com',
          vpc: 'https://vpc.eu-de.otc.t-systems.com',
          obs: 'https://obs.eu-de.otc.t-systems.com',
          smn: 'https://smn.eu-de.otc.t-systems.com',
          functiongraph: 'https://functiongraph.eu-de.otc.t-systems.com',
        },
      },
      bucket: { name: 'acme-ci', dialect: 'obs' },
      warnings: [],
    });
  });

  it('of a period are zero, not the values of its pool', () => {
    const pool = {
      ...basePool(),
      idle_count: 5,
      idle_scale_factor: 0.5,
      idle_count_min: 2,
      idle_time: '30m',
      periods: [{ periods: ['* *  8-17 * * mon-fri *'] }],
    };
    expect(parseConfig({ ...baseDocument(), pools: [pool] }).settings.pools[0]?.pool.periods).toEqual([
      {
        periods: ['* * 8-17 * * mon-fri *'],
        timezone: 'UTC',
        policy: { idleCount: 0, idleScaleFactor: 0, idleCountMin: 0, idleTimeMs: 0 },
      },
    ]);
  });
});

describe('merging', () => {
  const first = (document: unknown) => parseConfig(document).settings.pools[0];

  it("lets a pool's machine override single keys", () => {
    const machine = { flavors: ['s3.xlarge.4'], image: { id: '3f3c2b1a-1111-4222-8333-444455556666' }, public_ip: { bandwidth: 10 } };
    expect(first(withValue('pools.0.machine', machine))?.machine).toMatchObject({
      flavors: ['s3.xlarge.4'],
      zones: ['eu-de-01'],
      image: { id: '3f3c2b1a-1111-4222-8333-444455556666' },
      publicIp: { bandwidthMbit: 10, type: '5_bgp' },
    });
  });

  it('lets a pool do without the public address that the others have', () => {
    const document = { ...baseDocument(), machine: { ...baseDocument().machine, public_ip: { bandwidth: 10 } } };
    expect(first(document)?.machine.publicIp).toEqual({ bandwidthMbit: 10, type: '5_bgp' });
    expect(first({ ...document, pools: [{ ...basePool(), machine: { public_ip: false } }] })?.machine.publicIp).toBeUndefined();
  });

  it('merges the docker section key by key and replaces the environment', () => {
    const document = {
      ...baseDocument(),
      runner: {
        environment: ['A=1', 'B=2'],
        maximum_timeout: '2h',
        docker: { image: 'ubuntu:22.04', shm_size: 0, sysctls: { 'net.a': '1' } },
      },
      pools: [{ ...basePool(), runner: { environment: ['C=3'], protected_only: true, docker: { image: 'crops/poky' } } }],
    };
    expect(first(document)?.runner).toEqual({
      executor: 'docker',
      docker: { ...FARM_DOCKER, image: 'crops/poky', sysctls: { 'net.a': '1' } },
      environment: ['C=3'],
      protectedOnly: true,
      maximumTimeout: 7200,
      checkInterval: 0,
      sessionTimeout: 1800,
      disk: { minFreeGb: 5, prune: true },
      packages: {},
    });
  });

  it.each<readonly [string, object, unknown]>([
    ['writes the whole docker section when none is given', {}, FARM_DOCKER],
    [
      'overrides single keys of it',
      { docker: { volumes: ['/srv:/srv'], privileged: true } },
      { ...FARM_DOCKER, volumes: ['/srv:/srv'], privileged: true },
    ],
    ['writes none for a shell', { executor: 'shell' }, {}],
  ])('a runner %s', (_name, runner, expected) => {
    expect(first(withValue('runner', runner))?.runner.docker).toEqual(expected);
  });

  it('shows caches that are mounted read-only read-only', () => {
    const pool = { ...basePool(), cache: { server: 'nfs', export: '/cache', access: 'ro' } };
    const settings = first({ ...baseDocument(), pools: [pool] });
    expect(settings?.cache?.access).toBe('ro');
    expect(settings?.runner.docker.volumes).toEqual(['/cache:/var/shared:ro']);
  });

  it.each([
    ['both defaults', undefined, undefined, { minFreeGb: 5, prune: true }],
    ['the defaults of what is left out', { min_free_gb: 20 }, undefined, { minFreeGb: 20, prune: true }],
    ["a pool's own as a whole", { min_free_gb: 20 }, { prune: false }, { minFreeGb: 5, prune: false }],
  ])('takes for the disk %s', (_name, top, own, expected) => {
    const document = { ...baseDocument(), runner: top ? { disk: top } : {}, pools: [{ ...basePool(), runner: own ? { disk: own } : {} }] };
    expect(first(document)?.runner.disk).toEqual(expected);
  });

  it('takes registry mirrors for docker, a pool its own, and none for a shell', () => {
    const runner = { ...baseDocument().runner, registry_mirrors: ['https://mirror.gcr.io/', 'http://[fd00::1]:5000/hub'] };
    const pools = [
      basePool(),
      { ...basePool(), name: 'own', tags: ['own'], runner: { registry_mirrors: ['https://m.example'] } },
      { ...basePool(), name: 'shell', tags: ['shell'], runner: { executor: 'shell' } },
    ];
    expect(parseConfig({ ...baseDocument(), runner, pools }).settings.pools.map((pool) => pool.runner.registryMirrors)).toEqual([
      ['https://mirror.gcr.io', 'http://[fd00::1]:5000/hub'],
      ['https://m.example'],
      undefined,
    ]);
  });

  it('merges pinned packages one by one', () => {
    const document = {
      ...baseDocument(),
      runner: { session_timeout: '1h', packages: { 'gitlab-runner': '18.5.0-1', 'docker.io': '26.1.5+dfsg1-9+b6' } },
      pools: [{ ...basePool(), runner: { packages: { 'gitlab-runner': '18.2.0-1' } } }],
    };
    expect(first(document)?.runner).toMatchObject({
      sessionTimeout: 3600,
      packages: { 'gitlab-runner': '18.2.0-1', 'docker.io': '26.1.5+dfsg1-9+b6' },
    });
  });

  it.each([
    ['inherits the cache', undefined, { server: 'nfs', export: '/cache', access: 'rw', required: true }],
    ['replaces it', { server: 'other', export: '/c', required: false }, { server: 'other', export: '/c', access: 'rw', required: false }],
    ['does without', false, undefined],
  ])('a pool %s', (_name, own, expected) => {
    const pool = { ...basePool(), ...(own !== undefined && { cache: own }) };
    expect(first({ ...baseDocument(), cache: { server: 'nfs', export: '/cache' }, pools: [pool] })?.cache).toEqual(expected);
  });

  it.each([
    ['project', { project: 'acme/widgets' }, { kind: 'project', path: 'acme/widgets' }],
    ['instance', { instance: true }, { kind: 'instance' }],
    ['group', { group: 'acme/sub' }, { kind: 'group', path: 'acme/sub' }],
  ])('a pool has a scope of its own: %s', (_name, scope, expected) => {
    expect(first(withValue('pools.0.scope', scope))?.scope).toEqual(expected);
  });
});

describe('adapters', () => {
  it('take endpoints that are given, without a slash at the end, and make the others of region and domain', () => {
    const document = {
      ...baseDocument(),
      otc: { ...baseDocument().otc, region: 'eu-ch2', domain: 'sc.otc.t-systems.com', endpoints: { obs: 'http://127.0.0.1:9000/' } },
      functions: { scaler: 'urn:fss:eu-de:0123456789abcdef0123456789abcdef:function:default:gl-scaler:latest' },
      bucket: { name: 'acme-ci', append: false, dialect: 's3-v2' },
    };
    const config = parseConfig(document);
    expect(config.otc.endpoints.obs).toBe('http://127.0.0.1:9000');
    expect(config.otc.endpoints.ecs).toBe('https://ecs.eu-ch2.sc.otc.t-systems.com');
    expect(config.scalerFunction).toBe(document.functions.scaler);
    expect(config.settings.append).toBe(false);
    expect(config.bucket.dialect).toBe('s3-v2');
  });

  it('get a GitLab under a path without the slash at its end', () => {
    expect(parseConfig(withValue('gitlab.url', 'https://example.com/gitlab/')).settings.gitlabUrl).toBe('https://example.com/gitlab');
  });
});

describe('the example', () => {
  it('is the farm it replaces', () => {
    const config = loadConfigYaml(example);
    expect(config.warnings).toEqual([]);
    expect(config.settings.pools).toHaveLength(1);
    expect(config.settings.pools[0]).toMatchObject({
      pool: { limit: 19, maxBuilds: 100, policy: { idleCount: 0, idleTimeMs: 60_000 } },
      machine: { rootVolume: { sizeGb: 100 }, publicIp: { bandwidthMbit: 10 }, flavors: expect.arrayContaining(['s3.large.8']) },
      runner: { executor: 'docker', docker: { image: 'ubuntu:20.04', volumes: ['/cache:/var/shared:rw'], shm_size: 0, tls_verify: false } },
      cache: { required: true },
    });
  });

  it('stays valid with its periods switched on', () => {
    const config = loadConfigYaml(example.replaceAll(/^( +)#( *(?:periods|- periods|timezone|idle_count|idle_time):)/gm, '$1$2'));
    expect(config.warnings).toEqual([]);
    expect(config.settings.pools[0]?.pool.periods).toEqual([
      {
        periods: ['* * 8-17 * * mon-fri *'],
        timezone: 'Europe/Berlin',
        policy: { idleCount: 2, idleScaleFactor: 0, idleCountMin: 0, idleTimeMs: 1_800_000 },
      },
    ]);
  });

  it('compiles to JSON that loads as the same, without the manager', () => {
    const { json, config: whole } = compileConfig(example);
    const { manager, ...config } = whole;
    expect(manager?.name).toBe('cache-1');
    expect(readCompiled(json)).toEqual(config);
    expect(loadConfigText(json, 'json')).toEqual(config);
  });
});

describe('places in the text', () => {
  it.each([
    { name: 'a wrong value', from: 'limit: 19', to: 'limit: 0', at: 'limit: 0', column: 5, path: 'pools[0].limit' },
    { name: 'an unknown key', from: 'idle_count: 0', to: 'idle_cuont: 0', at: 'idle_cuont: 0', column: 5, path: 'pools[0].idle_cuont' },
    {
      name: 'a key in braces',
      from: '{ bandwidth: 10, type: 5_bgp }',
      to: '{ bandwidth: 0, type: 5_bgp }',
      at: 'bandwidth: 0',
      column: 16,
      path: 'machine.public_ip.bandwidth',
    },
    { name: 'an entry of a list', from: '[bitbake]', to: '[bitbake, "a,b"]', at: '[bitbake, "a,b"]', column: 21, path: 'pools[0].tags[1]' },
    {
      name: 'a missing key, at its section',
      from: 'name: acme-ci-scaler',
      to: 'append: true',
      at: 'bucket:',
      column: 1,
      path: 'bucket.name',
    },
  ])('$name', ({ from, to, at, column, path }) => {
    const text = example.replace(from, to);
    const line = text.split('\n').findIndex((l) => l.includes(at)) + 1;
    expect(problemsIn(text)).toMatchObject([{ path, line, column }]);
  });

  it('through an alias', () => {
    const text = example.replace('limit: 19', 'limit: &n 0\n    max_growth_rate: *n');
    expect(problemsIn(text)).toMatchObject([{ path: 'pools[0].limit' }]);
  });

  it('are in the order of the text', () => {
    const lines = problemsIn(example.replace('limit: 19', 'limit: 0').replace('installation: farm', 'installation: FARM')).map(
      (p) => p.line ?? 0,
    );
    expect(lines).toHaveLength(2);
    expect(lines).toEqual([...lines].sort((a, b) => a - b));
  });
});

describe('text that is no document', () => {
  it.each([
    ['an empty file', ''],
    ['comments only', '# nothing\n'],
    ['a tab for indentation', 'gitlab:\n\turl: x\n'],
    ['a key twice', 'installation: a\ninstallation: b\n'],
    ['two documents', 'installation: a\n---\ninstallation: b\n'],
    ['a tag of some program', 'installation: !!python/object:x a\n'],
    ['an alias of nothing', 'installation: *nothing\n'],
    [
      'a bomb of aliases',
      `a: &a [x,x,x,x,x,x,x,x,x,x]\n${'bcdefg'
        .split('')
        .map((c, i) => `${c}: &${c} [${Array(10).fill(`*${'abcdef'[i]}`).join(',')}]`)
        .join('\n')}\n`,
    ],
  ])('%s', (_name, text) => {
    expect(problemsIn(text).length).toBeGreaterThan(0);
  });

  it.each([
    {
      name: 'a tab for indentation',
      text: `gitlab:\n\turl: x\n\tscope: y\notc:\n\tregion: eu-de\n`,
      line: 2,
      message: /a tab stands where.*indent with spaces/,
    },
    {
      name: 'a bracket that is not closed',
      text: 'pools:\n  - { name: a, tags: [x\n  - name: b\nbucket:\n  name: c\n',
      line: 3,
      message: /is no valid YAML/,
    },
  ])('says of $name one thing, and where, not all that comes of it', ({ text, line, message }) => {
    expect(problemsIn(text)).toMatchObject([{ line, message: expect.stringMatching(message) }]);
  });

  it('is refused as JSON without quoting it', () => {
    const problems = problemsIn('{"gitlab": glpat-secret}', 'json');
    expect(problems).toHaveLength(1);
    expect(JSON.stringify(problems)).not.toContain('glpat');
  });

  it('is refused as YAML without quoting it', () => {
    expect(JSON.stringify(problemsIn('gitlab: "glpat-secret\ntoken: *glpat-secret\n'))).not.toContain('glpat');
  });
});

it('keeps the YAML parser and all that checks a configuration out of what the functions load', async () => {
  const { metafile } = await build({
    entryPoints: ['lib/runtime/functiongraph/config-source.ts'],
    bundle: true,
    write: false,
    metafile: true,
    platform: 'node',
    logLevel: 'silent',
  });
  const inputs = Object.keys(metafile.inputs);
  expect(inputs).toContain('lib/config/compiled.ts');
  expect(inputs.filter((file) => /node_modules[/](yaml|croner)[/]|lib[/]config[/](schema|check)/.test(file))).toEqual([]);
});
