import { Hono } from 'hono';
import type { SandboxContext } from '../context.ts';
import { type FaultLayer, faultLayer, header, type SandboxEnv } from '../http.ts';
import { ecsApp } from './ecs/ecs.ts';
import type { EcsFleet } from './ecs/fleet.ts';
import { imsApp, neutronApp, vpcApp } from './ecs/ims-vpc.ts';
import { novaApp } from './ecs/nova.ts';
import { ErrorFormats } from './error-formats.ts';
import type { Agencies } from './iam/agencies.ts';
import { type Iam, iamApp } from './iam/iam.ts';
import { withoutRight } from './iam/permissions.ts';

export interface OtcOptions {
  readonly iam: Iam;
  readonly fleet: EcsFleet;
  readonly projectId: string;
  /** Whose policies bind the keys that carry an agency; such keys may do nothing when absent. */
  readonly agencies?: Agencies;
  /** Further services on the same port, e.g. FunctionGraph; they check access themselves or mount below `guarded`. */
  readonly mount?: (app: Hono<SandboxEnv>, operation: FaultLayer) => void;
}

/** ECS, IMS, VPC and IAM on one port: their paths do not collide, so the sandbox needs no host names. */
export function otcApp(ctx: SandboxContext, options: OtcOptions): Hono<SandboxEnv> {
  const { iam, fleet, projectId, agencies } = options;
  const say = new ErrorFormats(ctx);
  const operation = faultLayer(ctx, (c, status, code) => say.fault(c, status, code));
  const app = new Hono<SandboxEnv>();

  // The fault layer of a route runs first, so that a reset or a gateway's 429 comes before the look at the signature, as outside.
  const guarded: FaultLayer = (name) => {
    const fault = operation(name);
    return async (c, next) =>
      fault(c, async () => {
        const refused =
          (await iam.check(c)) ??
          wrongProject(say, projectId, c.req.param('project'), header(c, 'x-project-id')) ??
          (await withoutRight(say, iam.agencyOf(c), agencies, typeof name === 'string' ? name : name(c), c));
        if (refused) c.res = refused;
        else await next();
      });
  };

  app.route('/v1/:project', ecsApp(ctx, fleet, projectId, guarded));
  app.route('/v1/:project', vpcApp(ctx, fleet, guarded));
  app.route('/v2.0', neutronApp(ctx, fleet, guarded));
  app.route('/v2.1/:project', novaApp(ctx, fleet, guarded));
  app.route('/', imsApp(ctx, fleet, guarded));
  app.route('/', iamApp(ctx, iam, operation, agencies));
  options.mount?.(app, guarded);
  app.notFound(() => say.gateway(404, 'APIG.0101', 'The API does not exist or has not been published in the environment'));
  app.onError((error) =>
    error instanceof URIError ? say.gateway(400, 'APIG.0201', 'Bad request') : say.gateway(500, 'APIG.0201', `sandbox: ${error.message}`),
  );
  return app;
}

function wrongProject(say: ErrorFormats, own: string, inPath: string | undefined, inHeader: string | undefined): Response | undefined {
  if ((inPath ?? own) === own && (inHeader ?? own) === own) return undefined;
  return say.ecs(400, 'Ecs.0023', 'The project id in the URI differs from that of the credentials.');
}
