# shellcheck shell=sh
## Sourced by the others. Console lines and the phase file show how far a machine got that does not serve yet.
# Settings and helpers of the cache manager's scripts.
# shellcheck source=/dev/null
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
