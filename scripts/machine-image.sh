#!/bin/bash
# Builds the image of the machine tests from Debian's packages, for containers (root/) and for VMs (disk.raw, vmlinuz, initrd) alike. Needs root
# and a Debian mirror, but no loop device, no mount and no VM. Prints the folder; a folder of the same recipe is used again.
# Needs Debian's packages: apt-get install -y --no-install-recommends mmdebstrap e2fsprogs
# usage: machine-image.sh [CACHE_FOLDER]
set -euo pipefail

here=$(cd "$(dirname "$0")/.." && pwd)
files=$here/sandbox/machines/image
cache=${1:-$here/.cache/machines}

recipe=$(cat "$0" "$files"/* | sha256sum | cut -c1-16)
out=$cache/$recipe
say() { echo "machine-image: $*" >&2; }

mkdir -p "$cache"
# Two of them at once would do the work twice.
exec 9>"$cache/lock"
flock 9
if [ -e "$out/complete" ]; then
  echo "$out"
  exit 0
fi

say "building $recipe (one to three minutes)"
# Older recipes and what an interrupted run left.
find "$cache" -mindepth 1 -maxdepth 1 ! -name lock -exec rm -rf {} +
mkdir "$out"
started=$SECONDS

packages=(
  systemd systemd-sysv udev dbus cloud-init ifupdown isc-dhcp-client iproute2 netbase
  linux-image-cloud-amd64 initramfs-tools
  ca-certificates curl git nftables nfs-common nfs-kernel-server python3 e2fsprogs xfsprogs
  docker.io apparmor iptables busybox-static
)
mmdebstrap --quiet --variant=minbase --mode=root --format=directory \
  --include="$(IFS=,; echo "${packages[*]}")" \
  --dpkgopt=force-unsafe-io --dpkgopt='path-exclude=/usr/share/doc/*' --dpkgopt='path-exclude=/usr/share/man/*' --dpkgopt='path-exclude=/usr/share/locale/*' \
  --customize-hook="$files/customize" \
  bookworm "$out/root" >&2 </dev/null
say "packages after $((SECONDS - started)) s"

cp "$out"/root/boot/vmlinuz-* "$out/vmlinuz"
cp "$out"/root/boot/initrd.img-* "$out/initrd"
rm -f "$out"/root/boot/* "$out"/root/initrd.img* "$out"/root/vmlinuz*
truncate -s 4G "$out/disk.raw"
mke2fs -q -F -t ext4 -L rootfs -E lazy_itable_init=1,lazy_journal_init=1 -d "$out/root" "$out/disk.raw" >&2
touch "$out/complete"
say "done after $((SECONDS - started)) s, $(du -sm "$out" | cut -f1) MB"
echo "$out"
