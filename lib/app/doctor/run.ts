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
import { createContext, type DoctorContext, unavailable } from './context.ts';
import { AREAS, CHECKS, type CheckName, type Finding, type Result, unknown } from './findings.ts';
import type { DoctorServices, Subject } from './types.ts';

/** The code of each check. Each waits for those it comes after; all others run at the same time. */
const RUN: Readonly<Record<CheckName, (context: DoctorContext) => Promise<readonly Result[]>>> = {
  configuration: checkConfiguration,
  keys: checkKeys,
  project: checkProject,
  zones: checkZones,
  images: checkImages,
  flavors: checkFlavors,
  'key-pairs': checkKeyPairs,
  quotas: checkQuotas,
  'public-addresses': checkPublicAddresses,
  vpc: checkVpc,
  subnets: checkSubnets,
  addresses: checkAddresses,
  'security-groups': checkSecurityGroups,
  bucket: checkBucket,
  'bucket-privacy': checkPrivacy,
  'bucket-versions': checkVersions,
  append: checkAppend,
  gitlab: checkGitLab,
  token: checkToken,
  scope: checkScope,
  hook: checkHook,
  rivals: checkRivals,
  function: checkFunction,
  timer: checkTimer,
  'cache-network': checkCacheNetwork,
  'cache-health': checkCacheHealth,
  clocks: checkClocks,
};

/** Errors that leave the rest to be looked at. That ECS is away says nothing of the other services. */
const HARMLESS: ReadonlySet<string> = new Set(['token-scopes', 'right-missing', 'ecs-unreachable']);

export const CHECK_NAMES = Object.keys(CHECKS) as readonly CheckName[];

/**
 * Looks at everything that the configuration speaks of, and changes nothing (with `subject.probe`: two small objects, deleted again). Never throws
 * for what is wrong outside: it is a finding. `onDone` hears of each check as it ends.
 */
export async function examine(
  subject: Subject,
  services: DoctorServices,
  options: CallOptions = {},
  onDone: (name: CheckName, findings: readonly Finding[]) => void = () => undefined,
): Promise<readonly Finding[]> {
  const context = createContext(subject, services, options);
  const begun = new Map<CheckName, Promise<readonly Finding[]>>();
  const make = (name: CheckName): Promise<readonly Finding[]> => {
    const known = begun.get(name);
    if (known !== undefined) return known;
    const made = makeOne(name, context, (other) => make(other)).then((findings) => {
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
  context: DoctorContext,
  others: (name: CheckName) => Promise<readonly Finding[]>,
): Promise<readonly Finding[]> {
  const { area } = CHECKS[name];
  const results = await resultsOf(name, context, others);
  return results.map((result) => ({ ...result, area }));
}

async function resultsOf(
  name: CheckName,
  context: DoctorContext,
  others: (name: CheckName) => Promise<readonly Finding[]>,
): Promise<readonly Result[]> {
  const check = CHECKS[name];
  for (const other of 'after' in check ? check.after : []) {
    const stop = (await others(other)).find(({ level, code }) => level === 'unknown' || (level === 'error' && !HARMLESS.has(code)));
    if (stop) return [unknown(name, `not checked, because of ${stop.code}.`, `fix ${stop.code} first.`)];
  }
  try {
    return await RUN[name](context);
  } catch (failure) {
    return [unavailable(name, failure)];
  }
}
