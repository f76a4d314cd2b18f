import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CERTIFICATE, CERTIFICATE_KEY, OTHER_KEY } from './certificate.ts';
import { ask } from './client.ts';
import { apiTrigger, type Cloud, functionBody, startCloud } from './cloud.ts';

let cloud: Cloud;
beforeEach(async () => {
  cloud = await startCloud();
});
afterEach(() => cloud.close());

const at = (rest = '') => `${cloud.v2}/apigw/instances/${cloud.sandbox.gatewayId}${rest}`;
const createGroup = async (name = 'farm') => String((await cloud.call('POST', at('/api-groups'), { name })).json.id);
const bind = (group: string, url_domain: string) => cloud.call('POST', at(`/api-groups/${group}/domains`), { url_domain });
const ANSWER = `exports.handler = async () => ({ statusCode: 200, headers: {}, body: 'served', isBase64Encoded: false });`;

/** A function at `/gitlab` in the group. */
async function publish(group: string, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  await cloud.call('POST', `${cloud.v2}/fgs/functions`, functionBody(ANSWER));
  const triggers = `${cloud.v2}/fgs/triggers/urn:fss:eu-de:${cloud.sandbox.projectId}:function:default:scaler-prod-webhook`;
  const made = await cloud.call('POST', triggers, apiTrigger(cloud.sandbox.gatewayId, group, more));
  return `${triggers}/DEDICATEDGATEWAY/${made.json.trigger_id}`;
}

/** What a new gateway needs at least. */
const ORDER = {
  instance_name: 'second',
  spec_id: 'BASIC',
  vpc_id: 'v',
  subnet_id: 's',
  security_group_id: 'g',
  available_zone_ids: ['eu-de-01'],
  loadbalancer_provider: 'elb',
};

describe('a dedicated gateway', () => {
  it('is there or not', async () => {
    expect((await cloud.call('GET', at())).json).toMatchObject({ instance_name: 'gateway', status: 'Running' });
    const other = await cloud.call('GET', `${cloud.v2}/apigw/instances/none`);
    expect([other.status, other.json.error_code]).toEqual([404, 'APIG.3030']);
  });

  it('takes a quarter of an hour to be built, and is deleted', async () => {
    const made = await cloud.call('POST', `${cloud.v2}/apigw/instances`, ORDER);
    const second = `${cloud.v2}/apigw/instances/${made.json.instance_id}`;
    const progress = async () => (await cloud.call('GET', `${second}/progress`)).json.status;
    expect([made.status, await progress()]).toEqual([202, 'creating']);
    expect((await cloud.call('POST', `${second}/api-groups`, { name: 'farm' })).status).toBe(400);
    await cloud.clock.advance(15 * 60_000);
    expect([await progress(), (await cloud.call('POST', `${second}/api-groups`, { name: 'farm' })).status]).toEqual(['success', 201]);
    expect((await cloud.call('DELETE', second)).status).toBe(204);
    expect((await cloud.call('GET', second)).json.status).toBe('Deleting');
    await cloud.clock.advance(60_000);
    expect((await cloud.call('GET', second)).status).toBe(404);
  });
});

describe("a dedicated gateway of one's own", () => {
  const create = (more = {}) => cloud.call('POST', `${cloud.v2}/apigw/instances`, { ...ORDER, ...more });

  it.each([
    ['what charges its public address', { ingress_bandwidth_size: 5 }, 'ingress_bandwidth_charging_mode'],
    ['a spec that there is', { spec_id: 'TINY' }, 'spec_id'],
    ['no angle brackets in its description', { description: '<b>' }, 'description'],
    ['a load balancer', { loadbalancer_provider: undefined }, 'loadbalancer_provider'],
  ])('demands %s', async (_, more, parameter) => {
    const { status, json } = await create(more);
    expect([status, json.error_code, String(json.error_msg)]).toEqual([400, 'APIG.2011', expect.stringContaining(parameter)]);
  });

  it('has a public address if it was asked for, and a group from the beginning', async () => {
    const ids = [];
    for (const more of [{ ingress_bandwidth_size: 5, ingress_bandwidth_charging_mode: 'traffic' }, { instance_name: 'inner' }])
      ids.push((await create(more)).json.instance_id);
    await cloud.clock.advance(15 * 60_000);
    const view = async (id: unknown) => (await cloud.call('GET', `${cloud.v2}/apigw/instances/${id}`)).json;
    expect([(await view(ids[0])).eip_address, (await view(ids[1])).eip_address]).toEqual(['80.158.255.1', undefined]);
    const { groups } = (await cloud.call('GET', `${cloud.v2}/apigw/instances/${ids[0]}/api-groups`)).json;
    expect(groups).toMatchObject([{ name: 'DEFAULT', is_default: 1 }]);
  });

  it('may come to nothing, and says so where its progress is asked for', async () => {
    cloud.sandbox.apig.breakNext();
    const { instance_id: id } = (await create()).json;
    await cloud.clock.advance(15 * 60_000);
    const told = await cloud.call('GET', `${cloud.v2}/apigw/instances/${id}/progress`);
    expect(told.json).toMatchObject({ status: 'failed', error_code: 'APIC.9219' });
    expect((await cloud.call('GET', `${cloud.v2}/apigw/instances/${id}`)).json.status).toBe('CreateFail');
  });
});

describe('a group', () => {
  it('has a name of its own and an address', async () => {
    const made = await cloud.call('POST', at('/api-groups'), { name: 'farm', remark: 'r' });
    expect([made.status, made.json.sl_domain]).toEqual([201, `${made.json.id}.apic.eu-de.otc.t-systems.com`]);
    expect((await cloud.call('POST', at('/api-groups'), { name: 'farm' })).json.error_code).toBe('APIG.3300');
    expect((await cloud.call('POST', at('/api-groups'), { name: '1' })).json.error_code).toBe('APIG.2011');
    await createGroup('farm-two');
    const listed = (await cloud.call('GET', at('/api-groups?name=farm&limit=1&offset=1'))).json;
    expect([listed.total, listed.size, listed.groups?.[0]?.name]).toEqual([2, 1, 'farm-two']);
  });

  it('is not deleted while an API is in it', async () => {
    const group = await createGroup();
    const trigger = await publish(group);
    expect((await cloud.call('GET', at(`/apis?group_id=${group}`))).json).toMatchObject({ total: 1, apis: [{ name: 'gitlab_webhook' }] });
    expect((await cloud.call('DELETE', at(`/api-groups/${group}`))).json.error_code).toBe('APIG.3406');
    await cloud.call('DELETE', trigger);
    expect((await cloud.call('DELETE', at(`/api-groups/${group}`))).status).toBe(204);
    expect((await cloud.call('GET', at(`/api-groups/${group}`))).json.error_code).toBe('APIG.3001');
  });
});

describe('a domain', () => {
  it('is bound once, to one group, five to each', async () => {
    const [one, two] = [await createGroup('one'), await createGroup('two')];
    expect([(await bind(one, 'hooks.example.com')).status, (await bind(two, 'hooks.example.com')).json.error_code]).toEqual([
      201,
      'APIG.3311',
    ]);
    for (const n of [2, 3, 4, 5]) await bind(one, `hooks${n}.example.com`);
    expect((await bind(one, 'hooks6.example.com')).json.error_code).toBe('APIG.3505');
  });

  it.each(['https://hooks.example.com', 'hooks.example.com:443', 'hooks', '*.example.com', 'Hooks.Example.com', ''])(
    'is not %s',
    async (name) => {
      const answer = await bind(await createGroup(), name);
      expect([answer.status, answer.json.error_code]).toEqual([400, 'APIG.2011']);
    },
  );

  it('gets a certificate that is its own', async () => {
    const group = await createGroup();
    const domain = (await bind(group, 'hooks.example.com')).json.id;
    const path = at(`/api-groups/${group}/domains/${domain}/certificate`);
    const give = async (cert_content: string, private_key: string, to = path) =>
      (await cloud.call('POST', to, { name: 'hooks_2026', cert_content, private_key })).json;
    expect((await give('no certificate', CERTIFICATE_KEY)).error_code).toBe('APIG.2011');
    expect((await give(CERTIFICATE, OTHER_KEY)).error_msg).toContain('does not match');
    const other = (await bind(group, 'other.example.com')).json.id;
    expect((await give(CERTIFICATE, CERTIFICATE_KEY, at(`/api-groups/${group}/domains/${other}/certificate`))).error_msg).toContain(
      'not for',
    );
    const { ssl_id } = await give(CERTIFICATE, CERTIFICATE_KEY);
    const shown = (await cloud.call('GET', at(`/api-groups/${group}`))).json.url_domains;
    expect([...(shown ?? [])][0]).toMatchObject({ domain: 'hooks.example.com', ssl_id, ssl_name: 'hooks_2026' });
    expect([(await cloud.call('DELETE', `${path}/${ssl_id}`)).status, (await cloud.call('DELETE', `${path}/${ssl_id}`)).status]).toEqual([
      204, 404,
    ]);
  });
});

describe('an API', () => {
  const post = (headers: Readonly<Record<string, string>> = {}, path = '/gitlab') =>
    ask(cloud.sandbox.urls.gateway, path, { method: 'POST', headers, body: 'x' });

  it('answers to the group’s domains and the gateway’s own address, to no other host, method or path', async () => {
    const group = await createGroup();
    const host = 'hooks.example.com';
    const trigger = await publish(group);
    expect([(await post({ host })).status, (await post()).status, (await post({}, '/gitlab/x')).status]).toEqual([404, 200, 404]);
    const bound = (await bind(group, host)).json.id;
    expect([(await post({ host })).status, (await post({ host: `${group}.apic.eu-de.otc.t-systems.com` })).status]).toEqual([200, 200]);
    expect((await ask(cloud.sandbox.urls.gateway, '/gitlab')).status).toBe(404);
    await cloud.call('DELETE', at(`/api-groups/${group}/domains/${bound}`));
    expect((await post({ host })).status).toBe(404);
    await cloud.call('DELETE', trigger);
    expect((await post()).status).toBe(404);
  });

  it.each([
    { name: 'with a prefix', more: { match_mode: 'SWA' }, path: '/gitlab/x', status: 200, text: 'served' },
    { name: 'for callers who can sign', more: { auth: 'IAM' }, path: '/gitlab', status: 401, text: 'APIG.0301' },
    {
      name: 'without waiting',
      more: { func_info: { timeout: 5000, invocation_type: 'async' } },
      path: '/gitlab',
      status: 200,
      text: '',
    },
  ])('is called $name', async ({ more, path, status, text }) => {
    await publish(await createGroup(), more);
    const answer = await post({}, path);
    expect(answer.status).toBe(status);
    expect(answer.text).toContain(text);
    await cloud.clock.settled();
    expect(cloud.sandbox.functions.stats('scaler-prod-webhook').coldStarts).toBe(status === 200 ? 1 : 0);
  });

  it('gives up when its own time is over, however long the function may take', async () => {
    const slow = 'exports.handler = () => new Promise(() => {});'.replace('= ()', '= async ()');
    await cloud.call('POST', `${cloud.v2}/fgs/functions`, functionBody(slow));
    await publish(await createGroup(), { func_info: { timeout: 20 } });
    const answer = await post();
    expect([answer.status, answer.text]).toEqual([504, expect.stringContaining('Backend timeout')]);
  });
});
