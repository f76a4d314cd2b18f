import { createHash } from 'node:crypto';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { ask, obsHeaders } from './client.ts';
import { type Cloud, startCloud } from './cloud.ts';

let cloud: Cloud;
beforeEach(async () => {
  cloud = await startCloud({ buckets: ['first', 'second'] });
});
afterEach(() => cloud.close());

const obs = (method: string, path: string, body = '', headers: Record<string, string> = {}) =>
  ask(cloud.sandbox.urls.obs, path, {
    method,
    body,
    headers: obsHeaders(cloud.sandbox.credentials, cloud.clock.now(), method, path, headers),
  });
const code = (text: string) => /<Code>(\w+)<\/Code>/.exec(text)?.[1];

it('starts with the buckets that it was given', () => {
  expect([cloud.sandbox.bucket, cloud.sandbox.obs.buckets()]).toEqual(['first', ['first', 'second']]);
});

it('creates a bucket once, and deletes it when it is empty', async () => {
  expect([(await obs('HEAD', '/farm/')).status, (await obs('PUT', '/farm/')).status, (await obs('HEAD', '/farm/')).status]).toEqual([
    404, 200, 200,
  ]);
  expect(code((await obs('PUT', '/farm/')).text)).toBe('BucketAlreadyOwnedByYou');
  await obs('PUT', '/farm/a', 'x');
  const full = await obs('DELETE', '/farm/');
  expect([full.status, code(full.text)]).toEqual([409, 'BucketNotEmpty']);
  await obs('DELETE', '/farm/a');
  expect([(await obs('DELETE', '/farm/')).status, (await obs('DELETE', '/farm/')).status]).toEqual([204, 404]);
  expect([cloud.sandbox.ctx.faults.calls('obs.bucket-create'), cloud.sandbox.ctx.faults.calls('obs.bucket-delete')]).toEqual([2, 3]);
});

it.each(['Farm', 'ab', '-farm', 'farm_1'])('creates no bucket of the name %s', async (name) => {
  expect(code((await obs('PUT', `/${name}/`)).text)).toBe('InvalidBucketName');
});

const rule = (id: string, more: Readonly<Record<string, string>> = {}) => {
  const parts = { ID: id, Prefix: `${id}/`, Status: 'Enabled', Expiration: '<Days>14</Days>', ...more };
  return `<Rule>${Object.entries(parts)
    .map(([name, text]) => (text === '-' ? '' : `<${name}>${text}</${name}>`))
    .join('')}</Rule>`;
};
const document = (...rules: readonly string[]) => `<LifecycleConfiguration>${rules.join('')}</LifecycleConfiguration>`;
const put = (body: string) => obs('PUT', '/first/?lifecycle', body, { 'content-md5': createHash('md5').update(body).digest('base64') });

it('keeps the rules of a lifecycle', async () => {
  const body = document(rule('handoff'), rule('state'));
  expect((await put(body)).status).toBe(200);
  expect((await obs('GET', '/first/?lifecycle')).text).toBe(body);
  expect([(await obs('DELETE', '/first/?lifecycle')).status, (await obs('GET', '/first/?lifecycle')).status]).toEqual([204, 404]);
});

it.each([
  { name: 'no rule', body: document() },
  { name: 'two rules of one name', body: document(rule('a'), rule('a')) },
  { name: 'no prefix', body: document(rule('a', { Prefix: '-' })) },
  { name: 'a state of its own', body: document(rule('a', { Status: 'On' })) },
  { name: 'no days', body: document(rule('a', { Expiration: '<Days>0</Days>' })) },
  { name: 'no end', body: document(rule('a', { Expiration: '-' })) },
  { name: 'days and a date', body: document(rule('a', { Expiration: '<Days>1</Days><Date>2026-12-01T00:00:00Z</Date>' })) },
  { name: 'a member that the reference does not name', body: document(rule('a', { Priority: '1' })) },
  { name: 'a member twice', body: document(rule('a', { Prefix: 'a/</Prefix><Prefix>b/' })) },
  { name: 'text between its members', body: document(rule('a'), 'and') },
  { name: 'an element that is not closed', body: document(rule('a')).replace('</Rule>', '') },
  { name: 'an entity of its own', body: document(rule('a', { Prefix: '&folder;' })) },
  { name: 'another root', body: `<Lifecycle>${rule('a')}</Lifecycle>` },
])('takes no lifecycle with $name', async ({ body }) => {
  expect(code((await put(body)).text)).toBe('MalformedXML');
});

it('reads a lifecycle however it is laid out', async () => {
  const laidOut = `<?xml version="1.0" encoding="UTF-8"?>\n${document(rule('a', { Prefix: 'a&#38;b/' })).replaceAll('><', '>\n  <')}\n`;
  expect((await put(laidOut.replace('<LifecycleConfiguration>', '<LifecycleConfiguration xmlns="http://obs.example.com/">'))).status).toBe(
    200,
  );
});

it.each([
  {
    name: 'website without an index',
    query: 'website',
    body: '<WebsiteConfiguration><ErrorDocument><Key>e</Key></ErrorDocument></WebsiteConfiguration>',
  },
  { name: 'website whose index is a path', query: 'website', body: site('a/index.html') },
  {
    name: 'CORS rule without an origin',
    query: 'cors',
    body: '<CORSConfiguration><CORSRule><AllowedMethod>GET</AllowedMethod></CORSRule></CORSConfiguration>',
  },
  { name: 'state of versioning', query: 'versioning', body: '<VersioningConfiguration><Status>On</Status></VersioningConfiguration>' },
])('takes no $name', async ({ query, body }) => {
  const digest = { 'content-md5': createHash('md5').update(body).digest('base64') };
  expect(code((await obs('PUT', `/first/?${query}`, body, digest)).text)).toBe('MalformedXML');
});

function site(index: string): string {
  return `<WebsiteConfiguration><IndexDocument><Suffix>${index}</Suffix></IndexDocument></WebsiteConfiguration>`;
}

it('creates a bucket in the place that its body names, and in none without a name', async () => {
  const body = (name: string) => `<CreateBucketConfiguration><${name}>eu-de</${name}></CreateBucketConfiguration>`;
  expect(code((await obs('PUT', '/farm/', body('LocationConstraint'))).text)).toBe('MalformedXML');
  expect((await obs('PUT', '/farm/', body('Location'))).status).toBe(200);
});
