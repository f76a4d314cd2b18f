import type { Config } from '../../lib/config/load/parse.ts';
import { ConfigError } from '../../lib/core/errors.ts';
import type { FunctionKey, Service } from './schema.ts';
import type { FunctionEntry } from './schema-functions.ts';

/** What is known before anything is built: names, places, which functions. */
export interface Outline {
  readonly name: string;
  readonly region: string;
  readonly projectId: string;
  readonly keys: readonly FunctionKey[];
  /** What the configuration of the functions must name as `functions.scaler`; absent: the timer alone scales. */
  readonly scalerFunction?: string;
}

/** Throws `ConfigError` for what serverless.yml and scaler.yml say against each other. */
export function outline(service: Service, config: Config, region = service.provider.region ?? config.otc.region): Outline {
  const { provider } = service;
  const { projectId = config.otc.projectId, gateway } = provider;
  const name = `${service.service}-${service.stage}`;
  const known = provider.endpoints.functiongraph !== undefined;
  if (region !== config.otc.region && provider.projectId === undefined) {
    throw new ConfigError(
      'region-mismatch',
      `the functions' region is ${region}, but scaler.yml has ${config.otc.region}: a project belongs to one region, so set provider.projectId to a project of ${region}`,
    );
  }
  if (region === 'eu-nl' && !known) {
    throw new ConfigError(
      'no-functiongraph',
      'FunctionGraph does not exist in eu-nl: set provider.region to eu-de and provider.projectId to a project in eu-de',
    );
  }
  const keys = gateway === 'none' ? timerKeys(service) : allKeys(service);
  for (const key of keys) checkName(service, key, `${name}-${key}`);
  if (gateway === 'none') return { name, region, projectId, keys };
  const scaler = `${name}-scaler`;
  const here = region === config.otc.region && projectId === config.otc.projectId;
  const scalerFunction = here ? scaler : `${urnOf(region, projectId, scaler)}:latest`;
  const other = config.scalerFunction;
  if (other !== undefined && other !== scaler && other !== scalerFunction) {
    throw new ConfigError(
      'scaler-mismatch',
      `functions.scaler of ${provider.config} is ${other}, but this deployment's is ${scaler}: remove the key, the deployment fills it in`,
    );
  }
  return { name, region, projectId, keys, scalerFunction };
}

/** In the order in which they are deployed: what is called comes before what calls it. */
const ORDER: readonly FunctionKey[] = ['scaler', 'reaper', 'webhook'];

function entries(service: Service): readonly (readonly [FunctionKey, FunctionEntry])[] {
  return ORDER.flatMap((key) => {
    const entry = service.functions[key];
    return entry ? [[key, entry] as const] : [];
  });
}

function timerKeys(service: Service): readonly FunctionKey[] {
  return needTimer(
    service,
    entries(service).flatMap(([key, { events }]) => (events.some((event) => 'timer' in event) ? [key] : [])),
  );
}

function allKeys(service: Service): readonly FunctionKey[] {
  const { webhook, scaler } = service.functions;
  if (!webhook?.events.some((event) => 'apig' in event))
    throw new ConfigError(
      'no-webhook',
      'a gateway needs functions.webhook with an apig event; to use only the timer, set provider.gateway to none',
    );
  if (!scaler)
    throw new ConfigError(
      'no-scaler',
      'a gateway needs functions.scaler, which the webhook calls; to use only the timer, set provider.gateway to none',
    );
  return needTimer(
    service,
    entries(service).map(([key]) => key),
  );
}

function needTimer(service: Service, keys: readonly FunctionKey[]): readonly FunctionKey[] {
  if (service.functions.reaper.events.some((event) => 'timer' in event)) return keys;
  throw new ConfigError(
    'no-timer',
    'functions.reaper needs a timer event, such as { timer: { rate: 1m } }: without it nothing is ever removed',
  );
}

function checkName(service: Service, key: FunctionKey, name: string): void {
  const given = service.functions[key]?.name;
  if (given !== undefined && given !== name)
    throw new ConfigError('name-given', `functions.${key}.name is ${given}; leave it out, the function is called ${name}`);
}

/** Without a version. */
export function urnOf(region: string, projectId: string, name: string): string {
  return `urn:fss:${region}:${projectId}:function:default:${name}`;
}
