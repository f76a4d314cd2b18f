import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HEALTHY, MEBI, machine, REAL } from './setup-machine.ts';

/** blkid, wipefs and cmp are the real ones here: they read files as they read devices. */
describe('only a blank volume is formatted:', () => {
  const real = { blkid: undefined, wipefs: undefined, mountpoint: 'test -e ROOT/tmp/mounted' };
  const tools = [...REAL, 'blkid', 'wipefs'];
  const formatted = (fill: (path: string) => void, change: Readonly<Record<string, string>> = {}) => {
    const vm = machine();
    fill(vm.path('/dev/vdb'));
    const commands = Object.entries({ ...HEALTHY, ...real, ...change }).filter(
      (entry): entry is [string, string] => entry[1] !== undefined,
    );
    const { phases } = vm.script('setup', { ...Object.fromEntries(commands), 'mkfs.ext4': ': > ROOT/tmp/formatted' }, tools);
    return { formatted: vm.calls('mkfs.ext4').length === 1, last: phases.at(-1), call: vm.calls('mkfs.ext4')[0] };
  };
  const at = (offset: number, text: string) => (path: string) => {
    const bytes = readFileSync(path);
    bytes.write(text, offset);
    writeFileSync(path, bytes);
  };

  it('zeros from end to end', () => {
    expect(formatted(() => undefined)).toMatchObject({ formatted: true, call: 'mkfs.ext4 -q -m 0 -L gl-cache /dev/vdb' });
  });

  it.each<readonly [string, (path: string) => void]>([
    ['a byte at the beginning that no signature explains', at(512, 'x')],
    ['a byte at the very end', at(4 * MEBI - 1, 'x')],
    ['a partition table', (path) => void execFileSync('sfdisk', ['--quiet', path], { input: 'label: dos\n,,83\n', stdio: 'pipe' })],
    ['a physical volume of LVM', at(512, 'LABELONE')],
    ['LUKS', at(0, 'LUKS\xba\xbe')],
  ])('not %s', (_name, fill) => {
    expect(formatted(fill)).toMatchObject({ formatted: false, last: 'failed reason=volume-not-blank' });
  });

  it("not another one's file system, which is not mounted either", () => {
    const make = (label: string) => (path: string) => void execFileSync('mkfs.ext4', ['-q', '-F', '-L', label, path], { stdio: 'pipe' });
    expect(formatted(make('home'))).toMatchObject({ formatted: false, last: 'failed reason=volume-of-something-else' });
    expect(formatted(make('gl-cache'))).toMatchObject({ formatted: false, last: 'ready' });
  });

  it('not one whose mount failed', () => {
    const make = (path: string) => void execFileSync('mkfs.ext4', ['-q', '-F', '-L', 'gl-cache', path], { stdio: 'pipe' });
    expect(formatted(make, { systemctl: 'case "$*" in "start cache.mount") exit 1 ;; esac' })).toMatchObject({
      formatted: false,
      last: 'failed reason=mount',
    });
  });

  it.each([
    ['with partitions that the kernel knows', { lsblk: 'echo vdb; echo vdb1' }],
    ['that cannot be read', { cmp: 'exit 2' }],
    ['whose size cannot be told', { blockdev: 'exit 1' }],
  ])('not one %s', (_name, change) => {
    expect(formatted(() => undefined, change)).toMatchObject({ formatted: false, last: 'failed reason=volume-not-blank' });
  });
});
