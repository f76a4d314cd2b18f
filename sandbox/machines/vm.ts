import { spawn } from 'node:child_process';
import { connect } from 'node:net';
import path from 'node:path';
import { addressOf, LAB_BRIDGE, type Lab, type MachineOrder, run, writeSeed } from './lab.ts';
import { Machine } from './machine.ts';

export interface VmOrder extends MachineOrder {
  /** Raw image files that become /dev/vdc and on; what is written to them stays. */
  readonly disks?: readonly string[];
  readonly memoryMb?: number;
  /** Instead of the next free one, where others must know the address beforehand. */
  readonly number?: number;
}

/** A machine as a QEMU VM with a kernel of its own. Always emulated: /dev/kvm may be there and boot nothing. About a minute to boot. */
export class Vm extends Machine {
  readonly #monitor: string;

  private constructor(monitor: string, ...rest: ConstructorParameters<typeof Machine>) {
    super(...rest);
    this.#monitor = monitor;
  }

  static async start(lab: Lab, order: VmOrder): Promise<Vm> {
    const folder = await lab.folder(order.name);
    const number = order.number ?? lab.number();
    const seed = path.join(folder, 'seed');
    await writeSeed(seed, order, { link: 'eth0', number });
    const file = (name: string) => path.join(seed, name);
    const iso = path.join(folder, 'seed.iso');
    await run('cloud-localds', [`--network-config=${file('network-config')}`, iso, file('user-data'), file('meta-data')]);
    const tap = `tap${number}`;
    await run('ip', ['tuntap', 'add', tap, 'mode', 'tap']);
    await run('ip', ['link', 'set', tap, 'master', LAB_BRIDGE, 'up']);
    const monitor = path.join(folder, 'monitor');
    const process_ = spawn('qemu-system-x86_64', qemuArguments(lab, order, { number, tap, iso, monitor }), {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, TMPDIR: folder },
    });
    return new Vm(monitor, { ...order, address: addressOf(number) }, process_);
  }

  /** The reset button: no warning, and the disks keep what was written to them. */
  reset(): Promise<void> {
    return new Promise((resolve, reject) => {
      const socket = connect(this.#monitor);
      socket.once('error', reject);
      socket.resume();
      socket.once('close', () => resolve());
      socket.end('system_reset\n');
    });
  }
}

interface Parts {
  readonly number: number;
  readonly tap: string;
  readonly iso: string;
  readonly monitor: string;
}

function qemuArguments(lab: Lab, order: VmOrder, { number, tap, iso, monitor }: Parts): readonly string[] {
  const drive = (file: string, more: string) => ['-drive', `file=${file},format=raw,if=virtio,${more}`];
  return [
    // More than one CPU does not make it faster, and once made it hang.
    ...['-accel', 'tcg,thread=multi,tb-size=256', '-cpu', 'max', '-M', 'q35', '-smp', '1', '-m', String(order.memoryMb ?? 768)],
    ...['-nodefaults', '-no-user-config', '-display', 'none', '-serial', 'stdio', '-monitor', `unix:${monitor},server=on,wait=off`],
    ...['-kernel', `${lab.image}/vmlinuz`, '-initrd', `${lab.image}/initrd`],
    ...['-append', 'root=/dev/vda rw console=ttyS0 net.ifnames=0 ds=nocloud'],
    ...drive(`${lab.image}/disk.raw`, 'snapshot=on,cache=unsafe'),
    ...drive(iso, 'readonly=on'),
    ...(order.disks ?? []).flatMap((disk) => drive(disk, 'cache=writeback')),
    ...['-device', 'virtio-rng-pci', '-netdev', `tap,id=net0,ifname=${tap},script=no,downscript=no`],
    ...['-device', `virtio-net-pci,netdev=net0,mac=52:54:00:00:00:${number.toString(16).padStart(2, '0')}`],
  ];
}
