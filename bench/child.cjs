/*
 * Runs in a process of its own: loads one module as FunctionGraph does and sends it events, batch after batch. Reads from the standard input
 * `{ module, userData, timeoutMs, keys, batches: [{ events, atOnce, copy }] }`; `copy` is a pair of paths to copy before the batch. What
 * came of it goes to file descriptor 3 as JSON; standard output is the function's own.
 */
const { copyFileSync, readFileSync, writeSync } = require('node:fs');

const { module: file, userData, timeoutMs, keys, batches } = JSON.parse(readFileSync(0, 'utf8'));

function context() {
  const began = performance.now();
  return {
    getRequestID: () => '00000000-0000-4000-8000-000000000000',
    getRemainingTimeInMilliSeconds: () => Math.max(0, Math.floor(timeoutMs - (performance.now() - began))),
    getRunningTimeInSeconds: () => timeoutMs,
    getUserData: (key) => userData[key],
    getFunctionName: () => 'bench',
    getSecurityAccessKey: () => keys.accessKey,
    getSecuritySecretKey: () => keys.secretKey,
    getSecurityToken: () => '',
  };
}

async function runBatch(handler, { events, atOnce, copy }) {
  if (copy) copyFileSync(copy[0], copy[1]);
  const replies = new Array(events.length);
  const times = new Array(events.length);
  let next = 0;
  const sender = async () => {
    while (next < events.length) {
      const i = next++;
      const began = performance.now();
      replies[i] = await handler(events[i], context());
      times[i] = performance.now() - began;
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: atOnce }, sender));
  return { ms: performance.now() - began, times, replies };
}

async function main() {
  const rssBefore = process.memoryUsage.rss();
  const start = performance.now();
  const { handler } = require(file);
  const loadMs = performance.now() - start;
  const rssLoaded = process.memoryUsage.rss();
  const done = [];
  let firstBatchMs = loadMs;
  for (const batch of batches) {
    done.push(await runBatch(handler, batch));
    if (done.length === 1) firstBatchMs = performance.now() - start;
  }
  const { maxRSS } = process.resourceUsage();
  writeSync(3, JSON.stringify({ loadMs, firstBatchMs, rssBefore, rssLoaded, rssPeak: maxRSS * 1024, batches: done }));
}

main().catch((error) => {
  process.stderr.write(`${error?.stack ?? error}\n`);
  process.exitCode = 1;
});
