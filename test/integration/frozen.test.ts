import { fork } from 'node:child_process';
import { createServer } from 'node:http';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import * as z from 'zod';

/** The server closes a connection on which nothing has come for so long. */
const IDLE_MS = 3_000;
const GAP_MS = 500;
const FROZEN_MS = 6_000;

const Said = z.object({ first: z.string().optional(), second: z.string().optional() });

it('a process that was frozen beyond the server’s idle time, and goes on by an overdue timer, loses no POST', async () => {
  let posts = 0;
  const server = createServer((request, response) => {
    posts += 1;
    request.resume().on('end', () => response.end('{}'));
  });
  server.keepAliveTimeout = IDLE_MS;
  onTestFinished(() => void server.close());
  const port = await new Promise<number>((resolve) => server.listen(0, '127.0.0.1', () => resolve(Number(Object(server.address()).port))));

  const child = fork(fileURLToPath(new URL('frozen-child.ts', import.meta.url)), [`http://127.0.0.1:${port}/`, String(GAP_MS)], {
    execArgv: ['--import', 'tsx'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const said: z.infer<typeof Said>[] = [];
  await new Promise<void>((resolve, reject) => {
    child.on('error', reject);
    child.on('exit', () => resolve());
    child.on('message', (message) => {
      const heard = Said.parse(message);
      said.push(heard);
      if (heard.first === undefined) return;
      child.kill('SIGSTOP');
      setTimeout(() => child.kill('SIGCONT'), FROZEN_MS);
    });
  });
  expect([said, posts]).toEqual([[{ first: '200' }, { second: '200' }], 2]);
});
