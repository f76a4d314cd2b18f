import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Serving, serve } from '../../cli/commands/serve.ts';
import { RunningClock } from '../../sandbox/clock.ts';
import { type Farm, GROUP, startFarm } from '../../testkit/farm.ts';

let farm: Farm;
let serving: Serving;
const lines: Record<string, unknown>[] = [];
const logged = (message: string) => lines.filter(({ msg }) => msg === message);

beforeAll(async () => {
  farm = await startFarm({ clock: new RunningClock(), hooks: false });
  farm.sandbox.gitlab.createProject(`${GROUP}/widgets`);
  farm.sandbox.ctx.faults.inject({ operation: 'ecs.list', times: 1, kind: 'delay', delayMs: 2_000 });
  const { accessKey, secretKey } = farm.sandbox.credentials;
  const env = { ...farm.secrets, OTC_ACCESS_KEY: accessKey, OTC_SECRET_KEY: secretKey };
  const write = (line: string) => void lines.push(JSON.parse(line));
  serving = await serve({ config: farm.config, port: 0, host: '127.0.0.1', everyMs: 3_600_000, env, write, graceMs: 300 });
});
afterAll(() => farm.close());

it('stops although a body never ends: the pass that runs is finished, then the connection is closed', async () => {
  const socket = connect({ port: Number(new URL(serving.url).port), host: '127.0.0.1' });
  socket.on('error', () => undefined);
  socket.resume();
  const head = [
    'POST /gitlab HTTP/1.1',
    'host: x',
    `x-gitlab-token: ${farm.secrets.HOOK_TOKENS}`,
    'content-length: 1000',
    '',
    '{"object_kind":',
  ];
  await once(socket, 'connect');
  socket.write(head.join('\r\n'));
  const cut = new Promise((resolve) => socket.once('close', resolve));
  // The first tick began with the server, and waits for ECS.
  expect(logged('call done')).toEqual([]);
  const began = performance.now();
  await serving.stop();
  expect(performance.now() - began).toBeLessThan(20_000);
  expect(logged('call done')).toMatchObject([{ function: 'reaper', ok: true }]);
  await cut;
});
