#!/bin/sh
# git clone --reference --dissociate, from a repository that is whole and the reference up to date. Needs git, no network.
# Expected: a clone, whether the reference has a commit-graph or not. Seen (git 2.39.5): with one the checkout fails, exit status 128,
# "fatal: unable to parse commit". Exits 1 when that changes.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
export HOME="$folder" GIT_CONFIG_NOSYSTEM=1 LC_ALL=C
git --version
git init -q -b main source
git -C source -c user.name=a -c user.email=a@example.com commit -q --allow-empty -m one
git clone -q --mirror "file://$folder/source" reference.git

attempt() {
  status=0
  git clone -q --reference "$folder/reference.git" --dissociate "file://$folder/source" "$1" 2>"$1.log" || status=$?
  echo "$1: exit status $status $(head -n 1 "$1.log")"
}

attempt without-commit-graph
[ "$status" = 0 ] || exit 1
git -C reference.git commit-graph write --reachable
attempt with-commit-graph
[ "$status" = 128 ] && grep -q 'unable to parse commit' with-commit-graph.log
