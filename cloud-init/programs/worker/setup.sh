#!/bin/sh
## ExecStartPre: everything before the first job. Whatever fails here ends the worker. A phase is printed when it has been reached, so that the time
## between two lines is what the second one took.
# Makes the machine fit for jobs: packages, metadata block, caches, docker, the runner's configuration.
set -eu
# shellcheck source=common.sh
. /usr/local/lib/gl-scaler/common

# Bounds in seconds.
CACHE_WAIT=180
DOCKER_WAIT=120
HANDOFF_WAIT=180
# What the last command that may be tried again complained of.
NOTES=/run/gl-scaler.notes

fresh_identity() {
  # Clones of an image that holds a machine-id would all show GitLab the same system id.
  before=$(cat /etc/machine-id 2>/dev/null) || true
  rm -f /etc/machine-id /var/lib/dbus/machine-id 2>/dev/null || true
  systemd-machine-id-setup >/dev/null 2>&1 || true
  # journald would go on in the folder of the old id, where journalctl does not look.
  [ "$(cat /etc/machine-id 2>/dev/null)" = "$before" ] || systemctl restart systemd-journald.service || true
}

quiet_apt() {
  # Unattended upgrades may restart docker under a job. One that runs already is waited for (DPkg::Lock), not interrupted.
  systemctl mask --now apt-daily.timer apt-daily-upgrade.timer >/dev/null 2>&1 || true
  systemctl mask apt-daily.service apt-daily-upgrade.service unattended-upgrades.service >/dev/null 2>&1 || true
}

# shellcheck source=../shared/apt.sh
. ../shared/apt.sh

# The named packages, each with its pinned version if it has one.
pinned() {
  for package in "$@"; do
    for pin in $PACKAGE_PINS; do
      [ "${pin%%=*}" != "$package" ] || package=$pin
    done
    printf '%s ' "$package"
  done
}

missing_packages() {
  command -v curl >/dev/null || pinned curl ca-certificates
  command -v nft >/dev/null || pinned nftables
  [ -z "$CACHE_SERVER" ] || command -v mount.nfs4 >/dev/null || pinned nfs-common
  # Without apparmor_parser docker refuses to start containers.
  [ "$EXECUTOR" != docker ] || command -v dockerd >/dev/null || pinned docker.io apparmor
}

runner_packages() {
  # From 17.7 on gitlab-runner wants its helper images in exactly its own version, which apt does not choose by itself.
  case " $PACKAGE_PINS " in
    *" gitlab-runner-helper-images="*) pinned gitlab-runner gitlab-runner-helper-images ;;
    *) pinned gitlab-runner ;;
  esac
}

add_runner_repository() {
  curl --fail --silent --show-error --location --retry 5 --retry-delay 5 --max-time 60 --output "$1" \
    https://packages.gitlab.com/install/repositories/runner/gitlab-runner/script.deb.sh 2>"$NOTES" \
    && printf 'DPkg::Lock::Timeout "300";\n' >"$1.apt" \
    && APT_CONFIG=$1.apt NEEDRESTART_SUSPEND=1 bash "$1" >/dev/null 2>"$NOTES"
}

explain_unread_lists() {
  [ -z "$lists_unread" ] || explain "$NOTES.lists"
}

packages() {
  wanted=$(missing_packages)
  if [ -n "$wanted" ]; then
    # shellcheck disable=SC2086
    if ! again install_packages --no-install-recommends $wanted; then
      [ -z "$lists_unread" ] || fail package-lists "$NOTES.lists"
      fail packages "$NOTES"
    fi
    say phase=packages
    explain_unread_lists
  fi
  if ! command -v gitlab-runner >/dev/null; then
    # An image may know the repository already, or a mirror of it.
    if ! apt-cache show gitlab-runner >/dev/null 2>&1; then
      script=$(mktemp)
      again add_runner_repository "$script" || fail runner-repository "$NOTES"
      rm -f "$script" "$script.apt"
    fi
    # shellcheck disable=SC2046
    if ! again install_packages $(runner_packages); then
      explain_unread_lists
      fail runner-package "$NOTES"
    fi
    say phase=runner-package
    explain_unread_lists
  fi
  # The package starts its own service, which would take jobs beside ours. It must be off before the configuration exists.
  systemctl disable --now gitlab-runner.service >/dev/null 2>&1 || true
  if systemctl is-active --quiet gitlab-runner.service; then fail packaged-service; fi
}

compare_versions() {
  # Packages of the image are used as they are. The console shows the difference.
  for pin in $PACKAGE_PINS; do
    have=$(dpkg-query -W -f='${Version}' "${pin%%=*}" 2>/dev/null) || continue
    [ -z "$have" ] || [ "$have" = "${pin#*=}" ] \
      || say "phase=version-differs package=${pin%%=*} installed=$have pinned=${pin#*=}"
  done
}

runner_version() {
  # The image's own may have any version, and need not be a package.
  version=$(gitlab-runner --version 2>/dev/null | sed -n 's/^Version: *v\{0,1\}//p') || true
  say "phase=runner-version version=${version:-unknown}"
  major=${version%%.*}
  rest=${version#*.}
  minor=${rest%%.*}
  case "$major$minor" in
    '' | *[!0-9]*) return 0 ;;
  esac
  # run-single takes a configuration file since 17.1.
  [ "$major" -gt 17 ] || { [ "$major" -eq 17 ] && [ "$minor" -ge 1 ]; } || fail runner-version
}

block_metadata() {
  # Jobs must not read user data from the metadata service, at any of the addresses that clouds give it. Containers pass through forward. Until the handoff is fetched root may still ask:
  # cloud-init does not finish before this service starts. Accept, then reject: a packet without a known owner is refused, too.
  nft -f - 2>"$NOTES" <<'RULES' || fail metadata-block "$NOTES"
add table inet gl_scaler
flush table inet gl_scaler
table inet gl_scaler {
  chain output {
    type filter hook output priority -10; policy accept;
    ip daddr 169.254.169.254 meta skuid 0 accept
    ip daddr 169.254.169.254 reject
    ip6 daddr { fd00:ec2::254, fe80::a9fe:a9fe } meta skuid 0 accept
    ip6 daddr { fd00:ec2::254, fe80::a9fe:a9fe } reject
  }
  chain forward {
    type filter hook forward priority -10; policy accept;
    ip daddr 169.254.169.254 reject
    ip6 daddr { fd00:ec2::254, fe80::a9fe:a9fe } reject
  }
}
RULES
  say phase=metadata-blocked
}

close_metadata() {
  # From now on for root, too: a container on the host's network may run as root, and nothing on a worker needs the service any more.
  nft -f - 2>"$NOTES" <<'RULES' || fail metadata-block "$NOTES"
flush chain inet gl_scaler output
add rule inet gl_scaler output ip daddr 169.254.169.254 reject
add rule inet gl_scaler output ip6 daddr { fd00:ec2::254, fe80::a9fe:a9fe } reject
RULES
}

cache_mounted() {
  # A server that does not answer would block this for ever.
  timeout -k 5 20 mountpoint -q /cache
}

mount_cache() {
  if cache_mounted; then return 0; fi
  # hard: a soft mount turns a slow server into silently broken files. retry=0: the waiting is done here, with a bound.
  timeout -k 5 60 mount -t nfs4 \
    -o "$CACHE_ACCESS,vers=4.2,proto=tcp,hard,noatime,nconnect=4,timeo=600,retrans=2,retry=0,_netdev" \
    "$CACHE_SERVER:$CACHE_EXPORT" /cache 2>"$NOTES" && cache_mounted
}

local_cache() {
  # What was mounted but does not answer must go, or the folders below would be looked for on it.
  timeout -k 5 20 umount -l /cache 2>/dev/null || true
  mkdir -p /cache/downloads /cache/sstate /cache/git
  chmod 1777 /cache /cache/downloads /cache/sstate /cache/git
}

caches() {
  mkdir -p /cache
  if [ -z "$CACHE_SERVER" ]; then
    if ! cache_mounted; then local_cache; fi
    return 0
  fi
  deadline=$(($(seconds) + CACHE_WAIT))
  until mount_cache; do
    if [ "$(seconds)" -ge "$deadline" ]; then
      [ "$CACHE_REQUIRED" = false ] || fail cache-unavailable "$NOTES"
      local_cache
      say phase=cache-absent
      explain "$NOTES"
      return 0
    fi
    sleep 5
  done
  say phase=mounted
}

docker_ready() {
  [ "$EXECUTOR" = docker ] || return 0
  if [ -n "$REGISTRY_MIRRORS" ]; then
    REGISTRY_MIRRORS=$REGISTRY_MIRRORS python3 /usr/local/lib/gl-scaler/registry-mirrors.py 2>"$NOTES" || fail registry-mirrors "$NOTES"
    # One that runs already has read its configuration. No job has begun yet.
    systemctl stop docker.service || true
    say phase=registry-mirrors
  fi
  systemctl start docker.service || true
  deadline=$(($(seconds) + DOCKER_WAIT))
  until timeout -k 5 20 docker info >/dev/null 2>"$NOTES"; do
    [ "$(seconds)" -lt "$deadline" ] || fail docker "$NOTES"
    sleep 2
  done
  say phase=docker-ready
}

job_user() {
  # Only a shell executor's jobs run on the host itself, as the user that the package makes.
  [ "$EXECUTOR" = shell ] || return 0
  # No skeleton, as the package's own script does: Debian's .bash_logout ends in an error, and every login shell with it.
  id gitlab-runner >/dev/null 2>&1 || useradd --create-home --skel /dev/null --shell /bin/bash gitlab-runner || fail job-user
  # Nor one that an image's adduser has copied.
  if cmp -s /etc/skel/.bash_logout ~gitlab-runner/.bash_logout; then rm -f ~gitlab-runner/.bash_logout; fi
}

handoff() {
  umask 077
  mkdir -p /etc/gitlab-runner
  chmod 0700 /etc/gitlab-runner
  deadline=$(($(seconds) + HANDOFF_WAIT))
  until curl --config /etc/gl-scaler/handoff.curl --output /etc/gitlab-runner/config.new 2>"$NOTES" \
    && grep -q '^token = ' /etc/gitlab-runner/config.new; do
    [ "$(seconds)" -lt "$deadline" ] || fail handoff "$NOTES"
    sleep 5
  done
  printf '%s' "$SYSTEM_ID" >/etc/gitlab-runner/.runner_system_id
  mv /etc/gitlab-runner/config.new /etc/gitlab-runner/config.toml
  rm -f /etc/gl-scaler/handoff.curl
  chmod 0600 /etc/gitlab-runner/config.toml
  say phase=handoff
}

say phase=setup
fresh_identity
quiet_apt
packages
compare_versions
runner_version
block_metadata
caches
docker_ready
job_user
handoff
close_metadata
say phase=ready
