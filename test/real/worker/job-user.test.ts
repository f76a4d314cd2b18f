import { spawnSync } from 'node:child_process';
import { describe, expect, it } from 'vitest';
import { JOB_SHELL_SH, SETUP_SH } from '../../../cloud-init/worker/programs.generated.ts';

/** What gitlab-runner gives a job's shell (shells/bash.go): errors end it, and so does its last line. */
const JOB = '#!/usr/bin/env bash\n\nset -eo pipefail\nset +o noclobber\n: | eval \'echo "$(id -un) $HOME $PWD"\'\nexit 0\n';

/** Runs a script as root of a machine whose /etc and /home are copies; nothing of it is left behind. */
function onMachine(script: string) {
  const isolated = [
    'set -eu',
    'copy=/mnt',
    'mount -t tmpfs tmpfs "$copy"',
    'cp -a /etc/. "$copy"',
    'mount --bind "$copy" /etc',
    'mount -t tmpfs tmpfs /home',
    'sed -i /^gitlab-runner:/d /etc/passwd /etc/shadow /etc/group /etc/gshadow',
    // Debian's, whatever is installed here.
    "printf '%s\\n' 'if [ \"$SHLVL\" = 1 ]; then' '  [ -x /bin/false ] && /bin/false' fi >/etc/skel/.bash_logout",
    'fail() { echo "failed: $1"; exit 1; }',
    'EXECUTOR=shell',
    script,
  ].join('\n');
  const { status, stdout, stderr } = spawnSync('unshare', ['--mount', '--propagation', 'private', 'sh', '-c', isolated], {
    encoding: 'utf8',
    env: { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', HOME: '/root' },
    timeout: 60_000,
  });
  return { status, stdout, stderr };
}

const makesUser = `${/^job_user\(\) \{[\s\S]*?\n\}\n/m.exec(SETUP_SH)?.[0] ?? ''}job_user`;
const runsJob = `cat >/etc/job-shell <<'EOF'\n${JOB_SHELL_SH}EOF\ncd ~gitlab-runner\nprintf '%s' "$JOB" | sh /etc/job-shell --login`;
const withJob = `JOB=$(cat <<'EOF'\n${JOB}EOF\n)`;

describe('the user that shell jobs run as', () => {
  it.each([
    ['made by setup', ''],
    ["made by an image's adduser, with the skeleton", 'useradd --create-home --shell /bin/bash gitlab-runner'],
  ])('has login shells that end without an error: %s', (_name, before) => {
    const { status, stdout, stderr } = onMachine([before, makesUser, withJob, runsJob].join('\n'));
    expect({ status, stdout, stderr }).toEqual({
      status: 0,
      stdout: 'gitlab-runner /home/gitlab-runner /home/gitlab-runner\n',
      stderr: '',
    });
  });

  it('would end each job with an error if its .bash_logout were the skeleton one', () => {
    const { status } = onMachine(['useradd --create-home --shell /bin/bash gitlab-runner', withJob, runsJob].join('\n'));
    expect(status).toBe(1);
  });
});
