/*
 * Runs in the process that bundle-process.ts starts: loads one bundle as FunctionGraph does, and calls its handler with whatever comes in, one
 * JSON object a line. Calls may overlap. Answers are lines that begin with REPLY; all others are the function's log.
 */
const { createInterface } = require('node:readline');

const began = performance.now();
const { handler } = require(process.argv[2]);
const say = (word, value) => process.stdout.write(`${word} ${JSON.stringify(value)}\n`);

function context({ facts, userData }) {
  const end = performance.now() + facts.remainingMs;
  return {
    getRequestID: () => facts.requestId,
    getFunctionName: () => facts.functionName,
    getRemainingTimeInMilliSeconds: () => Math.max(0, Math.floor(end - performance.now())),
    getUserData: (key) => userData[key],
    getSecurityAccessKey: () => facts.accessKey,
    getSecuritySecretKey: () => facts.secretKey,
    getSecurityToken: () => facts.securityToken,
  };
}

async function answer(call) {
  try {
    say('REPLY', { id: call.id, reply: await handler(call.event, context(call)) });
  } catch (error) {
    say('REPLY', { id: call.id, thrown: String(error) });
  }
}

say('LOADED', { node: process.version, kind: handler.constructor.name, ms: performance.now() - began });
createInterface({ input: process.stdin }).on('line', (line) => answer(JSON.parse(line)));
