import { describe, expect, it } from 'vitest';
import { CONFIG_TOML, machine, READY, type StandIns } from './machine.ts';

describe('setup on a machine where everything works', () => {
  const vm = machine();
  const ran = vm.run('setup');

  it('makes it ready, and installs nothing that is there', () => {
    expect(ran.stderr).toBe('');
    expect(ran.phases).toEqual(['setup', ...READY]);
    expect(ran.status).toBe(0);
    expect(vm.calls('apt-get')).toEqual([]);
    expect(vm.calls('mount')).toEqual([
      expect.stringMatching(/^mount -t nfs4 -o rw,vers=4\.2,.*\bhard\b.* 10\.0\.0\.10:\S*\/cache \S*\/cache$/),
    ]);
  });

  it('writes the configuration once, readable by root alone, and forgets the URL', () => {
    expect(vm.read('/etc/gitlab-runner/config.toml')).toBe(CONFIG_TOML);
    expect(vm.mode('/etc/gitlab-runner/config.toml')).toBe(0o600);
    expect(vm.mode('/etc/gitlab-runner')).toBe(0o700);
    expect(vm.read('/etc/gitlab-runner/.runner_system_id')).toBe('r_7c8d9e0f1g2h');
    expect(() => vm.read('/etc/gl-scaler/handoff.curl')).toThrow(/ENOENT/);
    expect(vm.calls('curl')).toHaveLength(1);
    expect(vm.calls('curl').join()).not.toContain('Signature');
  });

  it('blocks the metadata address for root, too, before it is ready for jobs', () => {
    expect(vm.read('/run/rules')).toMatch(
      /flush chain inet gl_scaler output\nadd rule inet gl_scaler output ip daddr 169\.254\.169\.254 reject\nadd rule inet gl_scaler output ip6 daddr .* reject\n$/,
    );
  });

  it('prints lines of one form, each with the uptime', () => {
    const lines = ran.stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(7);
    for (const line of lines)
      expect(line).toMatch(/^gl-scaler worker=bitbake-01kb2x3y4z5a6b7c8d9e0f1g2h phase=[a-z-]+(?: version=unknown)? uptime=\d+$/);
  });

  it('goes on with a runner that does not say its version', () => {
    expect(ran.stdout).toContain('phase=runner-version version=unknown ');
  });

  it('leaves the configuration of docker alone where no registry mirrors are set', () => {
    expect(ran.phases).not.toContain('registry-mirrors');
    expect(vm.calls('systemctl').filter((call) => call.endsWith('docker.service'))).toEqual(['systemctl start docker.service']);
  });
});

describe('setup', () => {
  it.each([
    [
      'lets journald begin in the folder of a new machine-id',
      'echo new > ROOT/etc/machine-id',
      ['systemctl restart systemd-journald.service'],
    ],
    ['leaves journald alone when the id is the same', 'echo old > ROOT/etc/machine-id', []],
  ])('%s', (_name, makesId, restarts) => {
    const vm = machine({ 'systemd-machine-id-setup': makesId });
    vm.write('/etc/machine-id', 'old\n');
    expect(vm.run('setup').status).toBe(0);
    expect(vm.calls('systemctl').filter((call) => call.includes('restart'))).toEqual(restarts);
  });

  it('blocks the metadata address for all but root before it has a token', () => {
    const vm = machine({ curl: 'exit 22' });
    expect(vm.run('setup').phases.slice(0, 3)).toEqual(['setup', 'runner-version', 'metadata-blocked']);
    const rules = vm.read('/run/rules');
    expect(rules).toMatch(/hook output[^}]*ip daddr 169\.254\.169\.254 meta skuid 0 accept\s+ip daddr 169\.254\.169\.254 reject/);
    expect(rules).toMatch(/hook forward[^}]*ip daddr 169\.254\.169\.254 reject\s+ip6 daddr \{ fd00:ec2::254, fe80::a9fe:a9fe \} reject/);
    expect(rules).not.toContain('flush chain');
  });

  it('takes no job when it cannot be blocked for root', () => {
    const { status, phases } = machine({ nft: 'test ! -e ROOT/run/rules || exit 1; cat > ROOT/run/rules' }).run('setup');
    expect(status).not.toBe(0);
    expect(phases.slice(-2)).toEqual(['handoff', 'failed reason=metadata-block']);
  });

  it.each<readonly [string, StandIns, string]>([
    ['mount', { mount: 'echo first >&2; echo "mount.nfs4: access denied by server" >&2; exit 32' }, 'mount.nfs4: access denied by server'],
    ['apt-get', { dockerd: undefined, 'apt-get': 'echo "E: Version 1 was not found" >&2; exit 100' }, 'E: Version 1 was not found'],
    ['curl', { curl: 'echo "curl: (6) https://b.example/x?Signature=abc" >&2; exit 6' }, 'curl: (6) https://b.example/x'],
    ['a program with control characters', { docker: "printf 'bad\\033[31m\\007' >&2; exit 1" }, 'bad[31m'],
    ['a program that says very much', { docker: `echo ${'x'.repeat(500)} >&2; exit 1` }, 'x'.repeat(200)],
  ])('repeats on the console what %s said, without what a URL has behind "?"', (_name, change, said) => {
    const { stdout } = machine(change).run('setup');
    expect(stdout.trimEnd().split('\n').slice(-2)).toEqual([
      expect.stringMatching(/ phase=failed reason=[a-z-]+ uptime=\d+$/),
      `gl-scaler worker=bitbake-01kb2x3y4z5a6b7c8d9e0f1g2h said: ${said}`,
    ]);
  });

  it.each<readonly [string, StandIns, string]>([
    ['the metadata block cannot be set up', { nft: 'cat >/dev/null; exit 1' }, 'metadata-block'],
    ['the caches cannot be mounted', { mount: 'exit 32' }, 'cache-unavailable'],
    ['docker does not start', { docker: 'exit 1' }, 'docker'],
    ['the handoff is refused', { curl: 'exit 22' }, 'handoff'],
    ['the handoff is something else', { curl: 'while [ "$1" != --output ]; do shift; done; echo "<Error/>" > "$2"' }, 'handoff'],
    ['the packaged service does not stop', { systemctl: '' }, 'packaged-service'],
    ['packages cannot be listed', { nft: undefined, 'apt-get': 'exit 100' }, 'package-lists'],
    ['packages cannot be installed', { dockerd: undefined, 'apt-get': 'case "$*" in *install*) exit 100;; esac' }, 'packages'],
    ["GitLab's repository cannot be reached", { 'gitlab-runner': undefined, curl: 'exit 6' }, 'runner-repository'],
    ['the runner cannot be installed', { 'gitlab-runner': undefined, 'apt-get': 'exit 100' }, 'runner-package'],
  ])('gives up within bounds and takes no token when %s', (_name, change, reason) => {
    const vm = machine(change);
    const { status, phases } = vm.run('setup');
    expect(status).not.toBe(0);
    expect(phases.at(-1)).toBe(`failed reason=${reason}`);
    expect(() => vm.read('/etc/gitlab-runner/config.toml')).toThrow(/ENOENT/);
  });
});
