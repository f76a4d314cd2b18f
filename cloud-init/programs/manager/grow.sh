#!/bin/sh
## Beside setup, the hourly pruning runs it: an enlarged volume is used within the hour.
# Lets the file system fill a volume that was enlarged, while it is in use.
set -eu
source=$(findmnt -n -o SOURCE /cache)
case $(findmnt -n -o FSTYPE /cache) in
  ext4) resize2fs "$source" ;;
  xfs) xfs_growfs /cache ;;
esac
