#!/bin/sh
# promtool tsdb create-blocks-from openmetrics: a point that is older than the one before it in the file is dropped, with exit code 0 and no word,
# although it is valid input of another minute. Expected: an error, a warning, or the point. Needs Debian's package prometheus.
# Exit code 1 when that is no longer so.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
promtool --version 2>&1 | head -n 1
printf '# TYPE machines gauge\nmachines 1 1727740800\nmachines 3 1727740920\nmachines 2 1727740860\nmachines 4 1727740980\n# EOF\n' >"$folder/in.txt"
code=0
promtool tsdb create-blocks-from openmetrics "$folder/in.txt" "$folder/data" >"$folder/out" 2>&1 || code=$?
left=$(promtool tsdb list "$folder/data" | awk 'NR > 1 { sum += $5 } END { print sum + 0 }')
words=$(grep -ci 'order\|drop\|skip' "$folder/out" || true)
echo "expected: 4 points, or an error or a word about the one that is out of order"
echo "seen:     $left points, exit code $code, $words lines about it"
[ "$left" -eq 3 ] && [ "$code" -eq 0 ] && [ "$words" -eq 0 ]
