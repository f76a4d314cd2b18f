import { rmSync, writeFileSync } from 'node:fs';
import { createServer, get } from 'node:http';
import type { Socket } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import type { Cloud, Forge } from '../../../../lib/app/ports/index.ts';
import type { Services } from '../../../../lib/app/services.ts';
import { UnclearError } from '../../../../lib/core/errors.ts';
import type { ServicesInputs } from '../../../../lib/runtime/compose.ts';
import { configSource } from '../../../../lib/runtime/functiongraph/config-source.ts';
import { secretReader } from '../../../../lib/runtime/functiongraph/secret-source.ts';
import type { PassParts } from '../../../../lib/runtime/handlers/pass-function.ts';
import { createReaper } from '../../../../lib/runtime/handlers/reaper.ts';
import { createScaler } from '../../../../lib/runtime/handlers/scaler.ts';
import { MemoryStore } from '../../../../testkit/memory-store.ts';
import { compiled, configFile, context, document, GITLAB_TOKEN, memoryLog, NOW } from '../parts.ts';

const unexpected = (): Promise<never> => Promise.reject(new UnclearError('unexpected', 'not to be called here'));

/** An empty farm: no runner, no job, no server. */
const forge: Forge = {
  runners: async () => [],
  pendingJobs: async () => ({ jobs: [], unread: [] }),
  createRunner: unexpected,
  findRunners: unexpected,
  drainRunner: unexpected,
  runner: unexpected,
  hooks: async () => [],
  unfinishedJobs: unexpected,
  runnerJobs: unexpected,
  deleteRunner: unexpected,
  job: unexpected,
};
const cloud: Cloud = {
  servers: async () => [],
  createServer: unexpected,
  deleteServer: unexpected,
  operation: unexpected,
  consoleLog: unexpected,
  quotas: unexpected,
  flavors: unexpected,
  image: unexpected,
};

function setUp(services: Partial<Services> = {}, changes: Partial<PassParts> = {}) {
  const { log, lines } = memoryLog();
  const store = new MemoryStore();
  const built: ServicesInputs[] = [];
  const path = configFile();
  const clock = { now: () => NOW, sleep: async () => undefined };
  const parts: PassParts = {
    clock,
    loadConfig: configSource([path]),
    readSecret: secretReader({}),
    log,
    composeServices: (inputs) => {
      built.push(inputs);
      const worker = { userData: () => '', handoff: () => '' };
      return { forge, cloud, store, clock, log: inputs.log, ulid: () => '01JDCZ3N4QJ9ZK5T7V8W9X0Y1Z', worker, notifiers: [], ...services };
    },
    ...changes,
  };
  return { parts, lines, store, built, path, clock };
}

describe('connections', () => {
  it('are kept within a call and closed with it', async () => {
    const server = createServer((_, response) => response.end('{}'));
    const open = new Set<Socket>();
    let made = 0;
    server.on('connection', (socket) => {
      made += 1;
      open.add(socket);
      socket.on('close', () => open.delete(socket));
    });
    const port = await new Promise<number>((resolve) =>
      server.listen(0, '127.0.0.1', () => resolve(Number(Object(server.address()).port))),
    );
    onTestFinished(() => void server.close());
    const { parts, built } = setUp();
    const ask = () =>
      new Promise<void>((resolve) => {
        get({ port, host: '127.0.0.1', agent: built.at(-1)?.agents?.http }, (answer) => answer.resume().on('close', resolve));
      });
    const runners = async () => {
      for (let i = 0; i < 3; i += 1) await ask();
      expect(open.size).toBe(1);
      return [];
    };
    const compose = parts.composeServices;
    const scaler = createScaler({
      ...parts,
      composeServices: (inputs) => ({ ...Object(compose?.(inputs)), forge: { ...forge, runners } }),
    });
    for (let call = 1; call <= 2; call += 1) {
      expect(await scaler({}, context())).toMatchObject({ ok: true });
      await vi.waitFor(() => expect([made, open.size]).toEqual([call, 0]));
    }
  });
});

describe('what a call answers and logs', () => {
  it('all well', async () => {
    const { parts, lines } = setUp();
    const reply = await createScaler(parts)({ jobId: 4711, projectId: 42 }, context());
    expect(reply).toEqual({
      ok: true,
      turnstile: 'off',
      passes: [{ pass: expect.any(String), pools: [{ pool: 'bitbake', done: 0, failed: 0, unread: [] }] }],
    });
    expect(lines[0]).toEqual({ level: 'info', message: 'woken', fields: { request: 'request-1', jobId: 4711, projectId: 42 } });
    expect(lines.at(-1)).toMatchObject({ level: 'info', message: 'call done', fields: { request: 'request-1', ok: true } });
  });

  it('a source out of reach: an error, by name', async () => {
    const runners = () => Promise.reject(new UnclearError('ECONNREFUSED', 'POST /api/graphql: no answer'));
    const { parts, lines } = setUp({ forge: { ...forge, runners } });
    expect(await createScaler(parts)({}, context())).toMatchObject({
      ok: false,
      passes: [{ pools: [{ unread: ['runners: ECONNREFUSED'] }] }],
    });
    expect(lines.at(-1)).toMatchObject({ level: 'error', message: 'call done' });
  });

  it('a configuration that is missing, then mended: no exception, one line, and no trace of it', async () => {
    const { parts, lines, path, built } = setUp();
    const reaper = createReaper(parts);
    rmSync(path);
    expect(await reaper({}, context())).toMatchObject({ ok: false, error: 'ConfigError', code: 'no-config' });
    expect(lines).toMatchObject([{ level: 'error', message: 'call failed', fields: { code: 'no-config' } }]);
    expect(built).toEqual([]);
    writeFileSync(path, compiled());
    expect(await reaper({}, context())).toMatchObject({ ok: true });
  });

  it.each([
    { name: 'no GitLab token', fg: context({}, { GITLAB_TOKEN: '' }), code: 'missing-secret', says: 'GITLAB_TOKEN' },
    {
      name: 'a token with a line break inside',
      fg: context({}, { GITLAB_TOKEN: 'glpat-first\nsecond' }),
      code: 'invalid-secret',
      says: 'GITLAB_TOKEN',
    },
    { name: 'no agency', fg: context({ getSecurityAccessKey: () => '' }), code: 'credentials-missing', says: 'agency' },
  ])('$name: one clear line without the value', async ({ fg, code, says }) => {
    const { composeServices: _, ...parts } = setUp().parts;
    const { log, lines } = memoryLog();
    const reply = await createReaper({ ...parts, log })({}, fg);
    expect(reply).toMatchObject({ ok: false, error: 'ConfigError', code, message: expect.stringContaining(says) });
    expect(lines).toMatchObject([{ level: 'error', message: 'call failed', fields: { code } }]);
    expect(JSON.stringify([reply, lines])).not.toMatch(/glpat|\n {4}at /);
  });

  it('whatever hangs: the call is answered before the platform cuts it', async () => {
    const { parts, lines } = setUp({ forge: { ...forge, runners: () => new Promise(() => undefined) } });
    const reply = await createReaper(parts)({}, context({ getRemainingTimeInMilliSeconds: () => 601 }));
    expect(reply).toMatchObject({ ok: false, error: 'TimeoutError' });
    expect(lines.at(-1)).toMatchObject({ level: 'error', message: 'call failed' });
  });

  it('what is thrown by mistake is answered as a bug, without its stack', async () => {
    const { parts, lines } = setUp({}, { composeServices: () => JSON.parse('{') });
    expect(await createScaler(parts)({}, context())).toMatchObject({ ok: false, error: 'SyntaxError', code: 'bug' });
    expect(Object.keys(lines[0]?.fields ?? {}).sort()).toEqual(['code', 'error', 'message', 'request']);
  });
});

describe('why it ran', () => {
  it.each([
    { name: 'a timer', event: { trigger_type: 'TIMER', trigger_name: 'reaper', user_event: '{}' }, trigger: 'timer' },
    { name: 'a call by hand', event: {}, trigger: 'person' },
    { name: 'nothing at all', event: undefined, trigger: 'person' },
  ])('$name is recorded as $trigger', async ({ event, trigger }) => {
    const { parts, store } = setUp();
    await createReaper(parts)(event, context());
    const ledger = [...store.objects.keys()].filter((key) => key.startsWith('ledger/')).map((key) => store.text(key));
    expect(ledger.join()).toContain(`"trigger":"${trigger}"`);
  });
});

describe('calls do not share anything', () => {
  it('each is built with the keys that came with it', async () => {
    const { parts, built } = setUp();
    const scaler = createScaler(parts);
    await Promise.all(['A', 'B', 'C'].map((key) => scaler({}, context({ getRequestID: () => key, getSecurityAccessKey: () => key }))));
    expect(built.map(({ credentials }) => credentials.accessKey).sort()).toEqual(['A', 'B', 'C']);
    expect(new Set(built.map(({ signal }) => signal)).size).toBe(3);
    expect(built[0]?.secrets.gitlabToken?.reveal()).toBe(GITLAB_TOKEN);
  });
});

it('a wake-up that came too late is passed on', async () => {
  const path = configFile(document({ bucket: { name: 'acme-ci-scaler' } }));
  let woken = 0;
  const trigger = {
    trigger: async () => {
      woken += 1;
    },
  };
  const { parts, store, clock } = setUp({}, { loadConfig: configSource([path]), scaler: trigger });
  // Each look at the jobs is interrupted by another hook, so the holder finds a mark after each pass until it hands over.
  const scaler = createScaler(parts);
  const pendingJobs = async () => {
    await createScaler({ ...parts, composeServices: (inputs) => services(inputs, forge) })({}, context());
    return { jobs: [], unread: [] };
  };
  const services = (inputs: ServicesInputs, its: Forge): Services => ({
    forge: its,
    cloud,
    store,
    clock,
    log: inputs.log,
    ulid: () => '01JDCZ3N4QJ9ZK5T7V8W9X0Y2Z',
    worker: { userData: () => '', handoff: () => '' },
    notifiers: [],
  });
  const busy = createScaler({ ...parts, composeServices: (inputs) => services(inputs, { ...forge, pendingJobs }) });
  expect(await busy({}, context())).toMatchObject({ ok: true, turnstile: 'ran' });
  expect(woken).toBe(1);
  expect(await scaler({}, context())).toMatchObject({ ok: true });
});
