#!/bin/bash
# A throw-away single-node Ceph on loopback (one mon, one OSD in memory, one radosgw): a real S3 server with real, atomic append.
# Needs Debian's packages: apt-get install -y --no-install-recommends radosgw ceph-mon ceph-osd ceph-common
# usage: radosgw.sh start DIR [S3_PORT] [MON_PORT] | stop DIR
set -euo pipefail

cmd=${1:?start or stop} dir=${2:?a folder} port=${3:-17480} mon_port=${4:-17481}
region=eu-de access_key=AKTEST secret_key=SKTEST

stop() {
  local name
  for name in client.rgw osd.0 mon.a; do
    if [ -f "$dir/$name.pid" ]; then kill -9 "$(cat "$dir/$name.pid")" 2>/dev/null || true; fi
  done
}

write_conf() {
  cat >"$dir/ceph.conf" <<CONF
[global]
fsid = $fsid
mon host = v2:127.0.0.1:$mon_port/0
mon initial members = a
auth cluster required = none
auth service required = none
auth client required = none
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0
mon allow pool size one = true
# The defaults make the start eight times as long.
paxos propose interval = 0.02
paxos min wait = 0.01
mon data avail warn = 1
mon data avail crit = 0
run dir = $dir
admin socket = $dir/\$name.\$pid.asok
log file = $dir/log/\$name.log
pid file = $dir/\$name.pid
[mon.a]
mon data = $dir/mon
[osd.0]
osd data = $dir/osd
osd objectstore = memstore
memstore device bytes = 1073741824
[client.rgw]
rgw frontends = beast endpoint=127.0.0.1:$port tcp_nodelay=1
rgw dns name = localhost
rgw enable apis = s3
rgw data = $dir/rgw
# With authentication off its own default would wait for cephx for ever.
ms mon client mode = crc
CONF
}

wait_for() {
  local tries
  for ((tries = 0; tries < 300; tries++)); do
    if "$@" >/dev/null 2>&1; then return 0; fi
    sleep 0.1
  done
  echo "radosgw.sh: gave up waiting for: $*; the logs are in $dir/log" >&2
  return 1
}

start() {
  rm -rf "$dir"
  mkdir -p "$dir"/{mon,osd,rgw,log}
  local fsid osd
  fsid=$(cat /proc/sys/kernel/random/uuid)
  osd=$(cat /proc/sys/kernel/random/uuid)
  write_conf
  local conf=(-c "$dir/ceph.conf") admin=(radosgw-admin -c "$dir/ceph.conf" -n client.rgw)
  {
    monmaptool --create --fsid "$fsid" --addv a "[v2:127.0.0.1:$mon_port/0]" "$dir/monmap"
    ceph-mon "${conf[@]}" --mkfs -i a --monmap "$dir/monmap"
    ceph-mon "${conf[@]}" -i a
    ceph "${conf[@]}" osd new "$osd"
    # The uuid must be the one above, or the monitor ignores the OSD without a word.
    ceph-osd "${conf[@]}" -i 0 --mkfs --osd-uuid "$osd"
    ceph "${conf[@]}" osd crush add osd.0 1.0 root=default
    ceph-osd "${conf[@]}" -i 0
  } >"$dir/log/start.out" 2>&1
  wait_for sh -c "ceph -c '$dir/ceph.conf' osd stat | grep -q '1 up'"
  {
    "${admin[@]}" user create --uid=test --display-name=test --access-key="$access_key" --secret-key="$secret_key"
    "${admin[@]}" zonegroup get | sed "s/\"api_name\": \"[^\"]*\"/\"api_name\": \"$region\"/" >"$dir/zonegroup.json"
    "${admin[@]}" zonegroup set --rgw-zonegroup=default --infile "$dir/zonegroup.json"
    radosgw "${conf[@]}" -n client.rgw
  } >>"$dir/log/start.out" 2>&1
  wait_for curl -s -o /dev/null "http://127.0.0.1:$port/"
  echo "S3 at http://127.0.0.1:$port, region $region"
}

case $cmd in
  start) start ;;
  stop) stop ;;
  *) echo "usage: radosgw.sh start DIR [S3_PORT] [MON_PORT] | stop DIR" >&2; exit 2 ;;
esac
