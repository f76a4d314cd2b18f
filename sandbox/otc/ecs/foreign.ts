import type { Catalogue } from './catalogue.ts';
import { newVm, type Vm, type VmStatus } from './vm.ts';

/** A server that the scaler did not make. */
export interface ForeignServer {
  readonly name: string;
  readonly status?: VmStatus;
  readonly metadata?: Readonly<Record<string, string>>;
  readonly tags?: Readonly<Record<string, string>>;
  readonly systemTags?: readonly string[];
  readonly flavor?: string;
  readonly zone?: string;
  /** Its private address. */
  readonly address?: string;
  readonly securityGroups?: readonly string[];
  /** Milliseconds since the epoch; now when absent. */
  readonly createdAt?: number;
}

/** The server, with the catalogue's first flavor, image and network unless it names others. */
export function foreignVm(server: ForeignServer, catalogue: Catalogue, made: { readonly id: string; readonly now: number }): Vm {
  const flavor = catalogue.flavors.find((f) => f.id === server.flavor) ?? catalogue.flavors[0];
  const [image, network, zone] = [catalogue.images[0], catalogue.networks[0], server.zone ?? catalogue.zones[0]];
  if (!flavor || !image || !network || !zone) throw new Error('the catalogue is empty');
  const at = server.createdAt ?? made.now;
  const tags = server.tags ?? {};
  const order = {
    name: server.name,
    flavor,
    image,
    vpcId: network.vpcId,
    subnetId: network.subnetId,
    securityGroups: server.securityGroups ?? [],
    rootVolume: { type: 'SSD', sizeGb: image.minDiskGb },
    userData: '',
    metadata: server.metadata ?? {},
    tags,
  };
  return newVm({
    id: made.id,
    name: server.name,
    order,
    zone,
    createdAt: at,
    // A server that is being built, or could not be, has never run.
    ...(server.status !== 'BUILD' && server.status !== 'ERROR' && { activeAt: at }),
    address: server.address ?? '192.168.15.1',
    systemTags: server.systemTags ?? [],
    status: server.status ?? 'ACTIVE',
    accepted: true,
  });
}
