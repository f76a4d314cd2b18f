import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import * as z from 'zod';
import { SecretCredentials } from '../../../lib/otc/credentials.ts';
import { type OtcCall, OtcHttp } from '../../../lib/otc/http.ts';
import { authorization } from '../../../lib/otc/signer.ts';
import { type Recorded, type Reply, type ScriptedServer, scriptedServer } from './scripted-server.ts';

const schema = z.object({ answer: z.number() });
const credentials = new SecretCredentials('AK', 'SK-SECRET', 'TOKEN-SECRET');
const START = Date.UTC(2026, 10, 23, 16, 0, 0);

let server: ScriptedServer;
afterEach(() => server.close());

async function start(script: readonly Reply[] | ((request: Recorded) => Reply), options: { deadlineMs?: number; maxBytes?: number } = {}) {
  server = await scriptedServer(script);
  let now = START;
  const clock = {
    now: () => {
      now += 1000;
      return now;
    },
  };
  const http = new OtcHttp({ credentials, projectId: 'p1', clock, backoffMs: 1, ...options });
  const read = (call: Partial<OtcCall<typeof schema>> = {}) =>
    http.call({ name: 'ecs.list', kind: 'read', method: 'GET', url: `${server.url}/v1/x`, schema, ...call });
  const write = (call: Partial<OtcCall<typeof schema>> = {}) =>
    http.call({ name: 'ecs.create', kind: 'create', method: 'POST', url: `${server.url}/v1/x`, json: { ü: 'ö' }, schema, ...call });
  return { read, write };
}

const good = { body: { answer: 42, more: 'ignored' } };

function isSignedRight(request: Recorded): boolean {
  const { authorization: sent = '' } = request.headers;
  const names = /SignedHeaders=([^,]+)/.exec(sent)?.[1]?.split(';') ?? [];
  const url = new URL(request.url, 'http://x');
  const expected = authorization(
    {
      method: request.method,
      path: decodeURIComponent(url.pathname),
      query: [...url.searchParams],
      headers: Object.fromEntries(names.map((name) => [name, String(request.headers[name])])),
      body: request.body,
    },
    credentials,
    String(request.headers['x-sdk-date']),
  );
  return names.includes('host') && names.includes('x-sdk-date') && names.includes('x-security-token') && sent === expected;
}

describe('calls', () => {
  it('sign a read, with its query, and send the project', async () => {
    const { read } = await start([good]);
    await expect(read({ query: { name: 'a b/ü+*', limit: 200 } })).resolves.toEqual({ answer: 42 });
    const [request] = server.requests;
    expect(request).toMatchObject({
      url: '/v1/x?name=a%20b%2F%C3%BC%2B*&limit=200',
      headers: { 'x-project-id': 'p1', 'x-security-token': 'TOKEN-SECRET' },
    });
    expect(request && isSignedRight(request)).toBe(true);
  });

  it('sign the bytes of a write', async () => {
    const { write } = await start([good]);
    await write();
    const [request] = server.requests;
    expect(request).toMatchObject({ body: '{"ü":"ö"}', headers: { 'content-type': 'application/json' } });
    expect(request && isSignedRight(request)).toBe(true);
  });

  it('read compressed answers', async () => {
    const { read } = await start([{ body: gzipSync('{"answer":7}'), headers: { 'content-encoding': 'gzip' } }]);
    await expect(read()).resolves.toEqual({ answer: 7 });
  });
});

describe('repetition', () => {
  it.each<[string, Reply]>([
    ['a 503', { status: 503 }],
    ['a 502 in HTML', { status: 502, body: '<html>' }],
    ['a broken connection', { fault: 'reset' }],
    ['half a body', { body: '{"answer":4', fault: 'cut' }],
    ['a 429 that says when', { status: 429, headers: { 'retry-after': '1' } }],
  ])('of a read after %s, signed anew', async (_, failure) => {
    const { read } = await start([failure, failure, good]);
    await expect(read()).resolves.toEqual({ answer: 42 });
    expect(server.requests.map((r) => r.headers['x-sdk-date'])).toEqual(['20261123T160001Z', '20261123T160002Z', '20261123T160003Z']);
    expect(server.requests.every(isSignedRight)).toBe(true);
  });

  it.each([
    ['a date that has passed', new Date(0).toUTCString()],
    ['nothing', '0'],
    ['less than nothing', '-5'],
  ])('waits a second at least when asked to wait for %s', async (_, asked) => {
    const began = Date.now();
    const { read } = await start([{ status: 503, headers: { 'retry-after': asked, date: new Date().toUTCString() } }, good]);
    await expect(read()).resolves.toEqual({ answer: 42 });
    expect(Date.now() - began).toBeGreaterThanOrEqual(990);
  });

  it('of a read ends after the third try', async () => {
    const { read } = await start(() => ({ status: 503 }));
    await expect(read()).rejects.toMatchObject({ name: 'UnclearError', code: 'http-503' });
    expect(server.requests).toHaveLength(3);
  });

  it.each<[string, Reply, string]>([
    ['401: OTC locks a key after five bad signatures', { status: 401, body: { error_code: 'APIG.0301', error_msg: 'x' } }, 'AccessError'],
    ['403', { status: 403, body: { error: { code: 'Pdp.0001', message: 'x' } } }, 'AccessError'],
    ['429 without a hint', { status: 429, body: { error_code: 'APIG.0308', error_msg: 'x' } }, 'ThrottledError'],
    ['429 with a long wait', { status: 429, headers: { 'retry-after': '60' } }, 'ThrottledError'],
    ['400', { status: 400, body: { error: { code: 'Ecs.1000', message: 'x' } } }, 'UnclearError'],
    ['404', { status: 404 }, 'NotFoundError'],
  ])('is left out after %s', async (_, reply, name) => {
    const { read } = await start(() => reply);
    await expect(read()).rejects.toMatchObject({ name });
    expect(server.requests).toHaveLength(1);
  });

  it.each<[string, Reply, string]>([
    ['503', { status: 503 }, 'http-503'],
    ['a broken connection', { fault: 'reset' }, 'ECONNRESET'],
    ['half a body', { body: '{"answer":4', fault: 'cut' }, 'ECONNRESET'],
  ])('of a write never happens: %s', async (_, reply, code) => {
    const { write } = await start(() => reply);
    await expect(write()).rejects.toMatchObject({ name: 'UnclearError', code });
    expect(server.requests).toHaveLength(1);
  });
});

describe('a write without an answer', () => {
  it('is known not to have happened when there was no connection', async () => {
    const { write } = await start([good]);
    await server.close();
    await expect(write()).rejects.toMatchObject({ name: 'UnsentError', code: 'ECONNREFUSED' });
  });

  it.each<[string, Reply]>([
    ['a connection broken after it was read', { fault: 'reset' }],
    ['silence', { fault: 'hang' }],
  ])('is unclear after %s', async (_, reply) => {
    const { write } = await start([reply], { deadlineMs: 200 });
    await expect(write()).rejects.toMatchObject({ name: 'UnclearError' });
  });
});

describe('answers that cannot be trusted', () => {
  it.each<[string, Reply, string]>([
    ['HTML with 200', { body: '<html>login</html>' }, 'not-json'],
    ['nothing', { body: '' }, 'not-json'],
    ['another shape', { body: { answer: 'x' } }, 'unexpected-answer'],
  ])('%s', async (_, reply, code) => {
    const { write } = await start([reply]);
    await expect(write()).rejects.toMatchObject({ name: 'UnclearError', code });
  });

  it('are cut off at the size allowed', async () => {
    const { read } = await start([{ body: { answer: 1, filler: 'x'.repeat(5000) } }], { maxBytes: 1000 });
    await expect(read()).rejects.toMatchObject({ name: 'UnclearError', code: 'response-too-large' });
  });

  it('are measured unpacked', async () => {
    const { read } = await start(
      [{ body: gzipSync(JSON.stringify({ answer: 1, filler: 'x'.repeat(500_000) })), headers: { 'content-encoding': 'gzip' } }],
      {
        maxBytes: 10_000,
      },
    );
    await expect(read()).rejects.toMatchObject({ code: 'response-too-large' });
  });

  it('include redirects, which would carry the signature elsewhere', async () => {
    const { read } = await start([{ status: 302, headers: { location: 'http://127.0.0.1:1/' } }]);
    await expect(read()).rejects.toMatchObject({ name: 'ConfigError', code: 'http-302' });
    expect(server.requests).toHaveLength(1);
  });

  it('an error inside a 202', async () => {
    const { write } = await start([{ status: 202, body: { error: { code: 'Common.0024', message: 'busy' } } }]);
    await expect(write()).rejects.toMatchObject({ name: 'ThrottledError', retryAfterMs: 60_000 });
  });
});

describe('deadlines', () => {
  it('end a call that hangs', async () => {
    const { read } = await start([{ fault: 'hang' }], { deadlineMs: 50 });
    await expect(read()).rejects.toMatchObject({ name: 'UnclearError', code: 'timeout' });
  });

  it('include the waits between repetitions', async () => {
    const { read } = await start(() => ({ status: 503, headers: { 'retry-after': '5' } }), { deadlineMs: 300 });
    await expect(read()).rejects.toMatchObject({ name: 'UnclearError', code: 'timeout' });
    expect(server.requests).toHaveLength(1);
  });

  it('come from the caller, too', async () => {
    const controller = new AbortController();
    const { read } = await start(() => {
      controller.abort();
      return { fault: 'hang' };
    });
    await expect(read({ signal: controller.signal })).rejects.toMatchObject({ name: 'UnclearError', code: 'aborted' });
  });
});

it('no error shows keys, tokens, URLs or bodies', async () => {
  const { write } = await start([{ fault: 'reset' }, { status: 500, body: 'SK-SECRET' }, { body: '<html>SK-SECRET' }]);
  for (let i = 0; i < 3; i += 1) {
    const thrown = await write({ query: { token: 'QUERY-SECRET' } }).catch((error: unknown) => error);
    const shown = thrown instanceof Error ? `${thrown.message} ${JSON.stringify(thrown)} ${String(thrown.cause)}` : '';
    expect(shown).toContain('ecs.create');
    expect(shown).not.toMatch(/SECRET|SignedHeaders|127\.0\.0\.1/);
  }
});
