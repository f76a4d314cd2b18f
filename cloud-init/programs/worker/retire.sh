#!/bin/sh
## At max_age: no new job, but the running one is finished.
# SIGQUIT lets gitlab-runner finish its job and then leave. A worker that is not running jobs by now never will.
# shellcheck source=common.sh
. /usr/local/lib/gl-scaler/common
say phase=max-age
if ! systemctl is-active --quiet gl-scaler-worker.service \
  || ! systemctl kill --kill-who=main --signal=SIGQUIT gl-scaler-worker.service; then
  power_off
fi
