import * as z from 'zod';
import { jsonOf } from '../../http.ts';
import type { Service } from '../error-formats.ts';
import type { EcsFleet } from './fleet.ts';

const ActionBody = z.object({ 'os-getConsoleOutput': z.object({ length: z.number().int().min(-1) }) });

/** The calls of the Nova-compatible API that are of use, below `/v2.1/{project_id}` (OTC ECS API reference, "Native OpenStack Nova APIs"). */
export function registerNova({ app: root, operation, respond }: Service, fleet: EcsFleet): void {
  const app = root.basePath('/v2.1/:project');
  // OpenStack's fault objects: the name is the kind, the code is the status.
  const fault = (code: number, kind: string, message: string) => respond.json({ [kind]: { code, message } }, code);

  app.post('/servers/:id/action', operation('ecs.console'), async (c) => {
    const body = ActionBody.safeParse(await jsonOf(c));
    if (!body.success) return fault(400, 'badRequest', 'There is no such action');
    const id = c.req.param('id');
    const vm = fleet.known(id);
    if (!vm) return fault(404, 'itemNotFound', `Instance ${id} could not be found.`);
    if (vm.status === 'BUILD' || vm.status === 'ERROR') return fault(409, 'conflictingRequest', `Instance ${id} is not ready`);
    return respond.json({ output: lastLines(vm.console, body.data['os-getConsoleOutput'].length) });
  });

  app.get('/os-availability-zone', operation('ecs.zones'), () => {
    const { zones, closedZones = [] } = fleet.catalogue;
    const availabilityZoneInfo = zones.map((zone) => ({
      zoneName: zone,
      zoneState: { available: !closedZones.includes(zone) },
      hosts: null,
    }));
    return respond.json({ availabilityZoneInfo });
  });

  app.get('/os-keypairs', operation('ecs.key-pairs'), () =>
    respond.json({
      keypairs: fleet.catalogue.keyPairs.map((name) => ({ keypair: { name, public_key: 'ssh-ed25519 AAAA', fingerprint: '' } })),
    }),
  );
}

/** A line break at the end does not begin another line. */
function lastLines(text: string, count: number): string {
  if (count < 0) return text;
  const lines = text.split(/(?<=\n)/);
  return lines.slice(Math.max(0, lines.length - count)).join('');
}
