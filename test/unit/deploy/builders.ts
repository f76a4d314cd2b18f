import { parseService, type Service } from '../../../deploy/inputs/schema.ts';
import { type DeploySecrets, fingerprint } from '../../../deploy/inputs/secrets.ts';
import { outline } from '../../../deploy/inputs/targets.ts';
import { desired, RUNTIME, TRUSTED } from '../../../deploy/state/desired.ts';
import { madeBy } from '../../../deploy/state/ownership.ts';
import { grantKey } from '../../../deploy/state/read.ts';
import type { Actual, ActualFunction, ActualGateway, Desired, DesiredFunction } from '../../../deploy/state/types.ts';
import { type Config, parseConfig } from '../../../lib/config/load/parse.ts';
import { Secret } from '../../../lib/config/secrets.ts';
import { readersStatement } from '../../../lib/otc/obs/policy.ts';

export type Part = Readonly<Record<string, unknown>>;

const UUID = '0f3c2b1a-1111-4222-8333-444455556666';

/** `gateway.create` of serverless.yml. */
export const NEW_GATEWAY: Part = { zones: ['eu-de-01'], vpcId: UUID, subnetId: UUID, securityGroupId: UUID };

export const PROJECT = '0123456789abcdef0123456789abcdef';

/** The functions of the repository's serverless.yml, in short. */
const FUNCTIONS: Readonly<Record<string, Part>> = {
  webhook: { memorySize: 256, timeout: 10, maxInstances: 50, secrets: ['HOOK_TOKENS'], events: [{ apig: { path: '/gitlab' } }] },
  scaler: { async: { onFailure: { obs: 'failures/' } }, secrets: ['GITLAB_TOKEN'] },
  reaper: { maxInstances: 2, async: {}, secrets: ['GITLAB_TOKEN', 'ALARM_WEBHOOK_URL'], events: [{ timer: { rate: '1m' } }] },
};

export function serviceData(provider: Part = {}, functions: Readonly<Record<string, Part | undefined>> = {}) {
  const merged = Object.entries({ ...FUNCTIONS, ...functions }).flatMap(([key, own]) =>
    own ? [[key, { ...FUNCTIONS[key], ...own }]] : [],
  );
  return {
    service: 'gl-scaler',
    stage: 'prod',
    provider: {
      name: 'otc',
      agency: { create: true },
      bucket: { create: true },
      gateway: { id: 'gateway-1' },
      logs: { days: 14 },
      ...provider,
    },
    functions: Object.fromEntries(merged),
  };
}

export const service = (provider?: Part, functions?: Readonly<Record<string, Part | undefined>>): Service =>
  parseService(serviceData(provider, functions));

export function config(document: Part = {}, otc: Part = {}): Config {
  return parseConfig({
    gitlab: { url: 'https://gitlab.example.com', scope: { group: 'acme' } },
    otc: { region: 'eu-de', project_id: PROJECT, ...otc },
    bucket: { name: 'acme-ci' },
    machine: { image: 'image', flavors: ['s3.large.8'], zones: ['eu-de-01'], vpc_id: UUID, subnet_id: UUID, security_groups: [UUID] },
    pools: [{ name: 'bitbake', tags: ['bitbake'], limit: 19 }],
    ...document,
  });
}

const POLICY = { Version: '1.1', Statement: [{ Effect: 'Allow', Action: ['ecs:cloudServers:list', 'ims:images:list'] }] };

export interface Given {
  readonly service?: Service;
  readonly config?: Config;
  readonly digest?: string;
  readonly secrets?: Readonly<Partial<Record<'GITLAB_TOKEN' | 'HOOK_TOKENS', string>>>;
  readonly certificateDigest?: string;
}

export function desiredOf(given: Given = {}): Desired {
  const { service: of = service(), config: from = config(), digest = 'd1', secrets = {}, certificateDigest } = given;
  const { GITLAB_TOKEN = 'glpat-1', HOOK_TOKENS = 'hook-1' } = secrets;
  return desired({
    service: of,
    outline: outline(of, from),
    config: from,
    digests: { webhook: digest, scaler: digest, reaper: digest },
    secrets: { GITLAB_TOKEN: new Secret(GITLAB_TOKEN), HOOK_TOKENS: new Secret(HOOK_TOKENS) },
    policies: { project: POLICY, account: POLICY },
    fingerprint: remembered,
    ...(certificateDigest !== undefined && { certificateDigest }),
  });
}

/** It is slow on purpose. */
const known = new Map<string, string>();
function remembered(urn: string, secrets: DeploySecrets): string {
  const key = JSON.stringify([urn, Object.entries(secrets).map(([name, secret]) => [name, secret.reveal()])]);
  const digest = known.get(key) ?? fingerprint(urn, secrets);
  known.set(key, digest);
  return digest;
}

export const NOTHING: Actual = {
  bucket: { exists: false, lifecycle: { rules: [], others: [] } },
  policies: {},
  grants: [],
  gateway: gatewayThere(),
  left: [],
  rivals: [],
  functions: {},
};

/** As if all of it had been deployed, by hand. */
export function deployed(wanted: Desired): Actual {
  const policies = Object.fromEntries(wanted.agency.policies.map(({ name, document }) => [name, { id: `id of ${name}`, document }]));
  const grants = wanted.agency.policies.flatMap(({ name, grants: places }) => places.map((place) => grantKey(`id of ${name}`, place)));
  const streams = Object.fromEntries(wanted.functions.map(({ name }) => [name, `stream of ${name}`]));
  const { logs, gateway } = wanted;
  const { name, create, rules, countsFor, scheme } = wanted.bucket;
  return {
    bucket: {
      exists: true,
      lifecycle: { rules: create ? rules : [], others: [] },
      ...(countsFor && { policy: { Statement: [readersStatement('counts', name, countsFor, scheme)] } }),
    },
    agency: { id: 'agency', trusts: TRUSTED },
    policies,
    grants,
    ...(logs && { logs: { groupId: 'logs', groupName: wanted.name, days: 14, streams } }),
    ...(gateway && {
      gateway: {
        ...gatewayThere('name' in gateway.instance),
        group: {
          id: 'group',
          name: 'gl_scaler_prod',
          address: 'group.example.com',
          remark: madeBy(wanted.name),
          domains: gateway.domain === undefined ? [] : [boundDomain(gateway.domain, gateway.certificate?.name)],
        },
      },
    }),
    left: [],
    rivals: [],
    functions: Object.fromEntries(wanted.functions.map((of) => [of.name, functionThere(of, wanted)])),
  };
}

export function gatewayThere(own = false, more: Partial<ActualGateway> = {}): ActualGateway {
  return {
    id: 'gateway-1',
    name: own ? 'gl-scaler-prod' : 'gateway',
    status: 'Running',
    description: '',
    made: {},
    own,
    foreign: [],
    ...more,
  };
}

function boundDomain(name: string, certificate: string | undefined) {
  return {
    id: `domain ${name}`,
    name,
    ...(certificate !== undefined && { certificate: { id: `certificate ${certificate}`, name: certificate } }),
  };
}

function functionThere(of: DesiredFunction, { logs }: Desired): ActualFunction {
  const { name, urn, handler, memorySize, timeout, description, agency, digest, maxInstances, tags, vpc, async } = of;
  return {
    ...{ name, urn, handler, memorySize, timeout, description, agency, digest, maxInstances, tags, runtime: RUNTIME },
    ...(vpc && { vpc }),
    ...(async && { async }),
    ...(logs && { logs: { groupId: 'logs', streamId: `stream of ${name}` } }),
    triggers: of.triggers.map((trigger) => {
      const data: Part =
        trigger.type === 'TIMER'
          ? { schedule_type: trigger.scheduleType, schedule: trigger.schedule }
          : { group_id: 'group', path: trigger.path, req_method: trigger.method, func_info: { timeout: trigger.timeoutMs } };
      return { id: `id of ${trigger.name}`, type: trigger.type, name: trigger.name, active: true, data };
    }),
  };
}
