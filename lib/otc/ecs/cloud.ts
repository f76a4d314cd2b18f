import type { Cloud } from '../../app/ports/index.ts';
import type { Ecs } from './client.ts';
import type { Ims } from './ims.ts';

/** ECS and IMS as the one port that the use cases know. */
export function otcCloud(ecs: Ecs, ims: Ims): Cloud {
  return {
    servers: (prefix, options) => ecs.servers(prefix, options),
    createServer: (spec, options) => ecs.createServer(spec, options),
    deleteServer: (id, options) => ecs.deleteServer(id, options),
    operation: (id, options) => ecs.operation(id, options),
    consoleLog: (serverId, wanted, options) => ecs.consoleLog(serverId, wanted, options),
    quotas: (options) => ecs.quotas(options),
    flavors: (zone, options) => ecs.flavors(zone, options),
    image: (name, options) => ims.image(name, options),
  };
}
