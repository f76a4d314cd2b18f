import type { ServerSpec } from '../../app/ports/index.ts';
import { defined } from '../../core/defined.ts';
import { ConfigError } from '../../core/errors.ts';
import { OWNER_KEY } from './read.ts';

/** Limits of OTC ECS API reference, creating_ecss. */
const USER_DATA_BYTES = 32 * 1024;
const MOST_PAIRS = 10;

/**
 * The body of a create request for one server, marked as ours. Throws `ConfigError` for what ECS would refuse, or worse, cut off.
 * `server_tags` and not `tags`: the latter joins key and value with a dot.
 */
export function createBody(spec: ServerSpec, installation: string): object {
  const metadata = { ...spec.metadata, [OWNER_KEY]: installation };
  const tags = Object.entries(spec.tags).map(([key, value]) => ({ key, value }));
  check(spec, metadata, tags);
  return {
    server: {
      name: spec.name,
      imageRef: spec.imageId,
      flavorRef: spec.flavor,
      vpcid: spec.vpcId,
      nics: [{ subnet_id: spec.subnetId }],
      security_groups: spec.securityGroups.map((id) => ({ id })),
      availability_zone: spec.zone,
      root_volume: { volumetype: spec.rootVolume.type, size: spec.rootVolume.sizeGb },
      ...(spec.publicIp ? { publicip: publicIp(spec.publicIp) } : {}),
      ...defined({ key_name: spec.keyName }),
      user_data: Buffer.from(spec.userData).toString('base64'),
      count: 1,
      metadata,
      ...(tags.length === 0 ? {} : { server_tags: tags }),
    },
  };
}

/** `chargemode` must be `traffic`; without `delete_on_termination` the address outlives the server and keeps costing. */
function publicIp(ip: NonNullable<ServerSpec['publicIp']>): object {
  return {
    eip: { iptype: ip.type, bandwidth: { size: ip.bandwidthMbit, sharetype: 'PER', chargemode: 'traffic' } },
    delete_on_termination: true,
  };
}

function check(
  spec: ServerSpec,
  metadata: Readonly<Record<string, string>>,
  tags: readonly { readonly key: string; readonly value: string }[],
): void {
  const bytes = Buffer.byteLength(spec.userData);
  if (bytes > USER_DATA_BYTES) {
    throw new ConfigError('user-data-too-large', `ecs.create: user data of ${bytes} bytes; ECS takes ${USER_DATA_BYTES} before encoding`);
  }
  const pairs = Object.entries(metadata);
  const badPair = pairs.find(([key, value]) => !/^[A-Za-z0-9 \-_:.]{1,255}$/.test(key) || value.length > 255);
  if (pairs.length > MOST_PAIRS || badPair) {
    throw new ConfigError(
      'metadata-invalid',
      `ecs.create: metadata ${badPair ? `"${badPair[0]}" is invalid` : `has more than ${MOST_PAIRS} pairs`}`,
    );
  }
  const badTag = tags.find(({ key, value }) => !/^[A-Za-z0-9_-]{1,36}$/.test(key) || !/^[A-Za-z0-9_-]{0,43}$/.test(value));
  if (tags.length > MOST_PAIRS || badTag) {
    throw new ConfigError(
      'tags-invalid',
      `ecs.create: tag ${badTag ? `"${badTag.key}" is invalid` : `list has more than ${MOST_PAIRS} entries`}`,
    );
  }
}
