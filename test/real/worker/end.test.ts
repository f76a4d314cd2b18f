import { describe, expect, it } from 'vitest';
import { machine } from './machine.ts';

describe('the end', () => {
  it.each([
    ['after success', { SERVICE_RESULT: 'success', EXIT_STATUS: '0' }, 'result=success status=0'],
    ['after a crash', { SERVICE_RESULT: 'signal', EXIT_STATUS: 'KILL' }, 'result=signal status=KILL'],
    ['with nothing known', {}, 'result=unknown status=unknown'],
  ])('finish powers off %s and says so', (_name, env, line) => {
    const vm = machine();
    expect(vm.run('finish', [], env).stdout).toContain(`phase=finished ${line} uptime=`);
    expect(vm.calls('systemctl')).toEqual(['systemctl --no-block poweroff']);
  });

  it('finish says when the disk was the reason', () => {
    const vm = machine();
    vm.write('/run/gl-scaler.reason', 'disk');
    expect(vm.run('finish', [], { SERVICE_RESULT: 'success', EXIT_STATUS: '0' }).stdout).toContain(
      'phase=finished reason=disk result=success status=0 uptime=',
    );
  });

  it('finish lets go of a share whose server may be gone', () => {
    const vm = machine();
    vm.run('finish');
    expect(vm.calls('umount')).toEqual([expect.stringMatching(/^umount -l \S*\/cache$/)]);
  });

  it('powers off by itself when systemd does not', () => {
    const vm = machine({ systemctl: 'exit 1' });
    vm.run('finish');
    expect(vm.calls('poweroff')).toEqual(['poweroff -f']);
  });

  it('retire lets a running job finish', () => {
    const vm = machine({ systemctl: '' });
    vm.run('retire');
    expect(vm.calls('systemctl').at(-1)).toBe('systemctl kill --kill-who=main --signal=SIGQUIT gl-scaler-worker.service');
  });

  it('retire powers off a worker that runs no runner', () => {
    const vm = machine();
    vm.run('retire');
    expect(vm.calls('systemctl').at(-1)).toBe('systemctl --no-block poweroff');
  });

  it('stop waits for nothing', () => {
    const vm = machine();
    expect(vm.run('stop').phases).toEqual(['hard-stop']);
    expect(vm.calls('systemctl')).toEqual(['systemctl --no-block poweroff --force']);
  });

  it('rebooted powers off', () => {
    const vm = machine();
    expect(vm.run('rebooted').phases).toEqual(['rebooted']);
    expect(vm.calls('systemctl')).toEqual(['systemctl --no-block poweroff']);
  });
});
