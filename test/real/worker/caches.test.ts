import { describe, expect, it } from 'vitest';
import { CACHE } from '../../../testkit/settings.ts';
import { machine, machineWithoutCaches } from './machine.ts';

const optional = { cache: { ...CACHE, required: false } };

describe('the caches of a worker', () => {
  it('goes on with empty local folders when the caches are not required', () => {
    const vm = machine({ mount: 'exit 32' }, optional);
    const { status, phases } = vm.run('setup');
    expect(status).toBe(0);
    expect(phases).toEqual(['setup', 'runner-version', 'metadata-blocked', 'cache-absent', 'docker-ready', 'handoff', 'ready']);
    for (const folder of ['downloads', 'sstate', 'git']) {
      expect(vm.mode(`/cache/${folder}`)).toBe(0o1777);
    }
  });

  it.each([
    ['a share of which nothing is known', ''],
    ['a share that is there but does not answer', 'case "$*" in mountpoint*) exit 124;; esac; '],
  ])('lets go of %s before it makes local folders', (_name, hangs) => {
    const vm = machine({ mount: 'exit 32', timeout: `shift 3; ${hangs}exec "$@"` }, optional);
    expect(vm.run('setup').phases).toContain('cache-absent');
    expect(vm.calls('umount')).toEqual([expect.stringMatching(/^umount -l \S*\/cache$/)]);
  });

  it('never waits for a server longer than a bound: mount, its check and the way out', () => {
    const vm = machine({ mount: 'exit 32' }, optional);
    vm.run('setup');
    vm.run('finish');
    const bounded = vm.calls('timeout').map((call) => call.split(' ').slice(0, 5).join(' '));
    expect(new Set(bounded)).toEqual(
      new Set(['timeout -k 5 20 mountpoint', 'timeout -k 5 60 mount', 'timeout -k 5 20 umount', 'timeout -k 5 20 docker']),
    );
    expect(bounded.filter((call) => call.endsWith(' mount'))).toHaveLength(vm.calls('mount').length);
    expect(bounded.filter((call) => call.endsWith(' mountpoint'))).toHaveLength(vm.calls('mountpoint').length);
    expect(bounded.filter((call) => call.endsWith(' umount'))).toHaveLength(vm.calls('umount').length);
  });

  it('does not take a mount that does not answer for one', () => {
    const vm = machine({ timeout: 'shift 3; case "$*" in mountpoint*) exit 124;; esac; exec "$@"' });
    expect(vm.run('setup').phases.at(-1)).toBe('failed reason=cache-unavailable');
  });

  it('mounts read-only for jobs that are not trusted', () => {
    const vm = machine({}, { cache: { ...CACHE, access: 'ro' } });
    vm.run('setup');
    expect(vm.calls('mount')).toEqual([expect.stringMatching(/ -o ro,vers=4\.2,/)]);
  });

  it('tries the caches until the manager is there', () => {
    const vm = machine({ mount: 'test -e ROOT/run/tried || { : > ROOT/run/tried; exit 32; }; : > ROOT/run/mounted' });
    expect(vm.run('setup').phases).toEqual(['setup', 'runner-version', 'metadata-blocked', 'mounted', 'docker-ready', 'handoff', 'ready']);
    expect(vm.calls('mount')).toHaveLength(2);
  });

  it('mounts nothing without caches', () => {
    const vm = machineWithoutCaches();
    expect(vm.run('setup').phases).toEqual(['setup', 'runner-version', 'metadata-blocked', 'docker-ready', 'handoff', 'ready']);
    expect(vm.calls('mount')).toEqual([]);
  });
});
