#!/bin/sh
## The runner itself, with the bounds of `run-single` as arguments. `exec`: systemd's signals directly reach the runner, or jobs.py, which
## starts one for each job.
# Takes jobs until one of the bounds given as arguments is reached.
set -eu
# shellcheck source=common.sh
. /usr/local/lib/gl-scaler/common
shell=
if [ "$EXECUTOR" = shell ]; then
  shell=--shell
  PATH=/usr/local/lib/gl-scaler/shell:$PATH
  export PATH
  cd ~gitlab-runner
fi
say phase=runner-started
if [ "$DISK_MIN_FREE" -gt 0 ]; then
  # shellcheck disable=SC2086
  exec python3 /usr/local/lib/gl-scaler/jobs.py --runner "$WORKER_NAME" --min-free "$DISK_MIN_FREE" --prune "$DISK_PRUNE" $shell "$@"
fi
exec gitlab-runner run-single --config /etc/gitlab-runner/config.toml --runner "$WORKER_NAME" "$@"
