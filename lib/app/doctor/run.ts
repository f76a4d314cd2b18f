import type { CallOptions } from '../ports/index.ts';
import { checkConfiguration, checkKeys, checkProject } from './checks/access.ts';
import { checkAppend, checkBucket, checkPrivacy, checkVersions } from './checks/bucket.ts';
import { checkCacheHealth, checkCacheNetwork } from './checks/caches.ts';
import { checkClocks } from './checks/clocks.ts';
import { checkFunction, checkTimer } from './checks/functions.ts';
import { checkGitLab, checkHook, checkRivals, checkScope, checkToken } from './checks/gitlab.ts';
import { checkFlavors, checkImages, checkKeyPairs, checkZones } from './checks/machines.ts';
import { checkAddresses, checkSecurityGroups, checkSubnets, checkVpc } from './checks/network.ts';
import { checkPublicAddresses, checkQuotas } from './checks/quotas.ts';
import { startVisit, unseen, type Visit } from './context.ts';
import { AREAS, CHECKS, type CheckName, type Finding, type Result, unknown } from './findings.ts';
import type { DoctorWorld, Subject } from './types.ts';

interface Check {
  readonly run: (visit: Visit) => Promise<readonly Result[]>;
  /** Not made where one of these has found an error or could not be made: it would only say the same. */
  readonly after?: readonly CheckName[];
}

const OTC = { after: ['keys'] } as const;
const GITLAB = { after: ['token'] } as const;
const BUCKET = { after: ['bucket'] } as const;

/** What is not here is not examined. Each waits for those it depends on; all others run at the same time. */
const MADE: Readonly<Record<CheckName, Check>> = {
  configuration: { run: checkConfiguration },
  keys: { run: checkKeys },
  project: { run: checkProject, ...OTC },
  zones: { run: checkZones, ...OTC },
  images: { run: checkImages, ...OTC },
  flavors: { run: checkFlavors, ...OTC },
  'key-pairs': { run: checkKeyPairs, ...OTC },
  quotas: { run: checkQuotas, ...OTC },
  'public-addresses': { run: checkPublicAddresses, ...OTC },
  vpc: { run: checkVpc, ...OTC },
  subnets: { run: checkSubnets, ...OTC },
  addresses: { run: checkAddresses, ...OTC },
  'security-groups': { run: checkSecurityGroups, ...OTC },
  bucket: { run: checkBucket, ...OTC },
  'bucket-privacy': { run: checkPrivacy, ...BUCKET },
  'bucket-versions': { run: checkVersions, ...BUCKET },
  append: { run: checkAppend, ...BUCKET },
  gitlab: { run: checkGitLab },
  token: { run: checkToken, after: ['gitlab'] },
  scope: { run: checkScope, ...GITLAB },
  hook: { run: checkHook, ...GITLAB },
  rivals: { run: checkRivals, ...GITLAB },
  function: { run: checkFunction, ...OTC },
  timer: { run: checkTimer, ...BUCKET },
  'cache-network': { run: checkCacheNetwork, ...OTC },
  'cache-health': { run: checkCacheHealth, ...BUCKET },
  clocks: { run: checkClocks },
};

/** Errors that leave the rest to be looked at. That ECS is away says nothing of the other services. */
const HARMLESS: ReadonlySet<string> = new Set(['token-scopes', 'right-missing', 'ecs-unreachable']);

export const CHECK_NAMES = Object.keys(MADE) as readonly CheckName[];

/**
 * Looks at everything that the configuration speaks of, and changes nothing (with `subject.probe`: two small objects, deleted again). Never throws
 * for what is wrong outside: it is a finding. `onDone` hears of each check as it ends.
 */
export async function examine(
  subject: Subject,
  world: DoctorWorld,
  options: CallOptions = {},
  onDone: (name: CheckName, findings: readonly Finding[]) => void = () => undefined,
): Promise<readonly Finding[]> {
  const visit = startVisit(subject, world, options);
  const begun = new Map<CheckName, Promise<readonly Finding[]>>();
  const make = (name: CheckName): Promise<readonly Finding[]> => {
    const known = begun.get(name);
    if (known !== undefined) return known;
    const made = makeOne(name, visit, (other) => make(other)).then((findings) => {
      onDone(name, findings);
      return findings;
    });
    begun.set(name, made);
    return made;
  };
  const findings = (await Promise.all(CHECK_NAMES.map(make))).flat();
  return AREAS.flatMap((area) => findings.filter((finding) => finding.area === area));
}

async function makeOne(
  name: CheckName,
  visit: Visit,
  others: (name: CheckName) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  const { area } = CHECKS[name];
  const results = await resultsOf(name, visit, others);
  return results.map((result) => ({ ...result, area }));
}

async function resultsOf(
  name: CheckName,
  visit: Visit,
  others: (name: CheckName) => Promise<readonly Finding[]>,
): Promise<readonly Result[]> {
  const { run, after = [] } = MADE[name];
  for (const other of after) {
    const stop = (await others(other)).find(({ level, code }) => level === 'unknown' || (level === 'error' && !HARMLESS.has(code)));
    if (stop) return [unknown(name, `not looked at, because of ${stop.code}.`, `mend ${stop.code} first.`)];
  }
  try {
    return await run(visit);
  } catch (failure) {
    return [unseen(name, failure)];
  }
}
