#!/bin/sh
## On every boot but the first: the job is lost and the bounds are gone, so the worker goes, too.
# Ends a worker that was started a second time.
# shellcheck source=common.sh
. /usr/local/lib/gl-scaler/common
say phase=rebooted
power_off
