import type { Add } from './finding.ts';
import { DOCKER_KEYS, RUNNER_VERSIONS, SERVICE_KEYS } from './gitlab-runner-keys.ts';
import { nearest } from './messages.ts';
import type { Path } from './problems.ts';
import type { PoolView, View } from './view.ts';

/** `run-single --config --runner` (gitlab-runner: commands/single.go at v17.1.0). */
const LEAST = { major: 17, minor: 1 };
/** `run-single` confirms a job before it begins, and asks again after a refusal (commands/single.go, network/retry_requester.go at v18.5.0). */
const RECOMMENDED = { major: 18, minor: 5 };

/** The old farm's figure, which may stay as it is. */
const DEFAULT_SESSION_MS = 1_800_000;

/** What one `runner` section says by itself, the top-level one or a pool's. */
export function checkRunnerPart(part: View['runner'], at: Path, add: Add): void {
  const here = [...at, 'runner'];
  checkKeys(part?.docker ?? {}, DOCKER_KEYS, [...here, 'docker'], add);
  const services = part?.docker?.services;
  if (Array.isArray(services)) {
    services.forEach((service, i) => {
      if (typeof service === 'object' && service !== null) checkService(service, [...here, 'docker', 'services', i], add);
    });
  }
  if (![undefined, 0, 3].includes(part?.check_interval)) {
    add('warning', [...here, 'check_interval'], 'has no effect: run-single asks again 3 s after each answer');
  }
  if (![undefined, DEFAULT_SESSION_MS].includes(part?.session_timeout)) {
    add('warning', [...here, 'session_timeout'], 'has no effect: run-single has no session server, so there is no web terminal');
  }
  checkVersion(part?.packages?.['gitlab-runner'], [...here, 'packages', 'gitlab-runner'], add);
}

function checkService(service: object, at: Path, add: Add): void {
  checkKeys(service, SERVICE_KEYS, at, add);
  // gitlab-runner: executors/kubernetes/kubernetes.go is the only reader.
  if ('suspend_data_path' in service) {
    add('warning', [...at, 'suspend_data_path'], "has no effect: only gitlab-runner's Kubernetes executor reads it");
  }
}

/** So few known keys are all named where none is like the one that was written. */
const FEW_KEYS = 10;

/** gitlab-runner drops a key that it does not know without a word. */
function checkKeys(section: object, known: readonly string[], at: Path, add: Add): void {
  for (const key of Object.keys(section).filter((key) => !known.includes(key))) {
    const near = nearest(key, known);
    const hint = /mirror/i.test(key)
      ? 'mirrors of registries belong one level up: runner.registry_mirrors'
      : near
        ? `did you mean "${near}"?`
        : known.length <= FEW_KEYS && `known are ${[...known].sort().join(', ')}`;
    add('error', [...at, key], `is not a key of gitlab-runner (${RUNNER_VERSIONS})${hint ? `; ${hint}` : ''}`);
  }
}

function checkVersion(pin: unknown, at: Path, add: Add): void {
  const [, major, minor = '0'] = /^(?:\d+:)?(\d+)(?:\.(\d+))?/.exec(typeof pin === 'string' ? pin : '') ?? [];
  if (major === undefined) return;
  const isBefore = (version: typeof LEAST) =>
    Number(major) < version.major || (Number(major) === version.major && Number(minor) < version.minor);
  if (isBefore(LEAST)) {
    add('error', at, 'is too old: workers start "run-single --config", which gitlab-runner has since 17.1; pin 18.5 or later');
  } else if (isBefore(RECOMMENDED)) {
    add(
      'warning',
      at,
      'is before 18.5: it does not confirm a job before it begins, so when an answer of GitLab is lost the job stays "running" on nobody for an hour or more',
    );
  }
}

export function checkRunner(view: View, pool: PoolView, at: Path, add: Add): void {
  const executor = pool.runner?.executor ?? view.runner?.executor ?? 'docker';
  const docker: Readonly<Record<string, unknown>> = { ...view.runner?.docker, ...pool.runner?.docker };
  const maximum = pool.runner?.maximum_timeout ?? view.runner?.maximum_timeout;
  if (maximum !== undefined && pool.max_age !== undefined && maximum > pool.max_age) {
    add('warning', [...at, 'max_age'], 'is shorter than maximum_timeout: a worker takes one job at most before it is too old');
  }
  if (maximum === undefined) {
    add(
      'warning',
      [...at, 'runner', 'maximum_timeout'],
      'is not set: a job that still runs 6 h after its worker has reached max_age is ended with the machine; set it to the longest job',
    );
  }
  if (executor !== 'docker') {
    for (const key of ['docker', 'registry_mirrors'] as const) {
      if (pool.runner?.[key] !== undefined) add('warning', [...at, 'runner', key], 'has no effect with this executor');
    }
    return;
  }
  const place = (key: string): Path => [...(pool.runner?.docker?.[key] === undefined ? [] : at), 'runner', 'docker', key];
  checkExposure(docker, place, add);
  checkCacheVolume(view, pool, docker, at, add);
}

/** Settings with which a job becomes root on the worker, or leaves the network that the metadata address is blocked in. */
function checkExposure(docker: Readonly<Record<string, unknown>>, place: (key: string) => Path, add: Add): void {
  if (docker.privileged === true) {
    add('warning', place('privileged'), "makes every job root on its worker: it can read the worker's token and the metadata service");
  }
  if (docker.network_mode === 'host') {
    add(
      'warning',
      place('network_mode'),
      "puts jobs on the worker's own network: one that runs as root reaches the metadata service with packets of its own making",
    );
  }
  if (volumesOf(docker).some((volume) => volume.includes('docker.sock'))) {
    add(
      'warning',
      place('volumes'),
      'gives jobs the docker socket, and with it the worker: they can read its token and the metadata service',
    );
  }
}

function checkCacheVolume(view: View, pool: PoolView, docker: Readonly<Record<string, unknown>>, at: Path, add: Add): void {
  const cache = pool.cache === undefined ? view.cache : pool.cache;
  if (cache === undefined || cache === false || docker.volumes === undefined) return;
  if (volumesOf(docker).some((volume) => volume === '/cache' || volume.startsWith('/cache:') || volume.startsWith('/cache/'))) return;
  add('warning', [...at, 'runner', 'docker', 'volumes'], 'shows the caches to no job: add "/cache:/var/shared:rw"');
}

function volumesOf(docker: Readonly<Record<string, unknown>>): readonly string[] {
  const volumes = docker.volumes;
  return Array.isArray(volumes) ? volumes.filter((v) => typeof v === 'string') : [];
}
