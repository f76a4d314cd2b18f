/*
 * A process that plays GitLab's Sidekiq: posts deliveries, some at once, over connections that it keeps. Reads from its parent
 * `{ url, atOnce, deliveries: [{ headers, body }] }`, again and again; answers each with `{ ms, answers: [{ status, ms }] }`.
 */
const { Agent, request } = require('node:http');

const agent = new Agent({ keepAlive: true });

function post(url, { headers, body }) {
  const began = performance.now();
  return new Promise((resolve, reject) => {
    const options = { method: 'POST', agent, headers: { ...headers, 'content-length': Buffer.byteLength(body) } };
    const sent = request(url, options, (response) => {
      response.resume();
      response.once('end', () => resolve({ status: response.statusCode, ms: performance.now() - began }));
    });
    sent.once('error', reject);
    sent.end(body);
  });
}

process.on('message', async ({ url, atOnce, deliveries }) => {
  const answers = new Array(deliveries.length);
  let next = 0;
  const sender = async () => {
    while (next < deliveries.length) {
      const i = next++;
      answers[i] = await post(url, deliveries[i]);
    }
  };
  const began = performance.now();
  await Promise.all(Array.from({ length: atOnce }, sender));
  process.send({ ms: performance.now() - began, answers });
});
process.on('disconnect', () => process.exit());
