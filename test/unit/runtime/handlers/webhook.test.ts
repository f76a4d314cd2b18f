import { createHmac } from 'node:crypto';
import { rmSync, writeFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ScalerTrigger } from '../../../../lib/app/ports/index.ts';
import { UnclearError } from '../../../../lib/core/errors.ts';
import { configSource } from '../../../../lib/runtime/functiongraph/config-source.ts';
import { secretReader } from '../../../../lib/runtime/functiongraph/secret-source.ts';
import { createWebhook, receiveHooks, type WebhookParts } from '../../../../lib/runtime/handlers/webhook.ts';
import { compiled, configFile, context, document, HOOK_TOKEN, memoryLog, NOW, serve } from '../parts.ts';

const job = {
  object_kind: 'build',
  build_id: 4711,
  build_name: 'image',
  build_status: 'pending',
  build_created_at: '2026-11-23 16:04:58 UTC',
  project_id: 42,
  runner: null,
};
const pending = JSON.stringify(job);

interface Request {
  readonly body?: string;
  readonly base64?: boolean;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, unknown>>;
}

function event({ body = pending, base64 = true, method = 'POST', headers = { 'x-gitlab-token': HOOK_TOKEN } }: Request = {}) {
  return {
    httpMethod: method,
    path: '/gitlab',
    headers: { 'content-type': 'application/json', ...headers },
    body: base64 ? Buffer.from(body).toString('base64') : body,
    isBase64Encoded: base64,
    queryStringParameters: {},
    pathParameters: {},
    requestContext: { apiId: 'a', requestId: 'r', stage: 'RELEASE' },
  };
}

function setUp(changes: Partial<WebhookParts> = {}) {
  const { log, lines } = memoryLog();
  const woken: unknown[] = [];
  const path = configFile();
  const webhook = createWebhook({
    clock: { now: () => NOW },
    loadConfig: configSource([path]),
    readSecret: secretReader({}),
    log,
    composeScalerTrigger: (inputs) => ({
      trigger: async () => {
        woken.push(inputs.event);
      },
    }),
    ...changes,
  });
  return { webhook, lines, woken, path };
}

/** The same before anything is read of the body. */
function receiving() {
  const { log, lines } = memoryLog();
  const receive = receiveHooks({
    clock: { now: () => NOW },
    loadConfig: configSource([configFile()]),
    readSecret: secretReader({}),
    log,
  });
  return { receive, lines };
}

const PIECE = 65_536;

function* endless(onRead: (bytes: number) => void): Generator<Uint8Array> {
  for (;;) {
    onRead(PIECE);
    yield new Uint8Array(PIECE);
  }
}

const empty = (statusCode: number) => ({ statusCode, headers: {}, body: '', isBase64Encoded: false });

describe('status codes', () => {
  const deep = `${'['.repeat(200_000)}${']'.repeat(200_000)}`;
  const deepObject = `${'{"a":'.repeat(100_000)}1${'}'.repeat(100_000)}`;
  const rows: readonly { readonly name: string; readonly request: unknown; readonly status: number; readonly wakes?: number }[] = [
    { name: 'a pending job in base64', request: event(), status: 200, wakes: 1 },
    { name: 'a pending job as plain text', request: event({ base64: false }), status: 200, wakes: 1 },
    { name: 'the flag decides, not how the body looks', request: { ...event(), isBase64Encoded: false }, status: 200 },
    { name: 'headers in capitals', request: event({ headers: { 'X-GITLAB-TOKEN': HOOK_TOKEN } }), status: 200, wakes: 1 },
    { name: 'headers as GitLab writes them', request: event({ headers: { 'X-Gitlab-Token': HOOK_TOKEN } }), status: 200, wakes: 1 },
    { name: 'a method in small letters', request: event({ method: 'post' }), status: 200, wakes: 1 },
    { name: 'a running job', request: event({ body: JSON.stringify({ ...job, build_status: 'running' }) }), status: 200 },
    { name: 'a status of the future', request: event({ body: JSON.stringify({ ...job, build_status: 'dreaming' }) }), status: 200 },
    { name: 'a pending job that a runner has', request: event({ body: JSON.stringify({ ...job, runner: { id: 7 } }) }), status: 200 },
    { name: 'a hook of another kind', request: event({ body: '{"object_kind":"push"}' }), status: 200 },
    {
      name: 'a job with a commit message of half a megabyte',
      request: event({ body: JSON.stringify({ ...job, commit: { message: 'm'.repeat(500_000) } }) }),
      status: 200,
      wakes: 1,
    },
    {
      name: 'a job with something very deep in it',
      request: event({ body: pending.replace('"runner":null', `"runner":null,"commit":${deepObject}`) }),
      status: 200,
      wakes: 1,
    },
    { name: 'no token', request: event({ headers: {} }), status: 401 },
    { name: 'a wrong token', request: event({ headers: { 'x-gitlab-token': `${HOOK_TOKEN}x` } }), status: 401 },
    { name: 'a token that is no text', request: event({ headers: { 'x-gitlab-token': [HOOK_TOKEN] } }), status: 401 },
    { name: 'a wrong token before a malformed body', request: event({ body: '{', headers: { 'x-gitlab-token': 'wrong' } }), status: 401 },
    { name: 'no JSON', request: event({ body: 'hello' }), status: 200 },
    { name: 'half a body', request: event({ body: pending.slice(0, 50) }), status: 200 },
    { name: 'an empty body', request: { ...event(), body: '' }, status: 200 },
    { name: 'no body', request: { ...event(), body: null }, status: 200 },
    {
      name: 'bytes that are no UTF-8',
      request: { ...event(), body: Buffer.from([0x7b, 0xff, 0xfe, 0x7d]).toString('base64') },
      status: 200,
    },
    { name: 'a list, very deep', request: event({ body: deep }), status: 200 },
    { name: 'a job without an id', request: event({ body: JSON.stringify({ ...job, build_id: undefined }) }), status: 200 },
    { name: 'null', request: event({ body: 'null' }), status: 200 },
    { name: 'a number as text', request: event({ body: JSON.stringify({ ...job, project_id: '42' }) }), status: 200 },
    { name: 'null in place of an object', request: event({ body: JSON.stringify({ ...job, project: null }) }), status: 200, wakes: 1 },
    { name: 'more than a megabyte in base64', request: event({ body: ' '.repeat(1_000_001) }), status: 200 },
    { name: 'more than a megabyte as text', request: event({ body: ' '.repeat(1_000_001), base64: false }), status: 200 },
    { name: 'more than a megabyte in bytes, not in characters', request: event({ body: 'ä'.repeat(500_001), base64: false }), status: 200 },
    { name: 'a megabyte whose base64 is longer', request: event({ body: pending.padEnd(1_000_000) }), status: 200, wakes: 1 },
    { name: 'too large without a token', request: event({ body: ' '.repeat(1_000_001), headers: {} }), status: 401 },
    {
      name: 'too large with a wrong token',
      request: event({ body: ' '.repeat(1_000_001), headers: { 'x-gitlab-token': 'x' } }),
      status: 401,
    },
    { name: 'an event that is none of the gateway', request: { trigger_type: 'TIMER' }, status: 400 },
    { name: 'no event', request: undefined, status: 400 },
  ];

  it.each(rows)('$name: $status', async ({ request, status, wakes = 0 }) => {
    const { webhook, woken } = setUp();
    expect(await webhook(request, context())).toEqual(empty(status));
    expect(woken).toHaveLength(wakes);
  });

  it.each([
    { body: '', message: 'hook malformed; the timer serves its job', fields: { reason: 'not JSON in UTF-8' } },
    { body: 'null', message: 'hook malformed; the timer serves its job', fields: { reason: 'not an object' } },
    {
      body: JSON.stringify({ ...job, build_id: 'glpat-secret' }),
      message: 'hook malformed; the timer serves its job',
      fields: { reason: 'unusable build_id' },
    },
    { body: 'x'.repeat(1_000_001), message: 'hook too large; the timer serves its job', fields: { bytes: 1_000_001 } },
  ])('one line in the log for what is not understood, and nothing of its body: $message', async ({ body, message, fields }) => {
    const { webhook, lines } = setUp();
    expect(await webhook(event({ body }), context())).toEqual(empty(200));
    expect(lines).toEqual([{ level: 'warn', message, fields: { request: 'request-1', ...fields } }]);
  });

  it('does not look at a body when the token says enough: neither of a stranger nor of one that is too large', async () => {
    const { receive, lines } = receiving();
    let read = 0;
    const request = (token: string, bytes?: number) => ({
      httpMethod: 'POST',
      headers: { 'x-gitlab-token': token },
      ...(bytes !== undefined && { bytes }),
      body: endless((size) => {
        read += size;
      }),
    });
    expect(await receive(request('wrong'), context())).toEqual(empty(401));
    expect(await receive(request(HOOK_TOKEN, 5_000_000), context())).toEqual(empty(200));
    expect(read).toBe(0);
    // Its size is not known before: no more than what shows that it is too large.
    expect(await receive(request(HOOK_TOKEN), context())).toEqual(empty(200));
    expect(read).toBeLessThanOrEqual(1_000_000 + PIECE);
    expect(lines.filter(({ message }) => message.startsWith('hook too large')).map(({ fields }) => fields)).toEqual([
      { request: 'request-1', bytes: 5_000_000 },
      { request: 'request-1', moreThanBytes: read },
    ]);
  });

  it.each(['GET', 'PUT', 'HEAD', 'OPTIONS'])('%s: 405 with what is allowed', async (method) => {
    const { webhook } = setUp();
    expect(await webhook(event({ method }), context())).toEqual({ ...empty(405), headers: { allow: 'POST' } });
  });

  it('tells the scaler which job it was and when its hook came', async () => {
    const { webhook, woken, lines } = setUp();
    await webhook(event(), context());
    expect(woken).toEqual([{ jobId: 4711, projectId: 42, hookAt: NOW }]);
    expect(lines).toEqual([
      {
        level: 'info',
        message: 'hook',
        fields: { request: 'request-1', jobId: 4711, projectId: 42, status: 'pending', waiting: true, wake: 'sent' },
      },
    ]);
  });
});

describe('signed hooks', () => {
  const key = Buffer.from('000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f', 'hex');
  const signed = (body: string) => {
    const timestamp = String(NOW / 1000);
    const signature = createHmac('sha256', key).update(`id-1.${timestamp}.${body}`).digest('base64');
    return { 'Webhook-Id': 'id-1', 'Webhook-Timestamp': timestamp, 'Webhook-Signature': `v1,${signature}` };
  };
  const secrets = context({}, { HOOK_SIGNING_TOKENS: `whsec_${key.toString('base64')}` });
  const large = JSON.stringify({ ...job, commit: { message: 'm'.repeat(4_000_000) } });

  it.each([
    { name: 'the bytes that were signed, in base64', request: event({ headers: signed(pending) }), status: 200 },
    { name: 'the bytes that were signed, as text', request: event({ headers: signed(pending), base64: false }), status: 200 },
    { name: 'other bytes', request: event({ headers: signed(`${pending} `) }), status: 401 },
    { name: 'only a token', request: event(), status: 401 },
    { name: 'a body of four megabytes', request: event({ body: large, headers: signed(large) }), status: 200 },
    {
      name: 'four megabytes of which the last byte is another',
      request: event({ body: `${large}y`, headers: signed(`${large}x`) }),
      status: 401,
    },
    { name: 'bytes that are no hook', request: event({ body: 'null', headers: signed('null') }), status: 200 },
  ])('$name: $status', async ({ request, status }) => {
    const { webhook } = setUp();
    expect((await webhook(request, secrets)).statusCode).toBe(status);
  });

  it('more than GitLab ever sends is refused without reading to its end', async () => {
    const { receive, lines } = receiving();
    let read = 0;
    const body = endless((size) => {
      read += size;
    });
    const headers = { ...signed(pending) };
    expect(await receive({ httpMethod: 'POST', headers, body }, secrets)).toEqual(empty(413));
    expect(read).toBeLessThanOrEqual(25 * 1024 * 1024 + PIECE);
    expect(lines).toMatchObject([{ level: 'warn', message: 'hook refused', fields: { reason: 'too-large' } }]);
  });
});

describe('what goes wrong behind it', () => {
  const failing = (trigger: ScalerTrigger['trigger']) => setUp({ composeScalerTrigger: () => ({ trigger }), waitMs: 5 });

  it('a wake-up that fails is logged and answered 200', async () => {
    const { webhook, lines } = failing(() => Promise.reject(new UnclearError('http-500', 'functiongraph.wake: http-500 (HTTP 500)')));
    expect(await webhook(event(), context())).toEqual(empty(200));
    expect(lines.find(({ level }) => level === 'error')?.fields).toMatchObject({ error: 'UnclearError', code: 'http-500' });
  });

  it('a wake-up that never answers is not waited for', async () => {
    const { webhook, lines } = failing(() => new Promise(() => undefined));
    expect(await webhook(event(), context())).toEqual(empty(200));
    expect(lines.at(-1)?.fields).toMatchObject({ wake: 'late' });
  });

  it('keys that are missing are a wake-up that fails', async () => {
    const { webhook, lines } = setUp({ composeScalerTrigger: ({ credentials }) => void credentials() });
    const bare = context({ getSecurityAccessKey: () => '', getSecuritySecretKey: () => '', getSecurityToken: () => '' });
    expect(await webhook(event(), bare)).toEqual(empty(200));
    expect(lines.find(({ level }) => level === 'error')?.fields).toMatchObject({ code: 'credentials-missing' });
  });

  it('without a scaler function the timer serves the job', async () => {
    const { log, lines } = memoryLog();
    const loadConfig = configSource([configFile(document({ functions: {} }))]);
    const webhook = createWebhook({ clock: { now: () => NOW }, loadConfig, readSecret: secretReader({}), log });
    expect(await webhook(event(), context())).toEqual(empty(200));
    expect(lines).toMatchObject([{ level: 'info', fields: { wake: 'timer-only' } }]);
  });

  it.each([
    { name: 'no secret at all', userData: { HOOK_TOKENS: '' }, code: 'no-hook-secret' },
    { name: 'a signing token of another form', userData: { HOOK_SIGNING_TOKENS: 'very-secret' }, code: 'invalid-secret' },
  ])('$name: 500, and the reason only in the log', async ({ userData, code }) => {
    const { webhook, lines } = setUp();
    expect(await webhook(event(), context({}, userData))).toEqual(empty(500));
    expect(lines).toMatchObject([{ level: 'error', message: 'hook not handled', fields: { error: 'ConfigError', code } }]);
    expect(JSON.stringify(lines)).not.toMatch(/very-secret|\bat /);
  });

  it('a configuration that is wrong or missing does not disable the hook: 200, an error in the log, and awake as soon as it is mended', async () => {
    const { webhook, lines, woken, path } = setUp();
    rmSync(path);
    expect(await webhook(event(), context())).toEqual(empty(200));
    writeFileSync(path, JSON.stringify(document()));
    expect(await webhook(event(), context())).toEqual(empty(200));
    writeFileSync(path, '{"format":1,"config":{"settings":{"pools":[]}}}');
    expect(await webhook(event(), context())).toEqual(empty(200));
    writeFileSync(path, '{"gitlab":');
    expect(await webhook(event(), context())).toEqual(empty(200));
    const errors = lines.filter(({ level }) => level === 'error');
    expect(errors.map(({ fields }) => fields.code)).toEqual(['no-config', 'invalid-config', 'invalid-config', 'invalid-config']);
    expect(woken).toEqual([]);
    expect((await webhook(event({ headers: {} }), context())).statusCode).toBe(401);
    writeFileSync(path, compiled());
    expect(await webhook(event(), context())).toEqual(empty(200));
    expect(woken).toHaveLength(1);
  });

  it('a context without any getter is no crash', async () => {
    const { webhook } = setUp({ readSecret: (_, key) => (key === 'HOOK_TOKENS' ? HOOK_TOKEN : undefined) });
    expect(await webhook(event(), JSON.parse('{}'))).toEqual(empty(200));
  });
});

describe('several at once', () => {
  it('three first calls of a fresh process all work', async () => {
    const { webhook, woken } = setUp();
    const replies = await Promise.all([webhook(event(), context()), webhook(event(), context()), webhook(event(), context())]);
    expect(replies).toEqual([empty(200), empty(200), empty(200)]);
    expect(woken).toHaveLength(3);
  });

  it('a call that is given up does not touch the one beside it', async () => {
    let release = (): void => undefined;
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const { webhook, lines } = setUp({ composeScalerTrigger: () => ({ trigger: () => held }), waitMs: 9_000 });
    // Its time is up at once; the other's is not.
    const cut = webhook(event(), context({ getRemainingTimeInMilliSeconds: () => 1 }));
    const calm = webhook(event(), context({ getRequestID: () => 'request-2' }));
    expect(await cut).toEqual(empty(200));
    expect(lines).toMatchObject([{ fields: { request: 'request-1', wake: 'late' } }]);
    release();
    expect(await calm).toEqual(empty(200));
    expect(lines[1]).toMatchObject({ fields: { request: 'request-2', wake: 'sent' } });
  });
});

it('wakes the scaler over HTTP', async () => {
  const calls: string[] = [];
  const url = await serve((request, response) => {
    calls.push(`${request.method} ${decodeURIComponent(request.url ?? '')} ${String(request.headers['x-security-token'])}`);
    response.writeHead(202).end('{"request_id":"x"}');
  });
  const { log, lines } = memoryLog();
  const loadConfig = configSource([configFile(document({}, url))]);
  const webhook = createWebhook({ clock: { now: () => NOW }, loadConfig, readSecret: secretReader({}), log });
  expect(await webhook(event(), context())).toEqual(empty(200));
  expect(calls).toEqual([
    'POST /v2/0123456789abcdef0123456789abcdef/fgs/functions/urn:fss:eu-de:0123456789abcdef0123456789abcdef:function:default:gl-scaler:latest/invocations-async temporary-security-token',
  ]);
  expect(lines).toMatchObject([{ fields: { wake: 'sent' } }]);
});
