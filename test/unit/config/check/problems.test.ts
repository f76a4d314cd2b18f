import { describe, expect, it } from 'vitest';
import { InvalidConfigError } from '../../../../lib/config/check/problems.ts';
import { parseConfig } from '../../../../lib/config/load/parse.ts';
import { ConfigError } from '../../../../lib/core/errors.ts';
import { baseDocument, basePool, withValue } from '../base.ts';

function problemsOf(document: unknown) {
  try {
    parseConfig(document);
  } catch (error) {
    if (error instanceof InvalidConfigError) return error.problems;
    throw error;
  }
  return [];
}

/** name, path in the document, value, path in the complaint, what the complaint says */
const WRONG: readonly (readonly [string, string, unknown, string, RegExp])[] = [
  ['unknown key at the top', 'instalation', 'farm', 'instalation', /did you mean "installation"/],
  ['unknown key in a pool', 'pools.0.limits', 3, 'pools[0].limits', /did you mean "limit"/],
  ["docker+machine's spelling", 'pools.0.IdleCount', 3, 'pools[0].IdleCount', /did you mean "idle_count"/],
  ['concurrent', 'concurrent', 19, 'concurrent', /each pool has its own "limit"/],
  ['a machine key in the pool', 'pools.0.public_ip', false, 'pools[0].public_ip', /belongs under "machine"/],
  ['a singular', 'machine.flavor', 's3.large.8', 'machine.flavor', /"flavors", a list/],
  ['a secret in the file', 'gitlab.token', 'x', 'gitlab.token', /secret: set GITLAB_TOKEN/],
  ['keys of OTC in the file', 'otc.secret_key', 'x', 'otc.secret_key', /secret: set OTC_SECRET_KEY/],
  ['something far from every key', 'pools.0.colour', 1, 'pools[0].colour', /known are boot_timeout, /],
  ['limit missing', 'pools.0.limit', undefined, 'pools[0].limit', /is missing/],
  ['limit empty', 'pools.0.limit', null, 'pools[0].limit', /a number, not empty/],
  ['limit zero', 'pools.0.limit', 0, 'pools[0].limit', /at least 1/],
  ['limit a fraction', 'pools.0.limit', 1.5, 'pools[0].limit', /a whole number, not a fraction/],
  ['limit as text', 'pools.0.limit', '19', 'pools[0].limit', /a number, not text/],
  ['a subnet that is none', 'machine.subnet_id', 'ci-workers', 'machine.subnet_id', /UUID/],
  ['no subnet in the list', 'machine.subnet_id', [], 'machine.subnet_id', /at least one|UUID/],
  ['a subnet of the list that is none', 'machine.subnet_id', ['1f3c2b1a-1111-4222-8333-444455556666', 'x'], 'machine.subnet_id[1]', /UUID/],
  ['no pools', 'pools', [], 'pools', /at least one entry/],
  ['pool name in capitals', 'pools.0.name', 'Bitbake', 'pools[0].name', /a-z, 0-9/],
  ['pool name that begins with a digit', 'pools.0.name', '1st', 'pools[0].name', /begin with a letter/],
  ['pool name that ends with a dash', 'pools.0.name', 'a-', 'pools[0].name', /not end with/],
  ['pool name too long', 'pools.0.name', 'a'.repeat(33), 'pools[0].name', /at most 32/],
  ['installation with a dot', 'installation', 'a.b', 'installation', /a-z, 0-9/],
  ['url without scheme', 'gitlab.url', 'gitlab.example.com', 'gitlab.url', /with its scheme/],
  ['url of another scheme', 'gitlab.url', 'ftp://gitlab.example.com', 'gitlab.url', /https:\/\//],
  ['url with a password', 'gitlab.url', 'https://a:b@gitlab.example.com', 'gitlab.url', /user name or password/],
  ['url with a query', 'gitlab.url', 'https://gitlab.example.com/?a=b', 'gitlab.url', /before "\?"/],
  ['two scopes', 'gitlab.scope', { group: 'a', project: 'a/b' }, 'gitlab.scope', /exactly one/],
  ['no scope', 'gitlab.scope', {}, 'gitlab.scope', /exactly one/],
  ['a project without its group', 'gitlab.scope', { project: 'widgets' }, 'gitlab.scope.project', /with its group/],
  ['a scope with a slash in front', 'gitlab.scope', { group: '/acme' }, 'gitlab.scope.group', /without a "\/"/],
  ['project id as a number', 'otc.project_id', 1e31, 'otc.project_id', /in quotes/],
  ['project id too short', 'otc.project_id', 'abc', 'otc.project_id', /32 of/],
  ['endpoint without scheme', 'otc.endpoints.ecs', 'ecs.example.com', 'otc.endpoints.ecs', /with its scheme/],
  ['bucket in capitals', 'bucket.name', 'Acme', 'bucket.name', /3 to 63/],
  ['bucket too short', 'bucket.name', 'ab', 'bucket.name', /3 to 63/],
  ['bucket with two dots', 'bucket.name', 'a..b', 'bucket.name', /must not hold/],
  ['bucket like an address', 'bucket.name', '10.0.0.10', 'bucket.name', /IP address/],
  ['unknown dialect', 'bucket.dialect', 's3', 'bucket.dialect', /one of obs, s3-v2/],
  ['cache at an address with a leading zero', 'cache', { server: '010.0.0.1', export: '/cache' }, 'cache.server', /leading zeros/],
  ['cache with a scheme', 'cache', { server: 'nfs://a', export: '/cache' }, 'cache.server', /host name/],
  ['relative export', 'cache', { server: 'a', export: 'cache' }, 'cache.export', /absolute path/],
  ['cache: true in a pool', 'pools.0.cache', true, 'pools[0].cache', /must be false, or/],
  ['image id no UUID', 'machine.image', { id: 'ubuntu' }, 'machine.image.id', /UUID/],
  ['SATA, end of sale', 'machine.root_volume', { type: 'SATA', size: 100 }, 'machine.root_volume.type', /no longer sold/],
  ['unknown disk', 'machine.root_volume', { type: 'NVME' }, 'machine.root_volume.type', /one of SSD/],
  ['disk too large', 'machine.root_volume', { size: 1025 }, 'machine.root_volume.size', /at most 1024/],
  ['public_ip: true', 'machine.public_ip', true, 'machine.public_ip', /must be false, or/],
  ['bandwidth too large', 'machine.public_ip', { bandwidth: 1001 }, 'machine.public_ip.bandwidth', /at most 1000/],
  ['a key of the address misspelt', 'machine.public_ip', { bandwidth: 10, typ: '5_bgp' }, 'machine.public_ip.typ', /did you mean "type"/],
  ['an address without its bandwidth', 'machine.public_ip', {}, 'machine.public_ip.bandwidth', /is missing/],
  ['machine without a flavor', 'machine.flavors', undefined, 'pools[0].machine', /lacks flavors/],
  ['empty list of zones', 'machine.zones', [], 'machine.zones', /at least one entry/],
  ['security group by name', 'machine.security_groups', ['default'], 'machine.security_groups[0]', /UUID/],
  ['a package that a worker does not install', 'runner.packages', { vim: '1' }, 'runner.packages.vim', /known are apparmor, /],
  ['a package misspelt', 'runner.packages', { gitlab_runner: '1' }, 'runner.packages.gitlab_runner', /did you mean "gitlab-runner"/],
  ['a version as a number', 'runner.packages', { 'docker.io': 26.1 }, 'runner.packages.docker.io', /in quotes/],
  ['no version', 'runner.packages', { curl: 'latest' }, 'runner.packages.curl', /Debian version/],
  ['a version with a space', 'runner.packages', { curl: '1 2' }, 'runner.packages.curl', /Debian version/],
  ['a disk without room for a job', 'runner.disk', { min_free_gb: 40 }, 'runner.disk.min_free_gb', /root_volume\.size, which is 40/],
  ['a key of the disk misspelt', 'runner.disk', { min_free: 5 }, 'runner.disk.min_free', /did you mean "min_free_gb"/],
  ['a share of the disk as text', 'runner.disk', { min_free_gb: '5G' }, 'runner.disk.min_free_gb', /number/],
  ['a session of no time', 'runner.session_timeout', 0, 'runner.session_timeout', /at least 1s/],
  ['session_timeout beside the runner', 'session_timeout', 1800, 'session_timeout', /belongs under "runner"/],
  ['unknown access to the caches', 'cache', { server: 'a', export: '/c', access: 'rx' }, 'cache.access', /one of rw, ro/],
  ['docker value that TOML cannot say', 'runner.docker.memory', null, 'runner.docker.memory', /no empty values/],
  ['docker volumes as text', 'runner.docker.volumes', '/cache', 'runner.docker.volumes', /a list, not text/],
  [
    'docker key misspelt',
    'runner.docker.volume',
    ['/x'],
    'runner.docker.volume',
    /gitlab-runner \(17\.1 to 19\.4\); did you mean "volumes"/,
  ],
  ['docker key that does not exist', 'runner.docker.frobnicate', 1, 'runner.docker.frobnicate', /not a key of gitlab-runner \([^)]*\)$/],
  ['docker key of one pool', 'pools.0.runner', { docker: { Image: 'x' } }, 'pools[0].runner.docker.Image', /did you mean "image"/],
  [
    'key of a service with two letters swapped',
    'runner.docker.services',
    [{ name: 'x', alais: 'y' }],
    'runner.docker.services[0].alais',
    /did you mean "alias"/,
  ],
  [
    'key of a service that is like none',
    'runner.docker.services',
    [{ name: 'x', ports: ['1'] }],
    'runner.docker.services[0].ports',
    /known are alias, command, entrypoint, environment, name,/,
  ],
  ['a key with two letters swapped', 'pools.0.tgas', ['a'], 'pools[0].tgas', /did you mean "tags"/],
  ['key of a service', 'runner.docker.services', [{ name: 'x', aliass: 'y' }], 'runner.docker.services[0].aliass', /did you mean "alias"/],
  [
    'mirrors in the docker section',
    'runner.docker.registry_mirrors',
    ['https://m'],
    'runner.docker.registry_mirrors',
    /runner\.registry_mirrors/,
  ],
  [
    'a runner without run-single --config',
    'runner.packages',
    { 'gitlab-runner': '17.0.0-1' },
    'runner.packages.gitlab-runner',
    /since 17\.1/,
  ],
  ['a runner of old', 'runner.packages', { 'gitlab-runner': '1:16.11.0' }, 'runner.packages.gitlab-runner', /pin 18\.5 or later/],
  ['a mirror without a scheme', 'runner.registry_mirrors', ['mirror.example.com'], 'runner.registry_mirrors[0]', /with its scheme/],
  ['a mirror by another scheme', 'runner.registry_mirrors', ['ftp://mirror.example.com'], 'runner.registry_mirrors[0]', /https/],
  ['a mirror with a password', 'runner.registry_mirrors', ['https://u:p@m.example'], 'runner.registry_mirrors[0]', /password/],
  [
    'a mirror that a shell would understand',
    'runner.registry_mirrors',
    ['https://m.example/$(id)'],
    'runner.registry_mirrors[0]',
    /plain URL/,
  ],
  ['one mirror as text', 'runner.registry_mirrors', 'https://m.example', 'runner.registry_mirrors', /a list, not text/],
  ["docker+machine's word for it", 'machine.engine_registry_mirror', ['https://m'], 'machine.engine_registry_mirror', /registry_mirrors/],
  ['a mirror in the singular', 'runner.registry_mirror', ['https://m'], 'runner.registry_mirror', /registry_mirrors/],
  ['unknown executor', 'runner.executor', 'docker+machine', 'runner.executor', /one of docker, shell/],
  ['environment without a value', 'runner.environment', ['DL_DIR'], 'runner.environment[0]', /KEY=value/],
  ['timeout below what GitLab takes', 'runner.maximum_timeout', 599, 'runner.maximum_timeout', /at least 10m/],
  ['no time span', 'pools.0.idle_time', '10 minutes', 'pools[0].idle_time', /no time span/],
  ['a nickname of cron', 'pools.0.periods', [{ periods: ['@daily'] }], 'pools[0].periods[0].periods[0]', /^has 1 field, but needs 7/],
  ['an empty period', 'pools.0.periods', [{ periods: [''] }], 'pools[0].periods[0].periods[0]', /^has 0 fields, but needs 7/],
  ['negative time', 'pools.0.idle_time', -1, 'pools[0].idle_time', /no time span/],
  ['neither tags nor untagged', 'pools.0.tags', [], 'pools[0].tags', /no job can match/],
  ['the same tag twice', 'pools.0.tags', ['a', 'a'], 'pools[0].tags', /twice/],
  ['a tag with a comma', 'pools.0.tags', ['a,b'], 'pools[0].tags[0]', /comma/],
  ['idle_count over the limit', 'pools.0.idle_count', 20, 'pools[0].idle_count', /limit of 19/],
  ['idle_count_min over idle_count', 'pools.0.idle_count_min', 1, 'pools[0].idle_count_min', /larger than idle_count/],
  ['max_age not above boot_timeout', 'pools.0.max_age', '10m', 'pools[0].max_age', /longer than boot_timeout/],
  ['five cron fields', 'pools.0.periods', [{ periods: ['* 8-17 * * mon-fri'] }], 'pools[0].periods[0].periods[0]', /needs 7/],
  ['six cron fields', 'pools.0.periods', [{ periods: ['* 8-17 * * mon-fri *'] }], 'pools[0].periods[0].periods[0]', /needs 7/],
  ['a fixed second', 'pools.0.periods', [{ periods: ['0 * 8-17 * * mon-fri *'] }], 'pools[0].periods[0].periods[0]', /moments only/],
  ['hours past midnight', 'pools.0.periods', [{ periods: ['* * 22-6 * * * *'] }], 'pools[0].periods[0].periods[0]', /"22-23,0-5"/],
  ['days past the weekend', 'pools.0.periods', [{ periods: ['* * * * * fri-mon *'] }], 'pools[0].periods[0].periods[0]', /two periods/],
  ['hour 25', 'pools.0.periods', [{ periods: ['* * 25 * * * *'] }], 'pools[0].periods[0].periods[0]', /^has "25" as hour, .*0 to 23/],
  [
    'a day of no week',
    'pools.0.periods',
    [{ periods: ['* * 8-17 * * mon-fry *'] }],
    'pools[0].periods[0].periods[0]',
    /^has "mon-fry" as day of week, .*mon to sun/,
  ],
  ['a month of no year', 'pools.0.periods', [{ periods: ['* * * * 13 * *'] }], 'pools[0].periods[0].periods[0]', /^has "13" as month, /],
  ["the API's path in the url", 'gitlab.url', 'https://gitlab.example.com/api/v4', 'gitlab.url', /leave out "\/api/],
  ["the API's path behind a prefix", 'gitlab.url', 'https://example.com/gitlab/api/v4/', 'gitlab.url', /leave out "\/api/],
  ["the API's path in capitals", 'gitlab.url', 'https://gitlab.example.com/API/V4', 'gitlab.url', /leave out "\/api/],
  ['a resource of the API', 'gitlab.url', 'https://gitlab.example.com/api/v4/groups/acme', 'gitlab.url', /leave out "\/api/],
  ["a group's page", 'gitlab.url', 'https://gitlab.example.com/acme/-/settings', 'gitlab.url', /address of a page/],
  ["a page of one's own", 'gitlab.url', 'https://gitlab.example.com/-/profile', 'gitlab.url', /address of a page/],
  ["the beginning of a page's address", 'gitlab.url', 'https://gitlab.example.com/acme/-', 'gitlab.url', /address of a page/],
  ['the page to sign in at', 'gitlab.url', 'https://gitlab.example.com/users/sign_in', 'gitlab.url', /address of a page/],
  ['a flavor misspelt', 'machine.flavors', ['s3.large.8', 's3.xlarg.2'], 'machine.flavors[1]', /did you mean s3\.xlarge\.2\?/],
  [
    'a flavor misspelt, with its number',
    'pools.0.machine',
    { flavors: ['c4.2xlagre.2'] },
    'pools[0].machine.flavors[0]',
    /such as s3\.large\.8|c4\.2xlarge\.2/,
  ],
  ['a flavor of another cloud', 'machine.flavors', ['t3a.nano'], 'machine.flavors[0]', /such as s3\.large\.8/],
  ['a region misspelt', 'otc.region', 'eu-dee', 'otc.region', /did you mean "eu-de"/],
  ['a region of another cloud', 'otc.region', 'us-east-1', 'otc.region', /otc\.domain/],
  ['31 February', 'pools.0.periods', [{ periods: ['* * * 31 feb * *'] }], 'pools[0].periods[0].periods[0]', /never matches/],
  ['no period in a period', 'pools.0.periods', [{ periods: [] }], 'pools[0].periods[0].periods', /at least one entry/],
  [
    'idle_count of a period over the limit',
    'pools.0.periods',
    [{ periods: ['* * * * * * *'], idle_count: 20, idle_time: 60 }],
    'pools[0].periods[0].idle_count',
    /limit of 19/,
  ],
];

describe('a document with one mistake', () => {
  it.each(WRONG)('%s', (_name, path, value, complaint, message) => {
    const problems = problemsOf(withValue(path, value));
    expect(problems).toHaveLength(1);
    expect(problems[0]?.path).toBe(complaint);
    expect(problems[0]?.message).toMatch(message);
  });

  it('is accepted without it', () => {
    expect(problemsOf(baseDocument())).toEqual([]);
  });
});

describe('pools side by side', () => {
  const pools = (...extra: object[]) =>
    problemsOf({ ...baseDocument(), pools: [basePool(), ...extra] }).map((p) => `${p.path}: ${p.message}`);

  it('refuses a name used twice', () => {
    expect(pools({ name: 'bitbake', tags: ['other'], limit: 1 })).toEqual([
      expect.stringMatching(/^pools\[1\]\.name: is also the name of pools\[0\]/),
    ]);
  });

  it('accepts a list of subnets', () => {
    const ids = ['1f3c2b1a-1111-4222-8333-444455556666', '1f3c2b1a-1111-4222-8333-444455556667'];
    const [pool] = parseConfig(withValue('machine.subnet_id', ids)).settings.pools;
    expect(pool?.machine.subnetIds).toEqual(ids);
  });

  it('accepts the same tags: the later pool serves what the first cannot launch for', () => {
    expect(pools({ ...basePool(), name: 'second' })).toEqual([]);
  });

  it('accepts a name that is the beginning of another: a worker is the pool, a dash and exactly a ULID', () => {
    expect(pools({ name: 'bitbake-large', tags: ['large'], limit: 1 })).toEqual([]);
  });
});

describe('all problems at once', () => {
  const document = {
    ...baseDocument(),
    gitlab: { url: 'nowhere', scope: { group: 'acme' }, token: 'glpat-TopSecret' },
    bucket: { name: 'x' },
    pools: [{ ...basePool(), limit: 1, idle_count: 2, colour: 'red', max_age: '5s', tags: ['a,b'] }],
  };

  it('finds contradictions beside values that are wrong by themselves', () => {
    expect(
      problemsOf(document)
        .map((p) => p.path)
        .sort(),
    ).toEqual([
      'bucket.name',
      'gitlab.token',
      'gitlab.url',
      'pools[0].colour',
      'pools[0].idle_count',
      'pools[0].max_age',
      'pools[0].tags[0]',
    ]);
  });

  it('throws a ConfigError whose message lists them and quotes no value', () => {
    expect(() => parseConfig(document)).toThrow(ConfigError);
    expect(() => parseConfig(document)).toThrow(/7 problems:\n(?:.*\n)*.*pools\[0\]\.colour: is not a key here/);
    expect(() => parseConfig(document)).not.toThrow(/TopSecret/);
  });

  it.each([
    ['nothing', null],
    ['a list', []],
    ['text', 'pools'],
    ['undefined', undefined],
  ])('refuses %s', (_name, data) => {
    expect(problemsOf(data)).toHaveLength(1);
  });
});

describe('warnings', () => {
  /** name, path, value, path of the warning, text */
  const rows: readonly (readonly [string, string, unknown, string, RegExp])[] = [
    ['http', 'gitlab.url', 'http://gitlab.example.com', 'gitlab.url', /not encrypted/],
    ['dot in the bucket', 'bucket.name', 'acme.ci', 'bucket.name', /certificate/],
    ['a factor without idle_count', 'pools.0.idle_scale_factor', 0.5, 'pools[0].idle_scale_factor', /no effect/],
    ['idle_time beyond max_age', 'pools.0.idle_time', '25h', 'pools[0].idle_time', /never takes effect/],
    ['idle_time that no worker can keep to', 'pools.0.idle_time', 30, 'pools[0].idle_time', /leaves 56 s after/],
    ['the shortest such idle_time', 'pools.0.idle_time', 3, 'pools[0].idle_time', /leaves 56 s after/],
    ['the longest such idle_time', 'pools.0.idle_time', 55, 'pools[0].idle_time', /leaves 56 s after/],
    [
      "idle_time of a period's that no worker can keep to",
      'pools.0.periods',
      [{ periods: ['* * * * * * *'], idle_time: '30s' }],
      'pools[0].periods[0].idle_time',
      /leaves 56 s after/,
    ],
    [
      "a service's key of the Kubernetes executor",
      'runner.docker.services',
      [{ name: 'redis:7', suspend_data_path: '/data' }],
      'runner.docker.services[0].suspend_data_path',
      /no effect/,
    ],
    ['zone of another region', 'machine.zones', ['eu-de-01', 'eu-nl-01'], 'machine.zones[1]', /zone of eu-de/],
    ['a region that is not that of all the zones', 'otc.region', 'eu-nl', 'otc.region', /all in eu-de/],
    ['no bound of jobs', 'pools.0.max_builds', 0, 'pools[0].max_builds', /no bound/],
    [
      'a runner that does not confirm its jobs',
      'runner.packages',
      { 'gitlab-runner': '18.4.0-1' },
      'runner.packages.gitlab-runner',
      /before 18\.5/,
    ],
    [
      'the same for one pool',
      'pools.0.runner',
      { packages: { 'gitlab-runner': '17.1.0-1' } },
      'pools[0].runner.packages.gitlab-runner',
      /before 18\.5/,
    ],
    ['an interval that run-single does not read', 'runner.check_interval', 10, 'runner.check_interval', /no effect: run-single/],
    ['a session that run-single lacks', 'pools.0.runner', { session_timeout: '2h' }, 'pools[0].runner.session_timeout', /no web terminal/],
    ['privileged', 'runner.docker.privileged', true, 'runner.docker.privileged', /root/],
    ['host network', 'runner.docker.network_mode', 'host', 'runner.docker.network_mode', /metadata/],
    ['docker socket', 'runner.docker.volumes', ['/var/run/docker.sock:/var/run/docker.sock'], 'runner.docker.volumes', /docker socket/],
    [
      'cache that no job sees',
      'pools.0',
      { ...basePool(), cache: { server: 'a', export: '/cache' }, runner: { docker: { volumes: ['/srv:/srv'] } } },
      'pools[0].runner.docker.volumes',
      /shows the caches to no job/,
    ],
    ['no longest job', 'runner.maximum_timeout', undefined, 'pools[0].runner.maximum_timeout', /6 h after/],
    [
      'timeout longer than max_age',
      'pools.0',
      { ...basePool(), max_age: '1h', runner: { maximum_timeout: '2h' } },
      'pools[0].max_age',
      /one job/,
    ],
    [
      'a period without idle_time',
      'pools.0.periods',
      [{ periods: ['* * 8-17 * * mon-fri *'], idle_count: 2 }],
      'pools[0].periods[0].idle_time',
      /not inherited/,
    ],
    [
      'idle_count_min without a factor',
      'pools.0.periods',
      [{ periods: ['* * * * * * *'], idle_count: 2, idle_count_min: 1, idle_time: 60 }],
      'pools[0].periods[0].idle_count_min',
      /no effect/,
    ],
    [
      'mirrors for a shell',
      'pools.0.runner',
      { executor: 'shell', registry_mirrors: ['https://m.example'] },
      'pools[0].runner.registry_mirrors',
      /no effect/,
    ],
    ['docker settings for a shell', 'pools.0.runner', { executor: 'shell', docker: { image: 'x' } }, 'pools[0].runner.docker', /no effect/],
  ];

  it.each(rows)('%s', (_name, path, value, at, message) => {
    const { warnings } = parseConfig(withValue(path, value));
    expect(warnings.map((w) => w.path)).toEqual([at]);
    expect(warnings[0]?.message).toMatch(message);
  });

  it('eu-nl has no FunctionGraph', () => {
    const document = { ...baseDocument(), otc: { ...baseDocument().otc, region: 'eu-nl' }, functions: { scaler: 'gl-scaler' } };
    document.machine.zones = ['eu-nl-01'];
    expect(parseConfig(document).warnings.map((w) => w.path)).toEqual(['functions.scaler']);
  });

  it('are none for caches that the default volumes show', () => {
    expect(parseConfig(withValue('cache', { server: 'a', export: '/cache', access: 'ro' })).warnings).toEqual([]);
  });

  it.each(['18.5.0-1', '18.11.0', '19.0.0~beta.1', '1:18.5.0'])('are none for gitlab-runner %s', (version) => {
    expect(parseConfig(withValue('runner.packages', { 'gitlab-runner': version })).warnings).toEqual([]);
  });

  it.each([{ idle_time: 0 }, { idle_time: 56 }, { idle_time: 60 }, { idle_time: 30, idle_count: 1 }])('are none for %j', (policy) => {
    expect(parseConfig(withValue('pools.0', { ...basePool(), ...policy })).warnings).toEqual([]);
  });

  it('are none for the figures of the old farm', () => {
    const runner = { ...baseDocument().runner, check_interval: 0, session_timeout: 1800 };
    expect(parseConfig(withValue('runner', runner)).warnings).toEqual([]);
  });

  it('are none for a plain document', () => {
    expect(parseConfig(baseDocument()).warnings).toEqual([]);
  });
});
