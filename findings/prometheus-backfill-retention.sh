#!/bin/sh
# Prometheus: a backfilled month loses its first half when the server starts, without an error, although nothing in it is newer.
# Retention (15 days when it is not set) counts back from the newest block, not from now: a reader of "removes samples older than 15 days" would expect that an
# old month goes as a whole or stays. Needs Debian's package prometheus (promtool, prometheus).
# Exit code 1 when that is no longer so.
set -eu
folder=$(mktemp -d)
server=
trap '[ -z "$server" ] || kill "$server" 2>/dev/null || true; rm -rf "$folder"' EXIT
prometheus --version 2>&1 | head -n 1

# 31 days of one point an hour, October 2024.
awk 'BEGIN {
  print "# TYPE machines gauge"
  for (at = 1727740800; at < 1727740800 + 31 * 86400; at += 3600) print "machines 3 " at
  print "# EOF"
}' >"$folder/october.txt"
promtool tsdb create-blocks-from openmetrics --max-block-duration=24h "$folder/october.txt" "$folder/data" >/dev/null

samples() { promtool tsdb list "$folder/data" | awk 'NR > 1 { sum += $5 } END { print sum + 0 }'; }
before=$(samples)
printf 'global: {}\n' >"$folder/prometheus.yml"
prometheus --config.file="$folder/prometheus.yml" --storage.tsdb.path="$folder/data" --web.listen-address=127.0.0.1:0 "$@" >"$folder/log" 2>&1 &
server=$!
tries=0
until grep -q 'ready to receive' "$folder/log" || [ "$tries" -ge 60 ]; do
  sleep 1
  tries=$((tries + 1))
done
sleep 5
kill "$server"
wait "$server" || true
server=
after=$(samples)
errors=$(grep -e level=error -e level=warn "$folder/log" | grep -vc SIGTERM || true)
echo "expected: all $before samples stay, or none of a month that is years old"
echo "seen:     $before samples imported, $after left after the start, $errors warnings or errors in the log"
[ "$before" -eq 744 ] && [ "$after" -gt 0 ] && [ "$after" -lt "$before" ] && [ "$errors" -eq 0 ]
