#!/bin/bash
# Runs a command where real machines can be started: as root, in namespaces of its own (network, mounts, processes), with the image built. Whatever
# happens to the command, its machines, mounts and network end with the namespaces.
# Needs Debian's packages: apt-get install -y --no-install-recommends qemu-system-x86 qemu-utils mmdebstrap e2fsprogs systemd-container
#   iproute2 nftables cloud-image-utils
# usage: machines.sh COMMAND [ARGUMENT]…
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)

need() {
  if [ "$(id -u)" != 0 ]; then
    echo "machines.sh: real machines can be started by root only" >&2
    exit 1
  fi
  local tool missing=()
  for tool in qemu-system-x86_64 cloud-localds mmdebstrap mke2fs systemd-nspawn ip nft unshare nsenter; do
    command -v "$tool" >/dev/null || missing+=("$tool")
  done
  if [ ${#missing[@]} -gt 0 ]; then
    echo "machines.sh: not installed: ${missing[*]}; the packages stand at the head of $0" >&2
    exit 1
  fi
}

outside() {
  need
  MACHINE_IMAGE=$("$here/machine-image.sh")
  MACHINE_WORK=$(mktemp -d)
  MACHINE_GROUP=machines-$$
  export MACHINE_IMAGE MACHINE_WORK MACHINE_GROUP
  # The child is the first process of its namespace: when it is killed, all others are.
  unshare --mount --net --pid --fork --kill-child --mount-proc "$0" --inside "$@" <&0 &
  child=$!
  trap clear_away EXIT
  trap 'exit 130' INT
  trap 'exit 143' TERM
  wait "$child"
}

# Control groups are the only thing that does not end with the namespaces.
clear_away() {
  kill -KILL "$child" 2>/dev/null || true
  wait "$child" 2>/dev/null || true
  rmdir "$MACHINE_WORK" || true
  local tries
  for tries in 1 2 3 4 5; do
    find /sys/fs/cgroup -depth -type d -path "*/$MACHINE_GROUP*" -exec rmdir {} \; 2>/dev/null || true
    if [ -z "$(find /sys/fs/cgroup -maxdepth 2 -name "$MACHINE_GROUP")" ]; then return 0; fi
    sleep "0.$tries"
  done
}

inside() {
  ip link set lo up
  # With an address of its own: else it takes that of some machine, and another one when that is gone.
  ip link add machines0 address 52:54:00:63:00:01 type bridge
  ip addr add 10.99.0.1/24 dev machines0
  # The metadata service of the cloud.
  ip addr add 169.254.169.254/32 dev machines0
  ip link set machines0 up
  # Disks and overlays; gone with the namespace.
  mount -t tmpfs -o mode=755 machines "$MACHINE_WORK"
  # systemd-nspawn leaves traces there.
  if [ -d /run/systemd ]; then mount -t tmpfs -o mode=755 machines /run/systemd; fi
  # As a child: the first process of a namespace has the orphans of all others to bury.
  local status=0
  "$@" || status=$?
  exit "$status"
}

if [ "${1:-}" = --inside ]; then
  shift
  inside "$@"
else
  outside "$@"
fi
