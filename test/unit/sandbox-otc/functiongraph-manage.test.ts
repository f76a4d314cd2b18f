import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { apiTrigger, type Cloud, functionBody, startCloud, timerTrigger, zipOf } from './cloud.ts';

const CODE = 'exports.handler = async () => 1;';
const NAME = 'scaler-prod-webhook';
let cloud: Cloud;
const at = (rest = '') => `${cloud.v2}/fgs/functions/urn:fss:eu-de:${cloud.sandbox.projectId}:function:default:${NAME}${rest}`;
const triggersAt = (rest = '') => at(rest).replace('/functions/', '/triggers/');
const create = (more: Readonly<Record<string, unknown>> = {}) => cloud.call('POST', `${cloud.v2}/fgs/functions`, functionBody(CODE, more));
const CONFIG = { func_name: NAME, runtime: 'Node.js20.15', handler: 'index.handler', memory_size: 256, timeout: 10 };
const many = (n: number) => JSON.stringify(Object.fromEntries(Array.from({ length: n }, (_, i) => [`KEY_${i}`, 'v'])));

/** What a member must be so that the body is sent without it. */
const ABSENT = undefined;

describe('the creation of a function refuses', () => {
  beforeAll(async () => {
    cloud = await startCloud({ agencies: ['farm'] });
  });
  afterAll(() => cloud.close());

  it.each([
    { name: 'no name', body: { func_name: ABSENT }, code: 'FSS.0400' },
    { name: 'a name that begins with a digit', body: { func_name: '1farm' }, code: 'FSS.0400' },
    { name: 'a name that ends with a separator', body: { func_name: 'farm-' }, code: 'FSS.0400' },
    { name: 'a name of 61 letters', body: { func_name: 'f'.repeat(61) }, code: 'FSS.0400' },
    { name: 'no package', body: { package: ABSENT }, code: 'FSS.0400' },
    { name: 'type v1', body: { type: 'v1' }, code: 'FSS.0400' },
    { name: 'a runtime that is not offered', body: { runtime: 'Node.js22.18' }, code: 'FSS.1005' },
    { name: 'memory between two sizes', body: { memory_size: 300 }, code: 'FSS.1007' },
    { name: 'a timeout of 2 s', body: { timeout: 2 }, code: 'FSS.0400' },
    { name: 'a timeout over 72 h', body: { timeout: 259_201 }, code: 'FSS.0400' },
    { name: 'a handler without a dot', body: { handler: 'index' }, code: 'FSS.0400' },
    { name: 'no code', body: { func_code: ABSENT }, code: 'FSS.1011' },
    { name: 'code that is no zip', body: { func_code: { file: 'aGVsbG8=' } }, code: 'FSS.1011' },
    { name: 'a zip with a file outside', body: { func_code: { file: zipOf({ '../x.js': '' }) } }, code: 'FSS.1011' },
    { name: 'user data as an object', body: { user_data: { A: 'b' } }, code: 'FSS.0400' },
    { name: 'user data that is no JSON', body: { user_data: 'A=b' }, code: 'FSS.0400' },
    { name: 'a key with a dash', body: { user_data: '{"A-B":"c"}' }, code: 'FSS.0400' },
    { name: '21 keys in both', body: { user_data: many(11), encrypted_user_data: many(10).replaceAll('KEY', 'OTHER') }, code: 'FSS.0400' },
    { name: 'more than 4 KB', body: { encrypted_user_data: JSON.stringify({ A: 'x'.repeat(4096) }) }, code: 'FSS.0400' },
    { name: 'an agency that does not exist', body: { xrole: 'nobody' }, code: 'FSS.1303' },
    { name: 'an execution agency that does not exist', body: { xrole: 'farm', app_xrole: 'nobody' }, code: 'FSS.1303' },
    { name: 'a VPC without an agency', body: { func_vpc: { vpc_id: 'v', subnet_id: 's' } }, code: 'FSS.1303' },
    { name: 'a log stream that does not exist', body: { log_config: { group_id: 'g', stream_id: 's' } }, code: 'FSS.0400' },
    { name: 'what is set afterwards only', body: { strategy_config: { concurrency: 1, concurrent_num: 1 } }, code: 'FSS.0400' },
    { name: 'a member that nobody knows', body: { memorySize: 256 }, code: 'FSS.0400' },
  ])('$name', async ({ body, code }) => {
    const answer = await create(body);
    expect([answer.status, answer.json.error_code, cloud.sandbox.deployed.all()]).toEqual([400, code, []]);
  });

  it('more than 50 MB', async () => {
    const answer = await create({ func_code: { file: Buffer.alloc(50 * 1024 * 1024 + 3).toString('base64') } });
    expect([answer.status, answer.json.error_code]).toEqual([413, 'FSS.1071']);
  });
});

describe('a function', () => {
  beforeEach(async () => {
    cloud = await startCloud({ agencies: ['farm'] });
  });
  afterEach(() => cloud.close());

  it('is created once, and answered with its digest and without its secrets', async () => {
    const made = await create({ xrole: 'farm', user_data: '{"A":"b"}', encrypted_user_data: '{"TOKEN":"secret"}' });
    expect(made.status).toBe(200);
    expect(made.text).not.toContain('secret');
    expect(made.json).toMatchObject({ func_name: NAME, user_data: '{"A":"b"}', encrypted_user_data: '', xrole: 'farm', version: 'latest' });
    expect(made.json.func_urn).toBe(`urn:fss:eu-de:${cloud.sandbox.projectId}:function:default:${NAME}:latest`);
    const code = (await cloud.call('GET', at('/code'))).json;
    expect([code.digest, String(code.digest).length]).toEqual([made.json.digest, 128]);
    const twice = await create();
    expect([twice.status, twice.json.error_code]).toEqual([409, 'FSS.1061']);
  });

  it('is found with and without its version, and nothing else is', async () => {
    await create();
    const status = async (path: string) => (await cloud.call('GET', path)).status;
    expect([await status(at('/config')), await status(at(':latest/config')), await status(at(':1/config'))]).toEqual([200, 200, 404]);
    const other = await cloud.call('GET', at('x/code'));
    expect([other.status, other.json.error_code]).toEqual([404, 'FSS.1051']);
  });

  it('is listed page by page', async () => {
    for (const n of [1, 2, 3]) await create({ func_name: `f${n}` });
    const page = async (marker: number) => (await cloud.call('GET', `${cloud.v2}/fgs/functions?marker=${marker}&maxitems=2`)).json;
    const [first, second] = [await page(0), await page(2)];
    const names = (of: typeof first) => [...(of.functions ?? [])].map((f) => f.func_name);
    expect([names(first), first.next_marker, names(second), second.next_marker]).toEqual([['f1', 'f2'], 2, ['f3'], 0]);
  });

  it('loses with a new configuration what that leaves out', async () => {
    await create({ xrole: 'farm', description: 'd', user_data: '{"A":"b"}', encrypted_user_data: '{"S":"t"}' });
    await cloud.call('PUT', at('/config-max-instance'), { max_instance_num: 3 });
    const answer = await cloud.call('PUT', at('/config'), CONFIG);
    expect(answer.json).toMatchObject({ description: '', user_data: '', xrole: '', strategy_config: { concurrency: -1 } });
    expect(cloud.sandbox.functions.definition(NAME)).toMatchObject({ userData: {}, agency: false, maxInstances: -1 });
  });

  it.each([
    { name: 'another name', body: { func_name: 'other' }, code: 'FSS.0400' },
    { name: 'another runtime', body: { runtime: 'Node.js18.15' }, code: 'FSS.1005' },
    { name: 'no timeout', body: { timeout: ABSENT }, code: 'FSS.0400' },
    { name: 'no memory', body: { memory_size: ABSENT }, code: 'FSS.1007' },
    { name: 'no handler', body: { handler: ABSENT }, code: 'FSS.0400' },
    { name: 'code', body: { func_code: { file: '' } }, code: 'FSS.0400' },
    { name: 'half a strategy', body: { strategy_config: { concurrency: 1 } }, code: 'FSS.0400' },
  ])('takes no configuration with $name', async ({ body, code }) => {
    await create();
    const answer = await cloud.call('PUT', at('/config'), { ...CONFIG, ...body });
    expect([answer.status, answer.json.error_code]).toEqual([400, code]);
  });

  it('refuses code that it has already', async () => {
    await create();
    const put = (code: string) =>
      cloud.call('PUT', at('/code'), { code_type: 'zip', code_filename: 'i.zip', func_code: { file: zipOf({ 'index.js': code }) } });
    const same = await put(CODE);
    expect([same.status, same.json.error_code]).toEqual([409, 'FSS.0409']);
    const other = await put(`${CODE}//`);
    expect([other.status, other.json.code_filename, other.json.digest]).toEqual([
      200,
      'i.zip',
      cloud.sandbox.deployed.find(NAME)?.code.digest,
    ]);
  });

  it('is limited to so many instances', async () => {
    await create();
    expect((await cloud.call('PUT', at('/config-max-instance'), { max_instance_num: 1001 })).status).toBe(400);
    expect((await cloud.call('PUT', at('/config-max-instance'), { max_instance_num: 0 })).json.strategy_config?.concurrency).toBe(0);
    expect((await cloud.call('POST', at('/invocations'), {})).status).toBe(429);
  });

  it('has tags', async () => {
    await create();
    const tags = at('/tags').replace('/fgs/', '/');
    expect((await cloud.call('POST', `${tags}/create`, { tags: [{ key: 'a', value: '1' }, { key: 'b' }] })).status).toBe(204);
    expect((await cloud.call('DELETE', `${tags}/delete`, { tags: [{ key: 'b' }] })).status).toBe(204);
    expect((await cloud.call('GET', tags)).json.tags).toEqual([{ key: 'a', value: '1' }]);
    expect((await cloud.call('POST', `${tags}/create`, { tags: [] })).status).toBe(400);
  });

  it('is deleted with everything of it, and not by its version', async () => {
    await create();
    await cloud.call('POST', triggersAt(), timerTrigger());
    expect((await cloud.call('DELETE', at(':latest'))).status).toBe(400);
    expect((await cloud.call('DELETE', at())).status).toBe(204);
    expect((await cloud.call('DELETE', at())).status).toBe(404);
    expect([cloud.sandbox.deployed.all(), cloud.sandbox.functions.has(NAME)]).toEqual([[], false]);
  });

  it('is made only once when the answer to its creation is lost', async () => {
    cloud.sandbox.ctx.faults.inject({ operation: 'fgs.create', times: 1, kind: 'lost' });
    await expect(create()).rejects.toThrow();
    expect((await create()).json.error_code).toBe('FSS.1061');
  });
});

describe('a trigger', () => {
  let group = '';
  beforeEach(async () => {
    cloud = await startCloud();
    await create();
    const groups = `${cloud.v2}/apigw/instances/${cloud.sandbox.gatewayId}/api-groups`;
    group = String((await cloud.call('POST', groups, { name: 'farm' })).json.id);
  });
  afterEach(() => cloud.close());
  const api = (more?: Readonly<Record<string, unknown>>) => apiTrigger(cloud.sandbox.gatewayId, group, more);

  it.each([
    { name: 'every 61 minutes', data: { schedule: '61m' } },
    { name: 'every 30 seconds', data: { schedule: '30s' } },
    { name: 'by no number', data: { schedule: '0m' } },
    { name: 'by nonsense', data: { schedule_type: 'Cron', schedule: 'now and then' } },
    { name: 'by four fields', data: { schedule_type: 'Cron', schedule: '0 0 0 1' } },
    { name: 'in no zone', data: { schedule_type: 'Cron', schedule: 'CRON_TZ=Mars/Base 0 0 * * * ?' } },
    { name: 'without a name', data: { name: ABSENT } },
  ])('fires not $name', async ({ data }) => {
    const answer = await cloud.call('POST', triggersAt(), timerTrigger(data));
    expect([answer.status, answer.json.error_code]).toEqual([400, 'FSS.1109']);
  });

  it.each([
    { name: 'without its gateway', data: { instance_id: ABSENT }, code: 'FSS.1107' },
    { name: 'at a gateway that does not exist', data: { instance_id: 'x' }, code: 'FSS.1417' },
    { name: 'in a group that does not exist', data: { group_id: 'x' }, code: 'FSS.1107' },
    { name: 'longer than a minute', data: { func_info: { timeout: 60_001 } }, code: 'FSS.1107' },
    { name: 'without a slash', data: { path: 'gitlab' }, code: 'FSS.1107' },
    { name: 'with a dash in its name', data: { name: 'gitlab-webhook' }, code: 'FSS.1107' },
    { name: 'with a misspelt member', data: { function_info: {} }, code: 'FSS.1107' },
  ])('publishes no API $name', async ({ data, code }) => {
    const answer = await cloud.call('POST', triggersAt(), api(data));
    expect([answer.status, answer.json.error_code, cloud.sandbox.gateway.routes()]).toEqual([400, code, []]);
  });

  it('exists once: by the name of a timer, by the name of an API, by a path', async () => {
    const codes = [
      timerTrigger(),
      timerTrigger({ schedule: '2m' }),
      api(),
      api({ path: '/other' }),
      api({ name: 'other', req_method: 'ANY' }),
    ].map(async (body) => (await cloud.call('POST', triggersAt(), body)).json.error_code);
    expect(await Promise.all(codes)).toEqual([undefined, 'FSS.1148', undefined, 'FSS.1146', 'FSS.1147']);
  });

  it('is one of ten at most', async () => {
    const statuses: number[] = [];
    for (let n = 0; n < 11; n++) statuses.push((await cloud.call('POST', triggersAt(), timerTrigger({ name: `t${n}` }))).status);
    expect(statuses).toEqual([...Array.from({ length: 10 }, () => 201), 400]);
  });

  it('changes nothing but its status, and that only for a timer', async () => {
    const timer = (await cloud.call('POST', triggersAt(), timerTrigger())).json.trigger_id;
    const route = (await cloud.call('POST', triggersAt(), api())).json.trigger_id;
    const put = async (path: string, body: unknown) => (await cloud.call('PUT', triggersAt(path), body)).json.error_code;
    expect(await put(`/TIMER/${timer}`, timerTrigger({ schedule: '2m' }))).toBe('FSS.0400');
    expect(await put(`/DEDICATEDGATEWAY/${route}`, { trigger_status: 'DISABLED' })).toBe('FSS.1107');
    expect(await put(`/TIMER/${route}`, { trigger_status: 'DISABLED' })).toBe('FSS.1131');
  });

  it('is listed and deleted, one by one or all', async () => {
    const made = (await cloud.call('POST', triggersAt(), api())).json;
    await cloud.call('POST', triggersAt(), timerTrigger());
    const types = async () => [...(await cloud.call('GET', triggersAt())).json].map((t) => t.trigger_type_code);
    expect(await types()).toEqual(['DEDICATEDGATEWAY', 'TIMER']);
    const one = triggersAt(`/DEDICATEDGATEWAY/${made.trigger_id}`);
    expect([(await cloud.call('DELETE', one)).status, (await cloud.call('DELETE', one)).json.error_code]).toEqual([204, 'FSS.1131']);
    expect([await types(), cloud.sandbox.gateway.routes()]).toEqual([['TIMER'], []]);
    expect([(await cloud.call('DELETE', triggersAt())).status, await types()]).toEqual([204, []]);
  });
});
