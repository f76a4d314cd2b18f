import { defined } from '../../lib/core/defined.ts';
import { counted } from '../../lib/core/plural.ts';
import { type DeployInputs, namesOf, openDeployment } from '../inputs/deployment.ts';
import { hookUrl } from '../inputs/hook-url.ts';
import { readActual } from '../state/read.ts';
import type { Actual } from '../state/types.ts';

/** What is deployed. */
export async function info(inputs: DeployInputs): Promise<void> {
  const { output } = inputs;
  const deployment = openDeployment(inputs);
  const { service, outline, config } = deployment;
  const places = namesOf(deployment);
  const actual = await readActual(places, deployment.clients);
  const url = hookUrl(service, actual.gateway?.group?.address ?? '');
  const functions = Object.values(actual.functions).map(({ name, urn, memorySize, timeout, maxInstances, agency, digest, triggers }) => ({
    name,
    urn,
    memorySize,
    timeout,
    maxInstances,
    agency,
    code: digest.slice(0, 12),
    triggers: triggers.map(
      ({ type, active, data }) =>
        `${type === 'TIMER' ? `timer ${String(data.schedule)}` : `${String(data.req_method)} ${String(data.path)}`}${active ? '' : ' (off)'}`,
    ),
  }));
  const facts = {
    name: outline.name,
    region: outline.region,
    project: outline.projectId,
    ...defined({ hookUrl: url }),
    ...(actual.gateway && { gateway: gatewayOf(actual.gateway) }),
    ...(actual.gateway?.group && { group: { name: actual.gateway.group.name, address: actual.gateway.group.address } }),
    left: actual.left.map(gatewayOf),
    bucket: { name: config.bucket.name, exists: actual.bucket.exists },
    agency: { name: places.agency.name, exists: actual.agency !== undefined },
    ...(actual.logs && { logGroup: { name: actual.logs.groupName, days: actual.logs.days } }),
    functions,
  };
  if (output.json) return output.data(JSON.stringify(facts));
  const there = (exists: boolean) => (exists ? '' : ' (does not exist)');
  output.data(
    [
      `deployment  ${facts.name}`,
      `region      ${facts.region}, project ${facts.project}`,
      `hooks       ${url ?? (places.gateway ? 'not complete yet: run osls deploy' : 'no gateway, only the timer')}`,
      ...(facts.gateway ? [lineOfGateway(facts.gateway)] : []),
      ...(facts.group ? [`API group   ${facts.group.name}, ${facts.group.address}`] : []),
      ...facts.left.map((one) => `${lineOfGateway(one)}: no longer configured, osls deploy removes what belongs to this deployment`),
      `bucket      ${facts.bucket.name}${there(facts.bucket.exists)}`,
      `agency      ${facts.agency.name}${there(facts.agency.exists)}`,
      `logs        ${actual.logs ? `${actual.logs.groupName}, ${actual.logs.days === undefined ? '? days' : counted(actual.logs.days, 'day')}` : 'not collected'}`,
      ...(functions.length === 0 ? ['functions   none: run osls deploy'] : functions.map(lineOf)),
    ].join('\n'),
  );
}

function gatewayOf({ id, name, status, address, own }: NonNullable<Actual['gateway']>) {
  return { id, name, status, ...defined({ address }), own };
}

function lineOfGateway({ id, name, status, address, own }: ReturnType<typeof gatewayOf>): string {
  return `gateway     ${name} (${id}), ${status}${address === undefined ? '' : ` at ${address}`}${own ? ', made by this deployment' : ''}`;
}

function lineOf(f: {
  name: string;
  memorySize: number;
  timeout: number;
  maxInstances: number | undefined;
  code: string;
  triggers: readonly string[];
}): string {
  const triggers = f.triggers.length === 0 ? '' : `, ${f.triggers.join(', ')}`;
  return `function    ${f.name}: ${f.memorySize} MB, ${f.timeout} s, at most ${f.maxInstances === undefined ? '? instances' : counted(f.maxInstances, 'instance')}, code ${f.code}${triggers}`;
}
