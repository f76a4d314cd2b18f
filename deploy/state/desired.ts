import type { Secret } from '../../lib/config/secrets.ts';
import { defined } from '../../lib/core/defined.ts';
import { ConfigError } from '../../lib/core/errors.ts';
import type { FunctionKey } from '../inputs/schema.ts';
import type { FunctionEntry, SecretKey } from '../inputs/schema-functions.ts';
import { urnOf } from '../inputs/targets.ts';
import { type NameInputs, resourceNames } from './names.ts';
import { farmMark, gatewayName } from './ownership.ts';
import type { Desired, DesiredAsync, DesiredFunction, DesiredTrigger } from './types.ts';

/** FunctionGraph's newest Node.js; the runtime of a function can never be changed. */
export const RUNTIME = 'Node.js20.15';
/** FunctionGraph as IAM knows it. Source: OTC FunctionGraph developer guide, agency of the samples. */
export const TRUSTED = 'op_svc_cff';

export interface DesiredInputs extends NameInputs {
  /** SHA-512 of each function's zip, in hex. */
  readonly digests: Readonly<Partial<Record<FunctionKey, string>>>;
  readonly secrets: Readonly<Partial<Record<SecretKey, Secret>>>;
  /** Tells secrets from others without telling them: it stands in the function's description. */
  fingerprint(urn: string, secrets: DesiredFunction['secrets']): string;
}

export function desired(inputs: DesiredInputs): Desired {
  return { ...resourceNames(inputs), functions: inputs.outline.keys.map((key) => functionOf(inputs, key)) };
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
    ...defined({ vpc: provider.vpc }),
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
