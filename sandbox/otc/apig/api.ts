import type { Hono } from 'hono';
import * as z from 'zod';
import type { SandboxContext } from '../../context.ts';
import type { FaultLayer, SandboxEnv, SandboxRequest } from '../../http.ts';
import { ErrorFormats } from '../error-formats.ts';
import { firstIssue, Refused } from '../refused.ts';
import type { Apig } from './apig.ts';
import { mountDomains } from './domains.ts';
import type { ApigCalls, GatewayInstance } from './types.ts';
import { apiView, groupView, instanceView, progressView } from './view.ts';

const GroupBody = z.strictObject({
  name: z.string().regex(/^[A-Za-z][\w-]{2,63}$/, '3 to 64 letters, digits, _ and -, a letter first'),
  remark: z.string().max(255).default(''),
});
/** A public address is charged by bandwidth or by traffic, and one has to say by which. */
const InstanceBody = z
  .strictObject({
    instance_name: z.string().regex(/^[A-Za-z][\w-]{2,63}$/),
    spec_id: z.enum(['BASIC', 'PROFESSIONAL', 'ENTERPRISE', 'PLATINUM']),
    vpc_id: z.string().min(1),
    subnet_id: z.string().min(1),
    security_group_id: z.string().min(1),
    available_zone_ids: z.array(z.string()).min(1),
    description: z
      .string()
      .max(255)
      .regex(/^[^<>]*$/)
      .default(''),
    bandwidth_size: z.number().int().min(0).optional(),
    ingress_bandwidth_size: z.number().int().min(1).optional(),
    ingress_bandwidth_charging_mode: z.enum(['bandwidth', 'traffic']).optional(),
    loadbalancer_provider: z.literal('elb'),
  })
  .refine((order) => (order.ingress_bandwidth_size === undefined) === (order.ingress_bandwidth_charging_mode === undefined), {
    path: ['ingress_bandwidth_charging_mode'],
    error: 'goes with ingress_bandwidth_size',
  });

/** Dedicated gateways, `/v2/{project_id}/apigw/instances` (OTC APIG API reference, "Dedicated Gateway APIs (V2)"). */
export function mountApig(app: Hono<SandboxEnv>, operation: FaultLayer, ctx: SandboxContext, apig: Apig): void {
  const calls = apigCalls(ctx, apig);
  mountInstances(app, operation, calls, apig);
  mountGroups(app, operation, calls, apig);
  mountDomains(app, operation, calls, apig);
}

function apigCalls(ctx: SandboxContext, apig: Apig): ApigCalls {
  const say = new ErrorFormats(ctx);
  const refuse = ({ status, code, message }: Refused) => say.gateway(status, code, message);
  const instance = (c: SandboxRequest) => {
    const id = c.req.param('instance') ?? '';
    return apig.instances.get(id) ?? refuse(new Refused(404, 'APIG.3030', `The instance does not exist;id:${id}`));
  };
  return {
    say,
    refuse,
    instance,
    body: async (c, schema) => {
      const parsed = schema.safeParse(await c.req.json().catch(() => undefined));
      if (parsed.success) return parsed.data;
      const { at, text } = firstIssue(parsed.error);
      return refuse(new Refused(400, 'APIG.2011', `Invalid parameter value,parameterName:${at}. ${text}`));
    },
    group: (c) => {
      const found = instance(c);
      if (found instanceof Response) return found;
      const id = c.req.param('group') ?? '';
      return found.groups.get(id) ?? refuse(new Refused(404, 'APIG.3001', `API group ${id} does not exist`));
    },
  };
}

const ROOT = '/v2/:project/apigw/instances';

function mountInstances(app: Hono<SandboxEnv>, operation: FaultLayer, { say, refuse, body, instance }: ApigCalls, apig: Apig): void {
  const view = (i: GatewayInstance) => instanceView(i, apig.stateOf(i));

  app.get(ROOT, operation('apig.instances'), () => {
    const instances = [...apig.instances.values()].map(view);
    return say.json({ total: instances.length, size: instances.length, instances });
  });

  app.post(ROOT, operation('apig.instance-create'), async (c) => {
    const order = await body(c, InstanceBody);
    if (order instanceof Response) return order;
    const made = apig.createInstance({
      name: order.instance_name,
      description: order.description,
      spec: order.spec_id,
      vpcId: order.vpc_id,
      subnetId: order.subnet_id,
      securityGroupId: order.security_group_id,
      isPublic: order.ingress_bandwidth_size !== undefined,
    });
    return made instanceof Refused ? refuse(made) : say.json({ instance_id: made.id, message: 'Job created successfully' }, 202);
  });

  app.get(`${ROOT}/:instance`, operation('apig.instance'), (c) => {
    const found = instance(c);
    return found instanceof Response ? found : say.json(view(found));
  });

  app.get(`${ROOT}/:instance/progress`, operation('apig.instance-progress'), (c) => {
    const found = instance(c);
    if (found instanceof Response) return found;
    return say.json(progressView(found, apig.stateOf(found)));
  });

  app.delete(`${ROOT}/:instance`, operation('apig.instance-delete'), (c) => {
    const found = instance(c);
    if (found instanceof Response) return found;
    apig.deleteInstance(found);
    return say.empty(204);
  });

  app.get(`${ROOT}/:instance/apis`, operation('apig.apis'), (c) => {
    const found = instance(c);
    if (found instanceof Response) return found;
    const { group_id, name } = c.req.query();
    const wanted = [...found.apis.values()].filter(
      (api) => (group_id === undefined || api.groupId === group_id) && (name === undefined || api.name.includes(name)),
    );
    const { page, total } = pageOf(c, wanted);
    return say.json({ total, size: page.length, apis: page.map((api) => apiView(api, found)) });
  });
}

function mountGroups(app: Hono<SandboxEnv>, operation: FaultLayer, calls: ApigCalls, apig: Apig): void {
  const { say, refuse, body, instance } = calls;

  app.get(`${ROOT}/:instance/api-groups`, operation('apig.groups'), (c) => {
    const found = instance(c);
    if (found instanceof Response) return found;
    const { name } = c.req.query();
    // A part of the name will do, as outside: who looks for one group compares for himself.
    const { page, total } = pageOf(
      c,
      [...found.groups.values()].filter((g) => name === undefined || g.name.includes(name)),
    );
    return say.json({ total, size: page.length, groups: page.map(groupView) });
  });

  app.post(`${ROOT}/:instance/api-groups`, operation('apig.group-create'), async (c) => {
    const found = instance(c);
    if (found instanceof Response) return found;
    const order = await body(c, GroupBody);
    if (order instanceof Response) return order;
    if (!apig.ready(found)) return refuse(new Refused(400, 'APIG.3711', 'The instance is not running.'));
    const made = apig.createGroup(found, order.name, order.remark);
    return made instanceof Refused ? refuse(made) : say.json(groupView(made), 201);
  });

  app.get(`${ROOT}/:instance/api-groups/:group`, operation('apig.group'), (c) => {
    const group = calls.group(c);
    return group instanceof Response ? group : say.json(groupView(group));
  });

  app.delete(`${ROOT}/:instance/api-groups/:group`, operation('apig.group-delete'), (c) => {
    const found = instance(c);
    if (found instanceof Response) return found;
    const refused = apig.deleteGroup(found, c.req.param('group'));
    return refused ? refuse(refused) : say.empty(204);
  });
}

function pageOf<T>(c: SandboxRequest, all: readonly T[]): { readonly page: readonly T[]; readonly total: number } {
  const offset = Number(c.req.query('offset') ?? 0);
  return { page: all.slice(offset, offset + Number(c.req.query('limit') ?? 20)), total: all.length };
}
