import * as z from 'zod';
import { checked, found, Refused } from '../refused.ts';
import type { Catalogue, Flavor, Image } from './catalogue.ts';

/** A create that passed the checks of the request. */
export interface CreateOrder {
  readonly dryRun: boolean;
  readonly name: string;
  readonly count: number;
  readonly flavor: Flavor;
  readonly image: Image;
  readonly vpcId: string;
  /** Of the first interface. */
  readonly subnetId: string;
  /** Absent: any zone with the flavor. */
  readonly zone?: string;
  readonly securityGroups: readonly string[];
  readonly keyName?: string;
  readonly rootVolume: { readonly type: string; readonly sizeGb: number };
  readonly eip?: { readonly sizeMbit: number; readonly deleteOnTermination: boolean };
  /** As sent: base64. */
  readonly userData: string;
  readonly metadata: Readonly<Record<string, string>>;
  readonly tags: Readonly<Record<string, string>>;
}

const USER_DATA_BYTES = 32 * 1024;
const word = z.string().regex(/^[A-Za-z0-9_-]*$/);

// OTC ECS API reference, "Creating ECSs" and "Data Structure for Creating ECSs".
const Body = z.object({
  dry_run: z.boolean().default(false),
  server: z.object({
    name: z.string().regex(/^[A-Za-z0-9_.-]{1,128}$/),
    imageRef: z.string(),
    flavorRef: z.string(),
    vpcid: z.string(),
    nics: z
      .array(z.object({ subnet_id: z.string() }))
      .min(1)
      .max(12),
    root_volume: z.object({ volumetype: z.string(), size: z.number().int().min(0).max(1024).optional() }),
    availability_zone: z.string().optional(),
    count: z.number().int().min(1).max(100).default(1),
    security_groups: z.array(z.object({ id: z.string() })).optional(),
    key_name: z.string().optional(),
    user_data: z.base64().default(''),
    publicip: z
      .object({
        eip: z.object({
          iptype: z.enum(['5_bgp', '5_mailbgp']),
          bandwidth: z.object({
            size: z.number().int().min(1).max(1000),
            sharetype: z.enum(['PER', 'WHOLE']),
            chargemode: z.literal('traffic'),
          }),
        }),
        delete_on_termination: z.boolean().default(false),
      })
      .optional(),
    metadata: z
      .record(z.string().regex(/^[A-Za-z0-9 _:.-]{1,255}$/), z.string().max(255))
      .refine((pairs) => Object.keys(pairs).length <= 10, 'at most 10 pairs')
      .default({}),
    tags: z
      .array(z.string().regex(/^[A-Za-z0-9_-]{1,36}\.[A-Za-z0-9_-]{0,43}$/))
      .max(10)
      .default([]),
    server_tags: z
      .array(z.object({ key: word.min(1).max(36), value: word.max(43) }))
      .max(10)
      .default([]),
  }),
});
type Server = z.infer<typeof Body>['server'];

/** Checks a create's body as far as ECS does before it accepts; capacity and quota come later. */
export function readCreate(body: unknown, catalogue: Catalogue): CreateOrder {
  const { server, dry_run } = checked(Body, body, (_, at) => refused('Ecs.0005', `request body is illegal${at && `: ${at}`}`));
  checkLimits(server);
  checkNetwork(server, catalogue);
  checkDisk(server, catalogue);
  const flavor = found(
    catalogue.flavors.find((f) => f.id === server.flavorRef),
    refused('Ecs.0029', `Flavor ${server.flavorRef} does not exist or is abandoned.`),
  );
  const image = found(
    catalogue.images.find((i) => i.id === server.imageRef),
    refused('Ecs.0031', `Image ${server.imageRef} does not exist.`),
  );
  const sizeGb = server.root_volume.size || image.minDiskGb;
  if (sizeGb < image.minDiskGb) throw refused('Ecs.0005', 'The system disk is smaller than the image needs.');
  return order(server, dry_run, { flavor, image, sizeGb });
}

function order(server: Server, dryRun: boolean, found: { flavor: Flavor; image: Image; sizeGb: number }): CreateOrder {
  return {
    dryRun,
    name: server.name,
    count: server.count,
    flavor: found.flavor,
    image: found.image,
    vpcId: server.vpcid,
    subnetId: server.nics[0]?.subnet_id ?? '',
    ...(server.availability_zone === undefined ? {} : { zone: server.availability_zone }),
    securityGroups: server.security_groups?.map((g) => g.id) ?? [],
    ...(server.key_name === undefined ? {} : { keyName: server.key_name }),
    rootVolume: { type: server.root_volume.volumetype, sizeGb: found.sizeGb },
    ...(server.publicip
      ? { eip: { sizeMbit: server.publicip.eip.bandwidth.size, deleteOnTermination: server.publicip.delete_on_termination } }
      : {}),
    userData: server.user_data,
    metadata: server.metadata,
    tags: Object.fromEntries([...server.tags.map(splitTag), ...server.server_tags.map((t): [string, string] => [t.key, t.value])]),
  };
}

function checkLimits(server: Server): void {
  const size = Buffer.from(server.user_data, 'base64').length;
  if (size > USER_DATA_BYTES) throw refused('Ecs.0005', `user_data is too long: ${size} bytes before encoding`);
  if (server.count > 1 && server.name.length > 59) throw refused('Ecs.0005', 'name is too long for count > 1');
}

function checkNetwork(server: Server, { networks, securityGroups, zones, keyPairs }: Catalogue): void {
  for (const nic of server.nics) {
    const network = networks.find((n) => n.subnetId === nic.subnet_id);
    if (!network) throw refused('Ecs.0014', `Subnet ${nic.subnet_id} does not exist.`);
    if (network.vpcId !== server.vpcid) {
      throw refused('Ecs.0064', 'The VPC ID in the request body is different from that in the primary NIC.');
    }
  }
  const unknown = server.security_groups?.find((g) => !securityGroups.some((known) => known.id === g.id));
  if (unknown) throw refused('Ecs.0005', `Security group ${unknown.id} does not exist.`);
  const { availability_zone: zone, key_name: key } = server;
  if (zone !== undefined && !zones.includes(zone)) throw refused('Ecs.0005', `availability_zone ${zone} is invalid.`);
  if (key !== undefined && !keyPairs.includes(key)) throw refused('Ecs.0314', `Key pair ${key} could not be found.`);
}

function checkDisk(server: Server, { volumeTypes }: Catalogue): void {
  const type = server.root_volume.volumetype;
  if (type === 'SATA') throw refused('Ecs.0044', 'The volume type SATA is sold out.');
  if (volumeTypes.includes(type)) return;
  const detail = { code: 'Ecs.0043', message: `The volume type ${type} is not found.` };
  throw new Refused(400, 'Ecs.0005', 'request parameter is illegal.', detail);
}

function refused(code: string, message: string): Refused {
  return new Refused(400, code, message);
}

function splitTag(tag: string): [string, string] {
  const dot = tag.indexOf('.');
  return [tag.slice(0, dot), tag.slice(dot + 1)];
}
