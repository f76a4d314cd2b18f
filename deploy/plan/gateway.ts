import type { ApiGroup, BoundDomain } from '../clients/apig.ts';
import { isBeingMade, isRunning, wasNotMade } from '../state/gateway-status.ts';
import { madeBy } from '../state/ownership.ts';
import type { Actual, ActualGateway, Desired } from '../state/types.ts';
import type { GroupPlace, Step } from './steps.ts';

/** Before the functions: what their triggers need. */
export function planGateway(desired: Desired, actual: Actual): readonly Step[] {
  const { gateway } = desired;
  if (!gateway) return [];
  const group: Step[] =
    !actual.gateway?.group && 'name' in gateway.group
      ? [
          {
            change: { do: 'create-api-group', name: gateway.group.name },
            what: `create the API group ${gateway.group.name} at the gateway`,
          },
        ]
      : [];
  return [...planInstance(desired, actual), ...group];
}

/** After the functions, so that hooks are cut off only when all else is in place: a domain can be bound once only. */
export function planDomains(desired: Desired, actual: Actual): readonly Step[] {
  return [
    ...actual.left.flatMap(({ id, group }) => (group ? releaseDomains(group, id) : [])),
    // With one that does not run its domains go only when it goes.
    ...actual.left.filter(({ group }) => !group).flatMap(leaveGateway),
    ...planDomain(desired, actual),
    ...actual.left.filter(({ group }) => group).flatMap(leaveGateway),
  ];
}

/** Why a deployment cannot begin. */
export function gatewayProblems(gateway: NonNullable<Desired['gateway']>, actual: Actual['gateway']): readonly string[] {
  const { instance } = gateway;
  const problems: string[] = [];
  if ('name' in instance) {
    if (actual && !actual.own)
      problems.push(
        `a gateway ${instance.name} that this deployment did not create already exists: refer to it with provider.gateway.id ${actual.id}`,
      );
    else if (actual && !isRunning(actual) && !isBeingMade(actual) && !wasNotMade(actual))
      problems.push(
        `the gateway ${instance.name} is ${actual.status}, not Running: try again later; if that does not help, osls remove removes it`,
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
  const failed = there !== undefined && wasNotMade(there);
  const make: Step = {
    change: { do: 'create-gateway', order },
    what: `create the gateway ${name} (${spec}, public address with ${bandwidth} Mbit/s), which costs money from now on for as long as it exists`,
  };
  return [
    ...(failed ? removeGateway(there, 'which could not be created') : []),
    ...(failed || !there ? [make] : []),
    { change: { do: 'await-gateway' }, what: `wait until the gateway ${name} runs: about a quarter of an hour` },
  ];
}

/** Nothing while others use it: see `gatewayNotes`. */
export function removeGateway({ id, name, foreign }: ActualGateway, why: string): readonly Step[] {
  return foreign === 'unread' || foreign.length > 0
    ? []
    : [{ change: { do: 'remove-gateway', id }, what: `remove the gateway ${name}, ${why}` }];
}

/** Gateways that stay and cost although nothing of this deployment needs them, or that nobody could look for. */
export function gatewayNotes(gateways: readonly ActualGateway[], unread?: string): readonly string[] {
  const notes = gateways.flatMap(({ id, name, own, adopted, foreign }) => {
    const stays = (why: string) => `The gateway ${name} (${id}) stays, ${why}. It costs money as long as it exists.`;
    if (adopted) return [stays('although this deployment created it, because serverless.yml refers to it by its id')];
    if (!own || foreign.length === 0) return [];
    return [
      stays(foreign === 'unread' ? 'because its users could not be read' : `because others use it: the API groups ${foreign.join(', ')}`),
    ];
  });
  return unread === undefined
    ? notes
    : [
        ...notes,
        `Not all gateways could be read (${unread}): one that was created earlier with gateway.create may still exist and cost money.`,
      ];
}

/** What serverless.yml says of a gateway counts only when it is made. */
export function orderNotes({ gateway }: Pick<Desired, 'gateway'>, { gateway: there }: Pick<Actual, 'gateway'>): readonly string[] {
  if (!gateway || !('name' in gateway.instance) || !there) return [];
  const { instance } = gateway;
  return (['spec', 'vpcId', 'subnetId', 'securityGroupId'] as const).flatMap((key) => {
    const has = there.made[key];
    return has === undefined || has === instance[key]
      ? []
      : [
          `The gateway ${there.name} has ${key} ${has}, but serverless.yml says ${instance[key]}: the key applies only when the gateway is created, so change it in the console.`,
        ];
  });
}

/** One that was there under its name before may be somebody's. */
export function isOurGroup(name: string, { remark }: ApiGroup): boolean {
  return remark === madeBy(name);
}

function planDomain(desired: Desired, actual: Actual): readonly Step[] {
  const { gateway } = desired;
  if (!gateway) return [];
  const group = actual.gateway?.group;
  const { domain, certificate } = gateway;
  const steps: Step[] = [];
  // In a group that this deployment has made, other domains are those of an earlier configuration.
  const others =
    group && 'name' in gateway.group && isOurGroup(desired.name, group) ? group.domains.filter(({ name }) => name !== domain) : [];
  for (const other of others) steps.push(...releaseDomain(other));
  if (domain === undefined) return steps;
  const bound = group?.domains.find(({ name }) => name === domain);
  if (!bound) steps.push({ change: { do: 'bind-domain', domain }, what: `bind the domain ${domain}` });
  if (!certificate || bound?.certificate?.name === certificate.name) return steps;
  if (bound?.certificate)
    steps.push({
      change: { do: 'unbind-certificate', domain: bound },
      what: `remove the certificate ${bound.certificate.name} from ${domain}`,
    });
  steps.push({
    change: { do: 'bind-certificate', domain, name: certificate.name },
    what: `set the certificate ${certificate.name} for ${domain}`,
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
  const going = gateway.own ? removeGateway(gateway, 'which is no longer configured') : [];
  if (going.length > 0) return going;
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
            what: `remove the certificate ${domain.certificate.name} from ${domain.name}`,
          } as const,
        ]
      : []),
    { change: { do: 'unbind-domain', domain, ...place }, what: `release the domain ${domain.name}` },
  ];
}
