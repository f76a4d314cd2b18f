import { setTimeout as wait } from 'node:timers/promises';
import { ScalerError } from '../../lib/core/errors.ts';
import type { Clients } from '../clients/index.ts';
import type { Change, Changes, GroupPlace, Step } from '../plan/steps.ts';
import { RUNTIME, TRUSTED } from '../state/desired.ts';
import { madeBy } from '../state/ownership.ts';
import type { Actual, Desired, DesiredFunction, DesiredTrigger } from '../state/types.ts';
import { awaitGateway, type Patience, removeGateway } from './gateway.ts';

/** What is too large or too secret for a plan. */
export interface Material {
  zip(of: DesiredFunction): Uint8Array;
  readonly certificate?: { readonly cert: string; readonly key: string };
}

/** A step that failed. What was done before it stays; the next run goes on from there. */
export class StepError extends Error {}

const NOTE = 'made by otc-gitlab-scaler, removed by osls remove';

/** The ids of what is there, and of what the steps so far have made. */
interface Known extends Patience {
  readonly clients: Clients;
  readonly name: string;
  readonly collectsLogs: boolean;
  readonly material: Material;
  readonly policies: Map<string, string>;
  readonly streams: Map<string, string>;
  readonly domains: Map<string, string>;
  /** The gateway's id. */
  instanceId: string;
  agency: string;
  logGroup: { readonly id: string; readonly name: string };
  apiGroup: { readonly id: string; readonly name: string; readonly address: string };
}

export interface ApplyInputs {
  readonly clients: Clients;
  readonly desired: Pick<Desired, 'name' | 'logs' | 'gateway'>;
  readonly actual: Actual;
  readonly material: Material;
  readonly say: (line: string) => void;
  /** Waits so many milliseconds. */
  readonly sleep?: (ms: number) => Promise<unknown>;
}

/** Carries steps out, one after the other; gives the address of the API group, empty without one. Throws `StepError`. */
export async function apply(steps: readonly Step[], inputs: ApplyInputs): Promise<string> {
  const known = knownBefore(inputs);
  for (const [i, step] of steps.entries()) {
    inputs.say(`[${i + 1}/${steps.length}] ${step.what}`);
    try {
      await carryOut(step.change, known);
    } catch (error) {
      if (!(error instanceof ScalerError)) throw error;
      const before = i === 0 ? 'No step was done before it' : `The ${i} steps before it are done`;
      throw new StepError(
        `step ${i + 1} of ${steps.length} failed: ${step.what}\n  ${error.message}\n${before}; fix the cause, then run the same command again: it continues from there.`,
      );
    }
  }
  return known.apiGroup.address;
}

function knownBefore({ clients, desired, actual, material, say, sleep = wait }: ApplyInputs): Known {
  const { logs, gateway, agency } = actual;
  const group = gateway?.group;
  return {
    clients,
    name: desired.name,
    say,
    sleep,
    instanceId: gateway?.id ?? '',
    collectsLogs: desired.logs !== undefined,
    material,
    policies: new Map(Object.entries(actual.policies).map(([name, { id }]) => [name, id])),
    streams: new Map(Object.entries(logs?.streams ?? {})),
    domains: new Map((group?.domains ?? []).map(({ id, name }) => [name, id])),
    agency: agency && agency !== 'unread' ? agency.id : '',
    logGroup: { id: logs?.groupId ?? '', name: logs?.groupName ?? '' },
    apiGroup: { id: group?.id ?? '', name: group?.name ?? '', address: group?.address ?? '' },
  };
}

type Handlers = { readonly [K in keyof Changes]: (change: Change<K>, known: Known) => Promise<void> };

function carryOut<K extends keyof Changes>(change: Change<K>, known: Known): Promise<void> {
  const handler: Handlers[K] = HANDLERS[change.do];
  return handler(change, known);
}

function gatewayOf({ clients, instanceId }: Known, at?: GroupPlace) {
  return clients.gateways.at(at?.instanceId ?? instanceId);
}

const HANDLERS: Handlers = {
  'create-bucket': (_, { clients }) => clients.bucket.create(),
  'set-bucket-policy': ({ policy }, { clients }) => clients.site.setPolicy(policy),
  'set-lifecycle': ({ lifecycle }, { clients }) => clients.bucket.setLifecycle(lifecycle),

  'create-policy': async ({ policy: { name, type, document } }, known) => {
    known.policies.set(name, await (await known.clients.iam()).createPolicy(name, type, NOTE, document));
  },
  'update-policy': async ({ policy: { name, type, document }, id }, { clients }) => {
    await (await clients.iam()).updatePolicy(id, name, type, NOTE, document);
  },
  'create-agency': async ({ name }, known) => {
    known.agency = await (await known.clients.iam()).createAgency(name, TRUSTED, NOTE);
  },
  grant: async ({ policy, place }, { clients, agency, policies }) => {
    await (await clients.iam()).grant(agency, policies.get(policy) ?? '', place);
  },
  'remove-agency': async ({ id }, { clients }) => await (await clients.iam()).removeAgency(id),
  'remove-policy': async ({ id }, { clients }) => await (await clients.iam()).removePolicy(id),

  'create-log-group': async ({ name, days }, known) => {
    known.logGroup = { id: await known.clients.lts.createGroup(name, days), name };
  },
  'create-log-stream': async ({ name }, { clients, logGroup, streams }) => {
    streams.set(name, await clients.lts.createStream(logGroup.id, name));
  },
  'remove-log-stream': ({ name }, { clients, logGroup, streams }) => clients.lts.removeStream(logGroup.id, streams.get(name) ?? ''),
  'remove-log-group': ({ id }, { clients }) => clients.lts.removeGroup(id),

  'create-gateway': async ({ order }, known) => {
    known.instanceId = await known.clients.gateways.create(order);
  },
  'await-gateway': (_, known) => awaitGateway(known.clients.gateways, known.instanceId, known),
  'remove-gateway': ({ id }, known) => removeGateway(known.clients.gateways, id, known.name, known),
  'create-api-group': async ({ name }, known) => {
    known.apiGroup = { name, ...(await gatewayOf(known).createGroup(name, madeBy(known.name))) };
  },
  'remove-api-group': ({ id, at }, known) => gatewayOf(known, at).removeGroup(id),
  'bind-domain': async ({ domain }, known) => {
    known.domains.set(domain, await gatewayOf(known).bindDomain(known.apiGroup.id, domain));
  },
  'unbind-domain': ({ domain, at }, known) => gatewayOf(known, at).unbindDomain(at?.groupId ?? known.apiGroup.id, domain.id),
  'bind-certificate': async ({ domain, name }, known) => {
    const { cert = '', key = '' } = known.material.certificate ?? {};
    await gatewayOf(known).bindCertificate(known.apiGroup.id, known.domains.get(domain) ?? '', { name, cert, key });
  },
  'unbind-certificate': ({ domain, at }, known) =>
    gatewayOf(known, at).unbindCertificate(at?.groupId ?? known.apiGroup.id, domain.id, domain.certificate?.id ?? ''),

  'create-function': async ({ of }, known) => {
    const body = { func_name: of.name, package: 'default', type: 'v2', ...configBody(of, known), ...codeBody(of, known) };
    await known.clients.fgs.create(body);
  },
  'update-code': ({ of }, known) => known.clients.fgs.updateCode(of.urn, codeBody(of, known)),
  // No member of the creation.
  'update-config': ({ of }, known) => {
    const strategy = { strategy_config: { concurrency: of.maxInstances, concurrent_num: 1 } };
    return known.clients.fgs.updateConfig(of.urn, { func_name: of.name, ...configBody(of, known), ...strategy });
  },
  'set-instances': ({ of }, { clients }) => clients.fgs.setMaxInstances(of.urn, of.maxInstances),
  'set-async': ({ of, async: { retries, maxAgeSeconds, onFailure } }, { clients }) =>
    clients.fgs.setAsyncConfig(of.urn, {
      max_async_event_age_in_seconds: maxAgeSeconds,
      max_async_retry_attempts: retries,
      destination_config: onFailure ? { on_failure: { destination: 'OBS', param: JSON.stringify({ ...onFailure, expires: 0 }) } } : {},
    }),
  'remove-async': ({ urn }, { clients }) => clients.fgs.removeAsyncConfig(urn),
  'remove-trigger': ({ urn, trigger }, { clients }) => clients.fgs.removeTrigger(urn, trigger.type, trigger.id),
  'create-trigger': ({ of, trigger }, known) => known.clients.fgs.createTrigger(of.urn, triggerBody(trigger, known)),
  'remove-tags': ({ urn, tags }, { clients }) => clients.fgs.removeTags(urn, tags),
  'add-tags': ({ urn, tags }, { clients }) => clients.fgs.addTags(urn, tags),
  'remove-function': ({ urn }, { clients }) => clients.fgs.remove(urn),
};

/** All of it each time: whether FunctionGraph keeps what is left out is not known. */
function configBody(of: DesiredFunction, { collectsLogs, logGroup, streams }: Known): Readonly<Record<string, unknown>> {
  const secrets = Object.fromEntries(Object.entries(of.secrets).map(([key, secret]) => [key, secret.reveal()]));
  return {
    runtime: RUNTIME,
    handler: of.handler,
    memory_size: of.memorySize,
    timeout: of.timeout,
    description: of.description,
    xrole: of.agency,
    app_xrole: of.agency,
    user_data: '{}',
    encrypted_user_data: JSON.stringify(secrets),
    ...(of.vpc && { func_vpc: { vpc_id: of.vpc.id, subnet_id: of.vpc.subnetId } }),
    enable_lts_log: collectsLogs,
    ...(collectsLogs && {
      log_config: { group_id: logGroup.id, group_name: logGroup.name, stream_id: streams.get(of.name) ?? '', stream_name: of.name },
    }),
  };
}

function codeBody(of: DesiredFunction, { material }: Known): Readonly<Record<string, unknown>> {
  return { code_type: 'zip', code_filename: 'index.zip', func_code: { file: Buffer.from(material.zip(of)).toString('base64') } };
}

/** `match_mode` NORMAL is the exact path. Source: OTC FunctionGraph API reference, "Creating a Trigger". */
function triggerBody(trigger: DesiredTrigger, { apiGroup, instanceId }: Known): Readonly<Record<string, unknown>> {
  const head = { trigger_type_code: trigger.type, trigger_status: 'ACTIVE' };
  if (trigger.type === 'TIMER') {
    const { name, scheduleType, schedule } = trigger;
    return { ...head, event_data: { name, schedule_type: scheduleType, schedule, user_event: '' } };
  }
  return {
    ...head,
    event_data: {
      instance_id: instanceId,
      group_id: apiGroup.id,
      group_name: apiGroup.name,
      sl_domain: apiGroup.address,
      env_id: 'DEFAULT_ENVIRONMENT_RELEASE_ID',
      env_name: 'RELEASE',
      name: trigger.name,
      path: trigger.path,
      protocol: 'HTTPS',
      req_method: trigger.method,
      match_mode: 'NORMAL',
      auth: 'NONE',
      type: 1,
      backend_type: 'FUNCTION',
      func_info: { timeout: trigger.timeoutMs, invocation_type: 'sync', version: 'latest' },
    },
  };
}
