import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Cloud, functionBody, startCloud } from './cloud.ts';

let cloud: Cloud;
beforeEach(async () => {
  cloud = await startCloud();
});
afterEach(() => cloud.close());

const createGroup = (body: unknown = { log_group_name: 'farm-prod', ttl_in_days: 14 }) => cloud.call('POST', `${cloud.v2}/groups`, body);
const createStream = (group: string, name = 'webhook') =>
  cloud.call('POST', `${cloud.v2}/groups/${group}/streams`, { log_stream_name: name });
const span = (more: Readonly<Record<string, unknown>> = {}) => {
  const now = cloud.clock.now();
  return { start_time: String(now - 60_000), end_time: String(now + 1000), limit: 10, is_desc: false, ...more };
};
/** A function's invocation. */
const invoke = (name: string) =>
  cloud.call('POST', `${cloud.v2}/fgs/functions/urn:fss:eu-de:${cloud.sandbox.projectId}:function:default:${name}/invocations`, {});

describe('log groups and streams', () => {
  it('are created once, listed and deleted', async () => {
    const made = await createGroup();
    const group = String(made.json.log_group_id);
    expect([made.status, (await createGroup()).json.error_code]).toEqual([201, 'LTS.0103']);
    const stream = await createStream(group);
    expect([stream.status, (await createStream(group)).json.error_code, (await createStream('none')).json.error_code]).toEqual([
      201,
      'LTS.0205',
      'LTS.0201',
    ]);
    expect((await cloud.call('GET', `${cloud.v2}/groups`)).json.log_groups).toMatchObject([{ log_group_id: group, ttl_in_days: 14 }]);
    const streams = `${cloud.v2}/groups/${group}/streams`;
    expect((await cloud.call('GET', streams)).json.log_streams).toMatchObject([{ log_stream_name: 'webhook' }]);
    const one = `${streams}/${stream.json.log_stream_id}`;
    expect([(await cloud.call('DELETE', one)).status, (await cloud.call('DELETE', one)).status]).toEqual([204, 404]);
    const whole = `${cloud.v2}/groups/${group}`;
    expect([(await cloud.call('DELETE', whole)).status, (await cloud.call('DELETE', whole)).status]).toEqual([204, 404]);
  });

  it.each([
    { log_group_name: 'farm' },
    { log_group_name: 'farm', ttl_in_days: 366 },
    { log_group_name: '.farm', ttl_in_days: 1 },
    { log_group_name: 'farm', ttl_in_days: 1, name: 'x' },
  ])('are not created from %j', async (body) => {
    const answer = await createGroup(body);
    expect([answer.status, answer.json.error_code]).toEqual([400, 'LTS.0009']);
  });
});

describe('the lines of a function', () => {
  const CODE = `exports.handler = async (e, c) => { console.log(JSON.stringify({ msg: 'from the console' })); c.getLogger().info('from the logger'); };`;

  it('come to its stream, in order, page by page', async () => {
    const group = String((await createGroup()).json.log_group_id);
    const stream = String((await createStream(group)).json.log_stream_id);
    const log_config = { group_id: group, group_name: 'farm-prod', stream_id: stream, stream_name: 'webhook' };
    await cloud.call('POST', `${cloud.v2}/fgs/functions`, functionBody(CODE, { func_name: 'f', log_config }));
    const id = String((await invoke('f')).headers['x-cff-request-id']);
    const query = async (more: Readonly<Record<string, unknown>> = {}) =>
      (await cloud.call('POST', `${cloud.v2}/groups/${group}/streams/${stream}/content/query`, span(more))).json;
    const all = await query();
    const lines = [...(all.logs ?? [])].map((l) => String(l.content).replace(/^\S+ /, ''));
    expect([all.count, ...lines]).toEqual([
      4,
      `Start invoke request '${id}', version: latest`,
      `${id} {"msg":"from the console"}`,
      `${id} [] INFO from the logger`,
      `Finish invoke request '${id}'`,
    ]);
    const first = await query({ limit: 3 });
    const rest = await query({ limit: 3, line_num: first.logs?.[2]?.line_num, search_type: 'forwards' });
    expect([...(rest.logs ?? [])].map((l) => l.content)).toEqual([all.logs?.[3]?.content]);
    expect((await query({ is_desc: true, limit: 1 })).logs?.[0]?.content).toBe(all.logs?.[3]?.content);
    expect((await query({ start_time: span().end_time })).count).toBe(0);
    expect((await query({ start_time: 1 })).error_code).toBe('LTS.0009');
    const detail = await cloud.call('GET', `${cloud.v2}/fgs/functions/f/lts-log-detail`);
    expect(detail.json).toEqual(log_config);
  });

  it('are collected only when that is switched on', async () => {
    await cloud.call('POST', `${cloud.v2}/fgs/functions`, functionBody(CODE, { func_name: 'off' }));
    await cloud.call('POST', `${cloud.v2}/fgs/functions`, functionBody(CODE, { func_name: 'on', enable_lts_log: true }));
    await invoke('off');
    await invoke('on');
    expect((await cloud.call('GET', `${cloud.v2}/fgs/functions/off/lts-log-detail`)).status).toBe(404);
    const { group_id, stream_id, stream_name } = (await cloud.call('GET', `${cloud.v2}/fgs/functions/on/lts-log-detail`)).json;
    expect([stream_name, cloud.sandbox.lts.stream(String(group_id), String(stream_id))?.lines.length]).toEqual(['on', 4]);
  });
});
