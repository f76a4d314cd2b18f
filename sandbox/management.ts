import type { SandboxContext } from './context.ts';
import { registerFunctionApi } from './functiongraph/api.ts';
import { DeployedFunctions } from './functiongraph/deployed.ts';
import type { FunctionGraph } from './functiongraph/functiongraph.ts';
import type { Gateway } from './functiongraph/gateway.ts';
import { registerFunctionManagement } from './functiongraph/manage.ts';
import { Triggers } from './functiongraph/triggers/triggers.ts';
import { functionView } from './functiongraph/view.ts';
import { registerApig } from './otc/apig/api.ts';
import { Apig } from './otc/apig/apig.ts';
import type { Service } from './otc/error-formats.ts';
import type { Agencies } from './otc/iam/agencies.ts';
import { registerAgencies } from './otc/iam/agency-api.ts';
import { DOMAIN_ID, type Iam } from './otc/iam/iam.ts';
import { registerLts } from './otc/lts/api.ts';
import { Lts } from './otc/lts/lts.ts';
import type { Obs } from './otc/obs/obs.ts';

export interface ManagementOptions {
  readonly functions: FunctionGraph;
  readonly gateway: Gateway;
  readonly iam: Iam;
  readonly agencies: Agencies;
  readonly obs: Obs;
  readonly projectId: string;
  readonly region: string;
  /** Names of the dedicated gateways that exist at the start. */
  readonly gateways: readonly string[];
}

/** What a deployment manages: functions with their triggers, gateways, logs. Agencies and buckets exist before it. */
export interface Management {
  readonly deployed: DeployedFunctions;
  readonly apig: Apig;
  readonly lts: Lts;
  registerRoutes(service: Service): void;
  close(): void;
}

export function createManagement(ctx: SandboxContext, options: ManagementOptions): Management {
  const { functions, gateway, iam, agencies, obs, projectId, region, gateways } = options;
  const apig = new Apig(ctx, region, gateways);
  const lts = new Lts(ctx);
  const triggers = new Triggers({ ctx, functions, gateway, apig });
  const deployed = new DeployedFunctions({ ctx, functions, triggers, agencies, lts, obs, projectId, region });
  const view = (name: string) => {
    const found = deployed.find(name);
    return found && functionView(found, projectId, region);
  };
  return {
    deployed,
    apig,
    lts,
    registerRoutes: (service) => {
      registerFunctionApi(service, functions, view);
      registerFunctionManagement({ ...service, deployed, lts, projectId, region });
      registerApig(service, apig);
      registerLts(service, lts);
      registerAgencies(service, { agencies, domainId: DOMAIN_ID, projectIds: () => iam.projects.map((p) => p.id) });
    },
    close: () => deployed.close(),
  };
}
