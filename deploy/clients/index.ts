import type { Cloud, Store } from '../../lib/app/ports/index.ts';
import type { Config } from '../../lib/config/load/parse.ts';
import { defined } from '../../lib/core/defined.ts';
import type { Credentials } from '../../lib/otc/credentials.ts';
import { Ecs } from '../../lib/otc/ecs/client.ts';
import { OtcHttp } from '../../lib/otc/http.ts';
import { Obs } from '../../lib/otc/obs/client.ts';
import { BucketWebsite } from '../../lib/otc/obs/website.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import type { Provider } from '../inputs/schema-provider.ts';
import { BucketAdmin } from './bucket.ts';
import { FunctionGraphAdmin } from './fgs.ts';
import { Gateways } from './gateways.ts';
import { accountOf, IamAdmin } from './iam.ts';
import { LogAdmin } from './lts.ts';

export interface Clients {
  readonly fgs: FunctionGraphAdmin;
  readonly lts: LogAdmin;
  readonly bucket: BucketAdmin;
  /** The same bucket's policy. */
  readonly site: BucketWebsite;
  readonly gateways: Gateways;
  /** Asks once which account the project belongs to. */
  iam(): Promise<IamAdmin>;
  /** The farm's servers and objects, as the scaler sees them. */
  cloud(): Pick<Cloud, 'servers'>;
  store(): Store;
}

export interface ClientsInputs {
  readonly provider: Provider;
  readonly config: Config;
  readonly region: string;
  readonly projectId: string;
  readonly credentials: Credentials;
  /** Per call, in real milliseconds. */
  readonly deadlineMs?: number;
  readonly backoffMs?: number;
}

/** A zip on its way, and a service that thinks. */
const DEADLINE_MS = 60_000;

export function openClients({
  provider,
  config,
  region,
  projectId,
  credentials,
  deadlineMs = DEADLINE_MS,
  backoffMs,
}: ClientsInputs): Clients {
  const { endpoints } = provider;
  const patience = { deadlineMs, ...defined({ backoffMs }) };
  const common = { credentials, projectId, clock: systemClock, ...patience };
  const http = new OtcHttp(common);
  const at = (service: 'functiongraph' | 'apig' | 'lts', other?: string) =>
    endpoints[service] ?? other ?? `https://${service}.${region}.${config.otc.domain}`;
  const iamAt = endpoints.iam ?? config.otc.endpoints.iam;
  let iam: Promise<IamAdmin> | undefined;
  const openIam = async () => {
    const account = await accountOf(http, iamAt, projectId);
    return new IamAdmin({ http: new OtcHttp({ ...common, domainId: account }), endpoint: iamAt, account });
  };
  const scheme = config.bucket.dialect === 's3-v2' ? 'aws' : 'obs';
  const store = {
    endpoint: endpoints.obs ?? config.otc.endpoints.obs,
    bucket: config.bucket.name,
    credentials,
    clock: systemClock,
    scheme,
    ...patience,
  } as const;
  // Where the functions run in scaler.yml's own region, its addresses (of a sandbox, say) are theirs, too.
  const own = region === config.otc.region ? config.otc.endpoints.functiongraph : undefined;
  return {
    fgs: new FunctionGraphAdmin({ http, endpoint: at('functiongraph', own), projectId }),
    lts: new LogAdmin({ http, endpoint: at('lts'), projectId }),
    bucket: new BucketAdmin(store, config.otc.region),
    site: new BucketWebsite(store),
    gateways: new Gateways({ http, endpoint: at('apig'), projectId }),
    iam: () => {
      iam ??= openIam();
      return iam;
    },
    cloud: () => {
      const { projectId: farm, endpoints: addresses } = config.otc;
      const own = new OtcHttp({ ...common, projectId: farm });
      return new Ecs({ http: own, endpoint: addresses.ecs, projectId: farm, installation: config.settings.installation });
    },
    store: () => new Obs(store),
  };
}
