import { leavesAfter, waitTimeoutFor } from '../../core/pool/wait-timeout.ts';
import { DAY } from '../../core/time.ts';
import { parseDuration } from '../durations.ts';
import { REQUIRED_OF_MACHINE } from '../schema/machine.ts';
import type { Add, Finding } from './finding.ts';
import { flavorFindings, regionFindings, zoneNameFindings } from './otc-names.ts';
import type { Path } from './problems.ts';
import { checkRunner, checkRunnerPart } from './runner-contradictions.ts';
import type { PoolView, View } from './view.ts';

export function contradictions(view: View): readonly Finding[] {
  const findings: Finding[] = [];
  const add: Add = (level, path, message) => void findings.push({ level, path, message });
  checkTop(view, add);
  checkRunnerPart(view.runner, [], add);
  view.pools.forEach((pool, i) => {
    const at = ['pools', i];
    checkMachine(view, pool, at, add);
    checkPrices(view, pool, at, add);
    checkTags(pool, at, add);
    checkTimes(pool, at, add);
    checkPolicies(pool, at, add);
    checkRunnerPart(pool.runner, at, add);
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
  const maxAge = pool.max_age ?? DAY;
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
  const keepsIdle = [pool, ...(pool.periods ?? [])].some(({ idle_count = 0 }) => idle_count > 0);
  if (!keepsIdle) checkIdleTime(pool.idle_time, at, add);
  pool.periods?.forEach((period, i) => {
    const here = [...at, 'periods', i];
    checkPolicy(pool, period, here, add);
    if (!keepsIdle) checkIdleTime(parseDuration(period.idle_time), here, add);
    if ((period.idle_count ?? 0) > 0 && period.idle_time === undefined) {
      const message =
        'is left out and therefore 0, not inherited from the pool (as in docker+machine): workers beyond idle_count leave at once; set it here';
      add('warning', [...here, 'idle_time'], message);
    }
  });
}

/** Where no period keeps idle workers they leave by themselves, and only at certain moments. */
function checkIdleTime(idleMs: number | undefined, at: Path, add: Add): void {
  if (idleMs === undefined || idleMs < leavesAfter(waitTimeoutFor(0)) * 1000) return;
  const seconds = leavesAfter(waitTimeoutFor(idleMs));
  if (seconds * 1000 <= idleMs) return;
  add(
    'warning',
    [...at, 'idle_time'],
    `cannot be kept to: while GitLab holds its requests a worker leaves ${seconds} s after its last job; write 60, or 0 for 3 s`,
  );
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

function checkDisk(view: View, pool: PoolView, at: Path, add: Add): void {
  const size = (pool.machine?.root_volume ?? view.machine?.root_volume)?.size ?? 40;
  const free = (pool.runner?.disk ?? view.runner?.disk)?.min_free_gb ?? 5;
  if (free < size) return;
  const path = [...(pool.runner?.disk === undefined ? [] : at), 'runner', 'disk', 'min_free_gb'];
  add('error', path, `is not less than root_volume.size, which is ${size}: no worker would take a second job`);
}

function checkPair(first: PoolView, firstIndex: number, second: PoolView, at: Path, add: Add): void {
  if (first.name !== undefined && first.name === second.name) {
    add('error', [...at, 'name'], `is also the name of pools[${firstIndex}]: its workers could not be told apart`);
  }
}
