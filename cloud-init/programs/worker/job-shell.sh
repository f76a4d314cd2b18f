#!/bin/sh
## First in the PATH of a shell executor's runner, as `bash`. run-single has no user for its jobs (gitlab-runner: commands/single.go makes an empty
## global configuration) and starts the "bash" of its PATH (shells/bash.go). As one user with its jobs it could hide its token from none of them.
# bash, as the user that jobs run as.
set -eu
PATH=${PATH#/usr/local/lib/gl-scaler/shell:}
HOME=~gitlab-runner
USER=gitlab-runner
LOGNAME=gitlab-runner
export PATH HOME USER LOGNAME
exec setpriv --reuid="$(id -u gitlab-runner)" --regid="$(id -g gitlab-runner)" --init-groups /bin/bash "$@"
