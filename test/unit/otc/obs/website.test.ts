import { afterEach, describe, expect, it } from 'vitest';
import { SecretCredentials } from '../../../../lib/otc/credentials.ts';
import type { ObsOptions } from '../../../../lib/otc/obs/http.ts';
import {
  ourStatement,
  parsePolicy,
  policyText,
  readersStatement,
  sameStatement,
  withoutStatement,
  withStatement,
} from '../../../../lib/otc/obs/policy.ts';
import { obsAuthorization } from '../../../../lib/otc/obs/signer.ts';
import { BucketWebsite, websiteUrl } from '../../../../lib/otc/obs/website.ts';
import { type Recorded, type Reply, type ScriptedServer, scriptedServer } from '../scripted-server.ts';

const credentials = new SecretCredentials('AK', 'SK-SECRET');
let server: ScriptedServer | undefined;
afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function start(script: readonly Reply[], options: Partial<ObsOptions> = {}) {
  const opened = await scriptedServer(script);
  server = opened;
  const site = new BucketWebsite({ endpoint: opened.url, bucket: 'farm', credentials, clock: { now: () => 0 }, backoffMs: 1, ...options });
  return { site, requests: opened.requests };
}

const error = (status: number, code: string): Reply => ({ status, body: `<Error><Code>${code}</Code><Message>no</Message></Error>` });
const isSigned = ({ method, url, headers }: Recorded, query: Record<string, string>) => {
  const plain = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, String(value)]));
  const key = new URL(url, 'http://x').pathname.replace('/farm/', '');
  return headers.authorization === obsAuthorization({ method, bucket: 'farm', key, query, headers: plain }, credentials, 'obs');
};

describe('the settings of a bucket', () => {
  it('are asked and changed as sub-resources that are part of the signature', async () => {
    const { site, requests } = await start([{}, {}, { status: 204 }, { status: 204 }]);
    await site.host();
    await site.setPolicy({ Statement: [{ Sid: 'a' }] });
    await site.setPolicy(undefined);
    await site.unhost();
    expect(requests.map(({ method, url }) => `${method} ${url}`)).toEqual([
      'PUT /farm/?website',
      'PUT /farm/?policy',
      'DELETE /farm/?policy',
      'DELETE /farm/?website',
    ]);
    const [website, policy, ...gone] = requests;
    expect(website?.body).toContain('<IndexDocument><Suffix>index.html</Suffix></IndexDocument>');
    expect(policy?.body).toBe('{"Statement":[{"Sid":"a"}]}');
    expect(website && isSigned(website, { website: '' })).toBe(true);
    expect([policy, gone[0]].every((request) => request && isSigned(request, { policy: '' }))).toBe(true);
  });

  it.each([
    ['none', error(404, 'NoSuchWebsiteConfiguration'), 'none'],
    [
      'an index',
      { body: '<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument></WebsiteConfiguration>' },
      'ours',
    ],
    [
      'another index',
      { body: '<WebsiteConfiguration><IndexDocument><Suffix>a.html</Suffix></IndexDocument></WebsiteConfiguration>' },
      'other',
    ],
    [
      'an error page too',
      { body: '<W><IndexDocument><Suffix>index.html</Suffix></IndexDocument><ErrorDocument><Key>e</Key></ErrorDocument></W>' },
      'other',
    ],
    ['a redirect', { body: '<W><RedirectAllRequestsTo><HostName>x</HostName></RedirectAllRequestsTo></W>' }, 'other'],
  ])('hosting: %s', async (_name, reply, expected) => {
    const { site } = await start([reply]);
    expect(await site.hosting()).toBe(expected);
  });

  it.each<[string, Reply, string, string]>([
    ['no bucket is not no policy', error(404, 'NoSuchBucket'), 'ConfigError', 'NoSuchBucket'],
    ['no right says which right', error(403, 'AccessDenied'), 'AccessError', 'PutBucketPolicy'],
    ['what is no policy is not replaced', { body: '{"Statement":"x"}' }, 'ConfigError', 'left as it is'],
  ])('%s', async (_name, reply, name, words) => {
    const { site } = await start([reply]);
    const thrown = await site.policy().catch((caught: unknown) => caught);
    expect(thrown).toMatchObject({ name, message: expect.stringContaining(words) });
  });
});

describe('a file of the site', () => {
  const file = {
    key: 'assets/a.js',
    body: Buffer.from('x'),
    contentType: 'text/javascript',
    cacheControl: 'no-cache',
    contentEncoding: 'gzip',
  };
  const headers = { 'content-type': 'text/javascript', 'cache-control': 'no-cache', 'content-encoding': 'gzip' };

  it('is put with the headers that browsers are to get', async () => {
    const { site, requests } = await start([{}]);
    await site.put(file);
    expect(requests[0]).toMatchObject({ method: 'PUT', url: '/farm/assets/a.js', body: 'x', headers });
  });

  it.each<[string, Reply, boolean]>([
    ['the same', { headers, body: 'x' }, true],
    ['another text', { headers, body: 'y' }, false],
    ['another type', { headers: { ...headers, 'content-type': 'text/plain' }, body: 'x' }, false],
    ['not compressed', { headers: { 'content-type': 'text/javascript', 'cache-control': 'no-cache' }, body: 'x' }, false],
    ['not there', error(404, 'NoSuchKey'), false],
  ])('is there: %s', async (_name, reply, expected) => {
    const { site } = await start([reply]);
    expect(await site.holds(file)).toBe(expected);
  });

  it('is asked for without any key by `anonymous`', async () => {
    const { site, requests } = await start([error(403, 'AccessDenied')]);
    expect(await site.anonymous('state/a b')).toBe(403);
    expect([requests[0]?.url, requests[0]?.headers.authorization]).toEqual(['/farm/state/a%20b', undefined]);
  });
});

describe('the address of the page', () => {
  it.each([
    ['https://obs.eu-de.otc.t-systems.com', 'https://farm.obs-website.eu-de.otc.t-systems.com/'],
    ['https://obs.eu-nl.otc.t-systems.com:443', 'https://farm.obs-website.eu-nl.otc.t-systems.com/'],
    ['http://127.0.0.1:7402', 'http://127.0.0.1:7402/farm/index.html'],
    ['https://s3.example.com', 'https://farm.s3.example.com/index.html'],
  ])('%s', (endpoint, expected) => {
    expect(websiteUrl(endpoint, 'farm')).toBe(expected);
  });

  it('is refused where no certificate would fit', () => {
    expect(() => websiteUrl('https://obs.eu-de.otc.t-systems.com', 'my.farm')).toThrow('no certificate');
  });
});

describe('the policy', () => {
  const theirs = {
    Sid: 'theirs',
    Effect: 'Allow',
    Principal: { ID: ['domain/x:user/y'] },
    Action: 'PutObject',
    Resource: 'farm/*',
    Extra: 1,
  };
  const ours = readersStatement('dashboard', 'farm', [], 'obs');

  it('opens the page and the counts, and nothing else', () => {
    expect(ours).toEqual({
      Sid: 'ScalerDashboard',
      Effect: 'Allow',
      Principal: { ID: ['*'] },
      Action: ['GetObject'],
      Resource: ['farm/index.html', 'farm/assets/*', 'farm/counts/*'],
    });
    expect(readersStatement('dashboard', 'farm', ['10.0.0.0/8'], 'obs').Condition).toEqual({ IpAddress: { SourceIp: ['10.0.0.0/8'] } });
    expect(readersStatement('dashboard', 'farm', ['10.0.0.0/8'], 'aws')).toMatchObject({
      Principal: { AWS: ['*'] },
      Action: ['s3:GetObject'],
      Resource: ['arn:aws:s3:::farm/index.html', 'arn:aws:s3:::farm/assets/*', 'arn:aws:s3:::farm/counts/*'],
      Condition: { IpAddress: { 'aws:SourceIp': ['10.0.0.0/8'] } },
    });
  });

  it('of the counts alone opens them and nothing else, and lives beside that of the page', () => {
    const counts = readersStatement('counts', 'farm', [], 'obs');
    expect(counts).toMatchObject({ Sid: 'ScalerCounts', Resource: ['farm/counts/*'] });
    const both = withStatement(withStatement({ Statement: [ours] }, counts, 'obs'), counts, 'obs');
    expect(both.Statement).toEqual([ours, counts]);
    expect([ourStatement('counts', both), ourStatement('dashboard', both)]).toEqual([counts, ours]);
    expect(withoutStatement('counts', both)).toEqual({ Statement: [ours] });
  });

  it('keeps what others said, word for word, and holds ours once', () => {
    const before = parsePolicy(JSON.stringify({ Version: '2008-10-17', Statement: [{ ...ours, Action: ['*'] }, theirs] }));
    const after = withStatement(before, ours, 'obs');
    expect(after).toEqual({ Version: '2008-10-17', Statement: [theirs, ours] });
    expect(withoutStatement('dashboard', after)).toEqual({ Version: '2008-10-17', Statement: [theirs] });
  });

  it('is none when nothing is left', () => {
    expect(withoutStatement('dashboard', withStatement(undefined, ours, 'obs'))).toBeUndefined();
    expect(withoutStatement('dashboard', undefined)).toBeUndefined();
  });

  it('with one statement that is no list', () => {
    expect(parsePolicy(JSON.stringify({ Statement: theirs })).Statement).toEqual([theirs]);
  });

  it('is the same however the server writes it down', () => {
    const written = {
      Resource: [...(ours.Resource as string[])].reverse(),
      Principal: { ID: '*' },
      Action: 'GetObject',
      Effect: 'Allow',
      Sid: ours.Sid,
    };
    expect(sameStatement(ourStatement('dashboard', { Statement: [theirs, written] }), ours)).toBe(true);
    expect(sameStatement(readersStatement('dashboard', 'farm', ['10.0.0.0/8'], 'obs'), ours)).toBe(false);
    expect(sameStatement(undefined, ours)).toBe(false);
  });

  it('is not put when OBS would not take it', () => {
    expect(() => policyText({ Statement: [{ Sid: 'x'.repeat(20_480) }] })).toThrow('20480');
  });
});
