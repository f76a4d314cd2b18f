import * as z from 'zod';
import { jsonOf } from '../../http.ts';
import type { Service } from '../error-formats.ts';
import { checked, found, Refused } from '../refused.ts';
import type { EcsFleet } from './fleet.ts';
import { ListQuery, pageOf } from './list.ts';
import { readCreate } from './request.ts';
import { flavorView, limitsView, operationView, serverView } from './view.ts';

const DeleteBody = z.object({
  servers: z
    .array(z.object({ id: z.string() }))
    .min(1)
    .max(1000),
  delete_publicip: z.boolean().optional(),
  delete_volume: z.boolean().optional(),
});
const illegal = () => new Refused(400, 'Ecs.0005', 'request body is illegal.');

/** The ECS v1 calls, below `/v1/{project_id}` (OTC ECS API reference, "APIs (Recommended)"). */
export function registerEcs({ app: root, operation, respond }: Service, fleet: EcsFleet, projectId: string): void {
  const app = root.basePath('/v1/:project');

  app.post('/cloudservers', operation('ecs.create'), async (c) => {
    const order = readCreate(await jsonOf(c), fleet.catalogue);
    if (order.dryRun) return respond.json({}, 202);
    const { operationId, serverIds } = fleet.create(order);
    return respond.json({ job_id: operationId, serverIds });
  });

  app.get('/cloudservers/detail', operation('ecs.list'), (c) => {
    const { count, vms } = pageOf(fleet.listed(), checked(ListQuery, c.req.query(), illegal));
    return respond.json({ count, servers: vms.map((vm) => serverView(vm, projectId)) });
  });

  app.post('/cloudservers/delete', operation('ecs.delete'), async (c) => {
    const { servers, delete_publicip } = checked(DeleteBody, await jsonOf(c), illegal);
    return respond.json({
      job_id: fleet.delete(
        servers.map((s) => s.id),
        delete_publicip,
      ).id,
    });
  });

  app.get('/cloudservers/limits', operation('ecs.quotas'), () => respond.json(limitsView(fleet)));

  app.get('/cloudservers/flavors', operation('ecs.flavors'), (c) => {
    const zone = c.req.query('availability_zone');
    const flavors = zone === undefined ? fleet.catalogue.flavors : fleet.market.buyable(zone);
    return respond.json({ flavors: flavors.map((f) => flavorView(f, fleet)) });
  });

  app.get('/cloudservers/:id', operation('ecs.show'), (c) =>
    respond.json({ server: serverView(fleet.need(c.req.param('id')), projectId) }),
  );

  app.get('/jobs/:id', operation('ecs.operation'), (c) => {
    const refusal = new Refused(400, 'Common.0011', 'The jobId is not exist');
    return respond.json(operationView(found(fleet.operation(c.req.param('id')), refusal)));
  });
}
