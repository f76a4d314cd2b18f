import { createHash } from 'node:crypto';
import { afterEach, describe, expect, it } from 'vitest';
import { SecretCredentials } from '../../../../lib/otc/credentials.ts';
import { Obs } from '../../../../lib/otc/obs/client.ts';
import type { ObsOptions } from '../../../../lib/otc/obs/http.ts';
import { obsAuthorization } from '../../../../lib/otc/obs/signer.ts';
import { type Recorded, type Reply, type ScriptedServer, scriptedServer } from '../scripted-server.ts';

const NOW = Date.UTC(2026, 10, 23, 16, 0, 0);
const credentials = new SecretCredentials('AK', 'SK-SECRET', 'TOKEN-SECRET');

let server: ScriptedServer;
afterEach(() => server.close());

async function start(script: readonly Reply[] | ((request: Recorded) => Reply), options: Partial<ObsOptions> = {}) {
  server = await scriptedServer(script);
  return new Obs({ endpoint: server.url, bucket: 'farm', credentials, clock: { now: () => NOW }, backoffMs: 1, ...options });
}

const xmlError = (status: number, code: string, headers: Record<string, string> = {}): Reply => ({
  status,
  headers,
  body: `<?xml version="1.0" encoding="UTF-8"?>\n<Error>\n<Code>${code}</Code><Message>said &amp; done</Message><RequestId>1</RequestId></Error>`,
});
const text = (body: Uint8Array | undefined) => Buffer.from(body ?? []).toString('utf8');

function isSignedRight(request: Recorded, scheme: 'obs' | 'aws' = 'obs'): boolean {
  const url = new URL(request.url, 'http://x');
  const headers = Object.fromEntries(Object.entries(request.headers).map(([name, value]) => [name, String(value)]));
  const key = decodeURIComponent(url.pathname).slice('/farm/'.length);
  const query = Object.fromEntries(url.searchParams);
  return (
    request.headers.authorization === obsAuthorization({ method: request.method, bucket: 'farm', key, query, headers }, credentials, scheme)
  );
}

describe('reading', () => {
  it('gives the whole object', async () => {
    const obs = await start([{ body: 'a\nü\n' }]);
    const object = await obs.get('counts/a b+ü.csv');
    expect(text(object?.body)).toBe('a\nü\n');
    expect(object?.size).toBe(5);
    const [request] = server.requests;
    expect(request?.url).toBe('/farm/counts/a%20b%2B%C3%BC.csv');
    expect(request?.headers).toMatchObject({ date: 'Mon, 23 Nov 2026 16:00:00 GMT', 'x-obs-security-token': 'TOKEN-SECRET' });
    expect(request && isSignedRight(request)).toBe(true);
  });

  it('gives nothing for an object that is not there', async () => {
    const obs = await start([xmlError(404, 'NoSuchKey')]);
    await expect(obs.get('k')).resolves.toBeUndefined();
  });

  it.each<[string, Reply, string, string]>([
    ['no bucket', xmlError(404, 'NoSuchBucket'), 'ConfigError', 'NoSuchBucket'],
    ['no right', xmlError(403, 'AccessDenied'), 'AccessError', 'AccessDenied'],
    ['a wrong key', xmlError(403, 'SignatureDoesNotMatch'), 'AccessError', 'SignatureDoesNotMatch'],
    ['a key locked', xmlError(400, 'TooManyWrongSignature'), 'AccessError', 'TooManyWrongSignature'],
    ['path addressing refused', xmlError(403, 'VirtualHostDomainRequired'), 'ConfigError', 'VirtualHostDomainRequired'],
    ['another region', { status: 307, headers: { location: 'http://127.0.0.1:1/' } }, 'ConfigError', 'http-307'],
    ['a balancer that has lost its way', { status: 404, body: '<html>' }, 'UnclearError', 'http-404'],
  ])('%s is an error, asked for once', async (_, reply, name, code) => {
    const obs = await start(() => reply);
    await expect(obs.get('k')).rejects.toMatchObject({ name, code });
    expect(server.requests).toHaveLength(1);
  });

  it.each<[string, Reply]>([
    ['500', xmlError(500, 'InternalError')],
    ['503', xmlError(503, 'SlowDown')],
    ['a broken connection', { fault: 'reset' }],
    ['half an object', { body: 'ab', fault: 'cut' }],
  ])('is repeated after %s', async (_, failure) => {
    const obs = await start([failure, failure, { body: 'abc' }]);
    expect(text((await obs.get('k'))?.body)).toBe('abc');
  });

  it('ends as throttled or unclear when it does not help', async () => {
    const obs = await start((request) => xmlError(503, request.url.endsWith('slow') ? 'SlowDown' : 'ServiceUnavailable'));
    await expect(obs.get('slow')).rejects.toMatchObject({ name: 'ThrottledError', code: 'SlowDown' });
    await expect(obs.get('k')).rejects.toMatchObject({ name: 'UnclearError', code: 'ServiceUnavailable' });
    expect(server.requests).toHaveLength(6);
  });
});

describe('ranges', () => {
  const part = (body: string, contentRange: string): Reply => ({ status: 206, body, headers: { 'content-range': contentRange } });

  interface Row {
    readonly name: string;
    readonly range: { readonly last: number } | { readonly from: number; readonly length?: number };
    readonly header: string;
    readonly reply: Reply;
    readonly body: string;
    readonly size: number;
  }

  it.each<Row>([
    { name: 'the end', range: { last: 3 }, header: 'bytes=-3', reply: part('789', 'bytes 7-9/10'), body: '789', size: 10 },
    {
      name: 'an end longer than the object, as OBS answers',
      range: { last: 99 },
      header: 'bytes=-99',
      reply: { body: '0123' },
      body: '0123',
      size: 4,
    },
    {
      name: 'an end longer than the object, as radosgw answers',
      range: { last: 99 },
      header: 'bytes=-99',
      reply: part('0123', 'bytes 0-3/4'),
      body: '0123',
      size: 4,
    },
    {
      name: 'the end, from a server that ignores ranges',
      range: { last: 2 },
      header: 'bytes=-2',
      reply: { body: '0123' },
      body: '23',
      size: 4,
    },
    { name: 'from an offset', range: { from: 4 }, header: 'bytes=4-', reply: part('456789', 'bytes 4-9/10'), body: '456789', size: 10 },
    { name: 'from an offset, whole object sent', range: { from: 2 }, header: 'bytes=2-', reply: { body: '0123' }, body: '23', size: 4 },
    { name: 'a piece', range: { from: 4, length: 3 }, header: 'bytes=4-6', reply: part('456', 'bytes 4-6/10'), body: '456', size: 10 },
    {
      name: 'the first piece',
      range: { from: 0, length: 3 },
      header: 'bytes=0-2',
      reply: part('012', 'bytes 0-2/10'),
      body: '012',
      size: 10,
    },
    {
      name: 'a piece that ends with the object',
      range: { from: 8, length: 3 },
      header: 'bytes=8-10',
      reply: part('89', 'bytes 8-9/10'),
      body: '89',
      size: 10,
    },
    {
      name: 'a piece, whole object sent',
      range: { from: 1, length: 2 },
      header: 'bytes=1-2',
      reply: { body: '0123' },
      body: '12',
      size: 4,
    },
    { name: 'from beyond the end, whole object sent', range: { from: 9 }, header: 'bytes=9-', reply: { body: '0123' }, body: '', size: 4 },
    {
      name: 'from the end on, length told',
      range: { from: 10 },
      header: 'bytes=10-',
      reply: { ...xmlError(416, 'InvalidRange', { 'content-range': 'bytes */10' }) },
      body: '',
      size: 10,
    },
  ])('$name', async ({ range, header, reply, body, size }) => {
    const obs = await start([reply]);
    const object = await obs.get('k', { range });
    expect([text(object?.body), object?.size]).toEqual([body, size]);
    expect(server.requests[0]?.headers.range).toBe(header);
  });

  it('from the beginning are none: an empty object would refuse one', async () => {
    const obs = await start([{ body: '' }]);
    await expect(obs.get('k', { range: { from: 0 } })).resolves.toMatchObject({ size: 0 });
    expect(server.requests[0]?.headers).not.toHaveProperty('range');
  });

  it('of an empty object are empty', async () => {
    const obs = await start([xmlError(416, 'InvalidRange'), { headers: { 'content-length': '0' } }]);
    await expect(obs.get('k', { range: { last: 10 } })).resolves.toEqual({ body: new Uint8Array(), size: 0 });
  });

  it('refused without a length: asks for it', async () => {
    const obs = await start([xmlError(416, 'InvalidRange'), { headers: { 'content-length': '55' } }]);
    await expect(obs.get('k', { range: { from: 55 } })).resolves.toEqual({ body: new Uint8Array(), size: 55 });
    expect(server.requests.map((r) => r.method)).toEqual(['GET', 'HEAD']);
  });

  it('refused, but the object has grown since: reads on', async () => {
    const obs = await start([xmlError(416, 'InvalidRange'), { headers: { 'content-length': '57' } }, part('ab', 'bytes 55-56/57')]);
    const object = await obs.get('k', { range: { from: 55 } });
    expect([text(object?.body), object?.size]).toEqual(['ab', 57]);
  });

  it('refused, and the object is gone since', async () => {
    const obs = await start([xmlError(416, 'InvalidRange'), { status: 404 }]);
    await expect(obs.get('k', { range: { from: 55 } })).resolves.toBeUndefined();
  });

  it.each<[string, Reply]>([
    ['another part', part('789', 'bytes 6-8/10')],
    ['too little', part('89', 'bytes 7-9/10')],
    ['no length', part('789', 'bytes 7-9/*')],
    ['no range', { status: 206, body: '789' }],
  ])('are unclear when the server sends %s', async (_, reply) => {
    const obs = await start([reply]);
    await expect(obs.get('k', { range: { last: 3 } })).rejects.toMatchObject({ name: 'UnclearError' });
  });
});

describe('writing', () => {
  it('sends the digest, the type and when to forget it', async () => {
    const obs = await start([{}]);
    await obs.put('handoff/x', 'täg', { contentType: 'application/json', expiresDays: 1 });
    const [request] = server.requests;
    expect(request).toMatchObject({
      method: 'PUT',
      url: '/farm/handoff/x',
      body: 'täg',
      headers: {
        'content-type': 'application/json',
        'content-md5': createHash('md5').update('täg').digest('base64'),
        'content-length': '4',
        'x-obs-expires': '1',
      },
    });
    expect(request && isSignedRight(request)).toBe(true);
  });

  it('leaves the expiry out of S3 and signs by its names', async () => {
    const obs = await start([{}], { scheme: 'aws' });
    await obs.put('k', new Uint8Array(), { expiresDays: 1 });
    const [request] = server.requests;
    expect(request?.headers).not.toHaveProperty('x-obs-expires');
    expect(request?.headers).toMatchObject({ 'x-amz-security-token': 'TOKEN-SECRET', 'content-length': '0' });
    expect(request && isSignedRight(request, 'aws')).toBe(true);
  });

  it('is repeated: the same bytes to the same key', async () => {
    const obs = await start([{ fault: 'reset' }, { status: 500 }, {}]);
    await obs.put('k', 'abc');
    expect(server.requests.map((r) => r.body)).toEqual(['abc', 'abc', 'abc']);
  });

  it('deletes what may be gone already', async () => {
    const obs = await start([{ status: 204 }, xmlError(404, 'NoSuchKey'), xmlError(404, 'NoSuchBucket')]);
    await expect(obs.delete('k')).resolves.toBeUndefined();
    await expect(obs.delete('k')).resolves.toBeUndefined();
    await expect(obs.delete('k')).rejects.toMatchObject({ name: 'ConfigError', code: 'NoSuchBucket' });
    expect(server.requests[0]).toMatchObject({ method: 'DELETE', url: '/farm/k' });
  });
});

describe('appending', () => {
  const appended = (next: number, name = 'x-obs-next-append-position'): Reply => ({ headers: { [name]: String(next) } });

  it('names the position and gives the new length in bytes', async () => {
    const obs = await start([appended(46)]);
    await expect(obs.append('k', 42, 'aü\n', { contentType: 'text/csv' })).resolves.toBe(46);
    const [request] = server.requests;
    expect(request).toMatchObject({
      method: 'POST',
      url: '/farm/k?append&position=42',
      body: 'aü\n',
      headers: { 'content-type': 'text/csv' },
    });
    expect(request?.headers['content-md5']).toBe(createHash('md5').update('aü\n').digest('base64'));
    expect(request && isSignedRight(request)).toBe(true);
  });

  it.each<[string, Partial<ObsOptions>, string]>([
    ['S3 servers: PUT', { scheme: 'aws' }, 'PUT'],
    ['a server that wants another verb', { appendVerb: 'PUT' }, 'PUT'],
  ])('%s', async (_, options, verb) => {
    const obs = await start([appended(1, 'x-rgw-next-append-position')], options);
    await expect(obs.append('k', 0, 'a')).resolves.toBe(1);
    expect(server.requests[0]?.method).toBe(verb);
  });

  it.each<[string, Reply, string, string]>([
    ['a stale position', xmlError(409, 'PositionNotEqualToLength'), 'ConflictError', 'PositionNotEqualToLength'],
    ['a stale position by any other name', xmlError(409, 'Whatever'), 'ConflictError', 'Whatever'],
    ['an object that takes none', xmlError(409, 'ObjectNotAppendable'), 'ConfigError', 'ObjectNotAppendable'],
    ['a versioned bucket of Ceph', xmlError(409, 'InvalidBucketState'), 'ConfigError', 'InvalidBucketState'],
    ['a replicated bucket', xmlError(400, 'OperationNotSupported'), 'ConfigError', 'OperationNotSupported'],
    ['a body cut off', xmlError(400, 'BadDigest'), 'UnclearError', 'BadDigest'],
    ['throttling, which leaves the outcome open', xmlError(429, 'TooManyRequests'), 'UnclearError', 'TooManyRequests'],
    ['throttling without a code', { status: 429 }, 'UnclearError', 'http-429'],
    ['overload', xmlError(503, 'SlowDown'), 'UnclearError', 'SlowDown'],
    ['a server error', { status: 500 }, 'UnclearError', 'http-500'],
    ['a lost answer', { fault: 'reset' }, 'UnclearError', 'ECONNRESET'],
    ['a server that ignores append and overwrites', {}, 'UnclearError', 'append-position'],
    ['another length than ours', appended(99), 'UnclearError', 'append-position'],
  ])('%s: never repeated', async (_, reply, name, code) => {
    const obs = await start(() => reply);
    await expect(obs.append('k', 0, 'a\n')).rejects.toMatchObject({ name, code });
    expect(server.requests).toHaveLength(1);
  });

  it('of nothing is refused: success would prove nothing', async () => {
    const obs = await start([]);
    await expect(obs.append('k', 0, '')).rejects.toMatchObject({ name: 'ConfigError' });
    expect(server.requests).toHaveLength(0);
  });
});

describe('a clock that is wrong', () => {
  const skewed = xmlError(403, 'RequestTimeTooSkewed', { date: 'Mon, 23 Nov 2026 16:20:00 GMT' });

  it('is set by OBS, once, and stays set', async () => {
    const obs = await start([skewed, { headers: { 'x-obs-next-append-position': '1' } }, { body: 'a' }]);
    await expect(obs.append('k', 0, 'a')).resolves.toBe(1);
    await obs.get('k');
    expect(server.requests.map((r) => r.headers.date)).toEqual([
      'Mon, 23 Nov 2026 16:00:00 GMT',
      'Mon, 23 Nov 2026 16:20:00 GMT',
      'Mon, 23 Nov 2026 16:20:00 GMT',
    ]);
    expect(obs.presignGet('k', NOW)).toContain(`Expires=${(NOW + 20 * 60_000) / 1000}`);
  });

  it('is given up when that does not help', async () => {
    const obs = await start(() => skewed);
    await expect(obs.get('k')).rejects.toMatchObject({ name: 'AccessError', code: 'RequestTimeTooSkewed' });
    expect(server.requests).toHaveLength(2);
  });
});

describe('listing', () => {
  const page = (keys: readonly string[], next?: string | true): Reply => ({
    body: `<?xml version="1.0"?><ListBucketResult xmlns="http://obs/"><Name>farm</Name><Prefix>a/</Prefix><IsTruncated>${next !== undefined}</IsTruncated>${keys
      .map((key) => `<Contents><Key>${key}</Key><ETag>&quot;x&quot;</ETag><Owner><ID>1</ID></Owner></Contents>`)
      .join('')}${typeof next === 'string' ? `<NextMarker>${next}</NextMarker>` : ''}</ListBucketResult>`,
  });

  it('reads all pages and decodes keys', async () => {
    const obs = await start([page(['a/1', 'a/2 &amp; &lt;x&gt;'], 'a/2 &amp; &lt;x&gt;'), page(['a/3&#xfc;&#33;'], true), page([])]);
    await expect(obs.list('a/')).resolves.toEqual(['a/1', 'a/2 & <x>', 'a/3ü!']);
    expect(server.requests.map((r) => r.url)).toEqual([
      '/farm/?prefix=a%2F&max-keys=1000',
      '/farm/?prefix=a%2F&marker=a%2F2%20%26%20%3Cx%3E&max-keys=1000',
      '/farm/?prefix=a%2F&marker=a%2F3%C3%BC%21&max-keys=1000',
    ]);
    expect(server.requests.every((request) => isSignedRight(request))).toBe(true);
  });

  it('begins after a key and ends after so many', async () => {
    const obs = await start([page(['a/2', 'a/3'], 'a/3')]);
    await expect(obs.list('a/', { startAfter: 'a/1', max: 2 })).resolves.toEqual(['a/2', 'a/3']);
    expect(server.requests.map((r) => r.url)).toEqual(['/farm/?prefix=a%2F&marker=a%2F1&max-keys=2']);
  });

  it.each<[string, readonly Reply[]]>([
    ['HTML', [{ body: '<html>' }]],
    ['half a list', [{ body: '<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>a</Key></Contents>' }]],
    ['a list without an end', [page([], true)]],
    ['a list that does not move on', [page(['a/1'], 'a/1'), page(['a/1'], 'a/1')]],
  ])('is unclear about %s', async (_, replies) => {
    const obs = await start(replies);
    await expect(obs.list('a/')).rejects.toMatchObject({ name: 'UnclearError' });
  });

  it('of a bucket that is not there is an error', async () => {
    const obs = await start([xmlError(404, 'NoSuchBucket')]);
    await expect(obs.list('a/')).rejects.toMatchObject({ name: 'ConfigError', code: 'NoSuchBucket' });
  });
});

describe('addressing', () => {
  const url = (endpoint: string) =>
    new Obs({ endpoint, bucket: 'farm', credentials, clock: { now: () => NOW } }).presignGet('a b', NOW).split('?')[0];

  it.each([
    ['https://obs.eu-de.otc.t-systems.com', 'https://farm.obs.eu-de.otc.t-systems.com/a%20b'],
    ['https://obs.eu-de.otc.t-systems.com/', 'https://farm.obs.eu-de.otc.t-systems.com/a%20b'],
    ['http://127.0.0.1:9000', 'http://127.0.0.1:9000/farm/a%20b'],
    ['http://[::1]:9000', 'http://[::1]:9000/farm/a%20b'],
    ['http://localhost:9000', 'http://localhost:9000/farm/a%20b'],
    ['http://obs.localhost:9000', 'http://obs.localhost:9000/farm/a%20b'],
  ])('of %s', async (endpoint, expected) => {
    await start([]);
    expect(url(endpoint)).toBe(expected);
  });

  it.each([
    ['is empty: deleting it would be deleting the bucket', ''],
    ['goes up', '..'],
    ['goes up and down', 'a/../b'],
    ['goes nowhere', 'a/.'],
    ['begins with a slash', '/a'],
    ['is too long', 'x'.repeat(1025)],
  ])('refuses a key that %s', async (_, key) => {
    const obs = await start([]);
    await expect(obs.put(key, 'x')).rejects.toMatchObject({ name: 'ConfigError', code: 'key-invalid' });
    await expect(obs.delete(key)).rejects.toMatchObject({ name: 'ConfigError', code: 'key-invalid' });
    expect(() => obs.presignGet(key, NOW)).toThrow(expect.objectContaining({ code: 'key-invalid' }));
    expect(server.requests).toHaveLength(0);
  });

  it.each([
    ['bucket', { bucket: 'Farm!' }, 'bucket-invalid'],
    ['endpoint', { endpoint: 'obs' }, 'endpoint-invalid'],
  ])('refuses a wrong %s', async (_, options, code) => {
    await expect(start([], options)).rejects.toMatchObject({ name: 'ConfigError', code });
  });
});

it('no error shows keys, tokens or URLs', async () => {
  const obs = await start([{ fault: 'reset' }, xmlError(403, 'AccessDenied')]);
  for (const call of [() => obs.append('k', 0, 'BODY-SECRET'), () => obs.get('k')]) {
    const thrown = await call().catch((error: unknown) => error);
    const shown = thrown instanceof Error ? `${thrown.message} ${JSON.stringify(thrown)} ${String(thrown.cause)}` : '';
    expect(shown).toContain('obs.');
    expect(shown).not.toMatch(/SECRET|127\.0\.0\.1|OBS AK/);
  }
});
