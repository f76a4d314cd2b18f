import { describe, expect, it, onTestFinished } from 'vitest';
import type { PageFile } from '../../cli/dashboard/assets.ts';
import { networksOf, publish, unpublish } from '../../cli/dashboard/publish.ts';
import { startLive } from '../../cli/dashboard/server.ts';
import { Obs } from '../../lib/otc/obs/client.ts';
import { BucketWebsite } from '../../lib/otc/obs/website.ts';
import { RunningClock } from '../../sandbox/clock.ts';
import { startSandbox } from '../../sandbox/sandbox.ts';

const PAGE: readonly PageFile[] = [
  { path: 'assets/dashboard-0123abc.js', body: Buffer.from('let a'), contentType: 'text/javascript', cacheControl: 'max-age=9' },
  {
    path: 'index.html',
    body: Buffer.from('<meta name="generator" content="otc-gitlab-scaler">'),
    contentType: 'text/html',
    cacheControl: 'no-cache',
  },
];
const THEIRS = { Sid: 'x', Effect: 'Allow', Principal: { ID: ['domain/a:user/b'] }, Action: ['GetObject'], Resource: ['ci-fleet/state/*'] };

async function farm() {
  const world = await startSandbox({ clock: new RunningClock() });
  onTestFinished(() => world.close());
  let time = Date.now();
  const clock = {
    now: () => time,
    sleep: async (ms: number) => {
      time += ms;
    },
  };
  const options = { endpoint: world.urls.obs, bucket: world.bucket, credentials: world.credentials, clock: { now: () => Date.now() } };
  const bucket = { website: new BucketWebsite(options), store: new Obs(options), clock };
  const said: string[] = [];
  const output = { json: false, say: (text: string) => void said.push(text), data: (text: string) => void said.push(text) };
  const inside = world.obs.bucket(world.bucket);
  for (const key of ['counts/v1/farm.json', 'state/v1/pools/a.json', 'handoff/v1/w.toml']) inside.put(key, Buffer.from('{}'), {});
  const status = async (key: string) => (await fetch(`${world.urls.obs}/${world.bucket}/${key}`)).status;
  const put = async (more: { networks?: readonly string[]; dryRun?: boolean } = {}, page = PAGE) => {
    said.length = 0;
    return await publish(bucket, page, { dryRun: false, patienceMs: 10_000, ...more }, output);
  };
  return { world, bucket, inside, said, output, status, put };
}

describe('scaler dashboard publish', () => {
  it('opens page and counts to everybody, keeps the rest private, and does nothing the second time', async () => {
    const { inside, said, status, put, world } = await farm();
    expect(await put({ networks: [] })).toBe(0);
    expect(said).toContain('The page can be read without a key.');
    expect(said.at(-1)).toBe(`${world.urls.obs}/${world.bucket}/index.html`);
    const keys = ['index.html', 'assets/dashboard-0123abc.js', 'counts/v1/farm.json', 'state/v1/pools/a.json', 'handoff/v1/w.toml'];
    expect(await Promise.all(keys.map(status))).toEqual([200, 200, 200, 403, 403]);
    expect(inside.get('assets/dashboard-0123abc.js')?.headers).toMatchObject({ 'content-encoding': 'gzip', 'cache-control': 'max-age=9' });
    expect(inside.documents.get('website')).toContain('index.html');
    expect(await put({ networks: [] })).toBe(0);
    expect(said[0]).toBe('Everything is up to date; nothing was changed.');
  });

  it('says what it would do and does none of it', async () => {
    const { inside, said, put } = await farm();
    expect(await put({ networks: [], dryRun: true })).toBe(0);
    expect(said).toEqual([
      'would upload assets/dashboard-0123abc.js',
      'would upload index.html',
      'would set website hosting',
      'would let everybody read the page and counts/',
    ]);
    expect([inside.get('index.html'), inside.documents.size]).toEqual([undefined, 0]);
  });

  it('without a word about who may read leaves the policy alone', async () => {
    const { inside, said, put, status } = await farm();
    expect(await put()).toBe(0);
    expect(said).toContain('The page cannot be read without a key yet: open it with --public or --allow-from NETWORK.');
    expect([inside.documents.get('policy'), await status('index.html')]).toEqual([undefined, 403]);
  });

  it('opens it to networks only, and says so where this machine is in none', async () => {
    const { said, put, status } = await farm();
    expect(await put({ networks: ['192.0.2.0/24'] })).toBe(0);
    expect(said.join()).toContain('HTTP 403. This machine may be outside the allowed networks.');
    expect(await status('index.html')).toBe(403);
    expect(await put({ networks: ['127.0.0.0/8'] })).toBe(0);
    expect([await status('index.html'), await status('state/v1/pools/a.json')]).toEqual([200, 403]);
  });

  it('replaces an older page, takes its files away, and leaves those of others', async () => {
    const { inside, put } = await farm();
    await put({ networks: [] });
    inside.put('assets/logo.png', Buffer.from('p'), {});
    const [script, page] = PAGE;
    if (!script || !page) throw new Error('no page');
    await put({ networks: [] }, [{ ...script, path: 'assets/dashboard-fff.js' }, page]);
    const { objects } = inside.list({ prefix: 'assets/', delimiter: '', from: '', maxKeys: 10 });
    expect(objects.map(({ key }) => key)).toEqual(['assets/dashboard-fff.js', 'assets/logo.png']);
  });

  it.each([
    ['a page of somebody else', { 'index.html': '<h1>mine</h1>' }, '', 'an index.html that does not belong to the dashboard'],
    [
      'a redirect of somebody else',
      {},
      '<W><RedirectAllRequestsTo><HostName>x</HostName></RedirectAllRequestsTo></W>',
      'already hosts another website',
    ],
  ])('does not touch %s', async (_name, objects, website, words) => {
    const { inside, put } = await farm();
    for (const [key, text] of Object.entries(objects)) inside.put(key, Buffer.from(text), {});
    if (website !== '') inside.documents.set('website', website);
    await expect(put({ networks: [] })).rejects.toThrow(words);
    expect(inside.documents.get('policy')).toBeUndefined();
  });

  it('finds out when something private can be read, whoever opened it', async () => {
    const { bucket, said, put } = await farm();
    await bucket.website.setPolicy({ Statement: [{ ...THEIRS, Principal: { ID: ['*'] } }] });
    expect(await put({ networks: [] })).toBe(1);
    expect(said.join('\n')).toContain('DANGER: state/v1/pools/a.json can be read without a key.');
  });

  it('reports to programs', async () => {
    const { bucket, output, said } = await farm();
    await publish(bucket, PAGE, { networks: [], dryRun: false, patienceMs: 0 }, { ...output, json: true, say: () => undefined });
    expect(JSON.parse(said[0] ?? '')).toMatchObject({
      ok: true,
      url: bucket.website.url,
      changes: expect.arrayContaining(['set website hosting']),
    });
  });
});

describe('scaler dashboard remove', () => {
  it('undoes it, keeps the counts and the statements of others, and does nothing the second time', async () => {
    const { bucket, inside, output, put, said, status } = await farm();
    await bucket.website.setPolicy({ Statement: [THEIRS] });
    await put({ networks: [] });
    expect(JSON.parse(inside.documents.get('policy') ?? '').Statement).toHaveLength(2);
    expect(await unpublish(bucket, { dryRun: true }, output)).toBe(0);
    expect(await status('index.html')).toBe(200);
    await unpublish(bucket, { dryRun: false }, output);
    expect(JSON.parse(inside.documents.get('policy') ?? '')).toEqual({ Statement: [THEIRS] });
    expect([inside.get('index.html'), inside.documents.get('website'), await status('counts/v1/farm.json')]).toEqual([
      undefined,
      undefined,
      403,
    ]);
    expect(inside.get('counts/v1/farm.json')).toBeDefined();
    said.length = 0;
    await unpublish(bucket, { dryRun: false }, output);
    expect(said).toEqual(['The bucket has no dashboard; nothing was changed.']);
  });
});

describe('--allow-from', () => {
  it.each([
    ['an address', ['203.0.113.7'], ['203.0.113.7/32']],
    ['networks', ['203.0.113.0/24', '2001:db8::/32'], ['203.0.113.0/24', '2001:db8::/32']],
  ])('takes %s', (_name, given, expected) => {
    expect(networksOf(false, given)).toEqual(expected);
  });

  it.each([
    ['no network', ['office'], 'write a network'],
    ['everybody', ['0.0.0.0/0'], 'say --public'],
    ['bits after the prefix', ['10.1.2.3/8'], 'bits set after its prefix'],
  ])('refuses %s', (_name, given, words) => {
    expect(() => networksOf(false, given)).toThrow(words);
  });

  it('is not said together with --public', () => {
    expect(() => networksOf(true, ['10.0.0.0/8'])).toThrow('either');
    expect([networksOf(true, undefined), networksOf(false, undefined)]).toEqual([[], undefined]);
  });
});

describe('the page served live', () => {
  it('is the page and the counts as they are in the bucket, with the time of its own clock, and nothing else', async () => {
    const { bucket, inside } = await farm();
    const NOW = Date.UTC(2026, 10, 23, 4, 0, 0);
    const live = await startLive(PAGE, { store: bucket.store, port: 0, clock: { now: () => NOW }, everySeconds: 1 });
    onTestFinished(() => live.stop());
    inside.put('counts/v1/day/a.csv', Buffer.from('0123456789'), {});
    const base = new URL(live.url);
    const get = async (path: string, headers: Record<string, string> = {}) => await fetch(new URL(path, base), { headers });
    expect(base.search).toBe('?every=1');
    const page = await get('/?every=1');
    expect([page.status, page.headers.get('date'), page.headers.get('cache-control')]).toEqual([
      200,
      new Date(NOW).toUTCString(),
      'no-cache',
    ]);
    const part = await get('counts/v1/day/a.csv', { range: 'bytes=7-' });
    expect([part.status, part.headers.get('content-range'), await part.text()]).toEqual([206, 'bytes 7-9/10', '789']);
    const end = await get('counts/v1/day/a.csv', { range: 'bytes=10-' });
    expect([end.status, end.headers.get('content-range')]).toEqual([416, 'bytes */10']);
    expect(await (await get('counts/v1/day/a.csv')).text()).toBe('0123456789');
    const others = ['state/v1/pools/a.json', 'counts/v1/../../state/v1/pools/a.json', 'counts/v1/none.csv', 'handoff/v1/w.toml'];
    expect(await Promise.all(others.map(async (path) => (await get(path)).status))).toEqual([404, 404, 404, 404]);
    expect((await fetch(base, { method: 'POST' })).status).toBe(405);
  });
});
