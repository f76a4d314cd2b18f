/** What the account can buy and refer to. Sizes are made up; the kinds of names are OTC's. */
export interface Catalogue {
  readonly zones: readonly string[];
  /** Of those, the ones that are not available now. */
  readonly closedZones?: readonly string[];
  readonly flavors: readonly Flavor[];
  readonly images: readonly Image[];
  readonly networks: readonly Network[];
  readonly securityGroups: readonly SecurityGroup[];
  readonly keyPairs: readonly string[];
  /** SATA is end of sale and refused. */
  readonly volumeTypes: readonly string[];
}

export interface Flavor {
  readonly id: string;
  readonly vcpus: number;
  readonly ramMib: number;
}

export interface Image {
  readonly id: string;
  readonly name: string;
  readonly minDiskGb: number;
  readonly createdAt: string;
  readonly type: 'gold' | 'private' | 'shared';
  readonly status: 'active' | 'queued';
  readonly minRamMib?: number;
  /** It takes no user data: `__support_fc_inject`. */
  readonly withoutCloudInit?: boolean;
}

/** One VPC with one subnet; the subnet's id is the neutron network's. */
interface Network {
  readonly vpcId: string;
  readonly vpcName: string;
  readonly subnetId: string;
  readonly subnetName: string;
  readonly cidr: string;
  /** `ACTIVE` when absent. */
  readonly status?: string;
  /** On when absent. */
  readonly dhcp?: boolean;
  /** Addresses that others use. */
  readonly usedByOthers?: number;
}

export interface SecurityGroup {
  readonly id: string;
  readonly name: string;
  /** Those of a new group when absent: everything out, and in from the group itself. */
  readonly rules?: readonly SecurityRule[];
}

/** As the VPC API spells it; null is everything. */
export interface SecurityRule {
  readonly direction: 'ingress' | 'egress';
  readonly protocol?: string;
  readonly port_range_min?: number;
  readonly port_range_max?: number;
  readonly remote_ip_prefix?: string;
  readonly remote_group_id?: string;
}

export const DEFAULT_CATALOGUE: Catalogue = {
  zones: ['eu-de-01', 'eu-de-02', 'eu-de-03'],
  flavors: [
    { id: 's3.large.2', vcpus: 2, ramMib: 4096 },
    { id: 's3.xlarge.2', vcpus: 4, ramMib: 8192 },
    { id: 's3.2xlarge.2', vcpus: 8, ramMib: 16_384 },
    { id: 'c4.2xlarge.2', vcpus: 8, ramMib: 16_384 },
    { id: 'c4.4xlarge.2', vcpus: 16, ramMib: 32_768 },
    { id: 'c3.4xlarge.2', vcpus: 16, ramMib: 32_768 },
  ],
  images: [
    image('1189efbf-d48b-46ad-a823-94b942e2a000', 'Standard_Debian_12_amd64_latest', 10, '2026-11-02T09:00:00Z', 'gold'),
    image('2b9c1f7e-5f0a-4a35-9c55-0d3a1c7b7d11', 'ci-worker', 20, '2026-11-10T09:00:00Z', 'private'),
    image('3c1f0de2-7a44-4f6e-8a0b-6c1e2d3f4a22', 'ci-worker', 20, '2026-10-10T09:00:00Z', 'private'),
    image('4d2a1bc3-8b55-4c7f-9b1c-7d2f3e4a5b33', 'ci-worker-testing', 20, '2026-11-20T09:00:00Z', 'private'),
  ],
  networks: [
    {
      vpcId: '0dae26c9-9a70-4392-93f3-87d53115d171',
      vpcName: 'ci',
      subnetId: '157ee789-03ea-45b1-a698-76c92660dd83',
      subnetName: 'ci-workers',
      cidr: '192.168.0.0/20',
    },
    {
      vpcId: '5e3b2cd4-9c66-4d80-8c2d-8e3f4a5b6c44',
      vpcName: 'office',
      subnetId: '6f4c3de5-ad77-4e91-9d3e-9f4a5b6c7d55',
      subnetName: 'office',
      cidr: '10.7.0.0/24',
    },
  ],
  securityGroups: [
    { id: '507ca48f-814c-4293-8706-300564d54620', name: 'ci-workers' },
    { id: '618db59a-925d-43a4-9817-411675e65731', name: 'default' },
  ],
  keyPairs: ['ci-admin'],
  volumeTypes: ['SSD', 'SAS', 'GPSSD', 'GPSSD2', 'ESSD'],
};

function image(id: string, name: string, minDiskGb: number, createdAt: string, type: Image['type']): Image {
  return { id, name, minDiskGb, createdAt, type, status: 'active' };
}
