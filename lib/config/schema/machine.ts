import * as z from 'zod';
import { section } from '../check/messages.ts';
import { Uuid } from './fields.ts';

/*
 * The section `machine` of scaler.yml, at the top and of a pool.
 */

const REQUIRED = 'required, here or at the pool';

const identifier = (what: string) => z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]*$/, `must be ${what}`);
export const Flavor = identifier('a flavor, such as s3.large.8');

/** OTC ECS API reference, creating_ecss: `root_volume.volumetype`. SATA is end of sale. */
const VolumeType = z.enum(['SSD', 'SAS', 'GPSSD', 'GPSSD2', 'ESSD'], {
  error: ({ input }) => (input === 'SATA' ? 'SATA disks are no longer sold: write SSD, or SAS for less money' : undefined),
});

const Image = z.union(
  [z.string().min(1).max(128), section({ id: Uuid.meta({ description: 'the image with this id, instead of a name' }) })],
  { error: 'must be the name of an image, or { id: <UUID> }' },
);

const PublicIp = z.union(
  [
    z.literal(false),
    section({
      bandwidth: z.int().min(1).max(1000).meta({ description: 'in Mbit/s', dockerMachine: '`otc-bandwidth-size`' }),
      type: z.enum(['5_bgp', '5_mailbgp']).default('5_bgp').meta({ description: 'kind of address', dockerMachine: '`otc-elasticip-type`' }),
    }),
  ],
  { error: 'must be false, or a section with the bandwidth in Mbit/s, such as { bandwidth: 10 }' },
);

const RootVolume = section({
  type: VolumeType.default('SSD').meta({ description: 'kind of disk (`SATA` is no longer sold)', dockerMachine: '`otc-root-volume-type`' }),
  size: z.int().min(1).max(1024).default(40).meta({ description: 'in GiB', dockerMachine: '`otc-root-volume-size`' }),
});

/** The keys that a machine cannot do without, once the defaults are merged in. */
export const REQUIRED_OF_MACHINE = ['image', 'flavors', 'zones', 'vpc_id', 'subnet_id', 'security_groups'] as const;

export const MachinePart = section({
  image: Image.optional().meta({
    description:
      'Exact name of an image, or its id. Public names that end in `_latest` move to a new image with each refresh; the newest is looked up. Debian or Ubuntu with cloud-init.',
    absent: REQUIRED,
    dockerMachine: '`otc-image-name`, `otc-image-id`',
  }),
  flavors: z.array(Flavor).min(1).optional().meta({
    description: 'In order of preference: when one is sold out, the next is tried.',
    absent: REQUIRED,
    dockerMachine: '`otc-flavor-id`, `otc-flavor-name`',
  }),
  zones: z.array(identifier('an availability zone, such as eu-de-01')).min(1).optional().meta({
    description: 'In order of preference. For each flavor all zones are tried.',
    absent: REQUIRED,
    dockerMachine: '`otc-available-zone`, `otc-availability-zone`',
  }),
  vpc_id: Uuid.optional().meta({ description: 'the VPC', absent: REQUIRED, dockerMachine: '`otc-vpc-id`' }),
  subnet_id: z
    .union([Uuid, z.array(Uuid).min(1).max(20)], { error: 'must be a UUID, or a list of them' })
    .optional()
    .meta({
      description:
        'The VPC subnet (its network id, not the neutron subnet id), or a list of them in order of preference: when one has no address left, the next is tried.',
      absent: REQUIRED,
      dockerMachine: '`otc-subnet-id`',
    }),
  security_groups: z.array(Uuid).min(1).optional().meta({
    description:
      'Ids, not names. Workers need no inbound port at all; outbound they need GitLab, the object storage, the caches, and TCP 80 to 169.254.169.254.',
    absent: REQUIRED,
    dockerMachine: '`otc-security-group`, `otc-sec-groups`',
  }),
  root_volume: RootVolume.optional().meta({
    description: 'the disk; replaced as a whole by a pool that has its own',
    filledIn: { type: 'SSD', size: 40 },
  }),
  public_ip: PublicIp.optional().meta({
    description:
      'A public address of its own, deleted with the worker. Without one the subnet needs another way out, such as a NAT gateway.',
    filledIn: false,
    dockerMachine: '`otc-elastic-ip`',
  }),
  key_name: z.string().min(1).max(255).optional().meta({
    description: 'SSH key pair, visible to the account that creates the VM. Not needed to run jobs.',
    dockerMachine: '`otc-keypair-name`',
  }),
}).meta({
  note: "Under `pools[].machine` the same keys apply to one pool. A required key must be set in one of the two places. Not carried over from docker+machine because it is not needed: SSH user, admin password, docker's TLS port, `MachineDriver`, user data of your own.",
});
export type MachinePart = z.infer<typeof MachinePart>;
