import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { stringify } from 'yaml';
import { renderWorkerUserData } from '../../../cloud-init/worker/worker.ts';
import { WORKER } from '../../../testkit/settings.ts';

const note = (what: string) => `echo ${what} >>/run/order`;

/** Boots cloud-init of this machine, in namespaces with a /etc/cloud, /var/lib/cloud and /run of their own, and a systemctl that only notes its call. */
function boot(imageConfig: object, vendorData: object): string {
  const folder = mkdtempSync(join(tmpdir(), 'cloud-init-'));
  const write = (name: string, text: string) => writeFileSync(join(folder, name), text, { mode: 0o755 });
  write(
    'cloud.cfg',
    stringify({
      datasource_list: ['NoCloud'],
      network: { config: 'disabled' },
      disable_root: false,
      cloud_init_modules: ['bootcmd', 'write-files'],
      cloud_config_modules: ['runcmd'],
      cloud_final_modules: ['write-files-deferred', 'scripts-user'],
      system_info: { distro: 'debian' },
    }),
  );
  write('image.cfg', stringify(imageConfig));
  write('meta-data', 'instance-id: i-1\n');
  write('vendor-data', `#cloud-config\n${stringify(vendorData)}`);
  write('user-data', renderWorkerUserData(WORKER));
  write('systemctl', '#!/bin/sh\necho "systemctl $*" >>/run/order\n');
  const script = [
    'set -eu',
    'cd "$1"',
    // Nothing below may touch the machine: in particular nobody may power it off.
    'mount --bind systemctl "$(readlink -f /usr/bin/systemctl)"',
    'mkdir -p /etc/cloud /var/lib/cloud',
    'for folder in /etc/cloud /var/lib/cloud /run /var/log /etc/systemd/system /usr/local; do mount -t tmpfs tmpfs $folder; done',
    'mount -t tmpfs tmpfs /mnt; cp -a /etc/. /mnt; mount --bind /mnt /etc; mount -t tmpfs tmpfs /etc/cloud',
    'mkdir -p /etc/cloud/cloud.cfg.d /var/lib/cloud/seed/nocloud',
    'cp cloud.cfg /etc/cloud/cloud.cfg; cp image.cfg /etc/cloud/cloud.cfg.d/50-image.cfg; cp meta-data vendor-data user-data /var/lib/cloud/seed/nocloud',
    'for stage in init "modules --mode=config" "modules --mode=final"; do cloud-init $stage >>/run/out 2>&1 || true; done',
    'for file in /run/image-*; do test ! -e $file || echo "$(cat $file) $file"; done >>/run/order',
    'test -s /etc/gl-scaler/worker.env && test -s /usr/local/lib/gl-scaler/setup && sh -n /usr/local/lib/gl-scaler/setup && echo ours are whole >>/run/order',
    'cat /run/order',
  ].join('\n');
  const isolated = ['--mount', '--propagation', 'private', '--pid', '--fork', '--mount-proc', '--net', '--uts', '--ipc'];
  const { stdout, stderr } = spawnSync('unshare', [...isolated, 'sh', '-c', script, 'sh', folder], {
    encoding: 'utf8',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C.UTF-8' },
    timeout: 110_000,
  });
  rmSync(folder, { recursive: true });
  expect(stderr).toBe('');
  return stdout;
}

it("keeps the image's own lists, each in its place, whatever is wrong in them", () => {
  const file = (path: string, more: object = {}) => ({ path, content: 'image', ...more });
  const order = boot(
    {
      bootcmd: [note('bootcmd'), ['sh', '-c', note('bootcmd-as-list')]],
      write_files: [
        file('/run/image-file'),
        file('/usr/local/lib/gl-scaler/setup'),
        file('/run/image-deferred', { defer: true }),
        file('/run/image-bad', { owner: 'nobody-has-this-name' }),
        file('/run/image-after-bad'),
      ],
      runcmd: [note('of-the-image')],
    },
    { runcmd: [`${note('of-vendor-data')}; exit 1`] },
  );
  expect(order.split('\n')).toEqual([
    'bootcmd',
    'bootcmd-as-list',
    'systemctl daemon-reload',
    'systemctl start gl-scaler-retire.timer gl-scaler-stop.timer',
    // As without user data: vendor data before the image.
    'of-vendor-data',
    'systemctl start --no-block gl-scaler-worker.service',
    'image /run/image-bad',
    'image /run/image-deferred',
    'image /run/image-file',
    'ours are whole',
    '',
  ]);
});

it('is all the same to an image without any', () => {
  expect(boot({}, {}).split('\n')).toEqual([
    'systemctl daemon-reload',
    'systemctl start gl-scaler-retire.timer gl-scaler-stop.timer',
    'systemctl start --no-block gl-scaler-worker.service',
    'ours are whole',
    '',
  ]);
});
