/*
 * Small scripts of the cache manager, as POSIX sh. These texts and those of setup.ts never change from machine to machine: what does is in
 * manager.env.
 */

/** Sourced by the others. Console lines and the phase file tell how far a machine has come that serves nothing. */
export const COMMON = String.raw`# Settings and helpers of the cache manager's scripts.
. /etc/gl-cache/manager.env

say() {
  line="gl-cache manager=$MANAGER_NAME $* uptime=$(cut -d' ' -f1 /proc/uptime)"
  # The console exists on every VM; in a container it may not.
  { printf '%s\n' "$line" >/dev/console; } 2>/dev/null || true
  printf '%s\n' "$line"
  # Not on the disk: after a reboot nothing is ready yet.
  mkdir -p /run/gl-cache
  printf '%s\n' "$*" >/run/gl-cache/phase.new
  mv /run/gl-cache/phase.new /run/gl-cache/phase
}

# Seconds since boot: no clock that could be set meanwhile.
seconds() {
  cut -d. -f1 /proc/uptime
}

fail() {
  say "phase=failed reason=$1"
  exit 1
}
`;

/** Beside setup, the hourly pruning runs it: an enlarged volume is used within the hour. */
export const GROW = `#!/bin/sh
# Lets the file system fill a volume that was enlarged, while it is in use.
set -eu
source=$(findmnt -n -o SOURCE /cache)
case $(findmnt -n -o FSTYPE /cache) in
  ext4) resize2fs "$source" ;;
  xfs) xfs_growfs /cache ;;
esac
`;

/** After each start of the server: what the kernel serves, whatever version of nfs-utils read which file. */
export const NFS_CHECK = `#!/bin/sh
# Fails unless the kernel serves NFS 4.2 and nothing else.
set -eu
[ "$(cat /proc/fs/nfsd/threads)" -gt 0 ] || { echo "nfsd has no threads" >&2; exit 1; }
versions=$(cat /proc/fs/nfsd/versions)
for version in $versions; do
  case $version in
    +2 | +3 | +4.0 | +4.1) echo "nfsd serves $versions" >&2; exit 1 ;;
  esac
done
case " $versions " in
  *" +4.2 "*) ;;
  *) echo "nfsd serves $versions" >&2; exit 1 ;;
esac
`;

/** The hash server is bitbake's own, and no distribution has a package of it: one commit of a mirror, named in full. */
export const HASHSERV_FETCH = `#!/bin/sh
# Unpacks the pinned bitbake from its mirror. Fails, and is tried again, while the mirror does not have it.
set -eu
. /etc/gl-cache/manager.env
target=/var/lib/gl-hashserv/$HASHSERV_COMMIT
[ ! -e "$target/bin/bitbake-hashserv" ] || exit 0
umask 077
rm -rf "$target.new"
mkdir -p "$target.new"
# With --git-dir git does not mind that the mirror is another user's.
git --git-dir="/cache/git/$HASHSERV_MIRROR" archive --output="$target.new/bitbake.tar" "$HASHSERV_COMMIT" bin lib
tar -x -f "$target.new/bitbake.tar" -C "$target.new"
rm "$target.new/bitbake.tar"
test -e "$target.new/bin/bitbake-hashserv"
mv "$target.new" "$target"
`;
