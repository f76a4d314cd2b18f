# shellcheck shell=sh disable=SC2034
## apt beside the background services of an image; both setup scripts include it. It needs $NOTES, a file for the errors of the last command.
## A repository that is refused (its key has expired, its server is gone) must not block packages of the others: whether the lists could be read is
## noted, and the installation decides.
# again COMMAND...: up to eight times, 15 s apart.
again() {
  try=1
  until "$@"; do
    [ "$try" -lt 8 ] || return 1
    try=$((try + 1))
    sleep 15
  done
}

# apt_get ARGUMENT...: DPkg::Lock::Timeout does not hold for the locks of lists and archives (apt 2.6.1), so this waits for them, for the same time.
apt_get() {
  began=$(cut -d. -f1 /proc/uptime)
  # needrestart would restart services that use a renewed library: this one, too, in the middle of its setup.
  until LC_ALL=C DEBIAN_FRONTEND=noninteractive NEEDRESTART_SUSPEND=1 \
    apt-get -q -y -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@" 2>"$NOTES"; do
    grep -q 'Could not get lock' "$NOTES" || return 1
    [ "$(cut -d. -f1 /proc/uptime)" -lt "${locked_until:=$((began + 300))}" ] || return 1
    sleep 5
  done
  locked_until=
}

# install_packages ARGUMENT...: from fresh lists, as far as they can be read. If not: $lists_unread is set, and $NOTES.lists has the reason.
install_packages() {
  lists_unread=
  apt_get update || {
    lists_unread=yes
    mv "$NOTES" "$NOTES.lists"
  }
  apt_get install "$@"
}
