#!/bin/sh
## The hash server is bitbake's own, and no distribution has a package of it: one commit of a mirror, named in full.
# Unpacks the pinned bitbake from its mirror. Fails, and is tried again, while the mirror does not have it.
set -eu
# shellcheck source=/dev/null
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
