import { afterEach, describe, expect, it } from 'vitest';
import { type CallRecord, onCall } from '../../../lib/http/on-call.ts';
import { SecretCredentials } from '../../../lib/otc/credentials.ts';
import { FunctionGraphTrigger, type TriggerOptions } from '../../../lib/otc/functiongraph.ts';
import { authorization } from '../../../lib/otc/signer.ts';
import { type Recorded, type Reply, type ScriptedServer, scriptedServer } from './scripted-server.ts';

const URN = 'urn:fss:eu-de:p1:function:default:scaler:latest';
const credentials = new SecretCredentials('AK', 'SK-SECRET', 'TOKEN-SECRET');

let server: ScriptedServer;
afterEach(() => server.close());

async function start(script: readonly Reply[] | ((request: Recorded) => Reply), options: Partial<TriggerOptions> = {}) {
  server = await scriptedServer(script);
  const clock = { now: () => Date.UTC(2026, 10, 23, 16, 0, 0) };
  return new FunctionGraphTrigger({
    endpoint: server.url,
    projectId: 'p1',
    urn: URN,
    credentials,
    clock,
    body: { why: 'hook' },
    ...options,
  });
}

const accepted: Reply = { status: 202, body: { request_id: 'r' } };

describe('waking the scaler', () => {
  it('posts the event to the asynchronous invocation, signed', async () => {
    const scaler = await start([accepted]);
    await expect(scaler.trigger()).resolves.toBeUndefined();
    const [request] = server.requests;
    expect(request).toMatchObject({
      method: 'POST',
      url: `/v2/p1/fgs/functions/${URN}/invocations-async`,
      body: '{"why":"hook"}',
      headers: {
        'content-type': 'application/json',
        'x-project-id': 'p1',
        'x-sdk-date': '20261123T160000Z',
        'x-security-token': 'TOKEN-SECRET',
      },
    });
    const signed = ['content-type', 'host', 'x-project-id', 'x-sdk-date', 'x-security-token'];
    const headers = Object.fromEntries(signed.map((name) => [name, String(request?.headers[name])]));
    const expected = authorization(
      { method: 'POST', path: `/v2/p1/fgs/functions/${URN}/invocations-async`, query: [], headers, body: request?.body ?? '' },
      credentials,
      '20261123T160000Z',
    );
    expect(request?.headers.authorization).toBe(expected);
  });

  it('is reported to those that listen to calls, as every other one', async () => {
    const calls: CallRecord[] = [];
    const stop = onCall((call) => calls.push(call));
    await (await start([accepted])).trigger();
    stop();
    expect(calls).toEqual([{ name: 'functiongraph.wake', status: 202, ms: expect.any(Number) }]);
  });

  it.each<[string, Reply, string, string]>([
    ['too many', { status: 429, body: { error_code: 'FSS.0429', error_msg: 'api is busy now' } }, 'ThrottledError', 'FSS.0429'],
    [
      'flow control inside the 202',
      { status: 202, body: { error: { code: 'Common.0024', message: 'x' } } },
      'ThrottledError',
      'Common.0024',
    ],
    ['a locked key', { status: 401, body: { error_code: 'APIG.0301', error_msg: 'x' } }, 'AccessError', 'APIG.0301'],
    ['no right', { status: 403, body: { error_code: 'FSS.0403', error_msg: 'x' } }, 'AccessError', 'FSS.0403'],
    ['no such function', { status: 404, body: { error_code: 'FSS.1051', error_msg: 'x' } }, 'ConfigError', 'FSS.1051'],
    ['a 200 of something else', { status: 200, body: '<html>' }, 'UnclearError', 'http-200'],
    ['a server error', { status: 500 }, 'UnclearError', 'http-500'],
    ['a lost answer', { fault: 'reset' }, 'UnclearError', 'ECONNRESET'],
    ['half an answer', { status: 202, body: '{"req', fault: 'cut' }, 'UnclearError', 'ECONNRESET'],
    ['an endless answer', { status: 202, body: 'x'.repeat(70_000) }, 'UnclearError', 'response-too-large'],
  ])('fails on %s and asks once', async (_, reply, name, code) => {
    const scaler = await start(() => reply);
    await expect(scaler.trigger()).rejects.toMatchObject({ name, code });
    expect(server.requests).toHaveLength(1);
  });

  it('does not wait for ever', async () => {
    const scaler = await start([{ fault: 'hang' }], { deadlineMs: 50 });
    await expect(scaler.trigger()).rejects.toMatchObject({ name: 'UnclearError', code: 'timeout' });
  });

  it('can be called off', async () => {
    const controller = new AbortController();
    const scaler = await start(() => {
      controller.abort();
      return { fault: 'hang' };
    });
    await expect(scaler.trigger({ signal: controller.signal })).rejects.toMatchObject({ name: 'UnclearError', code: 'aborted' });
  });

  it('shows no keys in errors', async () => {
    const scaler = await start([{ fault: 'reset' }]);
    const thrown = await scaler.trigger().catch((error: unknown) => error);
    expect(thrown instanceof Error && `${thrown.message} ${JSON.stringify(thrown)} ${String(thrown.cause)}`).not.toMatch(/SECRET|127\.0/);
  });
});
