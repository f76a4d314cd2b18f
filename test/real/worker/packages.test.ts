import { describe, expect, it } from 'vitest';
import type { WorkerUserDataInput } from '../../../cloud-init/worker/worker.ts';
import { RUNNER } from '../../../testkit/settings.ts';
import { machine, READY, type StandIns } from './machine.ts';

const pins = { 'docker.io': '26.1.5-1', curl: '8.5.0-2', 'gitlab-runner': '17.11.0-1' };
const pinned = { runner: { ...RUNNER, packages: pins } };

describe('the packages of a worker', () => {
  it.each<readonly [string, StandIns, Partial<WorkerUserDataInput>, string]>([
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
});
