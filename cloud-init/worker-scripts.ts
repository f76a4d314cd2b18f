/*
 * What runs on a worker, as POSIX sh. These texts never change from worker to worker; what does is in worker.env, so nothing is ever pasted
 * into a program. They are in TypeScript because a function is one bundled file.
 */

/** Sourced by the others. Console lines are what remains of a worker that never reached GitLab. */
export const COMMON = `# Settings and helpers of this worker's scripts.
. /etc/gl-scaler/worker.env

say() {
  line="gl-scaler worker=$WORKER_NAME $* uptime=$(cut -d' ' -f1 /proc/uptime)"
  # The console exists on every VM; in a container it may not.
  { printf '%s\\n' "$line" >/dev/console; } 2>/dev/null || true
  printf '%s\\n' "$line"
}

# Seconds since boot: no clock that could be set meanwhile.
seconds() {
  cut -d. -f1 /proc/uptime
}

fail() {
  say "phase=failed reason=$1"
  exit 1
}

# power_off [--force]: ever harder; the last one asks nobody.
power_off() {
  systemctl --no-block poweroff "$@" || systemctl poweroff --force || poweroff -f
}
`;

/** Everything before the first job, as ExecStartPre: whatever fails here ends the worker. */
export const SETUP = `#!/bin/sh
# Makes the machine fit for jobs: packages, metadata block, caches, docker, the runner's configuration.
set -eu
. /usr/local/lib/gl-scaler/common

# Bounds in seconds. All together stay below the unit's TimeoutStartSec.
CACHE_WAIT=180
DOCKER_WAIT=120
HANDOFF_WAIT=180

fresh_identity() {
  # Clones of an image that holds a machine-id would all show GitLab the same system id.
  rm -f /etc/machine-id /var/lib/dbus/machine-id 2>/dev/null || true
  systemd-machine-id-setup >/dev/null 2>&1 || true
}

quiet_apt() {
  # Unattended upgrades may restart docker under a job. One that runs already is waited for (DPkg::Lock), not broken off.
  systemctl mask --now apt-daily.timer apt-daily-upgrade.timer >/dev/null 2>&1 || true
  systemctl mask apt-daily.service apt-daily-upgrade.service >/dev/null 2>&1 || true
}

missing_packages() {
  command -v curl >/dev/null || echo curl ca-certificates
  command -v nft >/dev/null || echo nftables
  [ -z "$CACHE_SERVER" ] || command -v mount.nfs4 >/dev/null || echo nfs-common
  # Without apparmor_parser docker refuses to start containers.
  [ "$EXECUTOR" != docker ] || command -v dockerd >/dev/null || echo docker.io apparmor
}

install_packages() {
  try=1
  while ! DEBIAN_FRONTEND=noninteractive apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"; do
    [ "$try" -lt 8 ] || return 1
    try=$((try + 1))
    sleep 15
  done
}

packages() {
  wanted=$(missing_packages)
  if [ -n "$wanted" ]; then
    say phase=packages
    install_packages update || fail package-lists
    # shellcheck disable=SC2086
    install_packages install --no-install-recommends $wanted || fail packages
  fi
  if ! command -v gitlab-runner >/dev/null; then
    say phase=runner-package
    script=$(mktemp)
    curl --fail --silent --show-error --location --retry 5 --retry-delay 5 --max-time 60 --output "$script" \\
      https://packages.gitlab.com/install/repositories/runner/gitlab-runner/script.deb.sh || fail runner-repository
    bash "$script" >/dev/null || fail runner-repository
    rm -f "$script"
    install_packages install gitlab-runner || fail runner-package
  fi
  # The package starts a service of its own, which would take jobs beside ours. It must be gone before there is a configuration.
  systemctl disable --now gitlab-runner.service >/dev/null 2>&1 || true
  if systemctl is-active --quiet gitlab-runner.service; then fail packaged-service; fi
}

block_metadata() {
  # Jobs must not read user data from the metadata service: only root on the host may. Containers pass through forward.
  # Accept, then reject: a packet without a known owner is refused, too.
  nft -f - <<'RULES' || fail metadata-block
add table inet gl_scaler
flush table inet gl_scaler
table inet gl_scaler {
  chain output {
    type filter hook output priority -10; policy accept;
    ip daddr 169.254.169.254 meta skuid 0 accept
    ip daddr 169.254.169.254 reject
  }
  chain forward {
    type filter hook forward priority -10; policy accept;
    ip daddr 169.254.169.254 reject
  }
}
RULES
}

mount_cache() {
  # hard: a soft mount turns a slow server into silently broken files. retry=0: the waiting is done here, with a bound.
  timeout -k 5 60 mount -t nfs4 -o vers=4.2,proto=tcp,hard,noatime,nconnect=4,timeo=600,retrans=2,retry=0,_netdev \\
    "$CACHE_SERVER:$CACHE_EXPORT" /cache
}

caches() {
  mkdir -p /cache
  if [ -n "$CACHE_SERVER" ]; then
    say phase=cache
    deadline=$(($(seconds) + CACHE_WAIT))
    until mountpoint -q /cache || mount_cache; do
      if [ "$(seconds)" -ge "$deadline" ]; then
        [ "$CACHE_REQUIRED" = false ] || fail cache-unavailable
        say phase=cache-absent
        break
      fi
      sleep 5
    done
  fi
  if ! mountpoint -q /cache; then
    mkdir -p /cache/downloads /cache/sstate /cache/git
    chmod 1777 /cache /cache/downloads /cache/sstate /cache/git
  fi
}

docker_ready() {
  [ "$EXECUTOR" = docker ] || return 0
  say phase=docker
  systemctl start docker.service || true
  deadline=$(($(seconds) + DOCKER_WAIT))
  until timeout -k 5 20 docker info >/dev/null 2>&1; do
    [ "$(seconds)" -lt "$deadline" ] || fail docker
    sleep 2
  done
}

job_user() {
  # Only a shell executor's jobs run on the host itself. As root they would pass the metadata block.
  [ "$EXECUTOR" = shell ] || return 0
  id gitlab-runner >/dev/null 2>&1 || useradd --create-home --shell /bin/bash gitlab-runner || fail job-user
}

handoff() {
  say phase=handoff
  umask 077
  mkdir -p /etc/gitlab-runner
  deadline=$(($(seconds) + HANDOFF_WAIT))
  until curl --config /etc/gl-scaler/handoff.curl --output /etc/gitlab-runner/config.new \\
    && grep -q '^token = ' /etc/gitlab-runner/config.new; do
    [ "$(seconds)" -lt "$deadline" ] || fail handoff
    sleep 5
  done
  printf '%s' "$SYSTEM_ID" >/etc/gitlab-runner/.runner_system_id
  mv /etc/gitlab-runner/config.new /etc/gitlab-runner/config.toml
  rm -f /etc/gl-scaler/handoff.curl
  chmod 0600 /etc/gitlab-runner/config.toml
  [ "$EXECUTOR" != shell ] || chown -R gitlab-runner: /etc/gitlab-runner
}

say phase=setup
fresh_identity
quiet_apt
packages
block_metadata
caches
docker_ready
job_user
handoff
say phase=ready
`;

/** The runner itself, with `run-single`'s bounds as arguments. `exec`: systemd's signals reach the runner and nothing between. */
export const RUN = `#!/bin/sh
# Takes jobs until one of the bounds given as arguments is reached.
set -eu
. /etc/gl-scaler/worker.env
set -- gitlab-runner run-single --config /etc/gitlab-runner/config.toml --runner "$WORKER_NAME" "$@"
if [ "$EXECUTOR" = shell ]; then
  cd ~gitlab-runner
  HOME=$PWD USER=gitlab-runner LOGNAME=gitlab-runner
  export HOME USER LOGNAME
  exec setpriv --reuid="$(id -u gitlab-runner)" --regid="$(id -g gitlab-runner)" --init-groups "$@"
fi
exec "$@"
`;

/** ExecStopPost: runs after success, failure, signal and a setup that failed alike. */
export const FINISH = `#!/bin/sh
# Powers off, whatever the runner's exit was.
. /usr/local/lib/gl-scaler/common
say "phase=finished result=\${SERVICE_RESULT:-unknown} status=\${EXIT_STATUS:-unknown}"
# A share whose server is gone would hold up the shutdown.
umount -l /cache 2>/dev/null || true
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
power_off --force
`;

/** On every boot but the first: the job is lost and the bounds are gone, so the worker goes, too. */
export const REBOOTED = `#!/bin/sh
# Ends a worker that was started a second time.
. /usr/local/lib/gl-scaler/common
say phase=rebooted
power_off
`;
