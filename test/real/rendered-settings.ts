import type { WorkerUserDataInput } from '../../cloud-init/worker.ts';
import type { RunnerSettings } from '../../lib/app/settings.ts';

const runner: RunnerSettings = {
  executor: 'docker',
  docker: { image: 'ubuntu:20.04' },
  environment: [],
  protectedOnly: false,
  checkInterval: 0,
  sessionTimeout: 1800,
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
