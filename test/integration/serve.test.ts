import { once } from 'node:events';
import { connect } from 'node:net';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type Serving, serve } from '../../cli/commands/serve.ts';
import { RunningClock } from '../../sandbox/clock.ts';
import { type Farm, GROUP, startFarm } from '../../testkit/farm.ts';

let farm: Farm;
let serving: Serving;
let env: Readonly<Record<string, string>>;
const lines: Record<string, unknown>[] = [];
const logged = (message: string) => lines.filter(({ msg }) => msg === message);

beforeAll(async () => {
  farm = await startFarm({ clock: new RunningClock(), hooks: false });
  farm.sandbox.gitlab.createProject(`${GROUP}/widgets`);
  farm.sandbox.ctx.faults.inject({ operation: 'ecs.list', times: 1, kind: 'delay', delayMs: 2_000 });
  const { accessKey, secretKey } = farm.sandbox.credentials;
  env = { ...farm.secrets, OTC_ACCESS_KEY: accessKey, OTC_SECRET_KEY: secretKey };
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

it('logs how large a hook is that is not looked into, not how much of it was read', async () => {
  const heard: Record<string, unknown>[] = [];
  const write = (line: string) => void heard.push(JSON.parse(line));
  // By its token alone: a signature covers the whole body, which is read for it.
  const unsigned = { ...env, HOOK_SIGNING_TOKENS: '' };
  const other = await serve({ config: farm.config, port: 0, host: '127.0.0.1', everyMs: 3_600_000, env: unsigned, write });
  const body = 'x'.repeat(9_000_000);
  const post = (init: RequestInit & { duplex?: 'half' }) =>
    fetch(other.url, { method: 'POST', headers: { 'x-gitlab-token': farm.secrets.HOOK_TOKENS ?? '' }, ...init });
  expect((await post({ body })).status).toBe(200);
  // In chunks, so that nobody knows its size before its end.
  expect((await post({ body: new Blob([body]).stream(), duplex: 'half' })).status).toBe(200);
  const large = heard.filter(({ msg }) => String(msg).startsWith('hook too large'));
  expect(large).toMatchObject([{ bytes: 9_000_000 }, { moreThanBytes: expect.any(Number) }]);
  expect(large[1]).not.toHaveProperty('bytes');
  await other.stop();
});
