import type { WorkerUserDataInput } from '../cloud-init/worker/worker.ts';
import type { CacheSettings, RunnerSettings } from '../lib/app/settings.ts';
import type { ManagerSettings } from '../lib/config/types.ts';

/*
 * Settings of machines from a small configuration. A test spreads them and overrides only what it is about.
 */

export const RUNNER: RunnerSettings = {
  executor: 'docker',
  docker: { image: 'ubuntu:20.04' },
  environment: [],
  protectedOnly: false,
  checkInterval: 0,
  sessionTimeout: 1800,
  disk: { minFreeGb: 5, prune: true },
  packages: {},
};

/** No job without it. */
export const CACHE: CacheSettings = { server: '10.0.0.10', export: '/cache', access: 'rw', required: true };

/** A worker without caches or a bound on its jobs. */
export const WORKER: WorkerUserDataInput = {
  workerName: 'bitbake-01kb2x3y4z5a6b7c8d9e0f1g2h',
  handoffUrl: 'https://acme.obs.eu-de.otc.t-systems.com/handoff/v1/x.toml?AccessKeyId=AK&Expires=1764000000&Signature=a%2Fb%3D',
  maxBuilds: 0,
  waitTimeoutSeconds: 60,
  maxAgeSeconds: 86_400,
  runner: RUNNER,
};

/** A manager for one pool's subnet, with nothing optional. */
export const MANAGER: ManagerSettings = {
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
