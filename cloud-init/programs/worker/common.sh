# shellcheck shell=sh
## Sourced by the others. Of a worker that never reached GitLab, only its console lines remain.
# Settings and helpers of this worker's scripts.
# shellcheck source=/dev/null
. /etc/gl-scaler/worker.env

print() {
  # The console exists on every VM; in a container it may not.
  { printf '%s\n' "$1" >/dev/console; } 2>/dev/null || true
  printf '%s\n' "$1"
}

# say phase=NAME [KEY=VALUE...]
say() {
  print "gl-scaler worker=$WORKER_NAME $* uptime=$(cut -d' ' -f1 /proc/uptime)"
}

# explain FILE: the last line of a program's output, up to the first "?", behind which a URL has its signature.
explain() {
  why=$(tail -n 1 "$1" 2>/dev/null | tr -cd ' -~') || return 0
  [ -z "$why" ] || print "gl-scaler worker=$WORKER_NAME said: $(printf '%.200s' "${why%%\?*}")"
}

# Seconds since boot: no clock that could be set meanwhile.
seconds() {
  cut -d. -f1 /proc/uptime
}

# fail REASON [FILE]: the reason is one word of docs/worker.md.
fail() {
  say "phase=failed reason=$1"
  [ -z "${2-}" ] || explain "$2"
  exit 1
}

power_off() {
  systemctl --no-block poweroff || power_off_now
}

# Waits for no service; the second command needs no systemd.
power_off_now() {
  systemctl --no-block poweroff --force || poweroff -f
}
