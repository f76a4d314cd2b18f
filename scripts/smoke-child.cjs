/*
 * Runs in the process that smoke.ts starts: loads one bundle as FunctionGraph does and sends it events. Reads
 * `{ bundle, userData, timeoutMs, events }` from the standard input; the last line of its output is `RESULT` and what came of it, as JSON.
 */
const { readFileSync } = require('node:fs');

const { bundle, userData, timeoutMs, events } = JSON.parse(readFileSync(0, 'utf8'));

/** As OTC's developer guide documents it; without an agency the keys would be empty. */
function context(number) {
  const began = Date.now();
  return {
    getRequestID: () => `00000000-0000-4000-8000-${String(number).padStart(12, '0')}`,
    getRemainingTimeInMilliSeconds: () => timeoutMs - (Date.now() - began),
    getRunningTimeInSeconds: () => timeoutMs,
    getUserData: (key) => userData[key],
    getFunctionName: () => 'smoke',
    getPackage: () => 'default',
    getProjectID: () => '0123456789abcdef0123456789abcdef',
    getVersion: () => 'latest',
    getMemorySize: () => '256',
    getCPUNumber: () => '400',
    getSecurityAccessKey: () => 'SMOKE-ACCESS-KEY',
    getSecuritySecretKey: () => 'smoke-secret-key',
    getSecurityToken: () => 'smoke-security-token',
  };
}

async function main() {
  const start = performance.now();
  const { handler } = require(bundle);
  const loadMs = performance.now() - start;
  const replies = [];
  let firstMs;
  for (const [number, event] of events.entries()) {
    const began = performance.now();
    const reply = await handler(event, context(number));
    const ms = performance.now() - began;
    firstMs ??= loadMs + ms;
    replies.push({ reply, ms });
  }
  const kind = handler.constructor.name;
  process.stdout.write(`\nRESULT ${JSON.stringify({ node: process.version, kind, loadMs, firstMs, replies })}\n`);
}

main().catch((error) => {
  process.stdout.write(`\nTHROWN ${error?.stack ?? error}\n`);
  process.exitCode = 1;
});
