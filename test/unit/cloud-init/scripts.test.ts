import { statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { renderRunnerConfig, renderWorkerUserData, type WorkerUserDataInput } from '../../../cloud-init/worker.ts';
import { FakeMachine } from './sandboxed.ts';

const input: WorkerUserDataInput = {
  workerName: 'bitbake-01kb2x3y4z5a6b7c8d9e0f1g2h',
  handoffUrl: 'https://acme.obs.eu-de.otc.t-systems.com/handoff/x?AccessKeyId=AK&Expires=1&Signature=a%2Fb%3D',
  maxBuilds: 100,
  waitTimeoutSeconds: 60,
  maxAgeSeconds: 86_400,
  cache: { server: '10.0.0.10', export: '/cache', required: true },
  runner: { executor: 'docker', docker: { image: 'ubuntu:20.04' }, environment: [], protectedOnly: false, checkInterval: 0 },
};
const configToml = renderRunnerConfig({
  workerName: input.workerName,
  gitlabUrl: 'https://gitlab.example.com',
  token: 'glrt-x',
  runnerId: 1,
  runner: input.runner,
});

/** A machine on which everything works: all packages are there, the share mounts, the handoff comes. */
const healthy: Readonly<Record<string, string>> = {
  'systemd-machine-id-setup': '',
  systemctl: 'case "$*" in *is-active*) exit 3;; esac',
  nft: 'cat > ROOT/run/rules',
  'mount.nfs4': '',
  dockerd: '',
  docker: '',
  'gitlab-runner': '',
  timeout: 'shift 3; exec "$@"',
  mountpoint: 'test -e ROOT/run/mounted',
  mount: ': > ROOT/run/mounted',
  umount: '',
  curl: `while [ "$1" != --output ]; do shift; done; cat > "$2" <<'EOF'\n${configToml}EOF`,
  'apt-get': '',
  bash: '',
  id: 'echo 1000',
  chown: '',
  useradd: '',
  setpriv: '',
  poweroff: '',
};

const machines: FakeMachine[] = [];
function machine(change: Readonly<Record<string, string | undefined>> = {}, own: Partial<WorkerUserDataInput> = {}): FakeMachine {
  const commands = Object.entries({ ...healthy, ...change }).filter((entry): entry is [string, string] => entry[1] !== undefined);
  const made = new FakeMachine(renderWorkerUserData({ ...input, ...own }), Object.fromEntries(commands));
  machines.push(made);
  return made;
}
afterEach(() => {
  for (const made of machines.splice(0)) made.remove();
});

const { cache: _, ...withoutCache } = input;
const optional = { cache: { server: '10.0.0.10', export: '/cache', required: false } };
const shell = { runner: { ...input.runner, executor: 'shell', docker: {} } } as const;

describe('setup', () => {
  it('makes the machine ready, and installs nothing that is there', () => {
    const vm = machine();
    const { status, phases, stderr } = vm.run('setup');
    expect(stderr).toBe('');
    expect(phases).toEqual(['setup', 'cache', 'docker', 'handoff', 'ready']);
    expect(status).toBe(0);
    expect(vm.calls('apt-get')).toEqual([]);
    expect(vm.calls('mount')).toEqual([
      expect.stringMatching(/^mount -t nfs4 -o vers=4\.2,.*\bhard\b.* 10\.0\.0\.10:\S*\/cache \S*\/cache$/),
    ]);
  });

  it('writes the configuration once, readable by root alone, and forgets the URL', () => {
    const vm = machine();
    vm.run('setup');
    expect(vm.read('/etc/gitlab-runner/config.toml')).toBe(configToml);
    expect(statSync(join(vm.root, '/etc/gitlab-runner/config.toml')).mode & 0o777).toBe(0o600);
    expect(statSync(join(vm.root, '/etc/gitlab-runner')).mode & 0o777).toBe(0o700);
    expect(vm.read('/etc/gitlab-runner/.runner_system_id')).toBe('r_7c8d9e0f1g2h');
    expect(() => vm.read('/etc/gl-scaler/handoff.curl')).toThrow(/ENOENT/);
    expect(vm.calls('curl')).toHaveLength(1);
    expect(vm.calls('curl').join()).not.toContain('Signature');
  });

  it('blocks the metadata address before it has a token', () => {
    const vm = machine({ curl: 'exit 22' });
    vm.run('setup');
    const rules = vm.read('/run/rules');
    expect(rules).toMatch(/hook output[^}]*ip daddr 169\.254\.169\.254 meta skuid 0 accept\s+ip daddr 169\.254\.169\.254 reject/);
    expect(rules).toMatch(/hook forward[^}]*ip daddr 169\.254\.169\.254 reject/);
  });

  it.each<readonly [string, Readonly<Record<string, string | undefined>>, string]>([
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

  it.each<readonly [string, Readonly<Record<string, string | undefined>>, Partial<WorkerUserDataInput>, string]>([
    ['docker with what it needs to start containers', { dockerd: undefined }, {}, 'docker.io apparmor'],
    ['the NFS client', { 'mount.nfs4': undefined }, {}, 'nfs-common'],
    ['nftables', { nft: undefined }, {}, 'nftables'],
  ])('installs %s when it is missing', (_name, change, own, packages) => {
    const vm = machine(change, own);
    vm.run('setup');
    expect(vm.calls('apt-get')).toEqual([
      expect.stringMatching(/ update$/),
      expect.stringMatching(new RegExp(` install --no-install-recommends ${packages}$`)),
    ]);
  });

  it('waits for a package lock instead of failing on it, and tries again', () => {
    const vm = machine({ dockerd: undefined, 'apt-get': 'test -e ROOT/run/tried || { : > ROOT/run/tried; exit 100; }' });
    expect(vm.run('setup').status).toBe(0);
    expect(vm.calls('apt-get')).toHaveLength(3);
    expect(vm.calls('apt-get')[0]).toContain('DPkg::Lock::Timeout=300');
  });

  it("installs GitLab's package when there is no runner, and stops the package's own service before there is a configuration", () => {
    const vm = machine({ 'gitlab-runner': undefined });
    expect(vm.run('setup').phases).toEqual(['setup', 'runner-package', 'cache', 'docker', 'handoff', 'ready']);
    expect(vm.calls('apt-get')).toEqual([expect.stringMatching(/ install gitlab-runner$/)]);
    expect(vm.calls('systemctl')).toContain('systemctl disable --now gitlab-runner.service');
  });

  it('goes on with empty local folders when the caches are not required', () => {
    const vm = machine({ mount: 'exit 32' }, optional);
    const { status, phases } = vm.run('setup');
    expect(status).toBe(0);
    expect(phases).toEqual(['setup', 'cache', 'cache-absent', 'docker', 'handoff', 'ready']);
    for (const folder of ['downloads', 'sstate', 'git']) {
      expect(statSync(join(vm.root, 'cache', folder)).mode & 0o1777).toBe(0o1777);
    }
  });

  it('tries the caches until the manager is there', () => {
    const vm = machine({ mount: 'test -e ROOT/run/tried || { : > ROOT/run/tried; exit 32; }; : > ROOT/run/mounted' });
    expect(vm.run('setup').phases).toEqual(['setup', 'cache', 'docker', 'handoff', 'ready']);
    expect(vm.calls('mount')).toHaveLength(2);
  });

  it('mounts nothing without caches', () => {
    const vm = new FakeMachine(renderWorkerUserData(withoutCache), healthy);
    machines.push(vm);
    expect(vm.run('setup').phases).toEqual(['setup', 'docker', 'handoff', 'ready']);
    expect(vm.calls('mount')).toEqual([]);
  });

  it('needs no docker for a shell executor, and gives the configuration to the user that its jobs run as', () => {
    const vm = machine({ dockerd: undefined, docker: undefined }, shell);
    expect(vm.run('setup').phases).toEqual(['setup', 'cache', 'handoff', 'ready']);
    expect(vm.calls('chown')).toEqual([expect.stringMatching(/^chown -R gitlab-runner: \S*\/etc\/gitlab-runner$/)]);
  });

  it('makes that user when no package did', () => {
    const vm = machine({ id: 'exit 1' }, shell);
    vm.run('setup');
    expect(vm.calls('useradd')).toHaveLength(1);
  });
});

describe('run', () => {
  it('is the runner itself with the bounds it was given', () => {
    const vm = machine();
    vm.run('run', ['--max-builds', '100', '--wait-timeout', '60']);
    expect(vm.calls('gitlab-runner')).toEqual([
      expect.stringMatching(
        /^gitlab-runner run-single --config \S*\/etc\/gitlab-runner\/config\.toml --runner bitbake-01kb2x3y4z5a6b7c8d9e0f1g2h --max-builds 100 --wait-timeout 60$/,
      ),
    ]);
  });

  it('does not run a shell executor as root, who passes the metadata block', () => {
    const vm = machine({}, shell);
    // `~gitlab-runner` is looked up in the machine's own user list, so here it is the temporary folder.
    vm.write('/usr/local/lib/gl-scaler/run', vm.read('/usr/local/lib/gl-scaler/run').replace('cd ~gitlab-runner', `cd ${vm.root}`));
    vm.run('run', ['--max-builds', '1']);
    expect(vm.calls('gitlab-runner')).toEqual([]);
    expect(vm.calls('setpriv')).toEqual([
      expect.stringMatching(/^setpriv --reuid=1000 --regid=1000 --init-groups gitlab-runner run-single .* --max-builds 1$/),
    ]);
  });
});

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
