import { jsonOf, type SandboxRequest } from '../../http.ts';
import { Refused } from '../refused.ts';
import type { Agencies } from './agencies.ts';

/*
 * Which rights each call needs (OTC API references of ECS, VPC, IMS, FunctionGraph, LTS, SMN and IAM, "Permissions Policies and Supported Actions";
 * user guides of FunctionGraph and APIG, "Custom Policies"). Made from those pages alone: what the scaler believes to need stands elsewhere.
 */

type Actions = readonly string[];
type Needs = Actions | ((body: unknown) => Actions);

const ECS: Readonly<Record<string, Needs>> = {
  'ecs.create': (body) => [
    'ecs:cloudServers:createServers',
    ...(withAddress(body) ? ['vpc:publicIps:create', 'vpc:publicIps:update'] : []),
  ],
  'ecs.list': ['ecs:cloudServers:list'],
  'ecs.show': ['ecs:cloudServers:showServer'],
  'ecs.delete': (body) => [
    'ecs:cloudServers:deleteServers',
    ...(member(body, 'delete_publicip') === true ? ['vpc:publicIps:update', 'vpc:publicIps:delete'] : []),
  ],
  'ecs.quotas': ['ecs:cloudServerQuotas:get'],
  'ecs.flavors': ['ecs:cloudServerFlavors:get'],
  // The reference names no action for reading a task.
  'ecs.operation': [],
  // The reference names none for reading the console; what its other calls depend on.
  'ecs.console': ['ecs:servers:get'],
  'ecs.zones': ['ecs:availabilityZones:list'],
  'ecs.key-pairs': ['ecs:serverKeypairs:list'],
};

const NETWORK: Readonly<Record<string, Needs>> = {
  'ims.images': ['ims:images:list'],
  'vpc.quotas': ['vpc:quotas:list'],
  'vpc.vpcs': ['vpc:vpcs:list'],
  'vpc.subnets': ['vpc:subnets:get'],
  'vpc.security-groups': ['vpc:securityGroups:get'],
  'vpc.addresses': ['vpc:networks:get'],
  'smn.publish': ['smn:topic:publish'],
};

const FUNCTIONS: Readonly<Record<string, Needs>> = {
  'fgs.list': ['functiongraph:function:list'],
  'fgs.create': ['functiongraph:function:create'],
  'fgs.delete': ['functiongraph:function:delete'],
  'fgs.config': ['functiongraph:function:getConfig'],
  'fgs.config-update': ['functiongraph:function:updateConfig'],
  'fgs.code': ['functiongraph:function:getCode'],
  'fgs.code-update': ['functiongraph:function:updateCode'],
  'fgs.max-instance': ['functiongraph:function:updateMaxInstanceConfig'],
  'fgs.async': ['functiongraph:function:getAsyncInvokeConfig'],
  'fgs.async-update': ['functiongraph:function:updateAsyncInvokeConfig'],
  'fgs.async-delete': ['functiongraph:function:deleteAsyncInvokeConfig'],
  'fgs.triggers': ['functiongraph:trigger:list'],
  'fgs.trigger': ['functiongraph:trigger:get'],
  'fgs.trigger-create': ['functiongraph:trigger:create'],
  'fgs.trigger-update': ['functiongraph:trigger:update'],
  'fgs.trigger-delete': ['functiongraph:trigger:delete'],
  'fgs.triggers-delete': ['functiongraph:trigger:batchDelete'],
  'fgs.tags': ['functiongraph:function:getTags'],
  'fgs.tags-create': ['functiongraph:function:createTags'],
  'fgs.tags-delete': ['functiongraph:function:deleteTags'],
  'fgs.lts-log-detail': ['functiongraph:function:getLtsLogDetail'],
  'fgs.invoke': ['functiongraph:function:invoke'],
  'fgs.invoke-async': ['functiongraph:function:invokeAsync'],
};

const OTHERS: Readonly<Record<string, Needs>> = {
  'lts.groups': ['lts:groups:list'],
  'lts.group-create': ['lts:groups:create'],
  'lts.group-delete': ['lts:groups:delete'],
  'lts.streams': ['lts:topics:list'],
  'lts.stream-create': ['lts:topics:create'],
  'lts.stream-delete': ['lts:topics:delete'],
  'lts.query': ['lts:logs:list'],
  'iam.projects': ['iam:projects:listProjects'],
  'iam.agencies': ['iam:agencies:listAgencies'],
  'iam.agency': ['iam:agencies:getAgency'],
  'iam.agency-create': ['iam:agencies:createAgency'],
  'iam.agency-delete': ['iam:agencies:deleteAgency'],
  'iam.roles': ['iam:roles:listRoles'],
  'iam.role': ['iam:roles:getRole'],
  'iam.role-create': ['iam:roles:createRole'],
  'iam.role-update': ['iam:roles:updateRole'],
  'iam.role-delete': ['iam:roles:deleteRole'],
  'iam.agency-project-roles': ['iam:permissions:listRolesForAgencyOnProject'],
  'iam.agency-grant-project': ['iam:permissions:grantRoleToAgencyOnProject'],
  'iam.agency-check-project': ['iam:permissions:checkRoleForAgencyOnProject'],
  'iam.agency-revoke-project': ['iam:permissions:revokeRoleFromAgencyOnProject'],
  'iam.agency-domain-roles': ['iam:permissions:listRolesForAgencyOnDomain'],
  'iam.agency-grant-domain': ['iam:permissions:grantRoleToAgencyOnDomain'],
  'iam.agency-check-domain': ['iam:permissions:checkRoleForAgencyOnDomain'],
  'iam.agency-revoke-domain': ['iam:permissions:revokeRoleFromAgencyOnDomain'],
};

const NEEDS: Readonly<Record<string, Needs>> = { ...ECS, ...NETWORK, ...FUNCTIONS, ...OTHERS };

const FORBIDDEN: Readonly<Record<string, string>> = {
  fgs: 'FSS.0403',
  lts: 'LTS.0003',
  apig: 'APIG.1005',
  iam: 'Forbidden',
  vpc: 'VPC.0004',
  smn: 'SMN.0005',
};

/** Throws a 403 when the agency that calls lacks a right; the account's own keys have every right. Without `agencies`, keys of an agency have none. */
export async function checkRights(
  agency: string | undefined,
  agencies: Agencies | undefined,
  operation: string,
  c: SandboxRequest,
): Promise<void> {
  if (agency === undefined) return;
  const missing = actionsOf(operation, await bodyOf(c)).find((action) => !agencies?.may(agency, { action }));
  if (missing === undefined) return;
  const code = FORBIDDEN[operation.split('.')[0] ?? ''] ?? 'Pdp.0001';
  throw new Refused(403, code, `Policy doesn't allow ${missing} to be performed.`);
}

/** The actions that all must be allowed. Gateways know no finer right than `apig:*`; a call that is not in the tables is for the account alone. */
function actionsOf(operation: string, body: unknown): Actions {
  const [service = '', call = ''] = operation.split('.');
  const needs = service === 'apig' ? [`apig:instances:${call}`] : (NEEDS[operation] ?? ['sandbox:account:only']);
  return typeof needs === 'function' ? needs(body) : needs;
}

function bodyOf(c: SandboxRequest): Promise<unknown> {
  return c.req.method === 'POST' ? jsonOf(c) : Promise.resolve(undefined);
}

function withAddress(body: unknown): boolean {
  return member(member(body, 'server'), 'publicip') !== undefined;
}

function member(value: unknown, name: string): unknown {
  return value !== null && typeof value === 'object' ? Object.entries(value).find(([key]) => key === name)?.[1] : undefined;
}
