import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { allows, readPolicy } from '../../../sandbox/otc/obs/policy.ts';
import { BUCKET, type ObsBench, obsBench } from './bench.ts';
import { ask } from './client.ts';

let bench: ObsBench;
beforeEach(async () => {
  bench = await obsBench();
  for (const key of ['index.html', 'counts/v1/a', 'state/a']) await bench.call('PUT', key, { body: key });
});
afterEach(() => bench.close());

const statement = (more: object = {}) => ({
  Effect: 'Allow',
  Principal: { ID: ['*'] },
  Action: ['GetObject'],
  Resource: [`${BUCKET}/counts/*`],
  ...more,
});
const policy = (...statements: object[]) => JSON.stringify({ Statement: statements });
const put = (text: string) => bench.call('PUT', '', { signed: 'policy', body: text });
const get = async (key: string) => (await ask(bench.url, `/${BUCKET}/${key}`)).status;

describe('a bucket policy', () => {
  const read = { action: 'GetObject', resource: `${BUCKET}/counts/v1/a`, address: '10.0.0.7' };
  it.each([
    ['a prefix', [statement()], true],
    ['another prefix', [statement({ Resource: [`${BUCKET}/index.html`] })], false],
    ['a dot is a dot', [statement({ Resource: [`${BUCKET}/counts/v1.a`] })], false],
    ['one principal of many', [statement({ Principal: { ID: ['domain/x:user/y', '*'] } })], true],
    ['somebody else', [statement({ Principal: { ID: 'domain/x:user/y' } })], false],
    ['another action', [statement({ Action: 'PutObject' })], false],
    ['a pattern of actions', [statement({ Action: 'Get*' })], true],
    ['its network', [statement({ Condition: { IpAddress: { SourceIp: ['10.0.0.0/24'] } } })], true],
    ['another network', [statement({ Condition: { IpAddress: { SourceIp: ['10.0.1.0/24'] } } })], false],
    ['all but its network', [statement({ Condition: { NotIpAddress: { SourceIp: '10.0.0.0/24' } } })], false],
    ['a deny beside an allow', [statement(), statement({ Effect: 'Deny' })], false],
    ['a deny of others', [statement(), statement({ Effect: 'Deny', Resource: [`${BUCKET}/state/*`] })], true],
  ])('%s', (_name, statements, expected) => {
    const parsed = readPolicy(policy(...statements), BUCKET);
    expect(allows(parsed ?? [], read)).toBe(expected);
    expect(parsed).toHaveLength(statements.length);
  });

  it.each([
    ['no JSON', '{'],
    ['another bucket', policy(statement({ Resource: 'other/*' }))],
    ['the form of S3', policy(statement({ Principal: { AWS: ['*'] } }))],
    ['an unknown condition', policy(statement({ Condition: { StringLike: { Referer: 'x' } } }))],
    ['no network', policy(statement({ Condition: { IpAddress: { SourceIp: '10.0.0.0/99' } } }))],
    ['more than 20 KB', policy(statement({ Sid: 'x'.repeat(21_000) }))],
  ])('is refused: %s', async (_name, text) => {
    const answer = await put(text);
    expect([answer.status, answer.text.includes('MalformedPolicy')]).toEqual([400, true]);
  });

  it('tells only who may list that a key is not there', async () => {
    await put(policy(statement()));
    expect([await get('counts/v1/a'), await get('counts/v1/none'), await get('state/a')]).toEqual([200, 403, 403]);
    await put(policy(statement({ Action: ['GetObject', 'ListBucket'], Resource: [BUCKET, `${BUCKET}/counts/*`] })));
    expect(await get('counts/v1/none')).toBe(404);
  });

  it('is gone when it is deleted', async () => {
    await put(policy(statement()));
    expect((await bench.call('DELETE', '', { signed: 'policy' })).status).toBe(204);
    expect(await get('counts/v1/a')).toBe(403);
    expect((await bench.call('GET', '', { signed: 'policy' })).text).toContain('NoSuchBucketPolicy');
  });
});

describe('a static website', () => {
  const show = (path: string, method = 'GET') =>
    ask(bench.url, path, { method, headers: { host: `${BUCKET}.obs-website.eu-de.otc.t-systems.com`, range: 'bytes=0-0' } });
  const WEBSITE = '<WebsiteConfiguration><IndexDocument><Suffix>index.html</Suffix></IndexDocument></WebsiteConfiguration>';

  it('shows the index at its root, what the policy opens and nothing else', async () => {
    expect((await show('/')).text).toContain('NoSuchWebsiteConfiguration');
    expect((await bench.call('PUT', '', { signed: 'website', body: WEBSITE })).status).toBe(200);
    expect((await show('/')).status).toBe(403);
    await put(policy(statement({ Resource: [`${BUCKET}/index.html`, `${BUCKET}/counts/*`] })));
    const answers = await Promise.all([show('/'), show('/counts/v1/a'), show('/counts/v1/none'), show('/state/a'), show('/', 'PUT')]);
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 403, 403, 405]);
    expect([answers[0]?.text, answers[1]?.text]).toEqual(['index.html', 'counts/v1/a']);
    await bench.call('DELETE', '', { signed: 'website' });
    expect((await show('/')).status).toBe(404);
  });

  it('takes no configuration without an index or a redirect', async () => {
    expect((await bench.call('PUT', '', { signed: 'website', body: '<WebsiteConfiguration/>' })).status).toBe(400);
  });
});
