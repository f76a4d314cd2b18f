#!/bin/sh
## Runs on every boot, and again 30 s after a failure: each step checks whether it has anything to do.
# Makes this machine the cache manager: firewall, packages, accounts, data volume, NFS.
set -eu
# shellcheck source=common.sh
. /usr/local/lib/gl-cache/common

# Seconds that the data volume may take to appear.
VOLUME_WAIT=180
LABEL=gl-cache

# Errors of the last apt command.
NOTES=/run/gl-cache.notes

# shellcheck source=../shared/apt.sh
. ../shared/apt.sh

# packages_or_fail PACKAGE...
packages_or_fail() {
  say phase=packages
  again install_packages --no-install-recommends "$@" && return
  cat "$NOTES" "$NOTES.lists" >&2 2>/dev/null || true
  [ -z "$lists_unread" ] || fail package-lists
  fail packages
}

missing_packages() {
  command -v rpc.nfsd >/dev/null || echo nfs-kernel-server
  command -v git >/dev/null || echo git
  command -v python3 >/dev/null || echo python3
  command -v "mkfs.$VOLUME_FILESYSTEM" >/dev/null || case $VOLUME_FILESYSTEM in xfs) echo xfsprogs ;; *) echo e2fsprogs ;; esac
  [ -e /etc/ssl/certs/ca-certificates.crt ] || echo ca-certificates
  [ "$MIRRORS_BY_SSH" = false ] || command -v ssh >/dev/null || echo openssh-client
}

firewall() {
  if ! command -v nft >/dev/null; then
    packages_or_fail nftables
  fi
  systemctl restart gl-cache-firewall.service || fail firewall
}

# NFS 4.2 needs no port mapper. Masked before the packages come, or they would start one.
no_port_mapper() {
  for unit in rpcbind.socket rpcbind.service rpc-statd.service rpc-statd-notify.service; do
    systemctl mask "$unit" >/dev/null 2>&1 || fail port-mapper
    systemctl stop "$unit" >/dev/null 2>&1 || true
  done
}

packages() {
  wanted=$(missing_packages)
  [ -n "$wanted" ] || return 0
  # shellcheck disable=SC2086
  packages_or_fail $wanted
}

# account NAME ID HOME: the same numbers on every manager, because files on the volume outlive it.
account() {
  if ! getent passwd "$1" >/dev/null; then
    getent group "$1" >/dev/null || groupadd --non-unique --gid "$2" "$1" || fail accounts
    useradd --non-unique --uid "$2" --gid "$2" --no-create-home --home-dir "$3" --shell /usr/sbin/nologin "$1" || fail accounts
  fi
  [ "$(id -u "$1")" = "$2" ] || fail accounts
}

accounts() {
  account gl-cache "$OWNER" /nonexistent
  account gl-mirror "$MIRROR_OWNER" /var/lib/gl-mirror
  account gl-hashserv "$HASHSERV_OWNER" /var/lib/gl-hashserv
  mkdir -p /var/lib/gl-mirror /var/lib/gl-hashserv /var/lib/gl-cache/mirrors /var/lib/gl-cache/prune
  chmod 0700 /var/lib/gl-mirror /var/lib/gl-hashserv
  chown "$MIRROR_OWNER:$MIRROR_OWNER" /var/lib/gl-mirror /var/lib/gl-cache/mirrors
  chown "$HASHSERV_OWNER:$HASHSERV_OWNER" /var/lib/gl-hashserv
  chown "$OWNER:$OWNER" /var/lib/gl-cache/prune
}

find_volume() {
  deadline=$(($(seconds) + VOLUME_WAIT))
  until [ -b "$VOLUME_DEVICE" ]; do
    [ "$(seconds)" -lt "$deadline" ] || fail volume-missing
    sleep 2
  done
  device=$(readlink -f "$VOLUME_DEVICE")
}

# probe KEY: read from the volume itself, not from udev's cache.
probe() {
  blkid -p -s "$1" -o value "$device" 2>/dev/null || true
}

# Blank only if every check agrees: no signature, no partition, nothing on top of it, zeros at both ends. A failed mount proves nothing.
blank() {
  status=0
  blkid -p "$device" >/dev/null 2>&1 || status=$?
  # 2: nothing found (blkid(8)). 8 is several signatures at once.
  [ "$status" = 2 ] || return 1
  found=$(wipefs --no-act --parsable "$device") || return 1
  [ -z "$found" ] || return 1
  parts=$(lsblk -n -o NAME "$device") || return 1
  [ "$(printf '%s\n' "$parts" | wc -l)" = 1 ] || return 1
  size=$(blockdev --getsize64 "$device") || return 1
  cmp -s -n 1048576 "$device" /dev/zero || return 1
  cmp -s -n 1048576 -i "$((size - 1048576)):0" "$device" /dev/zero
}

format() {
  say phase=format
  # No blocks reserved for root: the system keeps nothing here.
  case $VOLUME_FILESYSTEM in
    xfs) mkfs.xfs -q -L "$LABEL" "$device" ;;
    *) mkfs.ext4 -q -m 0 -L "$LABEL" "$device" ;;
  esac || fail format
}

check_ext4() {
  status=0
  e2fsck -p "$device" || status=$?
  # 1 and 2: repaired (e2fsck(8)).
  [ "$status" -le 2 ] || fail volume-check
}

write_mount() {
  cat >/etc/systemd/system/cache.mount.new <<UNIT
[Unit]
Description=Data volume of the caches

[Mount]
What=/dev/disk/by-uuid/$1
Where=/cache
Type=$2
Options=nodev,nosuid,noexec,relatime
UNIT
  mv /etc/systemd/system/cache.mount.new /etc/systemd/system/cache.mount
  systemctl daemon-reload
}

volume() {
  say phase=volume
  mkdir -p /cache
  if ! mountpoint -q /cache; then
    find_volume
    if blank; then format; fi
    type=$(probe TYPE)
    case $type in ext4 | xfs) ;; *) fail volume-not-blank ;; esac
    [ "$(probe LABEL)" = "$LABEL" ] || fail volume-of-something-else
    if [ "$type" = ext4 ]; then check_ext4; fi
    udevadm settle --timeout=30 || true
    write_mount "$(probe UUID)" "$type"
    systemctl start cache.mount || fail mount
    mountpoint -q /cache || fail mount
  fi
  /usr/local/lib/gl-cache/grow || say phase=not-grown
  say phase=mounted
}

# folder NAME ID MODE: a volume of another farm is taken over once, with all its contents.
folder() {
  [ -d "/cache/$1" ] || mkdir "/cache/$1"
  if [ "$(stat -c %u "/cache/$1")" != "$2" ]; then
    say "phase=chown folder=$1"
    chown -hR "$2:$2" "/cache/$1"
  fi
  chmod "$3" "/cache/$1"
}

folders() {
  # The top belongs to root: no job may rename the folders below.
  chown root:root /cache
  chmod 0755 /cache
  folder downloads "$OWNER" 2775
  folder sstate "$OWNER" 2775
  folder .trash "$OWNER" 0700
  folder git "$MIRROR_OWNER" 0755
  folder hashserv "$HASHSERV_OWNER" 0700
}

# At least two threads per core: each spends most of its time waiting for the disk.
nfs_threads() {
  threads=$(($(nproc) * 2))
  [ "$threads" -ge 16 ] || threads=16
  echo "$threads"
}

nfs() {
  mkdir -p /etc/nfs.conf.d
  # A short lease: after a restart of the server, no file can be opened for this long.
  cat >/etc/nfs.conf.d/gl-cache.conf <<CONF
[nfsd]
threads=$(nfs_threads)
tcp=y
udp=n
vers2=n
vers3=n
vers4=y
vers4.0=n
vers4.1=n
vers4.2=y
lease-time=20
grace-time=20
CONF
  if [ ! -e /etc/nfs.conf ]; then
    # nfs-utils 1.3 (Ubuntu 20.04) reads no nfs.conf.
    cat >/etc/default/nfs-kernel-server <<CONF
RPCNFSDCOUNT=$(nfs_threads)
RPCNFSDPRIORITY=0
RPCNFSDOPTS="--lease-time=20 --grace-time=20 -N 2 -N 3 -N 4.0 -N 4.1"
RPCMOUNTDOPTS="--manage-gids -N 2 -N 3"
CONF
    systemctl restart nfs-config.service || true
  fi
  # This script starts it once the volume is mounted; by itself it would start too early on the next boot.
  systemctl disable nfs-server.service >/dev/null 2>&1 || true
  if /usr/local/lib/gl-cache/nfs-check 2>/dev/null; then exportfs -ra || fail exports
  else systemctl restart nfs-server.service || fail nfs
  fi
  # systemctl does not count a start whose condition failed as an error.
  /usr/local/lib/gl-cache/nfs-check || fail nfs
}

say phase=setup
no_port_mapper
firewall
packages
accounts
volume
folders
nfs
# Only now, because they need the folders; from now on they start at each boot.
# shellcheck disable=SC2086
systemctl enable --quiet $TIMERS || fail timers
# shellcheck disable=SC2086
systemctl restart $TIMERS || fail timers
# shellcheck disable=SC2086
[ -z "$SERVICES" ] || systemctl start --no-block $SERVICES || fail services
say phase=ready
