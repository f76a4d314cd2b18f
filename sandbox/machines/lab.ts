import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';

export const run = promisify(execFile);

/** The lab's end of the bridge that all machines are on. */
export const LAB_ADDRESS = '10.99.0.1';
export const LAB_BRIDGE = 'machines0';

const NUMBERS = 79;

/** A machine to be started. */
export interface MachineOrder {
  /** Host name; within one lab no name is used twice. */
  readonly name: string;
  /** Goes to cloud-init as it is. */
  readonly userData: string;
  /** Gets all that the machine prints. */
  readonly onConsole?: (text: string) => void;
}

/** What scripts/machines.sh has prepared: an image, a folder that vanishes with the namespaces, and a bridge of their own. */
export class Lab {
  /** Folder with root/, disk.raw, vmlinuz and initrd. */
  readonly image: string;
  readonly work: string;
  /** Name of the control group that all machines are below. */
  readonly group: string;
  /** Its first machine's number; the others follow, 79 at most. */
  readonly first: number;
  #next: number;

  /** Two labs at a time need numbers apart. Throws when this process was not started by scripts/machines.sh. */
  constructor(env: Readonly<Record<string, string | undefined>>, first: number) {
    const { MACHINE_IMAGE, MACHINE_WORK, MACHINE_GROUP } = env;
    if (!MACHINE_IMAGE || !MACHINE_WORK || !MACHINE_GROUP) {
      throw new Error('real machines need root and namespaces of their own: run `npm run test:real`, or scripts/machines.sh COMMAND');
    }
    this.image = MACHINE_IMAGE;
    this.work = MACHINE_WORK;
    this.group = MACHINE_GROUP;
    this.first = first;
    this.#next = first;
  }

  /** A number that no other machine has; it makes the address. */
  number(): number {
    const number = this.#next;
    if (number >= this.first + NUMBERS) throw new RangeError('this lab has no address left');
    this.#next += 1;
    return number;
  }

  /** All addresses of this lab's machines, as nftables writes a range. */
  get addresses(): string {
    return `${addressOf(this.first)}-${addressOf(this.first + NUMBERS - 1)}`;
  }

  /** A new folder for one machine. */
  async folder(name: string): Promise<string> {
    const folder = path.join(this.work, name);
    await mkdir(folder);
    return folder;
  }
}

export function addressOf(number: number): string {
  return `10.99.0.${number}`;
}

/** cloud-init's NoCloud seed as files of `folder`: the user data as it is, an identity, and a fixed address, since nobody answers DHCP here. */
export async function writeSeed(
  folder: string,
  order: MachineOrder,
  network: { readonly link: string; readonly number: number },
): Promise<void> {
  // On a cloud nothing of this lies in a file: it must not be what a job could read.
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const route = `    gateway4: ${LAB_ADDRESS}`;
  const lines = ['version: 2', 'ethernets:', `  ${network.link}:`, `    addresses: [${addressOf(network.number)}/24]`, route, ''];
  await Promise.all([
    writeFile(path.join(folder, 'user-data'), order.userData),
    writeFile(path.join(folder, 'meta-data'), `instance-id: i-${order.name}\nlocal-hostname: ${order.name}\n`),
    writeFile(path.join(folder, 'network-config'), lines.join('\n')),
  ]);
}
