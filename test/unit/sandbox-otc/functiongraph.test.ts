import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FunctionContext, FunctionHandler } from '../../../sandbox/functiongraph/functiongraph.ts';
import { type OtcBench, otcBench, PROJECT, START } from './bench.ts';
import { ask, type Keys } from './client.ts';

let bench: OtcBench;
beforeEach(async () => {
  bench = await otcBench();
});
afterEach(() => bench.close());

const urn = (name: string) => `urn:fss:eu-de:${PROJECT}:function:default:${name}:latest`;
const call = (name: string, event: unknown, kind: 'invocations' | 'invocations-async' = 'invocations', keys?: Keys) =>
  bench.call('POST', `/v2/${PROJECT}/fgs/functions/${urn(name)}/${kind}`, event, keys);

/** A function that waits until it is let go. */
function gated(): { handler: FunctionHandler; open: () => void; started: unknown[] } {
  const waiting: (() => void)[] = [];
  const started: unknown[] = [];
  const handler: FunctionHandler = async (event) => {
    started.push(event);
    await new Promise<void>((resolve) => waiting.push(resolve));
    return event;
  };
  return { handler, started, open: () => waiting.shift()?.() };
}

describe('a synchronous invocation', () => {
  it('hands over parsed JSON and gives the result', async () => {
    bench.functions.register({ name: 'echo', handler: async (event) => ({ got: event }) });
    const answer = await call('echo', { a: [1] });
    expect([answer.status, answer.json, answer.headers['x-is-func-err'], answer.headers['x-func-err-code']]).toEqual([
      200,
      { got: { a: [1] } },
      'false',
      '0',
    ]);
  });

  it('answers 200 with a header when the function throws', async () => {
    const handler: FunctionHandler = async () => Promise.reject(new TypeError('broken'));
    bench.functions.register({ name: 'f', handler });
    const answer = await call('f', {});
    expect([answer.status, answer.headers['x-is-func-err']]).toEqual([200, 'true']);
    expect(answer.json).toMatchObject({ errorMessage: 'function invocation exception, error: broken', errorType: 'TypeError' });
    expect(bench.events.map((e) => [e.kind, e.fields.reason])).toEqual([['function-failed', 'error']]);
  });

  it('cuts a function that does not end in time and throws its instance away', async () => {
    bench.functions.register({ name: 'f', timeoutMs: 20, handler: () => new Promise(() => undefined) });
    expect((await call('f', {})).json.errorMessage).toContain('timed out');
    await call('f', {});
    expect(bench.functions.stats('f')).toEqual({ running: 0, queued: 0, coldStarts: 2 });
  });

  it('is discarded with 429 when every instance is busy', async () => {
    const { handler, open, started } = gated();
    bench.functions.register({ name: 'f', maxInstances: 1, handler });
    const first = bench.functions.invoke('f', 1);
    const second = await call('f', 2);
    expect([second.status, second.json.error_code, started]).toEqual([429, 'FSS.0429', [1]]);
    open();
    expect((await first).kind).toBe('ok');
  });

  it('uses an instance again, with whatever its module keeps, until it was idle for a minute', async () => {
    const load = () => {
      let calls = 0;
      return async () => ++calls;
    };
    bench.functions.register({ name: 'f', handler: load(), load });
    expect([(await call('f', {})).text, (await call('f', {})).text]).toEqual(['1', '2']);
    await bench.clock.advance(60_001);
    expect([(await call('f', {})).text, bench.functions.stats('f').coldStarts]).toEqual(['1', 2]);
  });

  it('wants a signature and a known function', async () => {
    bench.functions.register({ name: 'f', handler: async () => 1 });
    expect((await ask(bench.url, `/v2/${PROJECT}/fgs/functions/${urn('f')}/invocations`, { method: 'POST' })).status).toBe(401);
    expect((await call('g', {})).json.error_code).toBe('FSS.1051');
  });
});

describe('an asynchronous invocation', () => {
  it('is accepted at once and waits for a free instance', async () => {
    const { handler, open, started } = gated();
    bench.functions.register({ name: 'f', maxInstances: 1, handler });
    const first = await call('f', 1, 'invocations-async');
    expect([first.status, typeof first.json.request_id]).toEqual([202, 'string']);
    await call('f', 2, 'invocations-async');
    expect([started, bench.functions.stats('f')]).toEqual([[1], { running: 1, queued: 1, coldStarts: 1 }]);
    open();
    await expect.poll(() => started).toEqual([1, 2]);
    open();
    await bench.clock.settled();
    expect(bench.functions.stats('f')).toEqual({ running: 0, queued: 0, coldStarts: 1 });
  });

  it.each([
    { name: 'once more by default', retries: undefined, runs: 2 },
    { name: 'as often as is set', retries: 3, runs: 4 },
    { name: 'never', retries: 0, runs: 1 },
  ])('is tried again when it failed: $name', async ({ retries, runs }) => {
    let calls = 0;
    const handler: FunctionHandler = async () => {
      calls += 1;
      throw new Error('no');
    };
    bench.functions.register({ name: 'f', handler, ...(retries === undefined ? {} : { asyncRetries: retries }) });
    await call('f', {}, 'invocations-async');
    await bench.clock.advance(60_000);
    expect([calls, bench.functions.discarded.length]).toEqual([runs, 1]);
  });

  it('is dropped when it has waited for too long', async () => {
    const started: unknown[] = [];
    const handler: FunctionHandler = async (event) => {
      started.push(event);
      await bench.clock.sleep(2000);
    };
    bench.functions.register({ name: 'f', maxInstances: 1, asyncMaxAgeMs: 1000, handler });
    bench.functions.invokeAsync('f', 1);
    const late = bench.functions.invokeAsync('f', 2);
    await bench.clock.advance(5000);
    await late.done;
    expect([started, bench.functions.discarded]).toEqual([[1], [{ functionName: 'f', requestId: late.requestId, body: 'too old' }]]);
  });

  it('refuses more than 256 KB', async () => {
    bench.functions.register({ name: 'f', handler: async () => 1 });
    expect((await call('f', 'x'.repeat(256 * 1024), 'invocations-async')).status).toBe(413);
  });

  it('holds a stepped clock while it works, and lets it pass while it sleeps', async () => {
    const times: number[] = [];
    const handler: FunctionHandler = async () => {
      await ask(bench.url, '/nothing');
      times.push(bench.clock.now() - START);
      await bench.clock.sleep(5000);
      times.push(bench.clock.now() - START);
    };
    bench.functions.register({ name: 'f', handler });
    await call('f', {}, 'invocations-async');
    await bench.clock.advance(60_000);
    expect(times).toEqual([0, 5000]);
  });
});

describe('the context', () => {
  const contextOf = async (definition: Partial<Parameters<typeof bench.functions.register>[0]> = {}): Promise<FunctionContext> => {
    const seen: FunctionContext[] = [];
    const handler: FunctionHandler = async (_event, context) => {
      seen.push(context);
    };
    bench.functions.register({ name: 'f', handler, ...definition });
    await bench.functions.invoke('f', {});
    const [context] = seen;
    if (!context) throw new Error('the function did not run');
    return context;
  };

  it('answers every getter as the platform does', async () => {
    const context = await contextOf({ timeoutMs: 5000, memoryMb: 256, userData: { KEY: 'value' } });
    expect([context.getFunctionName(), context.getPackage(), context.getProjectID(), context.getVersion(), context.getAlias()]).toEqual([
      'f',
      'default',
      PROJECT,
      'latest',
      '',
    ]);
    expect([context.getMemorySize(), context.getCPUNumber(), context.getRunningTimeInSeconds()]).toEqual(['256', '400', 5000]);
    expect([context.getUserData('KEY'), context.getUserData('NONE')]).toEqual(['value', undefined]);
    expect(context.getRemainingTimeInMilliSeconds()).toBeLessThanOrEqual(5000);
    expect(context.getRequestID()).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('gives keys that work, the same for ten minutes', async () => {
    const keysOf = (context: FunctionContext): Keys => ({
      accessKey: context.getSecurityAccessKey(),
      secretKey: context.getSecuritySecretKey(),
      securityToken: context.getSecurityToken(),
    });
    const first = await contextOf();
    expect((await bench.call('GET', `/v1/${PROJECT}/cloudservers/detail`, undefined, keysOf(first))).status).toBe(200);
    const headers = { 'x-auth-token': first.getToken() };
    expect((await ask(bench.url, `/v1/${PROJECT}/cloudservers/detail`, { headers })).status).toBe(200);
    expect(keysOf(await contextOf())).toEqual(keysOf(first));
    await bench.clock.advance(600_000);
    expect(keysOf(await contextOf())).not.toEqual(keysOf(first));
  });

  it('gives empty keys without an agency', async () => {
    const context = await contextOf({ agency: false });
    expect([context.getSecurityAccessKey(), context.getSecuritySecretKey(), context.getSecurityToken(), context.getToken()]).toEqual([
      '',
      '',
      '',
      '',
    ]);
  });

  it('logs with the time and the request', async () => {
    const context = await contextOf();
    context.getLogger().debug('hidden');
    context.getLogger().info('seen %d', 1);
    expect(bench.functions.logs).toEqual([`2026-11-23T16:00:00.000Z ${context.getRequestID()} [] INFO seen 1`]);
  });

  it('refuses more user data than the platform takes', () => {
    const register = (userData: Record<string, string>) => () => bench.functions.register({ name: 'f', handler: async () => 1, userData });
    expect(register({ A: 'x'.repeat(4096) })).toThrow('4 KB');
    expect(register(Object.fromEntries(Array.from({ length: 21 }, (_, i) => [`K${i}`, ''])))).toThrow('20 keys');
  });
});

describe('a timer', () => {
  it('fires at its interval with the documented event', async () => {
    const events: unknown[] = [];
    bench.functions.register({ name: 'reaper', handler: async (event) => events.push(event) });
    bench.functions.timer('reaper', 60_000, '{"a":1}', 'every-minute');
    await bench.clock.advance(180_000);
    expect(events).toHaveLength(3);
    expect(events[0]).toEqual({
      version: 'v1.0',
      time: '2026-11-23T17:01:00+01:00',
      trigger_type: 'TIMER',
      trigger_name: 'every-minute',
      user_event: '{"a":1}',
    });
    bench.functions.stopTimer('every-minute');
    await bench.clock.advance(180_000);
    expect(events).toHaveLength(3);
  });

  it('fires out of turn and tells when the run has ended', async () => {
    let done = false;
    const handler: FunctionHandler = async () => {
      await ask(bench.url, '/nothing');
      done = true;
    };
    bench.functions.register({ name: 'reaper', handler });
    bench.functions.timer('reaper', 60_000);
    await bench.functions.fireTimer('reaper');
    expect(done).toBe(true);
    await expect(bench.functions.fireTimer('other')).rejects.toThrow('no timer');
  });
});
