import { DEFAULT_CATALOGUE } from '../../../sandbox/otc/ecs/catalogue.ts';

const [IMAGE] = DEFAULT_CATALOGUE.images;
export const [NETWORK, OTHER_NETWORK] = DEFAULT_CATALOGUE.networks;

/** A create that is accepted, with `change` in its `server`. */
export function order(change: Record<string, unknown> = {}): Record<string, unknown> {
  return {
    server: {
      name: 'ci-01jd7x',
      imageRef: IMAGE?.id,
      flavorRef: 's3.large.2',
      vpcid: NETWORK?.vpcId,
      nics: [{ subnet_id: NETWORK?.subnetId }],
      security_groups: [{ id: DEFAULT_CATALOGUE.securityGroups[0]?.id }],
      availability_zone: 'eu-de-01',
      root_volume: { volumetype: 'SSD', size: 40 },
      user_data: Buffer.from('#!/bin/sh\n').toString('base64'),
      count: 1,
      metadata: { 'managed-by': 'scaler', 'runner-id': '17' },
      server_tags: [{ key: 'managed-by', value: 'scaler' }],
      ...change,
    },
  };
}
