import type { Config } from '../../lib/config/load/parse.ts';
import type { Secret } from '../../lib/config/secrets.ts';
import { parseSubnet } from '../../lib/config/subnet.ts';
import { ConfigError } from '../../lib/core/errors.ts';
import type { ObsScheme } from '../../lib/otc/obs/signer.ts';
import { type ExpiryRule, RULE_PREFIX } from '../clients/bucket.ts';
import type { GrantPlace, PolicyDocument } from '../clients/iam.ts';
import type { FunctionEntry, FunctionKey, SecretKey, Service } from '../inputs/schema.ts';
import { type Outline, urnOf } from '../inputs/targets.ts';
import { farmMark, gatewayName, madeBy } from './ownership.ts';

/** FunctionGraph's newest Node.js; the runtime of a function can never be changed. */
export const RUNTIME = 'Node.js20.15';
/** FunctionGraph as IAM knows it. Source: OTC FunctionGraph developer guide, agency of the samples. */
export const TRUSTED = 'op_svc_cff';

export interface DesiredPolicy {
  readonly name: string;
  /** Global services are granted on the account (AX), the others on projects (XA); a policy may not mix them. */
  readonly type: 'AX' | 'XA';
  readonly document: PolicyDocument;
  readonly grants: readonly GrantPlace[];
}

export type DesiredTrigger =
  | { readonly type: 'TIMER'; readonly name: string; readonly scheduleType: 'Rate' | 'Cron'; readonly schedule: string }
  | {
      readonly type: 'DEDICATEDGATEWAY';
      readonly name: string;
      readonly path: string;
      readonly method: string;
      readonly timeoutMs: number;
    };

export interface DesiredAsync {
  readonly retries: number;
  readonly maxAgeSeconds: number;
  readonly onFailure?: { readonly bucket: string; readonly prefix: string };
}

export interface DesiredFunction {
  readonly key: FunctionKey;
  readonly name: string;
  /** Without a version. */
  readonly urn: string;
  readonly handler: string;
  readonly memorySize: number;
  readonly timeout: number;
  readonly maxInstances: number;
  /** Tells whose the function is and, by their digest, which secrets it has. */
  readonly description: string;
  readonly agency: string;
  readonly secrets: Readonly<Partial<Record<SecretKey, Secret>>>;
  readonly digest: string;
  readonly vpc?: { readonly id: string; readonly subnetId: string };
  readonly async?: DesiredAsync;
  readonly triggers: readonly DesiredTrigger[];
  readonly tags: Readonly<Record<string, string>>;
}

/** A dedicated gateway to be made, with a public address of its own. It costs as long as it exists. */
export interface GatewayOrder {
  readonly name: string;
  /** By this it is known as made by this deployment. */
  readonly description: string;
  readonly spec: string;
  readonly zones: readonly string[];
  readonly vpcId: string;
  readonly subnetId: string;
  readonly securityGroupId: string;
  /** Of the public address, in Mbit/s. */
  readonly bandwidth: number;
  readonly enterpriseProjectId?: string | undefined;
}

export interface Desired {
  /** `<service>-<stage>`: the name of everything that the deployment makes. */
  readonly name: string;
  readonly region: string;
  readonly projectId: string;
  readonly bucket: {
    readonly name: string;
    readonly create: boolean;
    readonly rules: readonly ExpiryRule[];
    /** Networks that may read the counts without a key; empty: everybody. Absent: nobody. */
    readonly countsFor?: readonly string[];
    /** In which dialect a policy is written. */
    readonly scheme: ObsScheme;
  };
  readonly agency: { readonly name: string; readonly create: boolean; readonly policies: readonly DesiredPolicy[] };
  readonly logs?: { readonly group: { readonly name: string; readonly days: number } | { readonly id: string } };
  readonly gateway?: {
    readonly instance: { readonly id: string } | GatewayOrder;
    readonly group: { readonly name: string } | { readonly id: string };
    readonly domain?: string;
    readonly certificate?: { readonly name: string };
  };
  readonly functions: readonly DesiredFunction[];
}

export interface DesiredInputs {
  readonly service: Service;
  readonly outline: Outline;
  readonly config: Config;
  /** SHA-512 of each function's zip, in hex. */
  readonly digests: Readonly<Partial<Record<FunctionKey, string>>>;
  readonly secrets: Readonly<Partial<Record<SecretKey, Secret>>>;
  readonly policies: Readonly<Record<'project' | 'account', PolicyDocument>>;
  /** Tells secrets from others without telling them: it stands in the function's description. */
  fingerprint(urn: string, secrets: DesiredFunction['secrets']): string;
  /** SHA-256 of certificate and key, in hex. */
  readonly certificateDigest?: string;
}

export function desired(inputs: DesiredInputs): Desired {
  const { service, outline: plan, config } = inputs;
  const { provider } = service;
  const gateway = provider.gateway === 'none' ? undefined : provider.gateway;
  const functions = plan.keys.map((key) => functionOf(inputs, key));
  return {
    name: plan.name,
    region: plan.region,
    projectId: plan.projectId,
    bucket: {
      name: config.bucket.name,
      create: provider.bucket.create,
      rules: rulesOf(functions),
      scheme: schemeOf(config),
      ...readersOf(provider.bucket),
    },
    agency: agencyOf(inputs),
    ...(provider.logs && {
      logs: { group: 'groupId' in provider.logs ? { id: provider.logs.groupId } : { name: plan.name, days: provider.logs.days } },
    }),
    ...(gateway && {
      gateway: {
        instance: 'id' in gateway ? { id: gateway.id } : orderOf(gateway.create, plan.name),
        group: 'group' in gateway && 'id' in gateway.group ? gateway.group : { name: gatewayName(plan.name) },
        ...(gateway.domain !== undefined && { domain: gateway.domain }),
        ...(gateway.certificate && {
          certificate: { name: `${gateway.certificate.name}_${(inputs.certificateDigest ?? '').slice(0, 8)}` },
        }),
      },
    }),
    functions,
  };
}

function orderOf(asked: Omit<GatewayOrder, 'name' | 'description'>, name: string): GatewayOrder {
  return { ...asked, name, description: madeBy(name) };
}

function schemeOf({ bucket }: Config): ObsScheme {
  return bucket.dialect === 's3-v2' ? 'aws' : 'obs';
}

function readersOf({ countsFor }: Service['provider']['bucket']): { readonly countsFor?: readonly string[] } {
  if (countsFor === undefined) return {};
  const whole = (text: string) => (text.includes('/') ? text : `${text}/${parseSubnet(text)?.prefix}`);
  return { countsFor: countsFor === 'everybody' ? [] : countsFor.map(whole) };
}

/** docs/deploy.md, "The bucket". Prefixes of two rules may not overlap (OBS). */
function rulesOf(functions: readonly DesiredFunction[]): readonly ExpiryRule[] {
  const rule = (id: string, prefix: string, days: number): ExpiryRule => ({ id: `${RULE_PREFIX}${id}`, prefix, days });
  const failures = new Set(functions.flatMap((f) => f.async?.onFailure?.prefix ?? []));
  return [
    rule('handoff', 'handoff/', 1),
    rule('turnstile', 'state/v1/turnstile/', 14),
    rule('raw', 'counts/v1/raw/', 7),
    ...[...failures].map((prefix, i) => rule(`failures${i === 0 ? '' : i + 1}`, prefix, 30)),
  ];
}

function agencyOf({ service, outline: { name, projectId }, config, policies }: DesiredInputs): Desired['agency'] {
  const { agency } = service.provider;
  if ('name' in agency) return { name: agency.name, create: false, policies: [] };
  const projects = [...new Set([config.otc.projectId, projectId])].map((id) => ({ projectId: id }));
  return {
    name,
    create: true,
    policies: [
      { name: `${name}-project`, type: 'XA', document: policies.project, grants: projects },
      { name: `${name}-account`, type: 'AX', document: policies.account, grants: ['account'] },
    ],
  };
}

function functionOf({ service, outline: plan, config, digests, secrets, fingerprint }: DesiredInputs, key: FunctionKey): DesiredFunction {
  const entry = service.functions[key];
  const digest = digests[key];
  if (!entry || digest === undefined) throw new ConfigError('no-function', `there is no function ${key}`);
  const { provider } = service;
  const name = `${plan.name}-${key}`;
  const own = Object.fromEntries(entry.secrets.flatMap((secret) => (secrets[secret] ? [[secret, secrets[secret]]] : [])));
  const urn = urnOf(plan.region, plan.projectId, name);
  return {
    key,
    name,
    urn,
    handler: entry.handler,
    memorySize: entry.memorySize,
    timeout: entry.timeout,
    maxInstances: entry.maxInstances,
    description: `${farmMark(plan.name, config.bucket.name)}, secrets ${fingerprint(urn, own)}`,
    agency: 'name' in provider.agency ? provider.agency.name : plan.name,
    secrets: own,
    digest,
    ...(provider.vpc && { vpc: provider.vpc }),
    ...(entry.async && { async: asyncOf(entry.async, config.bucket.name) }),
    triggers: provider.gateway === 'none' ? triggersOf(name, entry).filter(({ type }) => type === 'TIMER') : triggersOf(name, entry),
    tags: { ...provider.tags, ...entry.tags },
  };
}

function asyncOf({ retries, maxAge, onFailure }: NonNullable<FunctionEntry['async']>, bucket: string): DesiredAsync {
  return { retries, maxAgeSeconds: maxAge, ...(onFailure && { onFailure: { bucket, prefix: onFailure.obs } }) };
}

function triggersOf(name: string, { events }: FunctionEntry): readonly DesiredTrigger[] {
  let timers = 0;
  let apis = 0;
  return events.map((event) => {
    if ('apig' in event) {
      const { path, method, timeout } = event.apig;
      return { type: 'DEDICATEDGATEWAY', name: numbered(gatewayName(name), '_', ++apis), path, method, timeoutMs: timeout * 1000 };
    }
    const { timer } = event;
    const schedule =
      'rate' in timer
        ? ({ scheduleType: 'Rate', schedule: timer.rate } as const)
        : ({ scheduleType: 'Cron', schedule: timer.cron } as const);
    return { type: 'TIMER', name: numbered(name, '-', ++timers), ...schedule };
  });
}

function numbered(name: string, joint: string, n: number): string {
  return n === 1 ? name : `${name}${joint}${n}`;
}
