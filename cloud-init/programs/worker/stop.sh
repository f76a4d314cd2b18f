#!/bin/sh
## Cannot be delayed by anything.
# Ends the machine without waiting for any service.
# shellcheck source=common.sh
. /usr/local/lib/gl-scaler/common
say phase=hard-stop
power_off_now
