import { describe, expect, it, onTestFinished } from 'vitest';
import { type DoctorOutput, doctor } from '../../cli/commands/doctor.ts';
import { doctorServices, subjectOf } from '../../cli/doctor/adapters.ts';
import { ALL_CODES, CHECKS, type Finding } from '../../lib/app/doctor/findings.ts';
import { examine } from '../../lib/app/doctor/run.ts';
import type { Subject } from '../../lib/app/doctor/types.ts';
import { readSecrets } from '../../lib/config/secrets.ts';
import { RunningClock } from '../../sandbox/clock.ts';
import { type Catalogue, DEFAULT_CATALOGUE } from '../../sandbox/otc/ecs/catalogue.ts';
import type { Sandbox } from '../../sandbox/sandbox.ts';
import { type Farm, type FarmOptions, GROUP, HOOK_PATH, startFarm } from '../../testkit/farm.ts';

const EVER = 1_000_000;
const CACHE = '192.168.15.9';
const [WORKERS, OTHERS] = DEFAULT_CATALOGUE.securityGroups;
const [NETWORK, OFFICE] = DEFAULT_CATALOGUE.networks;
const MACHINE = {
  image: 'Standard_Debian_12_amd64_latest',
  flavors: ['c4.2xlarge.2', 'c3.4xlarge.2'],
  zones: ['eu-de-01', 'eu-de-02'],
  vpc_id: NETWORK?.vpcId,
  subnet_id: NETWORK?.subnetId,
  security_groups: [WORKERS?.id],
  root_volume: { type: 'SSD', size: 100 },
};

type Section = Readonly<Record<string, unknown>>;

function document(sandbox: Sandbox, more: Readonly<Record<string, Section>>): Section {
  return {
    gitlab: { url: sandbox.urls.gitlab, scope: { group: GROUP }, hook_url: `${sandbox.urls.gateway}${HOOK_PATH}`, ...more.gitlab },
    machine: { ...MACHINE, public_ip: { bandwidth: 10, type: '5_bgp' }, key_name: 'ci-admin', ...more.machine },
    runner: { maximum_timeout: '12h', docker: { image: 'ubuntu:20.04' } },
    cache: { server: CACHE, export: '/cache', required: true, ...more.cache },
    manager: { name: 'cache-1', clients: [{ subnet: '192.168.0.0/20', access: 'rw' }], volume: { device: '/dev/vdb' }, ...more.manager },
    bucket: { name: sandbox.bucket, ...more.bucket },
    functions: { scaler: 'scaler', ...more.functions },
    ...(more.otc && { otc: { ...otc(sandbox), ...more.otc } }),
  };
}

function otc({ urls, region, projectId }: Sandbox): Section {
  const all = { ecs: urls.otc, ims: urls.otc, iam: urls.otc, vpc: urls.otc, smn: urls.otc, functiongraph: urls.otc, obs: urls.obs };
  return { region, project_id: projectId, endpoints: all };
}

interface Case {
  readonly options?: Partial<FarmOptions>;
  readonly pool?: Section;
  readonly document?: Readonly<Record<string, Section>>;
  readonly catalogue?: Partial<Catalogue>;
  readonly secrets?: (farm: Farm) => Readonly<Record<string, string>>;
  /** Before the first tick. */
  readonly early?: (farm: Farm) => void;
  /** What is broken. */
  readonly breaks?: (farm: Farm) => void;
  readonly tick?: boolean;
  readonly probe?: boolean;
}

interface Patient {
  readonly farm: Farm;
  readonly subject: Subject;
  readonly world: ReturnType<typeof doctorServices>;
}

/** A farm that is well but for what the case does to it. */
async function patient(c: Case): Promise<Patient> {
  const farm = await startFarm({
    clock: new RunningClock(),
    catalogue: { ...DEFAULT_CATALOGUE, ...c.catalogue },
    document: (sandbox) => document(sandbox, c.document ?? {}),
    pools: [{ limit: 3, ...c.pool }],
    ...c.options,
  });
  onTestFinished(() => farm.close());
  farm.sandbox.ecs.addForeign({ name: 'cache-1', address: CACHE, securityGroups: [WORKERS?.id ?? ''] });
  c.early?.(farm);
  if (c.tick ?? true) await farm.tick();
  health(farm);
  c.breaks?.(farm);
  const { accessKey, secretKey } = farm.sandbox.credentials;
  const values: Readonly<Record<string, string>> = {
    ...farm.secrets,
    OTC_ACCESS_KEY: accessKey,
    OTC_SECRET_KEY: secretKey,
    ...c.secrets?.(farm),
  };
  const secrets = readSecrets((key) => values[key]);
  const subject = subjectOf(farm.config, { file: 'scaler.yml', probe: c.probe ?? true });
  return {
    farm,
    // The sandbox has no certificate, which is warned of.
    subject: { ...subject, warnings: subject.warnings.filter((one) => !one.includes('gitlab.url')) },
    world: doctorServices({ config: farm.config, secrets, clock: farm.sandbox.ctx.clock, deadlineMs: 1_500 }),
  };
}

function health({ sandbox }: Farm, at = sandbox.ctx.clock.now(), phase = 'ready'): void {
  const disk = { bytes: 100, used: 10, inodes: 100, inodes_used: 1, fill: 10 };
  const mirrors = { count: 0, failed: [], late: [], oldest_seconds: null, unlisted: [] };
  const rest = { disk, start_at: 85, nfs: { active: true, threads: 8, clients: 0 }, mirrors, prune: null, hashserv: null };
  const text = JSON.stringify({ name: 'cache-1', at: new Date(at).toISOString(), uptime: 1, phase, ...rest });
  sandbox.obs.bucket(sandbox.bucket).put('manager/v1/cache-1.json', Buffer.from(text), {});
}

/** All that is not well, as `level code`. */
function ills(findings: readonly Finding[]): readonly string[] {
  return findings
    .filter(({ level }) => level !== 'ok')
    .map(({ level, code }) => `${level} ${code}`)
    .sort();
}

async function examined(c: Case): Promise<readonly Finding[]> {
  const { subject, world } = await patient(c);
  return await examine(subject, world);
}

const inject = (operation: string, fault: object) => (farm: Farm) => farm.sandbox.ctx.faults.inject({ operation, times: EVER, ...fault });

const network = (change: object): Partial<Catalogue> => ({
  networks: DEFAULT_CATALOGUE.networks.map((one, i) => (i === 0 ? { ...one, ...change } : one)),
});
const group = (...rules: NonNullable<Catalogue['securityGroups'][number]['rules']>): Partial<Catalogue> => ({
  securityGroups: DEFAULT_CATALOGUE.securityGroups.map((one, i) => (i === 0 ? { ...one, rules } : one)),
});
const image = (change: object): Partial<Catalogue> => ({
  images: DEFAULT_CATALOGUE.images.map((one, i) => (i === 0 ? { ...one, ...change } : one)),
});
const OUT = { direction: 'egress' } as const;
const AMONG = { direction: 'ingress', remote_group_id: WORKERS?.id ?? '' } as const;
const token = (spec: Parameters<Sandbox['gitlab']['createToken']>[0]) => (farm: Farm) => ({
  GITLAB_TOKEN: farm.sandbox.gitlab.createToken(spec).value,
});
const NARROW = ['read_api', 'create_runner', 'manage_runner'];
const hookOf = ({ sandbox }: Farm) => {
  const [hook] = [...sandbox.gitlab.hooks.values()];
  if (!hook) throw new Error('no hook');
  return hook;
};
const OTC_UNKNOWN = ['project', 'zones', 'images', 'flavors', 'key-pairs', 'quotas', 'public-addresses', 'vpc', 'subnets', 'addresses'];
const OTC_MORE = ['security-groups', 'function', 'cache-network', 'bucket'];
const BUCKET_UNKNOWN = ['bucket-privacy', 'bucket-versions', 'append', 'timer', 'cache-health'];
const GITLAB_UNKNOWN = ['scope', 'hook', 'rivals'];
const unseen = (codes: readonly string[]) => codes.map((code) => `unknown ${code}`);

const TABLE: readonly (Case & { readonly name: string; readonly ills: readonly string[] })[] = [
  { name: 'nothing', ills: [] },
  { name: 'nothing, and no probe is wanted', probe: false, ills: ['unknown append'] },
  {
    name: 'a warning of the file itself',
    document: { bucket: { append: true } },
    pool: { idle_time: '2d' },
    ills: ['warning configuration-warning'],
  },
  // OTC
  {
    name: 'keys that OTC does not know',
    secrets: () => ({ OTC_ACCESS_KEY: 'NOBODYSKEY0000000001' }),
    ills: ['error keys-refused', ...unseen([...OTC_UNKNOWN, ...OTC_MORE, ...BUCKET_UNKNOWN])],
  },
  {
    name: 'no keys at all',
    secrets: () => ({ OTC_ACCESS_KEY: '', OTC_SECRET_KEY: '' }),
    ills: ['error secret-missing', 'error secret-missing', ...unseen(['keys', ...OTC_UNKNOWN, ...OTC_MORE, ...BUCKET_UNKNOWN])],
  },
  {
    name: 'a right that the farm needs',
    breaks: inject('ecs.flavors', { status: 403, code: 'Pdp.0001' }),
    ills: ['error right-missing', 'unknown quotas'],
  },
  { name: 'a right that only doctor would use', breaks: inject('ecs.zones', { status: 403, code: 'Pdp.0001' }), ills: ['unknown zones'] },
  {
    name: 'a project that is another',
    document: { otc: { project_id: 'ffffffffffffffffffffffffffffffff' } },
    tick: false,
    ills: ['error project-elsewhere', ...unseen([...OTC_UNKNOWN, ...OTC_MORE, ...BUCKET_UNKNOWN])],
  },
  {
    name: 'a project that is not listed',
    breaks: ({ sandbox }) => void sandbox.iam.projects.splice(0),
    ills: ['error project-missing'],
  },
  {
    name: 'a project of another region',
    breaks: ({ sandbox }) => void sandbox.iam.projects.splice(0, 1, { id: sandbox.projectId, name: 'eu-nl_builds' }),
    ills: ['error project-elsewhere'],
  },
  {
    name: 'a project that is disabled',
    breaks: ({ sandbox }) => void sandbox.iam.projects.splice(0, 1, { id: sandbox.projectId, name: 'eu-de_builds', enabled: false }),
    ills: ['error project-disabled'],
  },
  // Machines
  {
    name: 'a zone that does not exist',
    document: { machine: { zones: ['eu-de-01', 'eu-de-09'] } },
    ills: ['error zone-missing', 'warning flavor-off-sale', 'warning flavor-off-sale'],
    catalogue: {},
    breaks: ({ sandbox }) => {
      for (const flavor of MACHINE.flavors) sandbox.ecs.market.sellOut(flavor, 'eu-de-09');
    },
  },
  { name: 'a zone that is away', catalogue: { closedZones: ['eu-de-02'] }, ills: ['warning zone-unavailable'] },
  { name: 'no such image', document: { machine: { image: 'Standard_Nothing_latest' } }, ills: ['error image-missing'] },
  { name: 'an image that is not ready', catalogue: image({ status: 'queued' }), ills: ['error image-inactive'] },
  { name: 'an image that is too large', catalogue: image({ minDiskGb: 200 }), ills: ['error image-too-large'] },
  { name: 'an image that needs more memory', catalogue: image({ minRamMib: 20_000 }), ills: ['error image-memory'] },
  { name: 'an image without cloud-init', catalogue: image({ withoutCloudInit: true }), ills: ['error image-without-cloud-init'] },
  {
    name: 'an image by an id that is none',
    document: { machine: { image: { id: '1189efbf-d48b-46ad-a823-000000000000' } } },
    ills: ['error image-missing'],
  },
  {
    name: 'a flavor that does not exist',
    document: { machine: { flavors: ['c4.2xlarge.2', 'c9.2xlarge.2'] } },
    ills: ['warning flavor-missing'],
  },
  {
    name: 'a flavor that is sold out in a zone',
    breaks: ({ sandbox }) => sandbox.ecs.market.sellOut('c3.4xlarge.2', 'eu-de-02'),
    ills: ['warning flavor-off-sale'],
  },
  {
    name: 'nothing to buy',
    document: { machine: { flavors: ['c3.4xlarge.2'], zones: ['eu-de-01'] } },
    breaks: ({ sandbox }) => sandbox.ecs.market.sellOut('c3.4xlarge.2', 'eu-de-01'),
    ills: ['error nothing-to-buy', 'warning flavor-off-sale'],
  },
  { name: 'a key pair of somebody else', catalogue: { keyPairs: [] }, ills: ['warning key-pair-missing'] },
  { name: 'a quota below the limits', breaks: (farm) => quota(farm, { servers: 2 }), ills: ['warning quota-small'] },
  {
    name: 'a quota that others use',
    breaks: (farm) => {
      quota(farm, { cores: 49 });
    },
    ills: ['warning quota-taken'],
  },
  { name: 'a quota that is used up', breaks: (farm) => quota(farm, { servers: 1 }), ills: ['error quota-exhausted'] },
  { name: 'few public addresses', breaks: (farm) => quota(farm, { publicIps: 2 }), ills: ['warning public-addresses-few'] },
  { name: 'no public address', breaks: (farm) => quota(farm, { publicIps: 0 }), ills: ['error public-addresses-none'] },
  // Network
  {
    name: 'a VPC that does not exist',
    document: { machine: { vpc_id: '0dae26c9-9a70-4392-93f3-000000000000' } },
    ills: ['error subnet-elsewhere', 'error vpc-missing'],
  },
  {
    name: 'a subnet that does not exist',
    document: { machine: { subnet_id: '157ee789-03ea-45b1-a698-000000000000' } },
    ills: ['error subnet-missing', 'unknown addresses'],
  },
  {
    name: 'the other id of the subnet',
    document: { machine: { subnet_id: (NETWORK?.subnetId ?? '').replace(/^......../, '00000000') } },
    ills: ['error subnet-id-of-neutron', 'unknown addresses'],
  },
  { name: 'a subnet of another VPC', document: { machine: { vpc_id: OFFICE?.vpcId } }, ills: ['error subnet-elsewhere'] },
  { name: 'a subnet that is not ready', catalogue: network({ status: 'UNKNOWN' }), ills: ['warning subnet-inactive'] },
  { name: 'a subnet without DHCP', catalogue: network({ dhcp: false }), ills: ['error subnet-without-dhcp'] },
  { name: 'a subnet that is small for the limit', catalogue: network({ usedByOthers: 4089 }), ills: ['warning subnet-small'] },
  { name: 'a subnet that is full', catalogue: network({ usedByOthers: 4091 }), ills: ['error subnet-full'] },
  { name: 'a subnet whose use is not told', breaks: inject('vpc.addresses', { status: 404, code: 'APIG.0101' }), ills: [] },
  {
    name: 'a security group that does not exist',
    document: { machine: { security_groups: ['507ca48f-814c-4293-8706-000000000000'] } },
    ills: ['error cache-blocked', 'error security-group-missing'],
  },
  {
    name: 'a security group that opens SSH to everybody',
    catalogue: group(OUT, AMONG, {
      direction: 'ingress',
      protocol: 'tcp',
      port_range_min: 22,
      port_range_max: 22,
      remote_ip_prefix: '0.0.0.0/0',
    }),
    ills: ['warning security-group-open'],
  },
  { name: 'a security group that lets nothing out', catalogue: group(AMONG), ills: ['error security-group-shut'] },
  // Bucket
  {
    name: 'no such bucket',
    document: { bucket: { name: 'no-such-bucket' } },
    tick: false,
    ills: ['error bucket-missing', ...unseen(BUCKET_UNKNOWN)],
  },
  {
    name: 'a bucket that refuses',
    breaks: inject('obs.list', { status: 403, code: 'AccessDenied' }),
    ills: ['error bucket-refused', ...unseen(BUCKET_UNKNOWN)],
  },
  {
    name: 'a bucket that can be read only',
    breaks: (farm) => {
      inject('obs.append', { status: 403, code: 'AccessDenied' })(farm);
    },
    ills: ['error bucket-refused'],
  },
  {
    name: 'a bucket that takes the other dialect',
    breaks: inject('obs.list', { status: 403, code: 'InvalidAccessKeyId', times: 1 }),
    ills: ['error bucket-dialect', ...unseen(BUCKET_UNKNOWN)],
  },
  { name: 'a bucket that everybody reads', options: { publicPrefixes: ['state/'] }, ills: ['error bucket-public'] },
  {
    name: 'a bucket that keeps versions',
    breaks: ({ sandbox }) =>
      void sandbox.obs
        .bucket(sandbox.bucket)
        .documents.set('versioning', '<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>'),
    ills: ['warning bucket-versioned'],
  },
  {
    name: 'a bucket that refuses to append',
    breaks: ({ sandbox }) => {
      sandbox.obs.append = 'refused';
    },
    ills: ['error append-broken'],
  },
  {
    name: 'a bucket that overwrites instead of appending',
    breaks: ({ sandbox }) => {
      sandbox.obs.append = 'ignored';
    },
    ills: ['error append-broken'],
  },
  {
    name: 'a bucket that cannot append, as is known',
    document: { bucket: { append: false } },
    breaks: ({ sandbox }) => {
      sandbox.obs.append = 'refused';
    },
    ills: [],
  },
  {
    name: 'a bucket that appends in the other dialect',
    document: { bucket: { dialect: 's3-v2' } },
    breaks: seeded,
    ills: ['error append-dialect', 'warning timer-never'],
  },
  { name: 'a bucket that could append', document: { bucket: { append: false } }, ills: ['warning append-unused'] },
  {
    name: 'a probe that cannot be taken away',
    breaks: inject('obs.delete', { status: 403, code: 'AccessDenied' }),
    ills: ['warning probe-left', 'warning probe-left'],
  },
  // GitLab
  { name: 'no token', secrets: () => ({ GITLAB_TOKEN: '' }), ills: ['error secret-missing', ...unseen(['token', ...GITLAB_UNKNOWN])] },
  {
    name: 'a token that is refused',
    secrets: () => ({ GITLAB_TOKEN: 'glpat-nobody' }),
    ills: ['error token-refused', ...unseen(GITLAB_UNKNOWN)],
  },
  {
    name: 'a token of the least scopes',
    secrets: token({ scopes: NARROW, roles: { [GROUP]: 50 } }),
    ills: [],
  },
  {
    name: 'a token that lacks a scope',
    secrets: token({ scopes: ['read_api', 'create_runner'], roles: { [GROUP]: 50 } }),
    ills: ['error token-scopes'],
  },
  {
    name: 'a token that expires soon',
    secrets: (farm) => token({ scopes: ['api'], roles: { [GROUP]: 50 }, expiresOn: inDays(farm, 12) })(farm),
    ills: ['warning token-expires'],
  },
  {
    name: 'a token that expires late',
    secrets: (farm) => token({ scopes: ['api'], roles: { [GROUP]: 50 }, expiresOn: inDays(farm, 200) })(farm),
    ills: [],
  },
  {
    name: 'a token of a maintainer',
    secrets: token({ scopes: ['api'], roles: { [GROUP]: 40 } }),
    ills: ['error role-low', 'unknown hook'],
  },
  {
    name: 'a token of a developer',
    secrets: token({ scopes: ['api'], roles: { [GROUP]: 30 } }),
    ills: ['error role-low', 'error scope-unreadable', 'unknown hook', 'unknown rivals'],
  },
  {
    name: 'a project whose jobs the token may not read',
    breaks: (farm) => {
      const { gitlab } = farm.sandbox;
      gitlab.createProject(`${GROUP}/closed`);
      // More pipelines than one query shows: this project is read by itself.
      for (let i = 0; i < 51; i += 1) gitlab.createPipeline(`${GROUP}/closed`, [{ name: 'build', tags: ['nobody'], durationMs: 60_000 }]);
      inject('gitlab.jobs', { status: 403 })(farm);
    },
    ills: ['error scope-partly-unreadable'],
  },
  {
    name: 'a group that does not exist',
    document: { gitlab: { scope: { group: 'acmee' } } },
    tick: false,
    breaks: seeded,
    ills: ['error scope-missing', 'unknown hook', 'unknown rivals', 'warning timer-never'],
  },
  { name: 'no hook', options: { hooks: false }, ills: ['warning hook-missing'] },
  {
    name: 'a hook that is disabled',
    breaks: (farm) => void Object.assign(hookOf(farm), { failures: 40, disabledUntil: Number.POSITIVE_INFINITY, backoffs: 100 }),
    ills: ['warning hook-disabled'],
  },
  {
    name: 'a hook without job events',
    breaks: (farm) => {
      hookOf(farm).jobEvents = false;
    },
    ills: ['warning hook-without-jobs'],
  },
  {
    name: 'a hook without any secret',
    breaks: (farm) => void Object.assign(hookOf(farm), { token: undefined, signingToken: undefined }),
    ills: ['warning hook-without-secret'],
  },
  { name: 'a hook that nobody names', document: { gitlab: { hook_url: undefined } }, ills: ['unknown hook'] },
  {
    name: 'another runner with the same tags',
    breaks: ({ sandbox }) =>
      void sandbox.gitlab.createRunner({
        type: 'instance_type',
        description: 'old-farm',
        tags: ['pool0', 'linux'],
        ...{
          runUntagged: false,
          locked: false,
          paused: false,
          protectedOnly: false,
          maximumTimeout: undefined,
          maintenanceNote: undefined,
        },
      }),
    ills: ['warning runner-rival'],
  },
  // Functions
  { name: 'a function that is not deployed', document: { functions: { scaler: 'scalerr' } }, ills: ['error function-missing'] },
  { name: 'a function without an agency', breaks: (farm) => redeploy(farm, { agency: false }), ills: ['warning function-without-agency'] },
  {
    name: 'a function that is stopped too soon',
    breaks: (farm) => redeploy(farm, { timeoutMs: 3_000 }),
    ills: ['warning function-timeout'],
  },
  { name: 'a timer that never ran', tick: false, breaks: seeded, ills: ['warning timer-never'] },
  { name: 'a timer that has stopped', breaks: (farm) => aged(farm, 600_000), ills: ['error timer-late'] },
  // Caches
  { name: 'a cache server somewhere else', document: { cache: { server: '10.99.0.1' } }, ills: ['warning cache-outside'] },
  { name: 'a cache server by name', document: { cache: { server: 'cache.example.com' } }, ills: ['unknown cache-network'] },
  { name: 'a cache server that is not there', document: { cache: { server: '192.168.15.77' } }, ills: ['warning cache-machine-missing'] },
  {
    name: 'a cache server that is off',
    document: { cache: { server: '192.168.15.78' } },
    early: ({ sandbox }) => void sandbox.ecs.addForeign({ name: 'cache-2', address: '192.168.15.78', status: 'SHUTOFF' }),
    ills: ['error cache-machine-off'],
  },
  {
    name: 'a cache server that lets no NFS in',
    document: { cache: { server: '192.168.15.79' } },
    early: ({ sandbox }) => void sandbox.ecs.addForeign({ name: 'cache-3', address: '192.168.15.79', securityGroups: [OTHERS?.id ?? ''] }),
    ills: ['error cache-blocked'],
  },
  {
    name: 'a cache manager that exports to others',
    document: { manager: { clients: [{ subnet: '10.0.0.0/24', access: 'rw' }] } },
    ills: ['error cache-not-exported'],
  },
  {
    name: 'a cache manager that exports for reading',
    document: { manager: { clients: [{ subnet: '192.168.0.0/20', access: 'ro' }] } },
    ills: ['warning cache-read-only'],
  },
  {
    name: 'a cache manager that never spoke',
    breaks: ({ sandbox }) => sandbox.obs.bucket(sandbox.bucket).delete('manager/v1/cache-1.json'),
    ills: ['warning cache-silent'],
  },
  {
    name: 'a cache manager that is silent',
    breaks: (farm) => health(farm, farm.sandbox.ctx.clock.now() - 900_000),
    ills: ['warning cache-silent'],
  },
  { name: 'a cache manager that is ill', breaks: (farm) => health(farm, undefined, 'failed'), ills: ['warning cache-ill'] },
  // Clocks
  { name: 'a clock here that is off', breaks: dated('iam.version', 120_000, 'gitlab.version'), ills: ['warning clock-here'] },
  { name: 'a clock here that is far off', breaks: dated('iam.version', 1_200_000, 'gitlab.version'), ills: ['error clock-here'] },
  { name: "GitLab's clock that is off", breaks: dated('gitlab.version', 120_000), ills: ['warning clocks-apart'] },
  { name: "GitLab's clock that is far off", breaks: dated('gitlab.version', 600_000), ills: ['error clocks-apart'] },
  // Services that are dead
  {
    name: 'ECS dead',
    breaks: inject('ecs.*', { kind: 'reset' }),
    ills: [
      'error ecs-unreachable',
      ...unseen(['zones', 'flavors', 'key-pairs', 'quotas', 'public-addresses', 'addresses', 'cache-network']),
    ],
  },
  {
    name: 'VPC dead',
    breaks: inject('vpc.*', { kind: 'hang' }),
    ills: unseen(['public-addresses', 'vpc', 'subnets', 'addresses', 'security-groups', 'cache-network']),
  },
  { name: 'IMS dead', breaks: inject('ims.*', { status: 503 }), ills: unseen(['images']) },
  { name: 'IAM dead', breaks: inject('iam.*', { kind: 'reset' }), ills: unseen(['project', 'clocks']) },
  { name: 'FunctionGraph dead', breaks: inject('fgs.*', { kind: 'half' }), ills: unseen(['function']) },
  { name: 'OBS dead', breaks: inject('obs.*', { kind: 'reset' }), ills: ['error bucket-unreachable', ...unseen(BUCKET_UNKNOWN)] },
  {
    name: 'GitLab dead',
    breaks: inject('gitlab.*', { kind: 'reset' }),
    ills: ['error gitlab-unreachable', ...unseen(['clocks', 'token', ...GITLAB_UNKNOWN])],
  },
];

function quota({ sandbox }: Farm, change: object): void {
  sandbox.ecs.market.quota = { ...sandbox.ecs.market.quota, ...change };
}

function inDays({ sandbox }: Farm, days: number): string {
  return new Date(sandbox.ctx.clock.now() + days * 86_400_000).toISOString().slice(0, 10);
}

/** Something private is there although no tick has run. */
function seeded({ sandbox }: Farm): void {
  sandbox.obs.bucket(sandbox.bucket).put('state/v1/pools/pool0.json', Buffer.from('{}'), {});
}

function redeploy({ sandbox }: Farm, change: object): void {
  const found = sandbox.functions.definition('scaler');
  if (found) sandbox.functions.register({ ...found, ...change });
}

function aged({ sandbox }: Farm, ms: number): void {
  const bucket = sandbox.obs.bucket(sandbox.bucket);
  const farm = JSON.parse(bucket.get('counts/v1/farm.json')?.body.toString() ?? '{}');
  const time = new Date(sandbox.ctx.clock.now() - ms).toISOString();
  bucket.put('counts/v1/farm.json', Buffer.from(JSON.stringify({ ...farm, time })), {});
}

function dated(operation: string, ms: number, also?: string): (farm: Farm) => void {
  return (farm) => {
    const date = new Date(farm.sandbox.ctx.clock.now() + ms).toUTCString();
    for (const one of also === undefined ? [operation] : [operation, also]) inject(one, { status: 401, headers: { date } })(farm);
  };
}

describe('scaler doctor finds, of one thing that is broken, exactly that:', () => {
  it.each(TABLE)('$name', async ({ ills: expected, ...c }) => {
    const findings = await examined(c);
    expect(ills(findings)).toEqual([...expected].sort());
    for (const { level, found, todo } of findings) {
      expect(found).not.toBe('');
      if (level !== 'ok') expect(todo).toMatch(/\.$/);
    }
  });
});

function collect(json: boolean): { readonly output: DoctorOutput; readonly lines: string[]; readonly shown: string[] } {
  const lines: string[] = [];
  const shown: string[] = [];
  const output = { json, colour: false, data: (text: string) => void lines.push(text), say: () => undefined };
  return { output: { ...output, progress: (text) => void shown.push(text) }, lines, shown };
}

describe('scaler doctor', () => {
  it('has a row above for every problem that it knows', () => {
    const tested = new Set(TABLE.flatMap((row) => row.ills.map((ill) => ill.split(' ')[1])));
    expect(ALL_CODES.filter((code) => !(code in CHECKS) && !tested.has(code))).toEqual([]);
  });

  it('leaves nothing behind in the bucket, and changes nothing else', async () => {
    const { farm, subject, world } = await patient({});
    const bucket = farm.sandbox.obs.bucket(farm.sandbox.bucket);
    const keys = () => bucket.list({ prefix: '', delimiter: '', from: '', maxKeys: 1000 }).objects.map(({ key }) => key);
    const before = [keys(), farm.sandbox.gitlab.runners.size, farm.sandbox.ecs.all().length];
    await examine(subject, world);
    expect([keys(), farm.sandbox.gitlab.runners.size, farm.sandbox.ecs.all().length]).toEqual(before);
  });

  it('writes nothing without --probe', async () => {
    const { farm, subject, world } = await patient({ probe: false });
    farm.sandbox.ctx.faults.resetCalls();
    await examine(subject, world);
    const { faults } = farm.sandbox.ctx;
    for (const write of [
      'obs.put',
      'obs.append',
      'obs.delete',
      'ecs.create',
      'ecs.delete',
      'gitlab.runner-create',
      'gitlab.runner-update',
    ]) {
      expect([write, faults.calls(write)]).toEqual([write, 0]);
    }
  });

  it('asks OTC with refused keys no more than twice, lest they be locked', async () => {
    const { farm, subject, world } = await patient({ secrets: () => ({ OTC_SECRET_KEY: 'wrongwrongwrongwrongwrong' }) });
    farm.sandbox.ctx.faults.resetCalls();
    expect(ills(await examine(subject, world))).toContain('error keys-refused');
    const signed = ['ecs.*', 'vpc.*', 'ims.*', 'iam.projects', 'fgs.*', 'obs.*'].map((one) => farm.sandbox.ctx.faults.calls(one));
    expect(signed.reduce((sum, n) => sum + n)).toBeLessThanOrEqual(2);
  });

  it('tells people by part, with progress, and says how many; exit code 0 with a warning', async () => {
    const { subject, world } = await patient({ catalogue: { closedZones: ['eu-de-02'] } });
    const { output, lines, shown } = collect(false);
    expect(await doctor(subject, world, output)).toBe(0);
    const text = lines.join('\n');
    expect(text).toMatch(/^Configuration\n {2}ok {6}configuration: /);
    expect(text).toMatch(/\nMachines\n/);
    expect(text).toContain('  warning zone-unavailable: The zone eu-de-02 is not available now.\n          → name a second zone');
    expect(text).toMatch(/\n0 errors, 1 warning, 0 not checked, \d+ ok$/);
    expect(shown.at(0)).toMatch(/^1 of \d+: /);
    expect(shown.at(-1)).toBe('');
  });

  it('tells programs the same, and exit code 1 with an error; no secret is in it', async () => {
    const { farm, subject, world } = await patient({ document: { functions: { scaler: 'scalerr' } } });
    const { output, lines } = collect(true);
    expect(await doctor(subject, world, output)).toBe(1);
    const told = JSON.parse(lines.join(''));
    expect(told).toMatchObject({ ok: false, counts: { error: 1, warning: 0, unknown: 0 } });
    expect(told.findings.find(({ level }: Finding) => level === 'error')).toMatchObject({ code: 'function-missing', area: 'functions' });
    const { secretKey } = farm.sandbox.credentials;
    for (const secret of [...Object.values(farm.secrets), secretKey]) expect(lines.join('')).not.toContain(secret);
  });
});
