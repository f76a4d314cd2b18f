import { describe, expect, it } from 'vitest';
import { RUNNER } from '../../../testkit/settings.ts';
import { machine } from './machine.ts';

describe('registry mirrors', () => {
  const mirrored = { runner: { ...RUNNER, registryMirrors: ['https://a.example', 'http://b.example:5000'] } };
  const withMirrors = (daemon?: string) => {
    const vm = machine({ python3: 'exec /usr/bin/python3 "$@"' }, mirrored);
    if (daemon !== undefined) vm.write('/etc/docker/daemon.json', daemon);
    return vm;
  };

  it.each([
    { name: 'nothing', daemon: undefined, merged: {} },
    { name: 'an empty file', daemon: ' \n', merged: {} },
    {
      name: 'other keys',
      daemon: '{"mtu": 1400, "log-opts": {"max-size": "1m"}}',
      merged: { mtu: 1400, 'log-opts': { 'max-size': '1m' } },
    },
    {
      name: 'mirrors of its own',
      daemon: '\ufeff{"registry-mirrors": ["https://a.example/", "https://c.example"]}',
      merged: {},
      more: ['https://c.example'],
    },
  ])('stand before docker in its own configuration, beside what an image with $name has there', ({ daemon, merged, more = [] }) => {
    const vm = withMirrors(daemon);
    const { status, phases } = vm.run('setup');
    expect([status, phases.includes('registry-mirrors')]).toEqual([0, true]);
    expect(JSON.parse(vm.read('/etc/docker/daemon.json'))).toEqual({
      ...merged,
      'registry-mirrors': ['https://a.example', 'http://b.example:5000', ...more],
    });
    const docker = vm.calls('systemctl').filter((call) => call.endsWith('docker.service'));
    expect(docker).toEqual(['systemctl stop docker.service', 'systemctl start docker.service']);
  });

  it.each(['{"mtu": ', '[]', '{"registry-mirrors": "https://c.example"}'])(
    'end the boot where docker could not start with the file either: %s',
    (daemon) => {
      const vm = withMirrors(daemon);
      const { status, phases, stdout } = vm.run('setup');
      expect([status, phases.at(-1)]).toEqual([1, 'failed reason=registry-mirrors']);
      expect(stdout).toContain('said: daemon.json of the image ');
      expect(vm.read('/etc/docker/daemon.json')).toBe(daemon);
    },
  );
});
