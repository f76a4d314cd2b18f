import { truncateSync } from 'node:fs';
import type { ManagerSettings } from '../../../lib/config/types.ts';
import { ManagerMachine } from './machine.ts';

export const REAL = ['cat', 'chmod', 'grep', 'mkdir', 'mv', 'rm', 'sh', 'wc', 'cmp', 'readlink'];
export const MEBI = 1024 * 1024;

/**
 * A machine on which everything works: packages are there, the volume is a formatted one. `mounted` is what the mount unit leaves; the kernel's
 * NFS server appears with the versions that it was last started with.
 */
export const HEALTHY: Readonly<Record<string, string>> = {
  cut: 'n=0; [ ! -e ROOT/tmp/up ] || read -r n <ROOT/tmp/up; echo $((n + 30)) >ROOT/tmp/up; echo $((n + 30))',
  sleep: '',
  systemctl: `case "$*" in
  "start cache.mount") : > ROOT/tmp/mounted ;;
  "restart nfs-server.service") echo 16 > ROOT/proc/fs/nfsd/threads; echo "-3 +4 -4.0 -4.1 +4.2" > ROOT/proc/fs/nfsd/versions ;;
esac`,
  nft: '',
  'rpc.nfsd': '',
  git: '',
  python3: '',
  'mkfs.ext4': '',
  'mkfs.xfs': '',
  'apt-get': '',
  getent: '',
  id: 'case $2 in gl-cache) echo 2000 ;; gl-mirror) echo 2001 ;; gl-hashserv) echo 2002 ;; esac',
  groupadd: '',
  useradd: '',
  chown: '',
  mountpoint: 'test -e ROOT/tmp/mounted',
  blkid: 'case "$*" in *TYPE*) echo ext4 ;; *LABEL*) echo gl-cache ;; *UUID*) echo 0f3c-uuid ;; esac',
  wipefs: 'echo signature',
  lsblk: 'echo vdb',
  blockdev: `echo ${4 * MEBI}`,
  e2fsck: '',
  udevadm: '',
  findmnt: 'case "$*" in *FSTYPE*) echo ext4 ;; *) echo /dev/vdb ;; esac',
  resize2fs: '',
  xfs_growfs: '',
  stat: `case "$*" in *.trash* | *downloads* | *sstate*) echo 2000 ;; *git*) echo 2001 ;; *) echo 2002 ;; esac`,
  nproc: 'echo 2',
  exportfs: '',
};

/** With a volume of zeros at /dev/vdb. */
export function machine(settings: Partial<ManagerSettings> = {}): ManagerMachine {
  const vm = new ManagerMachine(settings);
  // A plain file stands for the device: only for the test whether it is there.
  const setup = '/usr/local/lib/gl-cache/setup';
  vm.write(setup, vm.read(setup).replace('[ -b ', '[ -e '));
  vm.write('/dev/vdb', '');
  vm.write('/dev/zero', '');
  truncateSync(vm.path('/dev/vdb'), 4 * MEBI);
  truncateSync(vm.path('/dev/zero'), 4 * MEBI);
  vm.write('/etc/ssl/certs/ca-certificates.crt', '');
  vm.write('/etc/nfs.conf', '');
  for (const folder of ['/etc/systemd/system', '/etc/default', '/etc/nfs.conf.d']) vm.write(`${folder}/.keep`, '');
  return vm;
}

export function setup(vm: ManagerMachine, change: Readonly<Record<string, string | undefined>> = {}) {
  const commands = Object.entries({ ...HEALTHY, ...change }).filter((entry): entry is [string, string] => entry[1] !== undefined);
  return vm.script('setup', Object.fromEntries(commands), REAL);
}
