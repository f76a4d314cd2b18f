import { spawn } from 'node:child_process';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { addressOf, LAB_BRIDGE, type Lab, type MachineOrder, run, writeSeed } from './lab.ts';
import { Machine } from './machine.ts';

export interface ContainerOrder extends MachineOrder {
  /**
   * A folder of this machine that stands for the NFS export, because a container has the host's kernel, which may have no NFS client. Without it
   * mounting fails as that kernel lets it fail.
   */
  readonly cacheFolder?: string;
}

// docker wants to write to the control groups (v1), which systemd-nspawn mounts read-only; harmless on a machine with v2 only.
const DOCKER_DROP_IN = `[Service]
ExecStartPre=-/bin/sh -c "mount -o remount,rw,bind /sys/fs/cgroup; for d in /sys/fs/cgroup/*; do mount -o remount,rw,bind $$d || true; done"
`;

// Called as mount calls it: SOURCE FOLDER -o OPTIONS (util-linux, mount(8), "External helpers").
const MOUNT_BY_BINDING = `#!/bin/sh
printf '%s\\n' "$*" >/run/mount.nfs4.arguments
mount --bind /srv/nfs-backing "$2" || exit 32
case " $* " in *,ro,* | *' ro,'* | *',ro '*) mount -o remount,bind,ro "$2" ;; esac
`;

// Each machine's systemd assumes that the control groups are its own. They must be, or the systemd of one machine ends services of another.
// $1 is the group; cgroup v1 has one tree per controller, and a new cpuset is empty.
const IN_ITS_OWN_GROUP = `
group=$1
shift
for tree in /sys/fs/cgroup /sys/fs/cgroup/*; do
  [ -e "$tree/cgroup.procs" ] || continue
  mkdir -p "$tree/$group"
  for folder in "$tree/\${group%/*}" "$tree/$group"; do
    for file in cpuset.cpus cpuset.mems; do
      if [ -e "$folder/$file" ] && [ -z "$(cat "$folder/$file")" ]; then cat "$folder/../$file" >"$folder/$file" || true; fi
    done
  done
  echo $$ >"$tree/$group/cgroup.procs"
done
exec "$@"
`;

/** A machine as a systemd-nspawn container: real systemd, cloud-init, docker and nftables on this machine's kernel, up within seconds. */
export class Container extends Machine {
  /** Its root file system as this machine sees it. */
  readonly root: string;

  private constructor(root: string, ...rest: ConstructorParameters<typeof Machine>) {
    super(...rest);
    this.root = root;
  }

  static async start(lab: Lab, order: ContainerOrder): Promise<Container> {
    const folder = await lab.folder(order.name);
    const root = path.join(folder, 'root');
    const number = lab.number();
    await Promise.all(['upper', 'changes', 'docker', 'root'].map((name) => mkdir(path.join(folder, name))));
    const layers = `lowerdir=${lab.image}/root,upperdir=${folder}/upper,workdir=${folder}/changes`;
    await run('mount', ['-t', 'overlay', 'overlay', '-o', layers, root]);
    await writeSeed(path.join(root, 'var/lib/cloud/seed/nocloud'), order, { link: 'host0', number });
    const dropIn = path.join(root, 'etc/systemd/system/docker.service.d');
    await mkdir(dropIn, { recursive: true });
    await writeFile(path.join(dropIn, 'control-groups.conf'), DOCKER_DROP_IN);
    if (order.cacheFolder) {
      await mkdir(path.join(root, 'srv/nfs-backing'), { recursive: true });
      await rm(path.join(root, 'usr/sbin/mount.nfs4'));
      await writeFile(path.join(root, 'usr/sbin/mount.nfs4'), MOUNT_BY_BINDING, { mode: 0o755 });
    }
    return Container.#boot(lab, folder, order, number);
  }

  /** Boots what a container left behind once more: a machine that was switched on again. */
  static async again(lab: Lab, order: ContainerOrder, before: Container): Promise<Container> {
    const number = Number(before.address.split('.').at(-1));
    // The kernel takes its time to clear away what was killed.
    await run('ip', ['link', 'delete', `vb-${machineName(number)}`]).catch(() => undefined);
    return Container.#boot(lab, path.join(lab.work, before.name), order, number);
  }

  static #boot(lab: Lab, folder: string, order: ContainerOrder, number: number): Container {
    const root = path.join(folder, 'root');
    const arguments_ = [
      '--register=no',
      '--keep-unit',
      '--link-journal=no',
      '--capability=all',
      `--machine=${machineName(number)}`,
      `--hostname=${order.name}`,
      `--directory=${root}`,
      `--network-bridge=${LAB_BRIDGE}`,
      // docker cannot lay an overlay over an overlay.
      `--bind=${folder}/docker:/var/lib/docker`,
      ...(order.cacheFolder ? [`--bind=${order.cacheFolder}:/srv/nfs-backing`] : []),
      '--boot',
    ];
    // systemd-nspawn's system call filter keeps docker from working.
    const process_ = spawn('sh', ['-euc', IN_ITS_OWN_GROUP, 'sh', `${lab.group}/${machineName(number)}`, 'systemd-nspawn', ...arguments_], {
      stdio: ['ignore', 'pipe', 'pipe'],
      env: { ...process.env, SYSTEMD_SECCOMP: '0' },
    });
    return new Container(root, { ...order, address: addressOf(number) }, process_);
  }

  /** Runs a command inside, as root or as a user id. Returns its exit code and its output. */
  async inside(command: readonly string[], uid = 0): Promise<{ readonly code: number; readonly text: string }> {
    const children = await readFile(`/proc/${this.pid}/task/${this.pid}/children`, 'utf8');
    const leader = children.trim();
    const as = uid === 0 ? [] : ['setpriv', `--reuid=${uid}`, `--regid=${uid}`, '--clear-groups'];
    const enter = [`--target=${leader}`, '--mount', '--uts', '--ipc', '--net', '--pid', '--cgroup', '--'];
    try {
      const { stdout, stderr } = await run('nsenter', [...enter, ...as, ...command], { timeout: 60_000 });
      return { code: 0, text: stdout + stderr };
    } catch (error) {
      const { code, stdout = '', stderr = '' } = error as { code?: unknown; stdout?: string; stderr?: string };
      if (typeof code !== 'number') throw error;
      return { code, text: stdout + stderr };
    }
  }
}

/** It becomes part of an interface's name, which has at most 15 letters. */
function machineName(number: number): string {
  return `m${number}`;
}
