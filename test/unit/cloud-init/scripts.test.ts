import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { renderRunnerConfig, renderWorkerUserData, type WorkerUserDataInput } from '../../../cloud-init/worker/worker.ts';
import { FakeMachine } from './sandboxed.ts';

const input: WorkerUserDataInput = {
  workerName: 'bitbake-01kb2x3y4z5a6b7c8d9e0f1g2h',
  handoffUrl: 'https://acme.obs.eu-de.otc.t-systems.com/handoff/x?AccessKeyId=AK&Expires=1&Signature=a%2Fb%3D',
  maxBuilds: 100,
  waitTimeoutSeconds: 60,
  maxAgeSeconds: 86_400,
  cache: { server: '10.0.0.10', export: '/cache', access: 'rw', required: true },
  runner: {
    executor: 'docker',
    docker: { image: 'ubuntu:20.04' },
    environment: [],
    protectedOnly: false,
    checkInterval: 0,
    sessionTimeout: 1800,
    disk: { minFreeGb: 5, prune: true },
    packages: {},
  },
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
  nft: 'cat >> ROOT/run/rules',
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
const optional = { cache: { server: '10.0.0.10', export: '/cache', access: 'rw', required: false } } as const;
const pins = { 'docker.io': '26.1.5-1', curl: '8.5.0-2', 'gitlab-runner': '17.11.0-1' };
const pinned = { runner: { ...input.runner, packages: pins } };
const shell = { runner: { ...input.runner, executor: 'shell', docker: {} } } as const;

const READY = ['runner-version', 'metadata-blocked', 'mounted', 'docker-ready', 'handoff', 'ready'];

describe('setup', () => {
  it('makes the machine ready, and installs nothing that is there', () => {
    const vm = machine();
    const { status, phases, stderr } = vm.run('setup');
    expect(stderr).toBe('');
    expect(phases).toEqual(['setup', 'runner-version', 'metadata-blocked', 'mounted', 'docker-ready', 'handoff', 'ready']);
    expect(status).toBe(0);
    expect(vm.calls('apt-get')).toEqual([]);
    expect(vm.calls('mount')).toEqual([
      expect.stringMatching(/^mount -t nfs4 -o rw,vers=4\.2,.*\bhard\b.* 10\.0\.0\.10:\S*\/cache \S*\/cache$/),
    ]);
  });

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

  it('blocks the metadata address for all but root before it has a token', () => {
    const vm = machine({ curl: 'exit 22' });
    expect(vm.run('setup').phases.slice(0, 3)).toEqual(['setup', 'runner-version', 'metadata-blocked']);
    const rules = vm.read('/run/rules');
    expect(rules).toMatch(/hook output[^}]*ip daddr 169\.254\.169\.254 meta skuid 0 accept\s+ip daddr 169\.254\.169\.254 reject/);
    expect(rules).toMatch(/hook forward[^}]*ip daddr 169\.254\.169\.254 reject\s+ip6 daddr \{ fd00:ec2::254, fe80::a9fe:a9fe \} reject/);
    expect(rules).not.toContain('flush chain');
  });

  it('blocks it for root, too, before it is ready for jobs', () => {
    const vm = machine();
    vm.run('setup');
    expect(vm.read('/run/rules')).toMatch(
      /flush chain inet gl_scaler output\nadd rule inet gl_scaler output ip daddr 169\.254\.169\.254 reject\nadd rule inet gl_scaler output ip6 daddr .* reject\n$/,
    );
  });

  it('takes no job when it cannot be blocked for root', () => {
    const { status, phases } = machine({ nft: 'test ! -e ROOT/run/rules || exit 1; cat > ROOT/run/rules' }).run('setup');
    expect(status).not.toBe(0);
    expect(phases.slice(-2)).toEqual(['handoff', 'failed reason=metadata-block']);
  });

  it('prints lines of one form, each with the uptime', () => {
    const lines = machine().run('setup').stdout.trimEnd().split('\n');
    expect(lines).toHaveLength(7);
    for (const line of lines)
      expect(line).toMatch(/^gl-scaler worker=bitbake-01kb2x3y4z5a6b7c8d9e0f1g2h phase=[a-z-]+(?: version=unknown)? uptime=\d+$/);
  });

  it.each<readonly [string, Readonly<Record<string, string | undefined>>, string]>([
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
      expect.stringMatching(new RegExp(` install --no-install-recommends ${packages}\\s*$`)),
    ]);
  });

  const LISTS_LOCKED =
    'echo "E: Could not get lock /var/lib/apt/lists/lock. It is held by process 7 (apt-get)" >&2; echo "E: Unable to lock directory /var/lib/apt/lists/" >&2; exit 100';

  it.each([
    ['as long as for its own lock', 9, 0, []],
    ['no longer', 99, 1, ['said: E: Unable to lock directory /var/lib/apt/lists/']],
  ])('waits for a lock that apt does not wait for itself, %s', (_name, times, status, said) => {
    // The clock of this machine goes on by 30 s at each look.
    const locked = `n=$(cat ROOT/run/n 2>/dev/null || echo 0); echo $((n + 1)) > ROOT/run/n; [ "$n" -ge ${times} ] || { ${LISTS_LOCKED}; }`;
    const vm = machine({ dockerd: undefined, 'apt-get': `case "$*" in *install*) exit ${status} ;; esac; ${locked}` });
    const ran = vm.run('setup');
    expect(ran.status).toBe(status);
    expect(ran.stdout.match(/said: .*/g) ?? []).toEqual(said);
    const updates = vm.calls('apt-get').filter((call) => call.endsWith(' update'));
    if (status === 0) expect(updates).toHaveLength(times + 1);
    else expect(updates.length).toBeLessThan(20);
    expect(updates[0]).toContain('DPkg::Lock::Timeout=300');
  });

  it('reads the lists again before each further try', () => {
    const vm = machine({
      dockerd: undefined,
      'apt-get': 'case "$*" in *install*) test -e ROOT/run/tried || { : > ROOT/run/tried; exit 100; } ;; esac',
    });
    expect(vm.run('setup').status).toBe(0);
    expect(vm.calls('apt-get').map((call) => / (update|install)\b/.exec(call)?.[1])).toEqual(['update', 'install', 'update', 'install']);
  });

  it('installs what other repositories have when one is refused, and notes it', () => {
    const refused = `echo "E: The repository 'https://r.example x InRelease' is not signed." >&2; exit 100`;
    const vm = machine({ dockerd: undefined, 'apt-get': `case "$*" in *update*) ${refused} ;; esac` });
    const { status, stdout, phases } = vm.run('setup');
    expect(status).toBe(0);
    expect(phases).toEqual(['setup', 'packages', ...READY]);
    expect(stdout.match(/said: .*/g)).toEqual(["said: E: The repository 'https://r.example x InRelease' is not signed."]);
    expect(vm.calls('apt-get')).toHaveLength(2);
  });

  it('names the lists, not the package, when they were the reason', () => {
    const apt = 'case "$*" in *update*) echo "E: refused" >&2 ;; *) echo "E: Unable to locate package" >&2 ;; esac; exit 100';
    const { stdout, phases } = machine({ dockerd: undefined, 'apt-get': apt }).run('setup');
    expect(phases.at(-1)).toBe('failed reason=package-lists');
    expect(stdout).toMatch(/said: E: refused\n$/);
  });

  it("installs GitLab's package when there is no runner, and stops the package's own service before there is a configuration", () => {
    const vm = machine({ 'gitlab-runner': undefined });
    expect(vm.run('setup').phases).toEqual(['setup', 'runner-package', ...READY]);
    expect(vm.calls('apt-get')).toEqual([expect.stringMatching(/ update$/), expect.stringMatching(/ install gitlab-runner\s*$/)]);
    expect(vm.calls('systemctl')).toContain('systemctl disable --now gitlab-runner.service');
  });

  it('installs pinned versions, and the helper images in that of the runner', () => {
    const vm = machine({ dockerd: undefined, 'gitlab-runner': undefined }, pinned);
    expect(vm.run('setup').phases).toEqual(['setup', 'packages', 'runner-package', ...READY]);
    expect(
      vm
        .calls('apt-get')
        .map((call) => / install (.*?)\s*$/.exec(call)?.[1])
        .filter((installed) => installed !== undefined),
    ).toEqual(['--no-install-recommends docker.io=26.1.5-1 apparmor', 'gitlab-runner=17.11.0-1 gitlab-runner-helper-images=17.11.0-1']);
  });

  it('takes what the image brought in another version, downloads nothing and says so', () => {
    const versions = 'case "$3" in docker.io) printf 20.10.1;; gitlab-runner) printf 17.11.0-1;; *) exit 1;; esac';
    const vm = machine({ 'dpkg-query': versions }, pinned);
    const { status, stdout } = vm.run('setup');
    expect(status).toBe(0);
    expect(vm.calls('apt-get')).toEqual([]);
    expect([...stdout.matchAll(/phase=version-differs (.*) uptime=/g)].map((m) => m[1])).toEqual([
      'package=docker.io installed=20.10.1 pinned=26.1.5-1',
    ]);
  });

  describe('registry mirrors', () => {
    const mirrored = { runner: { ...input.runner, registryMirrors: ['https://a.example', 'http://b.example:5000'] } };
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

    it('are none where none are set', () => {
      const vm = machine();
      expect(vm.run('setup').phases).not.toContain('registry-mirrors');
      expect(vm.calls('systemctl').filter((call) => call.endsWith('docker.service'))).toEqual(['systemctl start docker.service']);
    });
  });

  it.each([
    ['17.1.0', 0],
    ['17.0.9', 1],
    ['16.11.0', 1],
    ['18.5.0', 0],
    ['19.0.0~pre.12.gabc', 0],
    ['v18.5.0', 0],
    ['development version', 0],
  ])('names the version of its runner, and goes no further with one that is too old: %s', (version, status) => {
    const vm = machine({ 'gitlab-runner': `printf 'Version:      ${version}\\nGit revision: abc\\n'` });
    const ran = vm.run('setup');
    expect(ran.status).toBe(status);
    expect(ran.stdout).toMatch(new RegExp(`phase=runner-version version=${version.replace(/^v/, '')} uptime=`));
    if (status === 1) expect(ran.phases.at(-1)).toBe('failed reason=runner-version');
  });

  it('goes on with a runner that does not say its version', () => {
    const { status, stdout } = machine().run('setup');
    expect(status).toBe(0);
    expect(stdout).toContain('phase=runner-version version=unknown ');
  });

  it('uses a repository of the runner that the image knows', () => {
    const vm = machine({ 'gitlab-runner': undefined, 'apt-cache': '' });
    expect(vm.run('setup').phases).toEqual(['setup', 'runner-package', ...READY]);
    expect(vm.calls('bash')).toEqual([]);
    expect(vm.calls('curl').filter((call) => call.includes('packages.gitlab.com'))).toEqual([]);
  });

  it("tries GitLab's repository again when its script found apt locked", () => {
    const vm = machine({ 'gitlab-runner': undefined, bash: 'test -e ROOT/run/tried || { : > ROOT/run/tried; exit 100; }' });
    expect(vm.run('setup').status).toBe(0);
    expect(vm.calls('bash')).toHaveLength(2);
  });

  it('keeps unattended upgrades and needrestart away from docker and from itself', () => {
    const vm = machine({ dockerd: undefined, 'apt-get': 'echo "$NEEDRESTART_SUSPEND $DEBIAN_FRONTEND" > ROOT/run/env' });
    vm.run('setup');
    expect(vm.read('/run/env')).toBe('1 noninteractive\n');
    expect(
      vm
        .calls('systemctl')
        .filter((call) => call.startsWith('systemctl mask'))
        .join(),
    ).toMatch(/apt-daily\.timer.*apt-daily-upgrade\.service/);
  });

  it('goes on with empty local folders when the caches are not required', () => {
    const vm = machine({ mount: 'exit 32' }, optional);
    const { status, phases } = vm.run('setup');
    expect(status).toBe(0);
    expect(phases).toEqual(['setup', 'runner-version', 'metadata-blocked', 'cache-absent', 'docker-ready', 'handoff', 'ready']);
    for (const folder of ['downloads', 'sstate', 'git']) {
      expect(statSync(join(vm.root, 'cache', folder)).mode & 0o1777).toBe(0o1777);
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
    const vm = machine({}, { cache: { server: '10.0.0.10', export: '/cache', access: 'ro', required: true } });
    vm.run('setup');
    expect(vm.calls('mount')).toEqual([expect.stringMatching(/ -o ro,vers=4\.2,/)]);
  });

  it('tries the caches until the manager is there', () => {
    const vm = machine({ mount: 'test -e ROOT/run/tried || { : > ROOT/run/tried; exit 32; }; : > ROOT/run/mounted' });
    expect(vm.run('setup').phases).toEqual(['setup', 'runner-version', 'metadata-blocked', 'mounted', 'docker-ready', 'handoff', 'ready']);
    expect(vm.calls('mount')).toHaveLength(2);
  });

  it('mounts nothing without caches', () => {
    const vm = new FakeMachine(renderWorkerUserData(withoutCache), healthy);
    machines.push(vm);
    expect(vm.run('setup').phases).toEqual(['setup', 'runner-version', 'metadata-blocked', 'docker-ready', 'handoff', 'ready']);
    expect(vm.calls('mount')).toEqual([]);
  });

  it('needs no docker for a shell executor, and keeps the configuration from the user that its jobs run as', () => {
    const vm = machine({ dockerd: undefined, docker: undefined }, shell);
    expect(vm.run('setup').phases).toEqual(['setup', 'runner-version', 'metadata-blocked', 'mounted', 'handoff', 'ready']);
    expect(vm.calls('chown')).toEqual([]);
    expect(statSync(join(vm.root, '/etc/gitlab-runner/config.toml')).mode & 0o777).toBe(0o600);
    expect(statSync(join(vm.root, '/etc/gitlab-runner')).mode & 0o777).toBe(0o700);
  });

  it('makes that user when no package did', () => {
    const vm = machine({ id: 'exit 1' }, shell);
    vm.run('setup');
    expect(vm.calls('useradd')).toEqual([
      'useradd --create-home --skel /dev/null --shell /bin/bash gitlab-runner'.replace('/dev', `${vm.root}/dev`),
    ]);
  });

  it.each([
    ['copied from the skeleton', 'clear_console -q\n', false],
    ['of its own', 'true\n', true],
  ])("a .bash_logout %s does not end that user's shells with an error", (_name, content, stays) => {
    const vm = machine({}, shell);
    vm.write('/etc/skel/.bash_logout', 'clear_console -q\n');
    vm.write('/home/gitlab-runner/.bash_logout', content);
    vm.run('setup');
    expect(existsSync(join(vm.root, '/home/gitlab-runner/.bash_logout'))).toBe(stays);
  });
});

describe('run', () => {
  const unwatched = { runner: { ...input.runner, disk: { minFreeGb: 0, prune: true } } };
  const unwatchedShell = { runner: { ...shell.runner, disk: { minFreeGb: 0, prune: true } } };

  it('is the runner itself with the bounds it was given where nobody looks at the disk', () => {
    const vm = machine({}, unwatched);
    vm.run('run', ['--max-builds', '100', '--wait-timeout', '60']);
    expect(vm.calls('gitlab-runner')).toEqual([
      expect.stringMatching(
        /^gitlab-runner run-single --config \S*\/etc\/gitlab-runner\/config\.toml --runner bitbake-01kb2x3y4z5a6b7c8d9e0f1g2h --max-builds 100 --wait-timeout 60$/,
      ),
    ]);
  });

  it.each([
    ['docker', input.runner, ''],
    ['shell', shell.runner, ' --shell'],
  ])('is what looks at the disk between jobs, with the same bounds: %s', (_name, settings, shellFlag) => {
    const vm = machine({ python3: '' }, { runner: { ...settings, disk: { minFreeGb: 20, prune: false } } });
    vm.run('run', ['--max-builds', '100', '--wait-timeout', '60']);
    expect(vm.calls('python3').map((call) => call.replace(vm.root, ''))).toEqual([
      `python3 /usr/local/lib/gl-scaler/jobs.py --runner ${input.workerName} --min-free 20 --prune nothing${shellFlag} --max-builds 100 --wait-timeout 60`,
    ]);
    expect(vm.calls('gitlab-runner')).toEqual([]);
  });

  it('says when the runner starts', () => {
    expect(machine({}, unwatched).run('run').stdout).toMatch(
      /^gl-scaler worker=bitbake-01kb2x3y4z5a6b7c8d9e0f1g2h phase=runner-started uptime=[\d.]+\n$/,
    );
  });

  it("puts our bash before the machine's for a shell executor, and leaves the runner itself root", () => {
    const vm = machine({ 'gitlab-runner': 'bash -l' }, unwatchedShell);
    expect(vm.run('run', ['--max-builds', '1']).status).toBe(0);
    expect(vm.calls('gitlab-runner')).toEqual([expect.stringMatching(/^gitlab-runner run-single .* --max-builds 1$/)]);
    expect(vm.calls('setpriv')).toEqual(['setpriv --reuid=1000 --regid=1000 --init-groups /bin/bash -l']);
  });

  it("gives a job's shell the environment of its user, and no way back to our bash", () => {
    const vm = machine({ setpriv: 'echo "$PATH" "$USER" "$LOGNAME" "$HOME"' }, shell);
    const { stdout } = vm.run('shell/bash', [], { PATH: `${vm.root}/usr/local/lib/gl-scaler/shell:${vm.root}/bin`, HOME: '/root' });
    expect(stdout).toBe(`${vm.root}/bin gitlab-runner gitlab-runner ${vm.root}/home/gitlab-runner\n`);
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
