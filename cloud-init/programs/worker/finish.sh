#!/bin/sh
## ExecStopPost: runs after success, failure, signal and a setup that failed alike.
# Powers off, whatever the runner's exit was.
# shellcheck source=common.sh
. /usr/local/lib/gl-scaler/common
reason=$(cat /run/gl-scaler.reason 2>/dev/null) || true
say "phase=finished ${reason:+reason=$reason }result=${SERVICE_RESULT:-unknown} status=${EXIT_STATUS:-unknown}"
# A share whose server is gone would hold up the shutdown.
timeout -k 5 20 umount -l /cache 2>/dev/null || true
power_off
