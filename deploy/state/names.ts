import type { Config } from '../../lib/config/load/parse.ts';
import { defined } from '../../lib/core/defined.ts';
import { HANDOFF_PREFIX, RAW_PREFIX, TURNSTILE_PREFIX } from '../../lib/core/keys.ts';
import { parseNetwork } from '../../lib/core/network.ts';
import type { ObsScheme } from '../../lib/otc/obs/signer.ts';
import { type ExpiryRule, RULE_PREFIX } from '../clients/bucket.ts';
import type { GatewayOrder } from '../clients/gateways.ts';
import type { PolicyDocument } from '../clients/iam.ts';
import type { Service } from '../inputs/schema.ts';
import type { Outline } from '../inputs/targets.ts';
import { gatewayName, madeBy } from './ownership.ts';
import type { ResourceNames } from './types.ts';

export interface NameInputs {
  readonly service: Service;
  readonly outline: Outline;
  readonly config: Config;
  readonly policies: Readonly<Record<'project' | 'account', PolicyDocument>>;
  /** SHA-256 of certificate and key, in hex; enough to look and to remove is what there is without it. */
  readonly certificateDigest?: string;
}

/** All that a deployment makes or refers to, but for the functions. Builds nothing and needs no secret. */
export function resourceNames(inputs: NameInputs): ResourceNames {
  const { service, outline, config } = inputs;
  const { provider } = service;
  const { name, region, projectId } = outline;
  const gateway = gatewayOf(inputs);
  return {
    name,
    region,
    projectId,
    bucket: {
      name: config.bucket.name,
      create: provider.bucket.create,
      rules: rulesOf(inputs),
      scheme: schemeOf(config),
      ...readersOf(provider.bucket),
    },
    agency: agencyOf(inputs),
    ...(provider.logs && {
      logs: { group: 'groupId' in provider.logs ? { id: provider.logs.groupId } : { name, days: provider.logs.days } },
    }),
    ...defined({ gateway }),
  };
}

function gatewayOf({ service: { provider }, outline: { name }, certificateDigest = '' }: NameInputs): ResourceNames['gateway'] {
  const { gateway } = provider;
  if (gateway === 'none') return undefined;
  return {
    instance: 'id' in gateway ? { id: gateway.id } : orderOf(gateway.create, name),
    group: 'group' in gateway && 'id' in gateway.group ? gateway.group : { name: gatewayName(name) },
    ...defined({ domain: gateway.domain }),
    ...(gateway.certificate && { certificate: { name: `${gateway.certificate.name}_${certificateDigest.slice(0, 8)}` } }),
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
  const whole = (text: string) => (text.includes('/') ? text : `${text}/${parseNetwork(text)?.prefix}`);
  return { countsFor: countsFor === 'everybody' ? [] : countsFor.map(whole) };
}

/** docs/deploy.md, "The bucket". Prefixes of two rules may not overlap (OBS). */
function rulesOf({ service, outline: { keys } }: NameInputs): readonly ExpiryRule[] {
  const rule = (id: string, prefix: string, days: number): ExpiryRule => ({ id: `${RULE_PREFIX}${id}`, prefix, days });
  const failures = new Set(keys.flatMap((key) => service.functions[key]?.async?.onFailure?.obs ?? []));
  return [
    rule('handoff', HANDOFF_PREFIX, 1),
    rule('turnstile', TURNSTILE_PREFIX, 14),
    rule('raw', RAW_PREFIX, 7),
    ...[...failures].map((prefix, i) => rule(`failures${i === 0 ? '' : i + 1}`, prefix, 30)),
  ];
}

function agencyOf({ service, outline: { name, projectId }, config, policies }: NameInputs): ResourceNames['agency'] {
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
