import { type Actual, type ActualGateway, isRunning } from './actual.ts';
import type { ApiGroup, BoundDomain } from './client-apig.ts';
import type { Desired } from './desired.ts';
import type { GroupPlace, Step } from './steps.ts';

/** The gateway first, then what is at it; domains of an earlier one before, since a domain can be bound once only. */
export function planGateways(desired: Desired, actual: Actual): readonly Step[] {
  return [
    ...planInstance(desired, actual),
    ...actual.left.flatMap(({ id, group }) => (group ? releaseDomains(group, id) : [])),
    ...planGroup(desired, actual),
  ];
}

/** Why a deployment cannot begin. */
export function gatewayProblems(gateway: NonNullable<Desired['gateway']>, actual: Actual['gateway']): readonly string[] {
  const { instance } = gateway;
  const problems: string[] = [];
  if ('name' in instance) {
    if (actual && !actual.own)
      problems.push(
        `there is a gateway ${instance.name} already, which this deployment has not made: refer to it with provider.gateway.id ${actual.id}`,
      );
    return problems;
  }
  if (!actual) return [`the gateway ${instance.id} does not exist in this project: see provider.gateway.id`];
  if (!isRunning(actual)) problems.push(`the gateway ${instance.id} is ${actual.status}, not Running: try again later`);
  if ('id' in gateway.group && !actual.group) problems.push(`the API group ${gateway.group.id} does not exist at this gateway`);
  return problems;
}

/** One that failed to be made is made anew. */
function planInstance({ gateway }: Desired, { gateway: there }: Actual): readonly Step[] {
  if (!gateway || !('name' in gateway.instance) || (there && isRunning(there))) return [];
  const order = gateway.instance;
  const { name, spec, bandwidth } = order;
  const failed = there !== undefined && /fail/i.test(there.status);
  const make: Step = {
    change: { do: 'create-gateway', order },
    what: `create the gateway ${name} (${spec}, public address with ${bandwidth} Mbit/s), which costs from now on for as long as it exists`,
  };
  return [
    ...(failed ? removeGateway(there, 'which could not be made') : []),
    ...(failed || !there ? [make] : []),
    { change: { do: 'await-gateway' }, what: `wait until the gateway ${name} runs: about a quarter of an hour` },
  ];
}

/** Nothing while others use it: see `gatewayNotes`. */
export function removeGateway({ id, name, foreign }: ActualGateway, why: string): readonly Step[] {
  return foreign.length > 0 ? [] : [{ change: { do: 'remove-gateway', id }, what: `remove the gateway ${name}, ${why}` }];
}

/** A gateway of our own that stays although nothing of this deployment needs it. */
export function gatewayNotes(gateways: readonly ActualGateway[]): readonly string[] {
  return gateways.flatMap((gateway) =>
    gateway.own && gateway.foreign.length > 0
      ? [
          `The gateway ${gateway.name} (${gateway.id}) stays, since others use it: the API groups ${gateway.foreign.join(', ')}. It costs as long as it exists.`,
        ]
      : [],
  );
}

function planGroup({ gateway }: Desired, actual: Actual): readonly Step[] {
  if (!gateway) return [];
  const group = actual.gateway?.group;
  const { domain, certificate } = gateway;
  const steps: Step[] = [];
  if (!group && 'name' in gateway.group)
    steps.push({
      change: { do: 'create-api-group', name: gateway.group.name },
      what: `create the API group ${gateway.group.name} at the gateway`,
    });
  // In a group of its own, other domains are those of an earlier configuration.
  const others = 'name' in gateway.group ? (group?.domains ?? []).filter(({ name }) => name !== domain) : [];
  for (const other of others) steps.push(...releaseDomain(other));
  if (domain === undefined) return steps;
  const bound = group?.domains.find(({ name }) => name === domain);
  if (!bound) steps.push({ change: { do: 'bind-domain', domain }, what: `bind the domain ${domain}` });
  if (!certificate || bound?.certificate?.name === certificate.name) return steps;
  if (bound?.certificate)
    steps.push({
      change: { do: 'unbind-certificate', domain: bound },
      what: `take the certificate ${bound.certificate.name} from ${domain}`,
    });
  steps.push({
    change: { do: 'bind-certificate', domain, name: certificate.name },
    what: `give ${domain} the certificate ${certificate.name}`,
  });
  return steps;
}

/** Of a group at a gateway that serverless.yml does not name any more. */
export function releaseDomains({ id, domains }: ApiGroup, instanceId: string): readonly Step[] {
  return domains.flatMap((domain) => releaseDomain(domain, { instanceId, groupId: id }));
}

/** After its domains and triggers are gone. */
export function leaveGateway(gateway: ActualGateway): readonly Step[] {
  const { id, name, group } = gateway;
  if (gateway.own && gateway.foreign.length === 0) return removeGateway(gateway, 'which is not wanted any more');
  if (!group) return [];
  const at = { instanceId: id, groupId: group.id };
  return [{ change: { do: 'remove-api-group', id: group.id, at }, what: `remove the API group ${group.name} from the gateway ${name}` }];
}

export function releaseDomain(domain: BoundDomain, at?: GroupPlace): readonly Step[] {
  const place = at && { at };
  return [
    ...(domain.certificate
      ? [
          {
            change: { do: 'unbind-certificate', domain, ...place },
            what: `take the certificate ${domain.certificate.name} from ${domain.name}`,
          } as const,
        ]
      : []),
    { change: { do: 'unbind-domain', domain, ...place }, what: `release the domain ${domain.name}` },
  ];
}
