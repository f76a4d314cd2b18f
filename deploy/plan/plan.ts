import { ConfigError } from '../../lib/core/errors.ts';
import { counted } from '../../lib/core/plural.ts';
import { TRUSTED } from '../state/desired.ts';
import { grantKey } from '../state/read.ts';
import type { Actual, Desired, DesiredPolicy } from '../state/types.ts';
import { planBucket } from './bucket.ts';
import { planFunction } from './function.ts';
import { gatewayProblems, planDomains, planGateway } from './gateway.ts';
import type { Step } from './steps.ts';

/**
 * The steps from what is there to what is wanted, in the order in which they can be done; none when nothing is to be done. Throws `ConfigError`
 * when something that is only referenced is not there.
 */
export function plan(desired: Desired, actual: Actual): readonly Step[] {
  checkReferences(desired, actual);
  return [
    ...planBucket(desired.bucket, actual.bucket),
    ...planAgency(desired, actual),
    ...planLogs(desired, actual),
    ...planGateway(desired, actual),
    ...desired.functions.flatMap((of) => planFunction(of, desired, actual)),
    ...planLeftovers(desired, actual),
    ...planDomains(desired, actual),
  ];
}

/** Everything at once, as with a configuration. */
function checkReferences(desired: Desired, actual: Actual): void {
  const { bucket, agency, logs, gateway } = desired;
  const missing: string[] = [];
  if (actual.rivals.length > 0)
    missing.push(
      `the bucket ${bucket.name} is already used by the deployment ${actual.rivals.join(', ')}, and each would remove the hook and the records of the other: give each stage a scaler.yml of its own (provider.config) with its own bucket, installation and hook URL`,
    );
  if (!actual.bucket.exists && !bucket.create)
    missing.push(`the bucket ${bucket.name} does not exist: create it, or set provider.bucket to { create: true }`);
  if (!agency.create && !actual.agency)
    missing.push(`the agency ${agency.name} does not exist: create it (docs/deploy.md), or set provider.agency to { create: true }`);
  const trusts = actual.agency && actual.agency !== 'unread' ? actual.agency.trusts : TRUSTED;
  if (trusts !== TRUSTED)
    missing.push(`the agency ${agency.name} trusts ${trusts || 'nobody'}, not FunctionGraph (${TRUSTED}): use an agency with another name`);
  if (logs && 'id' in logs.group && !actual.logs) missing.push(`the log group ${logs.group.id} does not exist in this project`);
  if (gateway) missing.push(...gatewayProblems(gateway, actual.gateway));
  if (missing.length > 0) throw new ConfigError('not-there', missing.join('\n'));
}

function planAgency({ agency }: Desired, actual: Actual): readonly Step[] {
  if (!agency.create) return [];
  const make = actual.agency
    ? []
    : [{ change: { do: 'create-agency', name: agency.name }, what: `create the agency ${agency.name} for FunctionGraph` } as const];
  return [
    ...agency.policies.flatMap((policy) => planPolicy(policy, actual)),
    ...make,
    ...agency.policies.flatMap((policy) => planGrants(policy, agency.name, actual)),
  ];
}

function planPolicy(policy: DesiredPolicy, actual: Actual): readonly Step[] {
  const there = actual.policies[policy.name];
  if (!there) return [{ change: { do: 'create-policy', policy }, what: `create the IAM policy ${policy.name}` }];
  if (equal(normal(policy.document), normal(there.document))) return [];
  return [{ change: { do: 'update-policy', policy, id: there.id }, what: `update the IAM policy ${policy.name}` }];
}

function planGrants({ name, grants }: DesiredPolicy, agency: string, actual: Actual): readonly Step[] {
  const id = actual.policies[name]?.id;
  return grants
    .filter((place) => id === undefined || !actual.grants.includes(grantKey(id, place)))
    .map((place) => {
      const where = place === 'account' ? 'the account' : `project ${place.projectId}`;
      return { change: { do: 'grant', policy: name, place }, what: `grant the agency ${agency} the policy ${name}, in ${where}` };
    });
}

/** Order of statements and actions means nothing; IAM may add members of its own. */
function normal({ Version, Statement }: { readonly Version: string; readonly Statement: readonly unknown[] }) {
  const sorted = (list: unknown) => (Array.isArray(list) ? [...list].map(String).sort() : list);
  const statements = Statement.map((one) => {
    const { Effect, Action, Resource } = Object(one);
    return JSON.stringify([Effect, sorted(Action), sorted(Resource) ?? []]);
  });
  return [Version, ...statements.sort()];
}

function planLogs({ logs, functions }: Desired, actual: Actual): readonly Step[] {
  if (!logs) return [];
  const streams = functions.filter(({ name }) => actual.logs?.streams[name] === undefined);
  return [
    ...(actual.logs || 'id' in logs.group
      ? []
      : [
          {
            change: { do: 'create-log-group', name: logs.group.name, days: logs.group.days },
            what: `create the log group ${logs.group.name}, which keeps ${counted(logs.group.days, 'day')}`,
          } as const,
        ]),
    ...streams.map(
      ({ name }) => ({ change: { do: 'create-log-stream', name }, what: `create the log stream ${name}`, function: name }) as const,
    ),
  ];
}

/** Functions of this deployment that serverless.yml does not name any more, e.g. since the gateway is gone. */
function planLeftovers(desired: Desired, actual: Actual): readonly Step[] {
  const wanted = new Set(desired.functions.map(({ name }) => name));
  return Object.values(actual.functions).flatMap((there) =>
    wanted.has(there.name) ? [] : removeFunction(there, 'which is no longer configured'),
  );
}

export function removeFunction({ name, urn, triggers }: Actual['functions'][string], why: string): readonly Step[] {
  return [
    ...triggers.map(
      (trigger) =>
        ({ change: { do: 'remove-trigger', urn, trigger }, what: `${name}: remove the trigger ${trigger.name}`, function: name }) as const,
    ),
    { change: { do: 'remove-function', urn }, what: `remove the function ${name}, ${why}`, function: name },
  ];
}

function equal(a: unknown, b: unknown): boolean {
  return JSON.stringify(a) === JSON.stringify(b);
}
