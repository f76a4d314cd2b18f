#!/bin/sh
## After each start of the server: checks what the kernel serves, whichever files this version of nfs-utils reads.
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
