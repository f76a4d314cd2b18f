import { gzipSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { AccessError, ConfigError, ConflictError, NotFoundError, ThrottledError, UnclearError } from '../../../lib/core/errors.ts';
import { createSend, type HttpOptions, type Request } from '../../../lib/gitlab/send.ts';
import { type FakeGitLab, fakeGitLab, NOW, NotingClock, type Reply, TOKEN, thrownBy } from './fake-gitlab.ts';

const alive = () => new AbortController().signal;
const GET: Omit<Request, 'signal' | 'name'> = { method: 'GET', path: 'api/v4/things' };

function sender(fake: FakeGitLab, options: Partial<HttpOptions> = {}) {
  const clock = new NotingClock(NOW);
  const send = createSend({ url: fake.url, token: TOKEN, clock, ...options });
  return {
    clock,
    send: (request: Omit<Request, 'signal' | 'name'>, signal = alive()) => send({ name: 'gitlab.runner', ...request, signal }),
  };
}

/** Answers with each reply once, and with the last one from then on. */
const replies =
  (...list: readonly Reply[]) =>
  (_: unknown, index: number) =>
    list[Math.min(index, list.length - 1)];

it('sends the token, the query and the body', async () => {
  const fake = await fakeGitLab(replies({ status: 201, json: { id: 1 } }));
  const { send } = sender(fake);
  const answer = await send({
    method: 'POST',
    path: 'api/v4/things/a%2Fb',
    query: { 'scope[]': 'x', list: ['p', 'q r'], none: undefined },
    json: { n: 1 },
  });
  expect(answer).toMatchObject({ status: 201, body: { id: 1 } });
  expect(fake.seen[0]).toMatchObject({ method: 'POST', path: '/api/v4/things/a%2Fb', body: { n: 1 } });
  expect(fake.seen[0]?.headers).toMatchObject({ 'private-token': TOKEN, 'content-type': 'application/json', accept: 'application/json' });
  expect([...(fake.seen[0]?.query ?? [])]).toEqual([
    ['scope[]', 'x'],
    ['list[]', 'p'],
    ['list[]', 'q r'],
  ]);
});

it('works below a path of the base URL, with or without a slash at its end', async () => {
  const fake = await fakeGitLab(replies({ json: {} }));
  await sender(fake, { url: `${fake.url}/gitlab/` }).send(GET);
  expect(fake.seen[0]?.path).toBe('/gitlab/api/v4/things');
});

it('takes an empty body for none', async () => {
  const fake = await fakeGitLab(replies({ status: 204 }));
  expect(await sender(fake).send({ method: 'DELETE', path: 'x' })).toMatchObject({ status: 204, body: undefined });
});

describe('refusals', () => {
  it.each([
    {
      name: '400 with a list of faults',
      status: 400,
      json: { message: { tag_list: ['is bad'] } },
      type: ConfigError,
      says: '{"tag_list":["is bad"]}',
    },
    { name: '400 with a text', status: 400, json: { message: 'no such\nthing' }, type: ConfigError, says: 'no such thing' },
    {
      name: '400 with a parameter error',
      status: 400,
      json: { error: 'group_id is invalid' },
      type: ConfigError,
      says: 'group_id is invalid',
    },
    {
      name: '400 with an empty message beside the error',
      status: 400,
      json: { message: '', error: 'group_id is invalid' },
      type: ConfigError,
      says: 'things: HTTP 400: group_id is invalid',
    },
    {
      name: '400 with null beside the error',
      status: 400,
      json: { message: null, error: '', error_description: 'too much' },
      type: ConfigError,
      says: 'things: HTTP 400: too much',
    },
    {
      name: '400 with an empty object',
      status: 400,
      json: { message: {}, error: 'gone' },
      type: ConfigError,
      says: 'things: HTTP 400: gone',
    },
    { name: '422', status: 422, json: { message: 'no' }, type: ConfigError, says: 'no' },
    { name: '401', status: 401, json: { message: '401 Unauthorized' }, type: AccessError, says: '401 Unauthorized' },
    {
      name: '401 for a revoked token',
      status: 401,
      json: { error: 'invalid_token', error_description: 'Token was revoked.' },
      type: AccessError,
      says: 'Token was revoked.',
      code: 'invalid_token',
    },
    {
      name: '403 for a missing scope',
      status: 403,
      json: { error: 'insufficient_scope', error_description: 'More rights needed.', scope: 'api read_api' },
      type: AccessError,
      says: 'needs api read_api',
      code: 'insufficient_scope',
    },
    { name: '404', status: 404, json: { message: '404 Not found' }, type: NotFoundError, says: '404 Not found' },
    { name: '409', status: 409, json: { message: 'busy' }, type: ConflictError, says: 'busy' },
    { name: '500', status: 500, json: { message: '500 Internal Server Error' }, type: UnclearError, says: '500' },
    { name: '501, which is not repeated', status: 501, json: {}, type: UnclearError, says: '501' },
    { name: '414 from a proxy', status: 414, text: '<html>too long</html>', type: ConfigError, says: 'HTTP 414' },
    { name: '401 from a proxy', status: 401, text: '<html>', type: AccessError, says: 'HTTP 401' },
    {
      name: '301',
      status: 301,
      headers: { location: 'https://elsewhere.example/?secret=1' },
      type: ConfigError,
      says: 'final address',
      code: 'redirected',
    },
  ])('$name', async ({ type, says, code, ...reply }) => {
    const fake = await fakeGitLab(replies(reply));
    const error = await thrownBy(sender(fake).send({ method: 'POST', path: 'api/v4/things', query: { private: 'q' }, json: {} }));
    expect(error).toBeInstanceOf(type);
    expect(error).toMatchObject({ message: expect.stringContaining(says), ...(code && { code }) });
    expect(error).toMatchObject({ message: expect.stringMatching(/^POST \/api\/v4\/things: /) });
    expect(fake.seen).toHaveLength(1);
  });

  it('keeps long messages short and leaves HTML out', async () => {
    const fake = await fakeGitLab((_, index) =>
      index === 0 ? { status: 400, json: { message: 'x'.repeat(5000) } } : { status: 400, text: '<p>y</p>' },
    );
    const { send } = sender(fake);
    const long = await thrownBy(send(GET));
    expect(String(long).length).toBeLessThan(300);
    expect(String(await thrownBy(send(GET)))).not.toContain('<p>');
  });

  it.each([
    { name: 'a refusal that repeats the token', reply: { status: 400, json: { message: `bad token ${TOKEN}` } } },
    { name: 'a broken connection', reply: undefined },
  ])('$name: the error does not hold it, nor anything got knows', async ({ reply }) => {
    const fake = await fakeGitLab((_seen, _index, response) => {
      if (!reply) response.socket?.destroy();
      return reply;
    });
    const error = await thrownBy(sender(fake).send({ method: 'POST', path: 'x', json: {} }));
    expect(error).toBeInstanceOf(Error);
    if (!(error instanceof Error)) return;
    expect(`${error.message} ${error.stack} ${JSON.stringify(error)}`).not.toContain(TOKEN);
    expect(error.cause).toBeUndefined();
  });
});

describe('what is repeated', () => {
  const fails: readonly { readonly name: string; readonly fail: Reply | 'cut' | 'half' }[] = [
    { name: '502', fail: { status: 502, text: 'Bad Gateway' } },
    { name: '503', fail: { status: 503 } },
    { name: '500', fail: { status: 500, json: { message: '500 Internal Server Error' } } },
    { name: 'a cut connection', fail: 'cut' },
  ];
  const failing = (fail: Reply | 'cut' | 'half', times: number) =>
    fakeGitLab((_seen, index, response) => {
      if (index >= times) return { json: { ok: true } };
      if (fail === 'half') {
        response.writeHead(200, { 'content-type': 'application/json', 'content-length': '100' });
        response.write('{"ok":', () => response.socket?.destroy());
        return undefined;
      }
      if (fail !== 'cut') return fail;
      response.socket?.destroy();
      return undefined;
    });

  it.each(fails)('a GET after $name, twice', async ({ fail }) => {
    const fake = await failing(fail, 2);
    const { send, clock } = sender(fake);
    expect((await send(GET)).body).toEqual({ ok: true });
    expect(fake.seen).toHaveLength(3);
    expect(clock.slept).toEqual([250, 1000]);
  });

  it.each(fails)('not a third time after $name', async ({ fail }) => {
    const fake = await failing(fail, 99);
    expect(await thrownBy(sender(fake).send(GET))).toBeInstanceOf(UnclearError);
    expect(fake.seen).toHaveLength(3);
  });

  it.each(fails.flatMap(({ name, fail }) => (['POST', 'PUT', 'DELETE'] as const).map((method) => ({ name, fail, method }))))(
    '$method never, after $name',
    async ({ fail, method }) => {
      const fake = await failing(fail, 1);
      const error = await thrownBy(sender(fake).send({ method, path: 'x', ...(method !== 'DELETE' && { json: {} }) }));
      expect(error).toBeInstanceOf(UnclearError);
      expect(fake.seen).toHaveLength(1);
    },
  );

  it('a POST that only reads', async () => {
    const fake = await failing({ status: 502 }, 1);
    await sender(fake).send({ method: 'POST', path: 'api/graphql', json: { query: 'q' }, readOnly: true });
    expect(fake.seen.map((one) => one.body)).toEqual([{ query: 'q' }, { query: 'q' }]);
  });

  it('nothing that was refused', async () => {
    const fake = await fakeGitLab(replies({ status: 403, json: { message: '403 Forbidden' } }));
    await thrownBy(sender(fake).send(GET));
    expect(fake.seen).toHaveLength(1);
  });

  it.each([{ method: 'GET' as const }, { method: 'POST' as const }])('half a body is UnclearError for a $method', async ({ method }) => {
    const fake = await failing('half', 99);
    expect(await thrownBy(sender(fake).send({ method, path: 'x', ...(method === 'POST' && { json: {} }) }))).toBeInstanceOf(UnclearError);
    if (method === 'POST') expect(fake.seen).toHaveLength(1);
  });
});

describe('429', () => {
  const in3s = new Date(NOW + 3000).toUTCString();

  it.each([
    { name: 'seconds', headers: { 'retry-after': '2' }, waits: [2000] },
    { name: 'a date', headers: { 'retry-after': in3s }, waits: [3000] },
    { name: 'a date in the past', headers: { 'retry-after': new Date(NOW - 9000).toUTCString() }, waits: [1000] },
    { name: 'nothing', headers: { 'retry-after': '0' }, waits: [1000] },
    { name: 'less than nothing', headers: { 'retry-after': '-5' }, waits: [1000] },
    { name: 'a reset right now', headers: { 'ratelimit-remaining': '0', 'ratelimit-reset': String(NOW / 1000 + 0.001) }, waits: [1000] },
    { name: 'a reset in a moment', headers: { 'ratelimit-remaining': '0', 'ratelimit-reset': String(NOW / 1000 + 4) }, waits: [4000] },
  ])('waits as asked by $name', async ({ headers, waits }) => {
    const fake = await fakeGitLab(replies({ status: 429, headers, text: 'Retry later\n' }, { json: 1 }));
    const { send, clock } = sender(fake);
    expect((await send(GET)).body).toBe(1);
    expect(clock.slept).toEqual(waits);
  });

  it('honours Retry-After of a 503, too', async () => {
    const fake = await fakeGitLab(replies({ status: 503, headers: { 'retry-after': '3' } }, { json: 1 }));
    const { send, clock } = sender(fake);
    await send(GET);
    expect(clock.slept).toEqual([3000]);
  });

  it.each([
    { name: 'a wait longer than 5 s', reply: { headers: { 'retry-after': '6' }, text: 'Retry later\n' }, ms: 6000 },
    { name: 'a date far away', reply: { headers: { 'retry-after': new Date(NOW + 120_000).toUTCString() } }, ms: 120_000 },
    { name: 'a day: an hour is the most that is believed', reply: { headers: { 'retry-after': '86400' } }, ms: 3_600_000 },
    { name: 'nothing said, text', reply: { text: 'Retry later\n' }, ms: 60_000 },
    {
      name: 'an application limit (JSON), whose RateLimit headers speak of another limit',
      reply: {
        json: { message: { error: 'This endpoint has been requested too many times. Try again later.' } },
        headers: { 'ratelimit-remaining': '1700', 'ratelimit-reset': String(NOW / 1000 + 7) },
      },
      ms: 60_000,
    },
    { name: 'a reset', reply: { headers: { 'ratelimit-remaining': '0', 'ratelimit-reset': String(NOW / 1000 + 42) } }, ms: 42_000 },
    { name: 'a reset that has passed', reply: { headers: { 'ratelimit-reset': String(NOW / 1000 - 42) } }, ms: 60_000 },
    { name: 'what only Date.parse takes for a date', reply: { headers: { 'retry-after': '1 banana' } }, ms: 60_000 },
    { name: 'nonsense', reply: { headers: { 'retry-after': 'soon', 'ratelimit-reset': 'never' } }, ms: 60_000 },
  ])('does not wait: $name', async ({ reply, ms }) => {
    const fake = await fakeGitLab(replies({ status: 429, ...reply }));
    const { send, clock } = sender(fake);
    const error = await thrownBy(send(GET));
    expect(error).toBeInstanceOf(ThrottledError);
    expect(error).toMatchObject({ retryAfterMs: ms });
    expect(clock.slept).toEqual([]);
    expect(fake.seen).toHaveLength(1);
  });

  it('gives up after two short waits', async () => {
    const fake = await fakeGitLab(replies({ status: 429, headers: { 'retry-after': '1' } }));
    expect(await thrownBy(sender(fake).send(GET))).toMatchObject({ name: 'ThrottledError', retryAfterMs: 1000 });
    expect(fake.seen).toHaveLength(3);
  });

  it('does not repeat a write', async () => {
    const fake = await fakeGitLab(replies({ status: 429, headers: { 'retry-after': '1' } }));
    expect(await thrownBy(sender(fake).send({ method: 'POST', path: 'x', json: {} }))).toBeInstanceOf(ThrottledError);
    expect(fake.seen).toHaveLength(1);
  });
});

describe('answers that cannot be trusted', () => {
  it('HTML with 200, as a login page in front of GitLab', async () => {
    const fake = await fakeGitLab(replies({ text: '<html>Sign in</html>' }));
    expect(await thrownBy(sender(fake).send(GET))).toMatchObject({ name: 'UnclearError', code: 'not-json' });
  });

  it.each([
    { name: 'plain', packed: (text: string) => Buffer.from(text), headers: {} },
    { name: 'packed small', packed: (text: string) => gzipSync(text), headers: { 'content-encoding': 'gzip' } },
  ])('a body longer than the most, $name', async ({ packed, headers }) => {
    const fake = await fakeGitLab(replies({ text: packed(JSON.stringify('x'.repeat(300_000))), headers }));
    expect(await thrownBy(sender(fake, { maxBytes: 100_000 }).send(GET))).toMatchObject({
      name: 'UnclearError',
      code: 'response-too-large',
    });
    expect((await sender(fake, { maxBytes: 400_000 }).send(GET)).body).toHaveLength(300_000);
  });

  it('no answer within the time of a try', async () => {
    const fake = await fakeGitLab((_, index) => (index === 0 ? undefined : { json: 1 }));
    const { send } = sender(fake, { tryTimeoutMs: 400 });
    expect((await send(GET)).body).toBe(1);
    const silent = await fakeGitLab(() => undefined);
    const error = await thrownBy(sender(silent, { tryTimeoutMs: 50 }).send({ method: 'POST', path: 'x', json: {} }));
    expect(error).toMatchObject({ name: 'UnclearError', code: 'ETIMEDOUT' });
    expect(silent.seen).toHaveLength(1);
  });

  it('nobody listens', async () => {
    const error = await thrownBy(sender({ url: 'http://127.0.0.1:1', seen: [] }).send(GET));
    // Nothing has happened for certain: there was no connection.
    expect(error).toMatchObject({ name: 'UnsentError', code: 'ECONNREFUSED' });
  });
});

it('does not follow a redirect, so that the token stays here', async () => {
  const other = await fakeGitLab(replies({ json: {} }));
  const fake = await fakeGitLab(replies({ status: 302, headers: { location: other.url } }));
  expect(await thrownBy(sender(fake).send(GET))).toBeInstanceOf(ConfigError);
  expect(other.seen).toEqual([]);
});

it('stops waiting for another try when the caller stops', async () => {
  const controller = new AbortController();
  const clock = { now: () => NOW, sleep: async () => controller.abort(new UnclearError('aborted', 'stopped')) };
  const fake = await fakeGitLab(replies({ status: 503 }));
  const error = await thrownBy(sender(fake, { clock }).send(GET, controller.signal));
  expect(error).toMatchObject({ code: 'aborted' });
  expect(fake.seen).toHaveLength(1);
});

describe('settings that cannot be used', () => {
  it.each([
    { name: 'no URL', url: 'gitlab.example.com', token: TOKEN },
    { name: 'another protocol', url: 'ftp://gitlab.example.com', token: TOKEN },
    { name: 'a password in the URL', url: 'https://user:hunter2@gitlab.example.com', token: TOKEN },
    { name: 'a query', url: 'https://gitlab.example.com/?private_token=hunter2', token: TOKEN },
    { name: 'no token', url: 'https://gitlab.example.com', token: '' },
    { name: 'a token with a line break', url: 'https://gitlab.example.com', token: 'hunter2\n' },
  ])('$name: a ConfigError that does not show them', ({ url, token }) => {
    const create = () => createSend({ url, token, clock: new NotingClock(NOW) });
    expect(create).toThrow(ConfigError);
    expect(create).not.toThrow(/hunter2/);
  });
});
