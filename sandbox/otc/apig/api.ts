import * as z from 'zod';
import type { SandboxRequest } from '../../http.ts';
import type { Service } from '../error-formats.ts';
import { Refused } from '../refused.ts';
import type { Apig } from './apig.ts';
import { bodyOf, groupOf, instanceOf, registerDomains } from './domains.ts';
import type { GatewayInstance } from './types.ts';
import { apiView, groupView, instanceView, progressView } from './view.ts';

const GroupBody = z.strictObject({
  name: z.string().regex(/^[A-Za-z][\w-]{2,63}$/, '3 to 64 letters, digits, _ and -, a letter first'),
  remark: z.string().max(255).default(''),
});
/** A public address is charged by bandwidth or by traffic; the order must name which. */
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

const ROOT = '/v2/:project/apigw/instances';

/** Dedicated gateways (OTC APIG API reference, "Dedicated Gateway APIs (V2)"). */
export function registerApig(service: Service, apig: Apig): void {
  registerInstances(service, apig);
  registerGroups(service, apig);
  registerDomains(service, apig);
}

function registerInstances({ app, operation, respond }: Service, apig: Apig): void {
  const view = (i: GatewayInstance) => instanceView(i, apig.stateOf(i));

  app.get(ROOT, operation('apig.instances'), () => {
    const instances = [...apig.instances.values()].map(view);
    return respond.json({ total: instances.length, size: instances.length, instances });
  });

  app.post(ROOT, operation('apig.instance-create'), async (c) => {
    const order = await bodyOf(c, InstanceBody);
    const { id } = apig.createInstance({
      name: order.instance_name,
      description: order.description,
      spec: order.spec_id,
      vpcId: order.vpc_id,
      subnetId: order.subnet_id,
      securityGroupId: order.security_group_id,
      isPublic: order.ingress_bandwidth_size !== undefined,
    });
    return respond.json({ instance_id: id, message: 'Job created successfully' }, 202);
  });

  app.get(`${ROOT}/:instance`, operation('apig.instance'), (c) => respond.json(view(instanceOf(c, apig))));

  app.get(`${ROOT}/:instance/progress`, operation('apig.instance-progress'), (c) => {
    const instance = instanceOf(c, apig);
    return respond.json(progressView(instance, apig.stateOf(instance)));
  });

  app.delete(`${ROOT}/:instance`, operation('apig.instance-delete'), (c) => {
    apig.deleteInstance(instanceOf(c, apig));
    return respond.empty(204);
  });

  app.get(`${ROOT}/:instance/apis`, operation('apig.apis'), (c) => {
    const instance = instanceOf(c, apig);
    const { group_id, name = '' } = c.req.query();
    const wanted = [...instance.apis.values()].filter((api) => [undefined, api.groupId].includes(group_id) && api.name.includes(name));
    const page = pageOf(c, wanted);
    return respond.json({ total: wanted.length, size: page.length, apis: page.map((api) => apiView(api, instance)) });
  });
}

function registerGroups({ app, operation, respond }: Service, apig: Apig): void {
  app.get(`${ROOT}/:instance/api-groups`, operation('apig.groups'), (c) => {
    const { name = '' } = c.req.query();
    // A part of the name is enough, as outside: a client that wants one group compares names itself.
    const wanted = [...instanceOf(c, apig).groups.values()].filter((g) => g.name.includes(name));
    const page = pageOf(c, wanted);
    return respond.json({ total: wanted.length, size: page.length, groups: page.map(groupView) });
  });

  app.post(`${ROOT}/:instance/api-groups`, operation('apig.group-create'), async (c) => {
    const instance = instanceOf(c, apig);
    const { name, remark } = await bodyOf(c, GroupBody);
    if (!apig.ready(instance)) throw new Refused(400, 'APIG.3711', 'The instance is not running.');
    return respond.json(groupView(apig.createGroup(instance, name, remark)), 201);
  });

  app.get(`${ROOT}/:instance/api-groups/:group`, operation('apig.group'), (c) => respond.json(groupView(groupOf(c, apig))));

  app.delete(`${ROOT}/:instance/api-groups/:group`, operation('apig.group-delete'), (c) => {
    apig.deleteGroup(instanceOf(c, apig), groupOf(c, apig));
    return respond.empty(204);
  });
}

function pageOf<T>(c: SandboxRequest, all: readonly T[]): readonly T[] {
  const offset = Number(c.req.query('offset') ?? 0);
  return all.slice(offset, offset + Number(c.req.query('limit') ?? 20));
}
