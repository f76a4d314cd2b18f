/** Who makes a call: a deployed function, a person at the command line (`scaler …`), or a deployment (`osls …`). */
export type Caller = 'webhook' | 'scaler' | 'reaper' | 'cli' | 'deploy';

/** What IAM must allow for a call to OTC. */
export interface Right {
  /** Of a custom policy. */
  readonly actions: readonly string[];
  /** A system role, for services that know no actions in custom policies. */
  readonly role?: 'APIG Administrator' | 'Security Administrator';
  readonly usedBy: readonly Caller[];
  /** OTC's documentation names no action for just this call: the nearest one, or what other tools use. The farm does without the call. */
  readonly assumed?: true;
}

const FARM = ['scaler', 'reaper', 'cli'] as const;
/** What removes or records is not the function's that waits for hooks. */
const MINUTE = ['reaper', 'cli'] as const;
const ANY_FUNCTION = { actions: ['functiongraph:function:*'], usedBy: ['deploy'], assumed: true } as const;
const ANY_TRIGGER = { actions: ['functiongraph:trigger:*'], usedBy: ['deploy'], assumed: true } as const;
const GATEWAY = { actions: [], role: 'APIG Administrator', usedBy: ['deploy'] } as const;
const IDENTITY = { actions: [], role: 'Security Administrator', usedBy: ['deploy'] } as const;

/**
 * Every call to OTC that this project can make, by the name that it has in errors. The clients take their names from here, so a call without a line
 * does not compile; the policies in deploy/policies/ are compared with it by test/unit/otc/calls.test.ts. docs/rights.md has the sources.
 * The functions need the names only as types: this module is in no bundle.
 */
export const OTC_CALLS = {
  'functiongraph.wake': { actions: ['functiongraph:function:invokeAsync*'], usedBy: ['webhook', 'cli'] },
  'functiongraph.config': { actions: ['functiongraph:function:getConfig'], usedBy: ['cli'] },

  // A removal looks whether workers are left.
  'ecs.list': { actions: ['ecs:cloudServers:list'], usedBy: [...FARM, 'deploy'] },
  // The address is bought and bound with the server.
  'ecs.create': { actions: ['ecs:cloudServers:createServers', 'vpc:publicIps:create', 'vpc:publicIps:update'], usedBy: FARM },
  // `delete_publicip`: the page of ECS names no dependency for it; releasing an address by itself demands this one.
  'ecs.delete': { actions: ['ecs:cloudServers:deleteServers', 'vpc:publicIps:delete'], usedBy: MINUTE },
  'ecs.operation': { actions: ['ecs:cloudServers:showServer'], usedBy: FARM, assumed: true },
  'ecs.console': { actions: ['ecs:servers:get'], usedBy: MINUTE, assumed: true },
  'ecs.quotas': { actions: ['ecs:cloudServerQuotas:get'], usedBy: FARM },
  'ecs.flavors': { actions: ['ecs:cloudServerFlavors:get'], usedBy: ['cli'] },
  'ecs.zones': { actions: ['ecs:availabilityZones:list'], usedBy: ['cli'] },
  'ecs.key-pairs': { actions: ['ecs:serverKeypairs:list'], usedBy: ['cli'] },
  'ims.images': { actions: ['ims:images:list'], usedBy: FARM },
  'smn.publish': { actions: ['smn:topic:publish'], usedBy: MINUTE },

  'vpc.vpcs': { actions: ['vpc:vpcs:list'], usedBy: ['cli'] },
  'vpc.subnets': { actions: ['vpc:subnets:get'], usedBy: ['cli'] },
  'vpc.security-groups': { actions: ['vpc:securityGroups:get'], usedBy: ['cli'] },
  'vpc.addresses': { actions: ['vpc:networks:get'], usedBy: ['cli'], assumed: true },
  'vpc.quotas': { actions: ['vpc:quotas:list'], usedBy: ['cli'] },
  // Everybody may list the projects that he is in.
  'iam.projects': { actions: [], usedBy: ['cli', 'deploy'] },

  'obs.get': { actions: ['obs:object:GetObject'], usedBy: [...FARM, 'deploy'] },
  'obs.head': { actions: ['obs:object:GetObject'], usedBy: FARM },
  'obs.put': { actions: ['obs:object:PutObject'], usedBy: [...FARM, 'deploy'] },
  'obs.append': { actions: ['obs:object:PutObject'], usedBy: FARM },
  'obs.delete': { actions: ['obs:object:DeleteObject'], usedBy: [...FARM, 'deploy'] },
  // Without it an object that is not there is answered with 403 instead of 404.
  'obs.list': { actions: ['obs:bucket:ListBucket'], usedBy: [...FARM, 'deploy'] },
  'obs.versioning': { actions: ['obs:bucket:GetBucketVersioning'], usedBy: ['cli'] },
  'obs.policy': {
    actions: ['obs:bucket:GetBucketPolicy', 'obs:bucket:PutBucketPolicy', 'obs:bucket:DeleteBucketPolicy'],
    usedBy: ['cli', 'deploy'],
  },
  'obs.website': {
    actions: ['obs:bucket:GetBucketWebsite', 'obs:bucket:PutBucketWebsite', 'obs:bucket:DeleteBucketWebsite'],
    usedBy: ['cli'],
  },
  'obs.bucket-head': { actions: ['obs:bucket:HeadBucket'], usedBy: ['deploy'] },
  'obs.bucket-create': { actions: ['obs:bucket:CreateBucket'], usedBy: ['deploy'] },
  'obs.lifecycle': { actions: ['obs:bucket:GetLifecycleConfiguration'], usedBy: ['deploy'] },
  'obs.lifecycle-update': { actions: ['obs:bucket:PutLifecycleConfiguration'], usedBy: ['deploy'] },

  'fgs.list': { actions: ['functiongraph:function:list'], usedBy: ['deploy'] },
  'fgs.create': { actions: ['functiongraph:function:create'], usedBy: ['deploy'] },
  'fgs.delete': { actions: ['functiongraph:function:delete'], usedBy: ['deploy'] },
  'fgs.config': { actions: ['functiongraph:function:getConfig'], usedBy: ['deploy'] },
  'fgs.config-update': { actions: ['functiongraph:function:updateConfig'], usedBy: ['deploy'] },
  'fgs.code': { actions: ['functiongraph:function:getCode'], usedBy: ['deploy'] },
  'fgs.code-update': { actions: ['functiongraph:function:updateCode'], usedBy: ['deploy'] },
  'fgs.invoke': { actions: ['functiongraph:function:invoke'], usedBy: ['deploy'] },
  'fgs.invoke-async': { actions: ['functiongraph:function:invokeAsync*'], usedBy: ['deploy'] },
  'fgs.max-instance': ANY_FUNCTION,
  'fgs.async': ANY_FUNCTION,
  'fgs.async-update': ANY_FUNCTION,
  'fgs.async-delete': ANY_FUNCTION,
  'fgs.tags': ANY_FUNCTION,
  'fgs.tags-create': ANY_FUNCTION,
  'fgs.tags-delete': ANY_FUNCTION,
  'fgs.lts-log-detail': ANY_FUNCTION,
  'fgs.triggers': ANY_TRIGGER,
  'fgs.triggers-delete': ANY_TRIGGER,
  'fgs.trigger': ANY_TRIGGER,
  'fgs.trigger-create': ANY_TRIGGER,
  'fgs.trigger-update': ANY_TRIGGER,
  'fgs.trigger-delete': ANY_TRIGGER,

  'lts.groups': { actions: ['lts:groups:list'], usedBy: ['deploy'] },
  'lts.group-create': { actions: ['lts:groups:create'], usedBy: ['deploy'] },
  'lts.group-delete': { actions: ['lts:groups:delete'], usedBy: ['deploy'] },
  'lts.streams': { actions: ['lts:topics:list'], usedBy: ['deploy'] },
  'lts.stream-create': { actions: ['lts:topics:create'], usedBy: ['deploy'] },
  'lts.stream-delete': { actions: ['lts:topics:delete'], usedBy: ['deploy'] },
  'lts.query': { actions: ['lts:logs:list'], usedBy: ['deploy'] },

  'apig.instances': GATEWAY,
  'apig.instance': GATEWAY,
  'apig.instance-create': GATEWAY,
  'apig.instance-progress': GATEWAY,
  'apig.instance-delete': GATEWAY,
  'apig.groups': GATEWAY,
  'apig.group': GATEWAY,
  'apig.group-create': GATEWAY,
  'apig.group-delete': GATEWAY,
  'apig.domain-bind': GATEWAY,
  'apig.domain-unbind': GATEWAY,
  'apig.certificate-bind': GATEWAY,
  'apig.certificate-unbind': GATEWAY,
  'apig.apis': GATEWAY,

  'iam.agencies': IDENTITY,
  'iam.agency': IDENTITY,
  'iam.agency-create': IDENTITY,
  'iam.agency-delete': IDENTITY,
  'iam.roles': IDENTITY,
  'iam.role-create': IDENTITY,
  'iam.role-update': IDENTITY,
  'iam.role-delete': IDENTITY,
  'iam.agency-project-roles': IDENTITY,
  'iam.agency-domain-roles': IDENTITY,
  'iam.agency-grant-project': IDENTITY,
  'iam.agency-grant-domain': IDENTITY,
  'iam.agency-revoke-project': IDENTITY,
  'iam.agency-revoke-domain': IDENTITY,
} as const satisfies Readonly<Record<string, Right>>;

/** Names of calls to OTC. */
export type OtcCallName = keyof typeof OTC_CALLS;
/** Names of calls to the object storage. */
export type ObsCallName = Extract<OtcCallName, `obs.${string}`>;
