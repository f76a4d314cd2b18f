import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask, type Keys, obsHeaders } from './client.ts';
import { type Cloud, functionBody, startCloud, zipOf } from './cloud.ts';

let cloud: Cloud;
let keys: Keys;
beforeEach(async () => {
  cloud = await startCloud({ agencies: ['farm'] });
  keys = cloud.sandbox.iam.temporaryKeys(900, 'farm');
});
afterEach(() => cloud.close());

/** Gives the agency a policy as a deployment would. */
async function grant(scope: 'project' | 'domain', ...Statement: readonly Readonly<Record<string, unknown>>[]): Promise<void> {
  const { agencies, projectId } = cloud.sandbox;
  const role = { display_name: `${scope}-${agencies.roles.size}`, type: scope === 'project' ? 'XA' : 'AX', description: '' };
  const made = await cloud.call('POST', '/v3.0/OS-ROLE/roles', { role: { ...role, policy: { Version: '1.1', Statement } } });
  const place = scope === 'project' ? `projects/${projectId}` : 'domains/sandbox';
  const path = `/v3.0/OS-AGENCY/${place}/agencies/${agencies.byName('farm')?.id}/roles/${made.json.role?.id}`;
  expect((await cloud.call('PUT', path)).status).toBe(204);
}
const allow = (...Action: string[]) => ({ Effect: 'Allow', Action });
const v1 = () => `/v1/${cloud.sandbox.projectId}`;

describe('the keys of an agency', () => {
  const CALLS: readonly { readonly name: string; readonly path: () => string; readonly action: string; readonly code: string }[] = [
    { name: 'ECS', path: () => `${v1()}/cloudservers/detail`, action: 'ecs:cloudServers:list', code: 'Pdp.0001' },
    { name: 'VPC', path: () => `${v1()}/subnets`, action: 'vpc:subnets:get', code: 'VPC.0004' },
    { name: 'IMS', path: () => '/v2/cloudimages', action: 'ims:images:list', code: 'Pdp.0001' },
    { name: 'FunctionGraph', path: () => `${cloud.v2}/fgs/functions`, action: 'functiongraph:function:list', code: 'FSS.0403' },
    { name: 'APIG', path: () => `${cloud.v2}/apigw/instances`, action: 'apig:instances:*', code: 'APIG.1005' },
    { name: 'LTS', path: () => `${cloud.v2}/groups`, action: 'lts:groups:list', code: 'LTS.0003' },
  ];
  it.each(CALLS)('may do with $name what a policy allows and no more', async ({ path, action, code }) => {
    const refused = await cloud.call('GET', path(), undefined, keys);
    expect(refused.status).toBe(403);
    expect(refused.text).toContain(`"${code}"`);
    await grant('project', allow(action));
    expect((await cloud.call('GET', path(), undefined, keys)).status).toBe(200);
  });

  it('need every action that a call has: an address for a server is one more', async () => {
    await grant('project', allow('ecs:cloudServers:*'));
    const server = (more: object) => ({ server: { name: 'x', ...more } });
    const create = (body: unknown) => cloud.call('POST', `${v1()}/cloudservers`, body, keys);
    expect((await create(server({}))).json.error?.code).not.toBe('Pdp.0001');
    expect((await create(server({ publicip: {} }))).json.error?.message).toContain('vpc:publicIps:create');
    const remove = (delete_publicip: boolean) =>
      cloud.call('POST', `${v1()}/cloudservers/delete`, { servers: [{ id: 'x' }], delete_publicip }, keys);
    expect([(await remove(false)).status, (await remove(true)).status]).toEqual([404, 403]);
  });

  it('are stopped by a Deny, whatever else is allowed', async () => {
    await grant('project', allow('ecs:*:*'), { Effect: 'Deny', Action: ['ecs:cloudServers:list'] });
    expect((await cloud.call('GET', `${v1()}/cloudservers/detail`, undefined, keys)).status).toBe(403);
  });

  it('lose with the grant what it gave, and all with the agency', async () => {
    await grant('project', allow('ecs:cloudServers:list'));
    const list = async () => (await cloud.call('GET', `${v1()}/cloudservers/detail`, undefined, keys)).status;
    expect(await list()).toBe(200);
    await cloud.call('DELETE', `/v3.0/OS-AGENCY/agencies/${cloud.sandbox.agencies.byName('farm')?.id}`);
    expect(await list()).toBe(403);
  });

  it('do not bind the account, nor functions without an agency by name', async () => {
    expect((await cloud.call('GET', `${v1()}/cloudservers/detail`)).status).toBe(200);
    const free = cloud.sandbox.iam.temporaryKeys(900);
    expect((await cloud.call('GET', `${v1()}/cloudservers/detail`, undefined, free)).status).toBe(200);
  });
});

describe('in the object store the keys of an agency', () => {
  const bucket = () => cloud.sandbox.bucket;
  const obs = (method: string, path: string, body = '') => {
    const headers = obsHeaders(keys, cloud.clock.now(), method, `/${bucket()}${path}`);
    return ask(cloud.sandbox.urls.obs, `/${bucket()}${path}`, { method, body, headers });
  };
  const inBucket = (name: string) => ({ ...allow(`obs:bucket:${name}`), Resource: [`OBS:*:*:bucket:${bucket()}`] });
  const onObjects = (prefix: string, ...names: string[]) => ({
    ...allow(...names.map((n) => `obs:object:${n}`)),
    Resource: [`OBS:*:*:object:${bucket()}/${prefix}*`],
  });

  it.each([
    { action: 'PutObject', method: 'PUT', path: '/state/a', status: 200 },
    { action: 'PutObject', method: 'POST', path: '/log/a?append&position=0', signed: true, status: 200 },
    { action: 'GetObject', method: 'GET', path: '/state/there', status: 200 },
    { action: 'GetObject', method: 'HEAD', path: '/state/there', status: 200 },
    { action: 'DeleteObject', method: 'DELETE', path: '/state/there', status: 204 },
  ])('need $action for $method $path', async ({ action, method, path, status }) => {
    cloud.sandbox.obs.bucket(bucket()).put('state/there', Buffer.from('x'), {});
    expect((await obs(method, path)).status).toBe(403);
    await grant('domain', onObjects('', action));
    expect((await obs(method, path)).status).toBe(status);
  });

  it('are bound to the resources that the policy names', async () => {
    await grant('domain', onObjects('state/', 'PutObject'));
    expect([(await obs('PUT', '/state/a', 'x')).status, (await obs('PUT', '/counts/a', 'x')).status]).toEqual([200, 403]);
  });

  it('learn that an object is missing only with the right to list', async () => {
    await grant('domain', onObjects('', 'GetObject'));
    expect((await obs('GET', '/state/missing')).status).toBe(403);
    await grant('domain', inBucket('ListBucket'));
    expect([(await obs('GET', '/state/missing')).status, (await obs('GET', '/')).status]).toEqual([404, 200]);
  });
});

describe('a function that was deployed', () => {
  const KEYS = `exports.handler = async (e, c) => [c.getSecurityAccessKey(), c.getSecuritySecretKey(), c.getSecurityToken(), c.getToken()];`;
  const keysOf = async (more: Readonly<Record<string, unknown>>) => {
    await cloud.call('POST', `${cloud.v2}/fgs/functions`, functionBody(KEYS, { func_name: 'f', ...more }));
    return [...(await cloud.call('POST', `${cloud.v2}/fgs/functions/f/invocations`, {})).json].map(String);
  };

  it('has no keys without an agency', async () => {
    expect(await keysOf({})).toEqual(['', '', '', '']);
  });

  it.each([{ xrole: 'farm' }, { xrole: 'farm', app_xrole: 'farm' }])('has the rights of its agency: %j', async (roles) => {
    const [accessKey = '', secretKey = '', securityToken = '', token = ''] = await keysOf(roles);
    const own = { accessKey, secretKey, securityToken };
    const byToken = () => ask(cloud.sandbox.urls.otc, `${v1()}/cloudservers/detail`, { headers: { 'x-auth-token': token } });
    const byKeys = () => cloud.call('GET', `${v1()}/cloudservers/detail`, undefined, own);
    expect([(await byKeys()).status, (await byToken()).status]).toEqual([403, 403]);
    await grant('project', allow('ecs:cloudServers:list'));
    expect([(await byKeys()).status, (await byToken()).status]).toEqual([200, 200]);
  });

  it('leaves what it could not do in the bucket, when its agency may write there', async () => {
    const file = zipOf({ 'index.js': `exports.handler = async () => { throw new Error('broken'); };` });
    await cloud.call('POST', `${cloud.v2}/fgs/functions`, functionBody('', { func_name: 'f', func_code: { file }, xrole: 'farm' }));
    const param = (bucket: string) => JSON.stringify({ bucket, prefix: 'failures/', expires: 0 });
    const config = (bucket: string) => ({
      max_async_event_age_in_seconds: 60,
      max_async_retry_attempts: 1,
      destination_config: { on_failure: { destination: 'OBS', param: param(bucket) } },
    });
    const path = `${cloud.v2}/fgs/functions/f/async-invoke-config`;
    expect((await cloud.call('GET', path)).status).toBe(404);
    expect((await cloud.call('PUT', path, config('no-such-bucket'))).json.error_code).toBe('FSS.0400');
    expect((await cloud.call('PUT', path, { ...config(cloud.sandbox.bucket), max_async_retry_attempts: 4 })).status).toBe(400);
    const set = await cloud.call('PUT', path, config(cloud.sandbox.bucket));
    expect((await cloud.call('GET', path)).json).toEqual(set.json);

    const failures = () =>
      cloud.sandbox.obs.bucket(cloud.sandbox.bucket).list({ prefix: 'failures/', delimiter: '', from: '', maxKeys: 10 }).objects;
    const wake = async () => {
      const answer = await cloud.call('POST', `${cloud.v2}/fgs/functions/f/invocations-async`, { pool: 'a' });
      await cloud.clock.advance(10_000);
      return answer.json.request_id;
    };
    await wake();
    expect([failures(), cloud.events.filter((e) => e.fields.reason === 'destination').length]).toEqual([[], 1]);
    await grant('domain', { ...allow('obs:object:PutObject'), Resource: [`OBS:*:*:object:${cloud.sandbox.bucket}/failures/*`] });
    const id = await wake();
    const [object] = failures();
    expect(object?.key).toBe(`failures/${id}.json`);
    expect(JSON.parse(object?.body.toString() ?? '')).toMatchObject({
      request_context: { request_id: id, function_urn: expect.stringContaining(':f:latest') },
      request_payload: '{"pool":"a"}',
      response_payload: expect.stringContaining('broken'),
    });
    expect([(await cloud.call('DELETE', path)).status, (await cloud.call('GET', path)).status]).toEqual([204, 404]);
  });
});
