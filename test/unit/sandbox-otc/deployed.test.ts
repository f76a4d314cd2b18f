import { existsSync } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ask } from './client.ts';
import { apiTrigger, type Cloud, functionBody, startCloud, timerTrigger, zipOf } from './cloud.ts';

let cloud: Cloud;
beforeEach(async () => {
  cloud = await startCloud({ agencies: ['farm'] });
});
afterEach(() => cloud.close());

const ECHO = `exports.handler = async (event, context) => ({
  statusCode: 200, isBase64Encoded: false, headers: { 'content-type': 'text/plain' },
  body: [event.httpMethod, Buffer.from(event.body, 'base64').toString(), context.getUserData('TOKEN'), context.getUserData('PLAIN')].join(' '),
});`;
const URN = (name = 'scaler-prod-webhook') => `urn:fss:eu-de:${cloud.sandbox.projectId}:function:default:${name}`;
const functionPath = (rest = '', name?: string) => `${cloud.v2}/fgs/functions/${URN(name)}${rest}`;
const triggerPath = (rest = '', name?: string) => `${cloud.v2}/fgs/triggers/${URN(name)}${rest}`;
const create = (code: string, more?: Readonly<Record<string, unknown>>) =>
  cloud.call('POST', `${cloud.v2}/fgs/functions`, functionBody(code, more));
const invoke = (event: unknown, name?: string) => cloud.call('POST', functionPath('/invocations', name), event);
const group = async () => {
  const answer = await cloud.call('POST', `${cloud.v2}/apigw/instances/${cloud.sandbox.gatewayId}/api-groups`, { name: 'farm' });
  return answer.json;
};

describe('code that was deployed', () => {
  it('answers the gateway, with user data plain and encrypted', async () => {
    await create(ECHO, { user_data: '{"PLAIN":"p"}', encrypted_user_data: '{"TOKEN":"t"}' });
    const { id } = await group();
    const made = await cloud.call('POST', triggerPath(':latest'), apiTrigger(cloud.sandbox.gatewayId, String(id)));
    expect([made.status, made.json.event_data?.invoke_url]).toEqual([201, `https://${id}.apic.eu-de.otc.t-systems.com/gitlab`]);
    const answer = await ask(cloud.sandbox.urls.gateway, '/gitlab', { method: 'POST', body: 'hello' });
    expect([answer.status, answer.text]).toEqual([200, 'POST hello t p']);
  });

  it('sees the time of the sandbox, its own environment, and what lies beside it', async () => {
    const code = `const about = require('./about.json'); const { add } = require('./lib/add.js');
      exports.handler = async () => [Date.now(), new Date().toISOString(), new Date(0).getTime(), new Date() instanceof Date,
        Object.keys(process.env).filter((k) => !k.startsWith('RUNTIME_')), process.env.RUNTIME_FUNC_NAME, about.name, add(1, 2)];`;
    const files = { 'index.js': code, 'about.json': '{"name":"zip"}', 'lib/add.js': 'exports.add = (a, b) => a + b;' };
    await create('', { func_code: { file: zipOf(files) } });
    const now = cloud.clock.now();
    const expected = [now, new Date(now).toISOString(), 0, true, [], 'scaler-prod-webhook', 'zip', 3];
    expect((await invoke({})).json).toEqual(expected);
  });

  it('is loaded anew for each instance, and for new code', async () => {
    await create('let n = 0; exports.handler = async () => ++n;');
    expect([(await invoke({})).text, (await invoke({})).text]).toEqual(['1', '2']);
    await cloud.clock.advance(61_000);
    expect((await invoke({})).text).toBe('1');
    const code = { code_type: 'zip', func_code: { file: zipOf({ 'index.js': 'exports.handler = async () => "new";' }) } };
    expect((await cloud.call('PUT', functionPath('/code'), code)).status).toBe(200);
    expect((await invoke({})).text).toBe('new');
  });

  it('honours the name of the handler', async () => {
    await create('', { handler: 'src/main.run', func_code: { file: zipOf({ 'src/main.js': 'exports.run = async () => "ran";' }) } });
    expect((await invoke({})).text).toBe('ran');
  });

  it.each([
    { name: 'no such export', code: 'exports.other = async () => 1;', says: 'index.handler is not an async function' },
    { name: 'a function with a callback', code: 'exports.handler = (e, c, done) => done(null, 1);', says: 'is not an async function' },
    { name: 'code that does not parse', code: 'import x from "y";', says: 'Cannot use import statement' },
  ])('fails when called: $name', async ({ code, says }) => {
    expect((await create(code)).status).toBe(200);
    const answer = await invoke({});
    expect([answer.headers['x-is-func-err'], answer.json.errorMessage]).toEqual(['true', expect.stringContaining(says)]);
  });

  it('is gone from the disk when the sandbox is closed', async () => {
    await create('exports.handler = async () => 1;');
    const folder = cloud.sandbox.deployed.find('scaler-prod-webhook')?.code.folder ?? '';
    expect(existsSync(folder)).toBe(true);
    await cloud.sandbox.close();
    expect(existsSync(folder)).toBe(false);
    cloud = await startCloud();
  });
});

describe('a timer trigger', () => {
  const REMEMBER = 'const seen = []; exports.handler = async (e) => { if (e.trigger_type) seen.push(e); return seen; };';

  it.each([
    { name: 'Rate', data: {}, fires: 3 },
    { name: 'Cron @every', data: { schedule_type: 'Cron', schedule: '@every 0m45s' }, fires: 4 },
    { name: 'Cron with fields', data: { schedule_type: 'Cron', schedule: 'CRON_TZ=Europe/Berlin 30 * * * * ?' }, fires: 3 },
  ])('fires on the clock of the sandbox: $name', async ({ data, fires }) => {
    await create(REMEMBER);
    expect((await cloud.call('POST', triggerPath(), timerTrigger(data))).status).toBe(201);
    await cloud.clock.advance(3 * 60_000);
    const seen = (await invoke({})).json;
    expect(seen.length).toBe(fires);
    expect(seen[0]).toMatchObject({ version: 'v1.0', trigger_type: 'TIMER', trigger_name: 'minute', user_event: 'go' });
  });

  it('rests while it is disabled, and ends with its function', async () => {
    await create('exports.handler = async () => 1;');
    const { trigger_id } = (await cloud.call('POST', triggerPath(), timerTrigger())).json;
    const one = triggerPath(`/TIMER/${trigger_id}`);
    const before = cloud.sandbox.functions.stats('scaler-prod-webhook').coldStarts;
    expect((await cloud.call('PUT', one, { trigger_status: 'DISABLED' })).json.trigger_status).toBe('DISABLED');
    await cloud.clock.advance(120_000);
    expect(cloud.sandbox.functions.stats('scaler-prod-webhook').coldStarts).toBe(before);
    expect((await cloud.call('PUT', one, { trigger_status: 'ACTIVE' })).status).toBe(200);
    await cloud.clock.advance(60_000);
    expect(cloud.sandbox.functions.stats('scaler-prod-webhook').coldStarts).toBe(before + 1);
    expect((await cloud.call('DELETE', functionPath())).status).toBe(204);
    // A timer that still ran would look for a function that is gone.
    await cloud.clock.advance(120_000);
    expect([cloud.sandbox.deployed.all(), cloud.sandbox.deployed.triggers.all()]).toEqual([[], []]);
  });
});
