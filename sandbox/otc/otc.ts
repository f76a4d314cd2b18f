import { Hono } from 'hono';
import type { SandboxContext } from '../context.ts';
import { type FaultLayer, faultLayer, header, type SandboxEnv } from '../http.ts';
import { registerEcs } from './ecs/ecs.ts';
import type { EcsFleet } from './ecs/fleet.ts';
import { registerIms, registerNeutron, registerVpc } from './ecs/ims-vpc.ts';
import { registerNova } from './ecs/nova.ts';
import { ErrorFormats, type Service } from './error-formats.ts';
import type { Agencies } from './iam/agencies.ts';
import { type Iam, registerIam } from './iam/iam.ts';
import { checkRights } from './iam/permissions.ts';
import { Refused } from './refused.ts';

export interface OtcOptions {
  readonly iam: Iam;
  readonly fleet: EcsFleet;
  readonly projectId: string;
  /** Their policies bind the keys that carry an agency; such keys have no rights when absent. */
  readonly agencies?: Agencies;
  /** Further services on the same port, e.g. FunctionGraph; `operation` checks access. */
  readonly registerRoutes?: (service: Service) => void;
}

/** ECS, IMS, VPC and IAM on one port: their paths do not collide, so the sandbox needs no host names. */
export function otcApp(ctx: SandboxContext, options: OtcOptions): Hono<SandboxEnv> {
  const { iam, fleet, projectId, agencies } = options;
  const respond = new ErrorFormats(ctx);
  const fault = faultLayer(ctx, (c, status, code) => respond.fault(c, status, code));
  const app = new Hono<SandboxEnv>();

  // The fault layer of a route runs first, so that a reset or a gateway's 429 comes before the check of the signature, as outside.
  const operation: FaultLayer = (name) => {
    const inject = fault(name);
    return async (c, next) =>
      inject(c, async () => {
        await iam.check(c);
        const projects = [c.req.param('project'), header(c, 'x-project-id')];
        const isOurs = projects.every((id) => id === undefined || id === projectId);
        if (!isOurs) throw new Refused(400, 'Ecs.0023', 'The project id in the URI differs from that of the credentials.');
        await checkRights(iam.agencyOf(c), agencies, typeof name === 'string' ? name : name(c), c);
        await next();
      });
  };

  const service = { app, operation, respond };
  registerEcs(service, fleet, projectId);
  registerVpc(service, fleet);
  registerNeutron(service, fleet);
  registerNova(service, fleet);
  registerIms(service, fleet);
  registerIam({ app, operation: fault, respond }, iam, agencies);
  options.registerRoutes?.(service);
  app.notFound(() => respond.refusal(404, 'APIG.0101', 'The API does not exist or has not been published in the environment'));
  app.onError((error) => {
    if (error instanceof Refused) return respond.refusal(error.status, error.code, error.message, error.detail);
    if (error instanceof URIError) return respond.refusal(400, 'APIG.0201', 'Bad request');
    return respond.refusal(500, 'APIG.0201', `sandbox: ${error.message}`);
  });
  return app;
}
