import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { FunctionHandler } from '../../../sandbox/functiongraph/functiongraph.ts';
import type { GatewayRoute } from '../../../sandbox/functiongraph/gateway.ts';
import { type Listening, listen } from '../../../sandbox/http.ts';
import { type OtcBench, otcBench } from './bench.ts';
import { type Ask, ask } from './client.ts';

let bench: OtcBench;
let listener: Listening;
beforeEach(async () => {
  bench = await otcBench();
  listener = await listen(bench.gateway.app);
});
afterEach(async () => {
  await listener.close();
  await bench.close();
});

const RESULT = { statusCode: 200, headers: {}, body: '', isBase64Encoded: false };

interface ApigEvent {
  readonly body: string;
  readonly [member: string]: unknown;
}

/** Publishes a function that keeps its events. */
function serve(result: unknown = RESULT, route: Partial<GatewayRoute> = {}): ApigEvent[] {
  const events: ApigEvent[] = [];
  const handler = (async (event: ApigEvent) => {
    events.push(event);
    return result;
  }) as FunctionHandler;
  bench.functions.register({ name: 'webhook', handler });
  bench.gateway.publish({ functionName: 'webhook', path: '/gitlab', ...route });
  return events;
}

const post = (request: Ask = {}, path = '/gitlab') => ask(listener.url, path, { method: 'POST', ...request });

describe('the event', () => {
  it('has a body in base64, lower-case headers, single values and the request context', async () => {
    const [body, headers] = ['{"a":"ü"}', { 'X-Gitlab-Token': 's', 'Content-Type': 'application/json' }];
    const events = serve();
    await post({ body, headers }, '/gitlab?a=1&a=2&b=%20');
    expect(events).toMatchObject([
      {
        body: Buffer.from(body).toString('base64'),
        isBase64Encoded: true,
        httpMethod: 'POST',
        path: '/gitlab',
        headers: { 'x-gitlab-token': 's', 'content-type': 'application/json', 'x-real-ip': '127.0.0.1', 'x-forwarded-proto': 'https' },
        queryStringParameters: { a: '2', b: ' ' },
        pathParameters: {},
        requestContext: { stage: 'RELEASE' },
      },
    ]);
  });

  it('marks an empty body as base64, too', async () => {
    const events = serve();
    await post();
    expect(events).toMatchObject([{ body: '', isBase64Encoded: true }]);
  });

  it('may carry the body as it is', async () => {
    const events = serve(RESULT, { base64: false });
    await post({ body: 'a=ü' });
    expect(events).toMatchObject([{ body: 'a=ü', isBase64Encoded: false }]);
  });

  it('puts the rest of a prefix under an empty name', async () => {
    const events = serve(RESULT, { path: '/hook/', match: 'prefix' });
    await post({}, '/hook/a/b');
    expect(events).toMatchObject([{ path: '/hook/a/b', pathParameters: { '': 'a/b' } }]);
  });
});

describe('the answer', () => {
  it('is the function’s: status, headers, body', async () => {
    serve({ statusCode: 401, headers: { 'X-A': 'b' }, body: Buffer.from('nö').toString('base64'), isBase64Encoded: true });
    expect(await post()).toMatchObject({ status: 401, text: 'nö', headers: { 'x-a': 'b' } });
  });

  it.each([
    { name: 'a bare string', result: 'ok' },
    { name: 'nothing', result: null },
    { name: 'no headers', result: { statusCode: 200, body: '', isBase64Encoded: false } },
    { name: 'a body that is no text', result: { ...RESULT, body: {} } },
    { name: 'a status that is no number', result: { ...RESULT, statusCode: '200' } },
  ])('is 500 when the function gives $name', async ({ result }) => {
    serve(result);
    expect((await post()).status).toBe(500);
  });

  it('is 500 when the function throws', async () => {
    bench.functions.register({ name: 'webhook', handler: () => Promise.reject(new Error('broken')) });
    bench.gateway.publish({ functionName: 'webhook', path: '/gitlab' });
    const answer = await post();
    expect([answer.status, answer.text.includes('broken')]).toEqual([500, false]);
  });

  it('is 504 when the function takes longer than the gateway waits, and the function goes on', async () => {
    let finish: (value: unknown) => void = () => undefined;
    bench.functions.register({
      name: 'webhook',
      handler: () =>
        new Promise((resolve) => {
          finish = resolve;
        }),
    });
    bench.gateway.publish({ functionName: 'webhook', path: '/gitlab', timeoutMs: 20 });
    expect([(await post()).status, bench.functions.stats('webhook').running]).toEqual([504, 1]);
    finish(RESULT);
    await bench.clock.settled();
    expect(bench.functions.stats('webhook').running).toBe(0);
  });

  it('is 429 when every instance is busy', async () => {
    bench.functions.register({ name: 'webhook', maxInstances: 0, handler: async () => RESULT });
    bench.gateway.publish({ functionName: 'webhook', path: '/gitlab' });
    expect((await post()).status).toBe(429);
  });

  it('is 404 for what is not published', async () => {
    serve(RESULT, { method: 'POST' });
    expect([(await post({}, '/')).status, (await post({ method: 'GET' })).status, (await post()).status]).toEqual([404, 404, 200]);
  });

  it.each([
    { name: 'a body over 12 MB', bytes: 12 * 1024 * 1024 + 1, status: 413 },
    { name: 'a body whose event is over 6 MB', bytes: 5 * 1024 * 1024, status: 413 },
    { name: 'a body of 4 MB', bytes: 4 * 1024 * 1024, status: 200 },
  ])('is $status for $name', async ({ bytes, status }) => {
    serve();
    expect((await post({ body: 'x'.repeat(bytes) })).status).toBe(status);
  });
});
