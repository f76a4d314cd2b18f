import { AccessError, describeError, type ScalerError, ThrottledError } from '../../core/errors.ts';
import type { CallOptions } from '../ports/index.ts';
import { type CheckName, error, type Result, unknown } from './findings.ts';
import type {
  CloudSurvey,
  DoctorServices,
  FlavorView,
  SecurityGroupView,
  ServerTime,
  Subject,
  SubnetView,
  TokenView,
  VpcView,
} from './types.ts';

/** One examination: what several checks want to know is asked once. */
export interface DoctorContext {
  readonly subject: Subject;
  readonly services: DoctorServices;
  readonly options: CallOptions;
  readonly reads: CachedReads;
}

export interface CachedReads {
  readonly flavors: () => Promise<readonly FlavorView[]>;
  readonly vpcs: () => Promise<readonly VpcView[]>;
  readonly subnets: () => Promise<readonly SubnetView[]>;
  readonly securityGroups: () => Promise<readonly SecurityGroupView[]>;
  readonly token: () => Promise<TokenView>;
  readonly gitlabTime: () => Promise<ServerTime>;
}

export function createContext(subject: Subject, services: DoctorServices, options: CallOptions): DoctorContext {
  const ask = <T>(call: (cloud: CloudSurvey) => Promise<T>) => once(async () => await call(cloudOf(services)));
  const reads: CachedReads = {
    flavors: ask((cloud) => cloud.allFlavors(options)),
    vpcs: ask((cloud) => cloud.vpcs(options)),
    subnets: ask((cloud) => cloud.subnets(options)),
    securityGroups: ask((cloud) => cloud.securityGroups(options)),
    gitlabTime: once(() => services.gitlabTime(options)),
    token: once(async () => await forgeOf(services).token(options)),
  };
  return { subject, services, options, reads };
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let asked: Promise<T> | undefined;
  return () => {
    asked ??= work();
    return asked;
  };
}

/** A part of the services that cannot be asked because a secret is missing. */
class NotConnected extends Error {}

export function cloudOf({ cloud }: DoctorServices): CloudSurvey {
  if (!cloud) throw new NotConnected('OTC_ACCESS_KEY and OTC_SECRET_KEY are not set');
  return cloud;
}

export function forgeOf({ forge }: DoctorServices): NonNullable<DoctorServices['forge']> {
  if (!forge) throw new NotConnected('GITLAB_TOKEN is not set');
  return forge;
}

export function bucketOf({ bucket }: DoctorServices): NonNullable<DoctorServices['bucket']> {
  if (!bucket) throw new NotConnected('OTC_ACCESS_KEY and OTC_SECRET_KEY are not set');
  return bucket;
}

/** Rights that the farm itself needs (docs/deploy.md). Other reads are the examination's own, and worth only a note. */
const NEEDED: Partial<Readonly<Record<CheckName, string>>> = {
  keys: 'ecs:cloudServerQuotas:get',
  quotas: 'ecs:cloudServerQuotas:get and ecs:cloudServers:list',
  flavors: 'ecs:cloudServerFlavors:get',
  images: 'ims:images:list',
};

/** Codes with which keys as such are refused, whatever is asked (OTC ECS and API Gateway references, error codes). */
const KEY_CODES = new Set(['APIG.0301', 'APIG.0303', 'APIG.0307', 'Common.0013', 'http-401']);

export function keysRefused(failure: unknown): failure is AccessError {
  return failure instanceof AccessError && KEY_CODES.has(failure.code);
}

/** What is said of a check that could not be made. */
export function unavailable(name: CheckName, failure: unknown): Result {
  if (failure instanceof NotConnected) return unknown(name, `not checked: ${failure.message}`, 'set the secrets in the environment.');
  const right = NEEDED[name];
  if (failure instanceof AccessError && !keysRefused(failure) && right !== undefined) {
    return error('right-missing', describe(failure), `give the keys, and the agency of the functions, ${right} (docs/deploy.md, Rights).`);
  }
  if (failure instanceof AccessError) {
    return unknown(
      name,
      `not allowed to read this: ${describe(failure)}`,
      'run doctor with keys that may read this, or check it in the console.',
    );
  }
  if (failure instanceof ThrottledError)
    return unknown(name, `the service is busy: ${describe(failure)}`, 'run doctor again in a few minutes.');
  return unknown(
    name,
    `could not be checked: ${describe(failure)}`,
    'run doctor again; if this persists, check whether the service works.',
  );
}

/** The message where it is ours; the adapters' messages hold no secret. */
export function describe(failure: unknown): string {
  return describeError(failure).message;
}

export function isCode(failure: ScalerError, ...codes: readonly string[]): boolean {
  return codes.includes(failure.code);
}
