import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { LAB_ADDRESS, type Lab, type MachineOrder, run } from './lab.ts';

/** The address that every cloud's metadata service has. */
const METADATA_ADDRESS = '169.254.169.254';

/** Keys of the agency that a machine was given, as OTC words them. */
export interface AgencyKeys {
  readonly accessKey: string;
  readonly secretKey: string;
  readonly securityToken: string;
}

export interface MetadataService {
  /** From whom, and what was asked for. */
  readonly requests: readonly { readonly address: string; readonly path: string }[];
  /** From now on the machine with this address gets its own data, and keys when it has an agency. */
  add(address: string, order: MachineOrder, agency?: () => AgencyKeys): void;
  close(): Promise<void>;
}

interface Known {
  readonly order: MachineOrder;
  readonly agency?: () => AgencyKeys;
}

/** The part of OTC's metadata service that holds something worth stealing (OTC ECS user manual, "Obtaining metadata"), for the machines of one lab. */
export async function startMetadataService(lab: Lab): Promise<MetadataService> {
  const machines = new Map<string, Known>();
  const requests: { address: string; path: string }[] = [];
  const server = createServer((request, response) => {
    const address = request.socket.remoteAddress ?? '';
    const path = request.url ?? '';
    requests.push({ address, path });
    const body = answer(path, machines.get(address));
    response.writeHead(body === undefined ? 404 : 200, { connection: 'close' });
    response.end(body);
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, LAB_ADDRESS, resolve);
  });
  const { port } = server.address() as AddressInfo;
  // Each lab of the namespace answers its own machines.
  const table = `metadata_${lab.first}`;
  const rule = `ip saddr ${lab.addresses} ip daddr ${METADATA_ADDRESS} tcp dport 80 dnat to ${LAB_ADDRESS}:${port}`;
  await run('nft', [`table ip ${table} { chain prerouting { type nat hook prerouting priority -100; ${rule}; }; }`]);
  return {
    requests,
    add: (address, order, agency) => void machines.set(address, { order, ...(agency && { agency }) }),
    close: async () => {
      await run('nft', ['delete', 'table', 'ip', table]);
      await new Promise<void>((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      });
    },
  };
}

function answer(path: string, machine: Known | undefined): string | undefined {
  if (!machine) return undefined;
  const { order, agency } = machine;
  switch (path) {
    case '/openstack/latest/user_data':
      return order.userData;
    case '/openstack/latest/meta_data.json':
      return JSON.stringify({ uuid: order.name, name: order.name, meta: {} });
    case '/openstack/latest/securitykey':
      return agency && JSON.stringify({ credential: credential(agency()) });
    default:
      return undefined;
  }
}

function credential({ accessKey, secretKey, securityToken }: AgencyKeys): Readonly<Record<string, string>> {
  const expires_at = new Date(Date.now() + 3_600_000).toISOString();
  return { access: accessKey, secret: secretKey, securitytoken: securityToken, expires_at };
}
