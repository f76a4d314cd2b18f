import { ConfigError } from '../core/errors.ts';

const SERVICES = ['ecs', 'ims', 'iam', 'vpc', 'obs', 'functiongraph'] as const;

export type Service = (typeof SERVICES)[number];

export interface EndpointSettings {
  /** e.g. `eu-de`. */
  readonly region: string;
  /** What follows the region in a host name; `otc.t-systems.com` when absent. The Swiss cloud has another one. */
  readonly domain?: string;
  /** Base URLs that replace the pattern, e.g. FunctionGraph's, which exists in eu-de only, or a sandbox. */
  readonly overrides?: Partial<Readonly<Record<Service, string>>>;
}

/** Base URLs without a slash at the end. Throws `ConfigError` for one that is no http(s) URL. Source: OTC, regions and endpoints. */
export function endpoints(settings: EndpointSettings): Readonly<Record<Service, string>> {
  const { region, domain = 'otc.t-systems.com', overrides = {} } = settings;
  const url = (service: Service) => baseUrl(service, overrides[service] ?? `https://${service}.${region}.${domain}`);
  return {
    ecs: url('ecs'),
    ims: url('ims'),
    iam: url('iam'),
    vpc: url('vpc'),
    obs: url('obs'),
    functiongraph: url('functiongraph'),
  };
}

function baseUrl(service: Service, text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const plain =
    url && (url.protocol === 'https:' || url.protocol === 'http:') && url.search === '' && url.hash === '' && url.username === '';
  if (!plain) throw new ConfigError('endpoint-invalid', `the endpoint of ${service} is no plain http or https URL`);
  return text.replace(/\/+$/, '');
}
