import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ManagerSettings } from '../../../lib/config/types.ts';
import { HEALTHY, machine, setup } from './setup-machine.ts';

describe('setup', () => {
  it('goes through its phases, and installs and formats nothing that is there', () => {
    const vm = machine();
    const { status, phases, stderr } = setup(vm);
    expect(stderr).toBe('');
    expect({ status, phases }).toEqual({ status: 0, phases: ['setup', 'volume', 'mounted', 'ready'] });
    expect(vm.calls('apt-get')).toEqual([]);
    expect([...vm.calls('mkfs.ext4'), ...vm.calls('mkfs.xfs')]).toEqual([]);
    expect(vm.read('/run/gl-cache/phase')).toBe('phase=ready\n');
  });

  it('does the same again on the next boot, and starts no NFS server that serves rightly', () => {
    const vm = machine();
    setup(vm);
    const restarts = () => vm.calls('systemctl').filter((call) => call.includes('restart nfs-server')).length;
    expect(restarts()).toBe(1);
    expect(setup(vm)).toMatchObject({ status: 0, phases: ['setup', 'volume', 'mounted', 'ready'] });
    expect(restarts()).toBe(1);
    expect(vm.calls('exportfs')).toEqual(['exportfs -ra']);
  });

  it('is behind the firewall and without a port mapper before a package can start anything', () => {
    const vm = machine();
    setup(vm, { 'rpc.nfsd': undefined });
    const calls = vm.read('/calls').split('\n');
    const at = (what: string) => calls.findIndex((call) => call.startsWith(what));
    expect(at('systemctl mask rpcbind.socket')).toBeGreaterThan(-1);
    expect(at('systemctl mask rpcbind.socket')).toBeLessThan(at('systemctl restart gl-cache-firewall'));
    expect(at('systemctl restart gl-cache-firewall')).toBeLessThan(at('apt-get'));
  });

  it.each<readonly [string, Readonly<Record<string, string | undefined>>, Partial<ManagerSettings>, string]>([
    ['the server', { 'rpc.nfsd': undefined }, {}, 'nfs-kernel-server'],
    ['git and python', { git: undefined, python3: undefined }, {}, 'git python3'],
    ['tools of XFS', { 'mkfs.xfs': undefined }, { volume: { device: '/dev/vdb', filesystem: 'xfs' } }, 'xfsprogs'],
    ['ssh, when a mirror needs it', {}, { mirrors: [{ url: 'ssh://git@host/x', name: 'x.git', everySeconds: 60 }] }, 'openssh-client'],
  ])('installs %s only when missing', (_name, change, settings, packages) => {
    const vm = machine(settings);
    setup(vm, change);
    expect(vm.calls('apt-get').at(-1)).toMatch(new RegExp(` install --no-install-recommends ${packages}$`));
  });

  it('tries packages eight times and then says so', () => {
    const vm = machine();
    const { status, phases } = setup(vm, { 'rpc.nfsd': undefined, 'apt-get': 'exit 100' });
    expect(status).toBe(1);
    expect(phases.at(-1)).toBe('failed reason=package-lists');
    expect(vm.calls('apt-get').filter((call) => call.endsWith(' update'))).toHaveLength(8);
    expect(vm.read('/run/gl-cache/phase')).toBe('phase=failed reason=package-lists\n');
  });

  it.each<readonly [string, Readonly<Record<string, string>>, string]>([
    ['the firewall', { systemctl: 'case "$*" in *firewall*) exit 1 ;; esac' }, 'firewall'],
    ['a port mapper that cannot be masked', { systemctl: 'case "$*" in "mask rpcbind"*) exit 1 ;; esac' }, 'port-mapper'],
    ['an account with another number', { id: 'echo 1' }, 'accounts'],
    ['a damaged file system', { e2fsck: 'exit 4' }, 'volume-check'],
    ['a mount', { systemctl: 'case "$*" in "start cache.mount") exit 1 ;; esac' }, 'mount'],
    ['a mount that is none', { systemctl: '' }, 'mount'],
    ['the server', { systemctl: `${HEALTHY.systemctl}\ncase "$*" in "restart nfs-server.service") exit 1 ;; esac` }, 'nfs'],
    ['a server that was skipped', { systemctl: 'case "$*" in "start cache.mount") : > ROOT/tmp/mounted ;; esac' }, 'nfs'],
  ])('stops at %s and says so', (_name, change, reason) => {
    const { status, phases } = setup(machine(), change);
    expect({ status, last: phases.at(-1) }).toEqual({ status: 1, last: `failed reason=${reason}` });
  });

  it('formats nothing on a machine where the volume never comes, and serves nothing from the root disk', () => {
    const vm = machine({ volume: { device: '/dev/vdz', filesystem: 'ext4' } });
    expect(setup(vm).phases.at(-1)).toBe('failed reason=volume-missing');
    expect(vm.calls('sleep').length).toBeGreaterThan(3);
    expect(vm.calls('systemctl').some((call) => call.includes('nfs-server'))).toBe(false);
  });

  it('mounts by UUID, with what the volume says that it is', () => {
    const vm = machine({ volume: { device: '/dev/vdb', filesystem: 'ext4' } });
    setup(vm, { blkid: 'case "$*" in *TYPE*) echo xfs ;; *LABEL*) echo gl-cache ;; *UUID*) echo aa-bb ;; esac' });
    const unit = readFileSync(vm.path('/etc/systemd/system/cache.mount'), 'utf8').replaceAll(vm.root, '');
    expect(unit).toContain('What=/dev/disk/by-uuid/aa-bb\nWhere=/cache\nType=xfs\n');
    expect(vm.calls('e2fsck')).toEqual([]);
  });

  it('grows the file system at each boot', () => {
    const vm = machine();
    setup(vm);
    expect(vm.calls('resize2fs')).toEqual(['resize2fs /dev/vdb']);
    setup(vm, { findmnt: 'case "$*" in *FSTYPE*) echo xfs ;; *) echo /dev/vdb ;; esac' });
    expect(vm.calls('xfs_growfs')).toEqual(['xfs_growfs /cache']);
  });

  it('keeps the top folder from jobs and the mirrors from everybody', () => {
    const vm = machine();
    setup(vm);
    const mode = (folder: string) => (statSync(vm.path(folder)).mode & 0o7777).toString(8);
    expect(['/cache', '/cache/downloads', '/cache/sstate', '/cache/.trash', '/cache/git', '/cache/hashserv'].map(mode)).toEqual([
      '755',
      '2775',
      '2775',
      '700',
      '755',
      '700',
    ]);
    expect(vm.calls('chown')).toContain('chown root:root /cache');
  });

  it('takes over the files of another farm once', () => {
    const vm = machine();
    setup(vm, { stat: 'echo 1000' });
    expect(vm.calls('chown').filter((call) => call.includes('-hR'))).toEqual([
      'chown -hR 2000:2000 /cache/downloads',
      'chown -hR 2000:2000 /cache/sstate',
      'chown -hR 2000:2000 /cache/.trash',
      'chown -hR 2001:2001 /cache/git',
      'chown -hR 2002:2002 /cache/hashserv',
    ]);
  });

  it.each([
    ['2', '16'],
    ['8', '16'],
    ['16', '32'],
  ])('with %s cores NFS has %s threads, version 4.2 alone and a short lease', (cores, threads) => {
    const vm = machine();
    setup(vm, { nproc: `echo ${cores}` });
    const lines = vm.read('/etc/nfs.conf.d/gl-cache.conf').split('\n');
    expect(lines).toEqual(
      expect.arrayContaining([`threads=${threads}`, 'vers3=n', 'vers4.0=n', 'vers4.1=n', 'vers4.2=y', 'lease-time=20']),
    );
  });

  it('tells an nfs-utils without nfs.conf the same in its own words', () => {
    const vm = machine();
    execFileSync('rm', [vm.path('/etc/nfs.conf')]);
    setup(vm);
    expect(vm.read('/etc/default/nfs-kernel-server')).toContain('RPCNFSDOPTS="--lease-time=20 --grace-time=20 -N 2 -N 3 -N 4.0 -N 4.1"');
    expect(vm.calls('systemctl')).toContain('systemctl restart nfs-config.service');
  });

  it('leaves the start of NFS to itself, and starts timers and servers at the end', () => {
    const vm = machine({
      mirrors: [{ url: 'https://host/bitbake', name: 'bitbake.git', everySeconds: 1800 }],
      hashserv: { mirror: 'bitbake.git', commit: '0'.repeat(40), port: 8686, readOnlyPort: 8687 },
    });
    setup(vm);
    const calls = vm.calls('systemctl');
    expect(calls.indexOf('systemctl disable nfs-server.service')).toBeLessThan(calls.indexOf('systemctl restart nfs-server.service'));
    expect(calls.slice(-3)).toEqual([
      'systemctl enable --quiet gl-cache-prune.timer gl-cache-mirror-1800.timer',
      'systemctl restart gl-cache-prune.timer gl-cache-mirror-1800.timer',
      'systemctl start --no-block gl-cache-hashserv.service gl-cache-hashserv-read-only.service',
    ]);
  });
});
