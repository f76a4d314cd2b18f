/*
 * What runs on a worker besides its setup (setup.ts), as POSIX sh. These texts never change from worker to worker; what does is in
 * worker.env, so nothing is ever pasted into a program. They are in TypeScript because a function is one bundled file.
 */

/** Sourced by the others. Console lines are what remains of a worker that never reached GitLab. */
export const COMMON = `# Settings and helpers of this worker's scripts.
. /etc/gl-scaler/worker.env

print() {
  # The console exists on every VM; in a container it may not.
  { printf '%s\\n' "$1" >/dev/console; } 2>/dev/null || true
  printf '%s\\n' "$1"
}

# say phase=NAME [KEY=VALUE...]
say() {
  print "gl-scaler worker=$WORKER_NAME $* uptime=$(cut -d' ' -f1 /proc/uptime)"
}

# explain FILE: what a program said last, up to the first "?": behind it a URL has what opens it.
explain() {
  why=$(tail -n 1 "$1" 2>/dev/null | tr -cd ' -~') || return 0
  [ -z "$why" ] || print "gl-scaler worker=$WORKER_NAME said: $(printf '%.200s' "\${why%%\\?*}")"
}

# Seconds since boot: no clock that could be set meanwhile.
seconds() {
  cut -d. -f1 /proc/uptime
}

# fail REASON [FILE]: the reason is one word of docs/worker.md.
fail() {
  say "phase=failed reason=$1"
  [ -z "\${2-}" ] || explain "$2"
  exit 1
}

power_off() {
  systemctl --no-block poweroff || power_off_now
}

# Waits for no service; the second way asks nobody at all.
power_off_now() {
  systemctl --no-block poweroff --force || poweroff -f
}
`;

/**
 * The runner itself, with `run-single`'s bounds as arguments. `exec`: systemd's signals reach the runner, or what starts one for each job
 * (jobs.ts), and nothing between.
 */
export const RUN = `#!/bin/sh
# Takes jobs until one of the bounds given as arguments is reached.
set -eu
. /usr/local/lib/gl-scaler/common
shell=
if [ "$EXECUTOR" = shell ]; then
  shell=--shell
  PATH=/usr/local/lib/gl-scaler/shell:$PATH
  export PATH
  cd ~gitlab-runner
fi
say phase=runner-started
if [ "$DISK_MIN_FREE" -gt 0 ]; then
  # shellcheck disable=SC2086
  exec python3 /usr/local/lib/gl-scaler/jobs.py --runner "$WORKER_NAME" --min-free "$DISK_MIN_FREE" --prune "$DISK_PRUNE" $shell "$@"
fi
exec gitlab-runner run-single --config /etc/gitlab-runner/config.toml --runner "$WORKER_NAME" "$@"
`;

/**
 * First in the PATH of a shell executor's runner. run-single has no user for its jobs (gitlab-runner: commands/single.go makes an empty global
 * configuration) and starts the "bash" of its PATH (shells/bash.go). As one user with its jobs it could hide its token from none of them.
 */
export const JOB_SHELL = `#!/bin/sh
# bash, as the user that jobs run as.
set -eu
PATH=\${PATH#/usr/local/lib/gl-scaler/shell:}
HOME=~gitlab-runner
USER=gitlab-runner
LOGNAME=gitlab-runner
export PATH HOME USER LOGNAME
exec setpriv --reuid="$(id -u gitlab-runner)" --regid="$(id -g gitlab-runner)" --init-groups /bin/bash "$@"
`;

/** ExecStopPost: runs after success, failure, signal and a setup that failed alike. */
export const FINISH = `#!/bin/sh
# Powers off, whatever the runner's exit was.
. /usr/local/lib/gl-scaler/common
reason=$(cat /run/gl-scaler.reason 2>/dev/null) || true
say "phase=finished \${reason:+reason=$reason }result=\${SERVICE_RESULT:-unknown} status=\${EXIT_STATUS:-unknown}"
# A share whose server is gone would hold up the shutdown.
timeout -k 5 20 umount -l /cache 2>/dev/null || true
power_off
`;

/** At max_age: no new job, but the running one is finished. */
export const RETIRE = `#!/bin/sh
# SIGQUIT lets gitlab-runner finish its job and then leave. A worker that is not running jobs by now never will.
. /usr/local/lib/gl-scaler/common
say phase=max-age
if ! systemctl is-active --quiet gl-scaler-worker.service \\
  || ! systemctl kill --kill-who=main --signal=SIGQUIT gl-scaler-worker.service; then
  power_off
fi
`;

/** The end that nothing can put off. */
export const STOP = `#!/bin/sh
# Ends the machine without waiting for any service.
. /usr/local/lib/gl-scaler/common
say phase=hard-stop
power_off_now
`;

/** On every boot but the first: the job is lost and the bounds are gone, so the worker goes, too. */
export const REBOOTED = `#!/bin/sh
# Ends a worker that was started a second time.
. /usr/local/lib/gl-scaler/common
say phase=rebooted
power_off
`;
