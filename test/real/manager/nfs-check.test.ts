import { describe, expect, it } from 'vitest';
import { ManagerMachine } from './machine.ts';

describe('nfs-check', () => {
  it.each([
    ['-2 -3 +4 -4.0 -4.1 +4.2', '16', 0],
    ['-3 +4 -4.0 -4.1 +4.2', '16', 0],
    ['+3 +4 -4.0 -4.1 +4.2', '16', 1],
    ['-3 +4 +4.0 -4.1 +4.2', '16', 1],
    ['-3 +4 -4.0 +4.1 +4.2', '16', 1],
    ['-3 +4 -4.0 +4.1 -4.2', '16', 1],
    ['-3 +4 -4.0 -4.1 +4.2', '0', 1],
  ])('of %s with %s threads ends with %i', (versions, threads, status) => {
    const vm = new ManagerMachine();
    vm.write('/proc/fs/nfsd/versions', `${versions}\n`);
    vm.write('/proc/fs/nfsd/threads', `${threads}\n`);
    expect(vm.script('nfs-check', {}, ['cat']).status).toBe(status);
  });
});
