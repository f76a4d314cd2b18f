import type { WorkerUserDataInput } from '../../cloud-init/worker/worker.ts';
import type { ManagerSettings } from '../../lib/config/types.ts';
import { CACHE, MANAGER, RUNNER, WORKER } from '../../testkit/settings.ts';

/** Everything switched on and as long as it may be, with the security token in the URL that temporary keys bring. */
const everything: WorkerUserDataInput = {
  ...WORKER,
  workerName: 'a'.repeat(59),
  handoffUrl: `${WORKER.handoffUrl}&x-obs-security-token=${'T'.repeat(3000)}`,
  maxBuilds: 1_000_000,
  cache: { server: `${'n'.repeat(63)}.`.repeat(3).slice(0, -1), export: `/${'e'.repeat(254)}`, access: 'rw', required: true },
  runner: {
    ...RUNNER,
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
  ['a worker without caches', WORKER],
  ['a worker with caches', { ...WORKER, maxBuilds: 100, cache: CACHE }],
  ['an untrusted worker that can do without', { ...WORKER, cache: { server: 'nfs.example', export: '/', access: 'ro', required: false } }],
  ['a worker whose jobs are shells', { ...WORKER, runner: { ...RUNNER, executor: 'shell', docker: {} } }],
  ['a worker with everything', everything],
];

export const MANAGERS: readonly (readonly [name: string, settings: ManagerSettings])[] = [
  ['a manager without mirrors', MANAGER],
  [
    'a manager with everything',
    {
      ...MANAGER,
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
