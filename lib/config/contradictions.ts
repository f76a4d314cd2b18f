import { nearest } from './messages.ts';
import { flavorFindings, regionFindings, zoneNameFindings } from './otc-names.ts';
import type { Path } from './problems.ts';
import { REQUIRED_OF_MACHINE } from './schema.ts';
import type { PoolView, View } from './view.ts';

/** What no single value shows. Errors refuse the file; warnings are things that work, but probably not as meant. */
export interface Finding {
  readonly level: 'error' | 'warning';
  readonly path: Path;
  readonly message: string;
}

type Add = (level: Finding['level'], path: Path, message: string) => void;

export function contradictions(view: View): readonly Finding[] {
  const findings: Finding[] = [];
  const add: Add = (level, path, message) => void findings.push({ level, path, message });
  checkTop(view, add);
  view.pools.forEach((pool, i) => {
    const at = ['pools', i];
    checkMachine(view, pool, at, add);
    checkPrices(view, pool, at, add);
    checkTags(pool, at, add);
    checkTimes(pool, at, add);
    checkPolicies(pool, at, add);
    checkRunner(view, pool, at, add);
    checkDisk(view, pool, at, add);
    for (let j = 0; j < i; j++) checkPair(view.pools[j] ?? {}, j, pool, at, add);
  });
  return findings;
}

function checkTop(view: View, add: Add): void {
  findings(regionFindings(view), add);
  if (view.gitlab?.url?.startsWith('http://')) {
    add('warning', ['gitlab', 'url'], 'is not encrypted: tokens and sources travel in the clear; use https:// outside of tests');
  }
  if (view.bucket?.name?.includes('.')) {
    add('warning', ['bucket', 'name'], 'holds a dot: the certificate of the object storage does not cover such names, choose one without');
  }
  // OTC regions and endpoints: FunctionGraph is offered in eu-de only.
  if (view.otc?.region === 'eu-nl' && view.functions?.scaler && view.otc.endpoints?.functiongraph === undefined) {
    add(
      'warning',
      ['functions', 'scaler'],
      'FunctionGraph does not exist in eu-nl: set otc.endpoints.functiongraph to the region of the function',
    );
  }
}

function checkMachine(view: View, pool: PoolView, at: Path, add: Add): void {
  const missing = REQUIRED_OF_MACHINE.filter((key) => pool.machine?.[key] === undefined && view.machine?.[key] === undefined);
  if (missing.length > 0) {
    add('error', [...at, 'machine'], `lacks ${missing.join(', ')}: set it here, or for all pools under the top-level "machine"`);
  }
  findings(zoneNameFindings(view, pool, at), add);
  findings(flavorFindings(view, pool, at), add);
}

function findings(found: readonly Finding[], add: Add): void {
  for (const { level, path, message } of found) add(level, path, message);
}

/** One flavor without a price, and the cost of every minute in which it runs is unknown. */
function checkPrices(view: View, pool: PoolView, at: Path, add: Add): void {
  const prices = view.costs?.flavors;
  if (!prices) return;
  const own = pool.machine?.flavors !== undefined;
  const flavors = pool.machine?.flavors ?? view.machine?.flavors ?? [];
  flavors.forEach((flavor, i) => {
    const path = [...(own ? at : []), 'machine', 'flavors', i];
    if (prices[flavor] === undefined) add('warning', path, `has no price in costs.flavors: what its machines cost is not known`);
  });
}

function checkTags(pool: PoolView, at: Path, add: Add): void {
  if ((pool.tags ?? []).length === 0 && pool.run_untagged !== true) {
    add('error', [...at, 'tags'], 'no job can match: give the pool tags, or set run_untagged: true');
  }
}

function checkTimes(pool: PoolView, at: Path, add: Add): void {
  const maxAge = pool.max_age ?? 86_400_000;
  const boot = pool.boot_timeout ?? 600_000;
  if (maxAge <= boot) {
    add('error', [...at, 'max_age'], 'must be longer than boot_timeout, or a worker is too old before it has booted');
  }
  if (pool.max_builds === 0) {
    add(
      'warning',
      [...at, 'max_builds'],
      'is no bound: a worker takes jobs until idle_time or max_age; leave it out if that is meant, or write 1 for a machine per job',
    );
  }
  if (pool.idle_time !== undefined && pool.idle_time >= maxAge) {
    add('warning', [...at, 'idle_time'], 'is not shorter than max_age, so it never takes effect');
  }
}

function checkPolicies(pool: PoolView, at: Path, add: Add): void {
  checkPolicy(pool, pool, at, add);
  pool.periods?.forEach((period, i) => {
    const here = [...at, 'periods', i];
    checkPolicy(pool, period, here, add);
    if ((period.idle_count ?? 0) > 0 && period.idle_time === undefined) {
      const message =
        'is left out and therefore 0, not inherited from the pool (as in docker+machine): workers beyond idle_count leave at once; set it here';
      add('warning', [...here, 'idle_time'], message);
    }
  });
}

interface PolicyView {
  readonly idle_count?: number | undefined;
  readonly idle_scale_factor?: number | undefined;
  readonly idle_count_min?: number | undefined;
}

function checkPolicy(pool: PoolView, policy: PolicyView, at: Path, add: Add): void {
  const idle = policy.idle_count ?? 0;
  const least = policy.idle_count_min ?? 0;
  const factor = policy.idle_scale_factor ?? 0;
  if (pool.limit !== undefined && idle > pool.limit) {
    add('error', [...at, 'idle_count'], `is larger than the pool's limit of ${pool.limit}`);
  }
  if (least > idle) add('error', [...at, 'idle_count_min'], `is larger than idle_count, which is ${idle}`);
  if (factor > 0 && idle === 0) {
    add('warning', [...at, 'idle_scale_factor'], 'has no effect, because idle_count is its upper bound and is 0');
  }
  if (factor === 0 && least > 0 && least <= idle) {
    add('warning', [...at, 'idle_count_min'], 'has no effect without idle_scale_factor');
  }
}

/** Keys of gitlab-runner's `[runners.docker]` (gitlab-runner: common/config.go, DockerConfig); others pass, but a near miss is a typing error. */
const DOCKER_KEYS =
  'allowed_images allowed_privileged_images allowed_privileged_services allowed_pull_policies allowed_services allowed_users cache_dir cap_add cap_drop cgroup_parent container_labels cpu_shares cpus cpuset_cpus cpuset_mems device_cgroup_rules devices disable_cache disable_entrypoint_overwrite dns dns_search enable_ipv6 extra_hosts gpus group_add helper_image helper_image_autoset_arch_and_os helper_image_flavor host hostname image isolation links log_options mac_address memory memory_reservation memory_swap network_mode network_mtu oom_kill_disable oom_score_adjust privileged pull_policy runtime security_opt service_cpus service_cpuset_cpus service_gpus service_memory service_memory_reservation service_memory_swap services services_devices services_limit services_privileged services_security_opt services_tmpfs shm_size sysctls tls_cert_path tls_verify tmpfs ulimit user userns_mode volume_driver volume_driver_ops volumes volumes_from wait_for_services_timeout'.split(
    ' ',
  );

function checkRunner(view: View, pool: PoolView, at: Path, add: Add): void {
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
    if (pool.runner?.docker !== undefined) add('warning', [...at, 'runner', 'docker'], 'has no effect with this executor');
    return;
  }
  const place = (key: string): Path => [...(pool.runner?.docker?.[key] === undefined ? [] : at), 'runner', 'docker', key];
  for (const key of Object.keys(docker)) {
    const near = DOCKER_KEYS.includes(key) ? undefined : nearest(key, DOCKER_KEYS);
    if (near) add('warning', place(key), `is passed on, but gitlab-runner calls something "${near}"; did you mean that?`);
  }
  checkExposure(docker, place, add);
  checkCacheVolume(view, pool, docker, at, add);
}

function checkDisk(view: View, pool: PoolView, at: Path, add: Add): void {
  const size = (pool.machine?.root_volume ?? view.machine?.root_volume)?.size ?? 40;
  const free = (pool.runner?.disk ?? view.runner?.disk)?.min_free_gb ?? 5;
  if (free < size) return;
  const path = [...(pool.runner?.disk === undefined ? [] : at), 'runner', 'disk', 'min_free_gb'];
  add('error', path, `is not less than root_volume.size, which is ${size}: no worker would take a second job`);
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

function checkPair(first: PoolView, firstIndex: number, second: PoolView, at: Path, add: Add): void {
  if (first.name !== undefined && first.name === second.name) {
    add('error', [...at, 'name'], `is also the name of pools[${firstIndex}]: its workers could not be told apart`);
  }
}
