import type { ApiGroup } from '../clients/apig.ts';
import type { Actual, ResourceNames } from '../state/types.ts';
import { isOurGroup, leaveGateway, releaseDomain, releaseDomains, removeGateway } from './gateway.ts';
import { removeFunction } from './plan.ts';
import type { Step } from './steps.ts';

/**
 * What takes down all that a deployment made, backwards: what wakes the functions first, then they themselves, then what they needed. What serverless.yml
 * only refers to stays, and so does the bucket.
 */
export function planRemoval(places: ResourceNames, actual: Actual): { readonly wakers: readonly Step[]; readonly rest: readonly Step[] } {
  const functions = Object.values(actual.functions).flatMap((there) => removeFunction(there, 'of this deployment'));
  const isWaker = ({ change }: Step) => change.do === 'remove-trigger';
  return {
    wakers: functions.filter(isWaker),
    rest: [
      ...functions.filter((step) => !isWaker(step)),
      ...gatewaySteps(places, actual),
      ...logSteps(places, actual),
      ...identitySteps(places, actual),
    ],
  };
}

function gatewaySteps(places: ResourceNames, { gateway, left }: Actual): readonly Step[] {
  return [
    ...groupSteps(places, gateway?.group),
    ...(gateway?.own ? removeGateway(gateway, 'with its public address') : []),
    ...left.flatMap((one) => [...(one.group ? releaseDomains(one.group, one.id) : []), ...leaveGateway(one)]),
  ];
}

function groupSteps({ name, gateway }: ResourceNames, group: ApiGroup | undefined): readonly Step[] {
  if (!gateway || !group) return [];
  const own = 'name' in gateway.group && isOurGroup(name, group);
  return [
    ...group.domains.filter((domain) => own || domain.name === gateway.domain).flatMap((domain) => releaseDomain(domain)),
    ...(own ? [{ change: { do: 'remove-api-group', id: group.id }, what: `remove the API group ${group.name}` } as const] : []),
  ];
}

function logSteps({ logs, name }: ResourceNames, actual: Actual): readonly Step[] {
  if (!logs || !actual.logs) return [];
  if ('name' in logs.group)
    return [
      {
        change: { do: 'remove-log-group', id: actual.logs.groupId },
        what: `remove the log group ${actual.logs.groupName} with its contents`,
      },
    ];
  const streams = ['webhook', 'scaler', 'reaper']
    .map((key) => `${name}-${key}`)
    .filter((stream) => actual.logs?.streams[stream] !== undefined);
  return streams.map((stream) => ({ change: { do: 'remove-log-stream', name: stream }, what: `remove the log stream ${stream}` }));
}

function identitySteps({ agency }: ResourceNames, actual: Actual): readonly Step[] {
  if (!agency.create) return [];
  const there = actual.agency && actual.agency !== 'unread' ? actual.agency : undefined;
  return [
    ...(there ? [{ change: { do: 'remove-agency', id: there.id }, what: `remove the agency ${agency.name}` } as const] : []),
    ...agency.policies.flatMap(({ name }) => {
      const policy = actual.policies[name];
      return policy ? [{ change: { do: 'remove-policy', id: policy.id }, what: `remove the IAM policy ${name}` } as const] : [];
    }),
  ];
}
