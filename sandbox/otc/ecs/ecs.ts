import { Hono } from 'hono';
import * as z from 'zod';
import type { SandboxContext } from '../../context.ts';
import type { FaultLayer, SandboxEnv } from '../../http.ts';
import { ErrorFormats } from '../error-formats.ts';
import type { EcsFleet } from './fleet.ts';
import { pageOf, tagFilter } from './list.ts';
import { type Refused, readCreate } from './request.ts';
import { flavorView, limitsView, operationView, serverView } from './view.ts';

const DeleteBody = z.object({
  servers: z
    .array(z.object({ id: z.string() }))
    .min(1)
    .max(1000),
  delete_publicip: z.boolean().optional(),
  delete_volume: z.boolean().optional(),
});
const Tag = z.object({ key: z.string().regex(/^[A-Za-z0-9_-]{1,36}$/), value: z.string().regex(/^[A-Za-z0-9_-]{0,43}$/) });
const TagBody = z.object({
  action: z.enum(['create', 'delete']),
  tags: z.array(Tag.extend({ value: Tag.shape.value.default('') })).max(10),
});

const NOT_FOUND = new Set(['Ecs.0114', 'Ecs.0614']);

/** The ECS v1 calls, below `/v1/{project_id}` (OTC ECS API reference, "APIs (Recommended)"). Access has been checked before. */
export function ecsApp(ctx: SandboxContext, fleet: EcsFleet, projectId: string, operation: FaultLayer): Hono<SandboxEnv> {
  const say = new ErrorFormats(ctx);
  const app = new Hono<SandboxEnv>();
  const refuse = ({ code, message, detail }: Refused) =>
    say.ecs(NOT_FOUND.has(code) ? 404 : 400, code, message, detail ? [detail] : undefined);
  const illegal = () => say.ecs(400, 'Ecs.0005', 'request body is illegal.');
  const missing = (id: string) => refuse({ code: 'Ecs.0114', message: `Instance[${id}] could not be found.` });

  app.post('/cloudservers', operation('ecs.create'), async (c) => {
    const order = readCreate(await c.req.json().catch(() => undefined), fleet.catalogue);
    if ('code' in order) return refuse(order);
    if (order.dryRun) return say.json({}, 202);
    const created = fleet.create(order);
    return 'code' in created ? refuse(created) : say.json({ job_id: created.operationId, serverIds: created.serverIds });
  });

  app.get('/cloudservers/detail', operation('ecs.list'), (c) => {
    const page = pageOf(fleet.listed(), c.req.query());
    return page ? say.json({ count: page.count, servers: page.vms.map((vm) => serverView(vm, projectId)) }) : illegal();
  });

  app.post('/cloudservers/delete', operation('ecs.delete'), async (c) => {
    const body = DeleteBody.safeParse(await c.req.json().catch(() => undefined));
    if (!body.success) return illegal();
    const ids = body.data.servers.map((s) => s.id);
    const deleted = fleet.delete(ids, body.data.delete_publicip);
    return 'code' in deleted ? refuse(deleted) : say.json({ job_id: deleted.id });
  });

  app.get('/cloudservers/limits', operation('ecs.quotas'), () => say.json(limitsView(fleet)));

  app.get('/cloudservers/flavors', operation('ecs.flavors'), (c) => {
    const zone = c.req.query('availability_zone');
    const flavors = zone === undefined ? fleet.catalogue.flavors : fleet.market.buyable(zone);
    return say.json({ flavors: flavors.map((f) => flavorView(f, fleet)) });
  });

  app.get('/cloudservers/tags', operation('ecs.tags'), () => {
    const values = new Map<string, Set<string>>();
    for (const vm of fleet.listed()) {
      for (const [key, value] of Object.entries(vm.tags)) values.set(key, (values.get(key) ?? new Set()).add(value));
    }
    return say.json({ tags: [...values].map(([key, set]) => ({ key, values: [...set] })) });
  });

  app.get('/cloudservers/:id', operation('ecs.show'), (c) => {
    const vm = fleet.known(c.req.param('id'));
    return vm ? say.json({ server: serverView(vm, projectId) }) : missing(c.req.param('id'));
  });

  app.get('/cloudservers/:id/tags', operation('ecs.tags'), (c) => {
    const vm = fleet.known(c.req.param('id'));
    if (!vm) return missing(c.req.param('id'));
    return say.json({ tags: Object.entries(vm.tags).map(([key, value]) => ({ key, value })) });
  });

  app.post('/cloudservers/:id/tags/action', operation('ecs.tag'), async (c) => {
    const vm = fleet.known(c.req.param('id'));
    if (!vm) return missing(c.req.param('id'));
    const body = TagBody.safeParse(await c.req.json().catch(() => undefined));
    if (!body.success) return illegal();
    const tags = new Map(Object.entries(vm.tags));
    for (const { key, value } of body.data.tags) {
      if (body.data.action === 'create') tags.set(key, value);
      else tags.delete(key);
    }
    if (tags.size > 10) return say.ecs(400, 'Ecs.0908', 'The number of tags exceeds the limit.');
    vm.tags = Object.fromEntries(tags);
    return say.empty(204);
  });

  app.post('/servers/resource_instances/action', operation('ecs.filter'), async (c) => {
    const found = tagFilter(fleet.listed(), await c.req.json().catch(() => undefined));
    return found ? say.json(found) : illegal();
  });

  app.get('/jobs/:id', operation('ecs.operation'), (c) => {
    const found = fleet.operation(c.req.param('id'));
    return found ? say.json(operationView(found)) : say.json({ code: 'Common.0011', message: 'The jobId is not exist' }, 400);
  });
  return app;
}
