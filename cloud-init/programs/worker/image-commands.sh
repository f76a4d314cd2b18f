# shellcheck shell=sh
## In runcmd, before the first job and after what ends the machine: what image-lists.py has left for later.
! grep -q '"defer"' /run/gl-scaler.image.cfg || cloud-init --file /run/gl-scaler.image.cfg single --frequency always --name write_files_deferred
test ! -e /run/gl-scaler.image.runcmd || sh /run/gl-scaler.image.runcmd
