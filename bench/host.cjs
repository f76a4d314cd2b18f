/*
 * A process that plays instances of functions: each has its own copy of the bundle, as each instance of FunctionGraph has. Its parent sends
 * `{ id, instance, file, event, context }`; the answer is `{ id, reply }` or `{ id, error }`.
 */
const instances = new Map();

function load(instance, file) {
  const known = instances.get(instance);
  if (known) return known;
  delete require.cache[require.resolve(file)];
  const { handler } = require(file);
  instances.set(instance, handler);
  return handler;
}

function contextOf({ requestId, functionName, remainingMs, timeoutMs, userData, accessKey, secretKey, securityToken }) {
  const began = performance.now();
  return {
    getRequestID: () => requestId,
    getRemainingTimeInMilliSeconds: () => Math.max(0, Math.floor(remainingMs - (performance.now() - began))),
    getRunningTimeInSeconds: () => timeoutMs,
    getUserData: (key) => userData[key],
    getFunctionName: () => functionName,
    getSecurityAccessKey: () => accessKey,
    getSecuritySecretKey: () => secretKey,
    getSecurityToken: () => securityToken,
  };
}

// What functions log is nobody's here, and writing it down would be measured, too.
process.stdout.write = () => true;
process.on('message', async ({ id, instance, file, event, context }) => {
  try {
    process.send({ id, reply: await load(instance, file)(event, contextOf(context)) });
  } catch (error) {
    process.send({ id, error: error?.stack ?? String(error) });
  }
});
process.on('disconnect', () => process.exit());
