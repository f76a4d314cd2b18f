import { existsSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { RUNNER, WORKER } from '../../../testkit/settings.ts';
import { machine } from './machine.ts';

const shell = { runner: { ...RUNNER, executor: 'shell', docker: {} } } as const;

describe('setup for a shell executor', () => {
  it('needs no docker for a shell executor, and keeps the configuration from the user that its jobs run as', () => {
    const vm = machine({ dockerd: undefined, docker: undefined }, shell);
    expect(vm.run('setup').phases).toEqual(['setup', 'runner-version', 'metadata-blocked', 'mounted', 'handoff', 'ready']);
    expect(vm.calls('chown')).toEqual([]);
    expect(vm.mode('/etc/gitlab-runner/config.toml')).toBe(0o600);
    expect(vm.mode('/etc/gitlab-runner')).toBe(0o700);
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
    expect(existsSync(vm.path('/home/gitlab-runner/.bash_logout'))).toBe(stays);
  });
});

describe('run', () => {
  const unwatched = { runner: { ...RUNNER, disk: { minFreeGb: 0, prune: true } } };
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
    ['docker', RUNNER, ''],
    ['shell', shell.runner, ' --shell'],
  ])('is what looks at the disk between jobs, with the same bounds: %s', (_name, settings, shellFlag) => {
    const vm = machine({ python3: '' }, { runner: { ...settings, disk: { minFreeGb: 20, prune: false } } });
    vm.run('run', ['--max-builds', '100', '--wait-timeout', '60']);
    expect(vm.calls('python3').map((call) => call.replace(vm.root, ''))).toEqual([
      `python3 /usr/local/lib/gl-scaler/jobs.py --runner ${WORKER.workerName} --min-free 20 --prune nothing${shellFlag} --max-builds 100 --wait-timeout 60`,
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
