import type { WorkerUserDataInput } from '../../cloud-init/worker/worker.ts';
import type { RunnerSettings } from '../../lib/app/settings.ts';
import type { ManagerSettings } from '../../lib/config/types.ts';

const runner: RunnerSettings = {
  executor: 'docker',
  docker: { image: 'ubuntu:20.04' },
  environment: [],
  protectedOnly: false,
  checkInterval: 0,
  sessionTimeout: 1800,
  disk: { minFreeGb: 5, prune: true },
  packages: {},
};

const plain: WorkerUserDataInput = {
  workerName: 'bitbake-01kb2x3y4z5a6b7c8d9e0f1g2h',
  handoffUrl: 'https://acme.obs.eu-de.otc.t-systems.com/handoff/v1/x.toml?AccessKeyId=AK&Expires=1764000000&Signature=a%2Fb%3D',
  maxBuilds: 0,
  waitTimeoutSeconds: 60,
  maxAgeSeconds: 86_400,
  runner,
};

/** Everything switched on and as long as it may be, with the security token in the URL that temporary keys bring. */
const everything: WorkerUserDataInput = {
  ...plain,
  workerName: 'a'.repeat(59),
  handoffUrl: `${plain.handoffUrl}&x-obs-security-token=${'T'.repeat(3000)}`,
  maxBuilds: 1_000_000,
  cache: { server: `${'n'.repeat(63)}.`.repeat(3).slice(0, -1), export: `/${'e'.repeat(254)}`, access: 'rw', required: true },
  runner: {
    ...runner,
    maximumTimeout: 604_800,
    registryMirrors: Array.from({ length: 10 }, (_, i) => `https://${'m'.repeat(60)}${i}.example`),
    packages: Object.fromEntries(
      ['apparmor', 'ca-certificates', 'curl', 'docker.io', 'gitlab-runner', 'nfs-common', 'nftables'].map((name) => [
        name,
        `18.0.${'1'.repeat(95)}`,
      ]),
    ),
  },
};

export const WORKERS: readonly (readonly [name: string, input: WorkerUserDataInput])[] = [
  ['a worker without caches', plain],
  ['a worker with caches', { ...plain, maxBuilds: 100, cache: { server: '10.0.0.10', export: '/cache', access: 'rw', required: true } }],
  ['an untrusted worker that can do without', { ...plain, cache: { server: 'nfs.example', export: '/', access: 'ro', required: false } }],
  ['a worker whose jobs are shells', { ...plain, runner: { ...runner, executor: 'shell', docker: {} } }],
  ['a worker with everything', everything],
];

const manager: ManagerSettings = {
  name: 'cache-1',
  path: '/cache',
  clients: [{ subnet: '10.0.1.0/24', access: 'rw' }],
  sshFrom: [],
  volume: { device: '/dev/vdb', filesystem: 'ext4' },
  owner: 2000,
  mirrors: [],
  prune: {
    sstateUnusedSeconds: 14 * 86_400,
    downloadsUnusedSeconds: 60 * 86_400,
    longestJobSeconds: 86_400,
    startAt: 85,
    stopAt: 75,
    most: 30,
  },
};

export const MANAGERS: readonly (readonly [name: string, settings: ManagerSettings])[] = [
  ['a manager without mirrors', manager],
  [
    'a manager with everything',
    {
      ...manager,
      clients: [
        { subnet: '10.0.1.0/24', access: 'rw' },
        { subnet: '10.0.2.0/24', access: 'ro' },
        { subnet: 'fd00:1::/64', access: 'ro' },
      ],
      sshFrom: ['10.0.9.0/28'],
      volume: { device: '/dev/disk/by-id/virtio-0f3c2b1a-1111-4222-8', filesystem: 'xfs' },
      mirrors: Array.from({ length: 20 }, (_, i) => ({
        url: `https://git.example.com/yocto/meta-layer-${i}`,
        name: `yocto/meta-layer-${i}.git`,
        everySeconds: i % 2 === 0 ? 1800 : 86_400,
      })),
      hashserv: { mirror: 'yocto/meta-layer-0.git', commit: '0123456789abcdef0123456789abcdef01234567', port: 8686, readOnlyPort: 8687 },
      health: { endpoint: 'https://obs.eu-de.otc.t-systems.com', bucket: 'acme-ci', dialect: 'obs' },
    },
  ],
];
