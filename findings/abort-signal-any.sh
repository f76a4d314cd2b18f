#!/usr/bin/env bash
# Node 20: a time-out inside AbortSignal.any is lost with a garbage collection.
# Expected: AbortSignal.any([signal, AbortSignal.timeout(ms)]) aborts after ms, as it does in Node 22, whoever else refers to the time-out.
# Exits 1 when what is seen is no longer so.
set -euo pipefail
temp=$(mktemp -d)
trap 'rm -rf "$temp"' EXIT
cd "$temp"
cat > package.json <<'JSON'
{ "private": true, "dependencies": { "node": "20.20.2" } }
JSON
npm install --silent --no-audit --no-fund --foreground-scripts >install.log 2>&1 || { cat install.log; exit 2; }
cat > any.mjs <<'JS'
const outer = new AbortController();
let aborted = 0;
const kept = Array.from({ length: 10 }, () => {
  const signal = AbortSignal.any([outer.signal, AbortSignal.timeout(200)]);
  signal.addEventListener('abort', () => (aborted += 1));
  return signal;
});
const collect = setInterval(() => globalThis.gc(), 20);
setTimeout(() => {
  clearInterval(collect);
  console.log(`node ${process.version}: ${aborted} of ${kept.length} signals aborted after 200 ms (looked at after 2 s)`);
  process.exit(aborted === 0 ? 0 : 1);
}, 2_000);
JS
echo 'expected: 10 of 10'
node_modules/.bin/node --expose-gc any.mjs
