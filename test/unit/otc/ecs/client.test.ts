import { afterEach, describe, expect, it } from 'vitest';
import type { ServerSpec } from '../../../../lib/app/ports/index.ts';
import { SecretCredentials } from '../../../../lib/otc/credentials.ts';
import { Ecs } from '../../../../lib/otc/ecs/client.ts';
import { otcCloud } from '../../../../lib/otc/ecs/cloud.ts';
import { Ims } from '../../../../lib/otc/ecs/ims.ts';
import { OtcHttp } from '../../../../lib/otc/http.ts';
import { type Recorded, type Reply, type ScriptedServer, scriptedServer } from '../scripted-server.ts';

let server: ScriptedServer;
afterEach(() => server.close());

async function start(script: readonly Reply[] | ((request: Recorded) => Reply)) {
  server = await scriptedServer(script);
  const http = new OtcHttp({ credentials: new SecretCredentials('AK', 'SK'), projectId: 'p1', clock: { now: () => 0 }, backoffMs: 1 });
  return otcCloud(new Ecs({ http, endpoint: server.url, projectId: 'p1', installation: 'farm' }), new Ims({ http, endpoint: server.url }));
}

const listed = (name: string, more: Record<string, unknown> = {}) => ({
  id: `id-${name}`,
  name,
  status: 'ACTIVE',
  created: '2026-11-23T13:46:29Z',
  'OS-SRV-USG:launched_at': '2026-11-23T13:46:46.000000',
  'OS-EXT-STS:task_state': null,
  'OS-EXT-AZ:availability_zone': 'eu-de-01',
  flavor: { id: 's3.large.2', name: 's3.large.2', vcpus: '2', ram: '4096' },
  metadata: { 'managed-by': 'farm', 'runner-id': '4711', charging_mode: '0' },
  'OS-EXT-SRV-ATTR:user_data': 'c2VjcmV0',
  ...more,
});
const list = (...servers: unknown[]): Reply => ({ body: { count: servers.length, servers } });
const refusal = (status: number, code: string, message = 'text'): Reply => ({ status, body: { error: { code, message } } });

describe('listing servers', () => {
  it('asks for page one of two hundred, without bare metal', async () => {
    const cloud = await start([list()]);
    await expect(cloud.servers('bb-')).resolves.toEqual([]);
    expect(server.requests[0]?.url).toBe('/v1/p1/cloudservers/detail?limit=200&offset=1&name=bb-&not-tags=__type_baremetal');
  });

  it('reads what a worker is made of', async () => {
    const cloud = await start([list(listed('bb-1'))]);
    await expect(cloud.servers('bb-')).resolves.toEqual([
      {
        id: 'id-bb-1',
        name: 'bb-1',
        status: 'active',
        deleting: false,
        createdAt: Date.UTC(2026, 10, 23, 13, 46, 29),
        activeAt: Date.UTC(2026, 10, 23, 13, 46, 46),
        runnerId: 4711,
        flavor: 's3.large.2',
        zone: 'eu-de-01',
      },
    ]);
  });

  it.each<[string, Record<string, unknown>, string, boolean]>([
    ['being built', { status: 'BUILD', 'OS-EXT-STS:task_state': 'spawning', 'OS-SRV-USG:launched_at': null }, 'building', false],
    ['off', { status: 'SHUTOFF' }, 'off', false],
    ['off but starting', { status: 'SHUTOFF', 'OS-EXT-STS:task_state': 'powering-on' }, 'other', false],
    ['in error', { status: 'ERROR' }, 'error', false],
    ['active and being deleted', { 'OS-EXT-STS:task_state': 'deleting' }, 'active', true],
    ['off and being deleted', { status: 'SHUTOFF', 'OS-EXT-STS:task_state': 'deleting' }, 'off', true],
    ['deleted', { status: 'DELETED' }, 'other', true],
    ['rebooting', { status: 'REBOOT' }, 'other', false],
    ['unheard of', { status: 'SHELVED_OFFLOADED' }, 'other', false],
  ])('knows a server that is %s', async (_, more, status, deleting) => {
    const cloud = await start([list(listed('bb-1', more))]);
    await expect(cloud.servers('bb-')).resolves.toMatchObject([{ status, deleting }]);
  });

  it.each<[string, unknown]>([
    ['absent', undefined],
    ['empty', ''],
    ['no number', '47x'],
    ['zero', '0'],
    ['beyond numbers', '99999999999999999999'],
  ])('leaves out a runner id that is %s', async (_, id) => {
    const cloud = await start([list(listed('bb-1', { metadata: { 'managed-by': 'farm', 'runner-id': id } }))]);
    const [worker] = await cloud.servers('bb-');
    expect(worker).toBeDefined();
    expect(worker).not.toHaveProperty('runnerId');
  });

  it('keeps only ours: ECS matches names anywhere, and names prove nothing', async () => {
    const cloud = await start([
      list(
        listed('bb-ours'),
        listed('old-bb-1'),
        listed('bb-theirs', { metadata: { 'managed-by': 'other' } }),
        listed('bb-unmarked', { metadata: {} }),
        { id: 'x', name: 'bare', metadata: null },
      ),
    ]);
    expect((await cloud.servers('bb-')).map((s) => s.name)).toEqual(['bb-ours']);
  });

  it('reads every page, by page number, once each, and counts no server twice', async () => {
    const all = Array.from({ length: 1001 }, (_, i) => listed(`bb-${i}`));
    const cloud = await start(({ url }) => {
      const offset = Number(new URL(url, 'http://x').searchParams.get('offset'));
      const overlap = offset === 2 ? all.slice(0, 1) : [];
      return { body: { count: 1001, servers: [...overlap, ...all.slice((offset - 1) * 200, offset * 200)] } };
    });
    const servers = await cloud.servers('bb-');
    expect(new Set(servers.map((s) => s.name)).size).toBe(1001);
    expect(servers).toHaveLength(1001);
    expect(server.requests.map((r) => new URL(r.url, 'http://x').searchParams.get('offset')).sort()).toEqual([
      '1',
      '2',
      '3',
      '4',
      '5',
      '6',
    ]);
  });

  it('looks once more when a deletion between two pages hid a server', async () => {
    let all = Array.from({ length: 201 }, (_, i) => listed(`bb-${i}`));
    const cloud = await start(({ url }) => {
      const offset = Number(new URL(url, 'http://x').searchParams.get('offset'));
      const reply = { body: { count: all.length, servers: all.slice((offset - 1) * 200, offset * 200) } };
      if (server.requests.length === 1) all = all.slice(1);
      return reply;
    });
    expect((await cloud.servers('bb-')).map((s) => s.name)).toContain('bb-200');
  });

  it.each<[string, unknown]>([
    ['one of ours without a date', listed('bb-1', { created: undefined })],
    ['one of ours with a wrong date', listed('bb-1', { created: 'yesterday' })],
    ['one without a name', { id: 'x' }],
  ])('is unclear with %s: a list that lacks a VM is worse than none', async (_, item) => {
    const cloud = await start([list(listed('bb-0'), item)]);
    await expect(cloud.servers('bb-')).rejects.toMatchObject({ name: 'UnclearError' });
  });

  it('is unclear when one page cannot be read', async () => {
    const cloud = await start(({ url }) =>
      url.includes('offset=2') ? { status: 500 } : { body: { count: 201, servers: [listed('bb-1')] } },
    );
    await expect(cloud.servers('bb-')).rejects.toMatchObject({ name: 'UnclearError' });
  });

  it('is unclear when the count is nonsense', async () => {
    const cloud = await start([{ body: { count: 1e9, servers: [] } }]);
    await expect(cloud.servers('bb-')).rejects.toMatchObject({ name: 'UnclearError' });
    expect(server.requests).toHaveLength(1);
  });

  it('never shows user data in errors', async () => {
    const cloud = await start([list(listed('bb-1', { created: 7 }))]);
    await expect(cloud.servers('bb-')).rejects.toThrow(/^(?!.*c2VjcmV0)/);
  });
});

const spec: ServerSpec = {
  name: 'bb-01',
  flavor: 's3.large.2',
  zone: 'eu-de-01',
  imageId: 'image',
  vpcId: 'vpc',
  subnetId: 'subnet',
  securityGroups: ['group'],
  rootVolume: { type: 'SSD', sizeGb: 40 },
  userData: '#cloud-config\n# ü\n',
  metadata: { 'runner-id': '4711' },
  tags: { pool: 'bb' },
};
const created: Reply = { body: { job_id: 'job', serverIds: ['server'] } };

describe('creating a server', () => {
  it('sends what ECS needs, marked as ours', async () => {
    const cloud = await start([created]);
    await expect(cloud.createServer(spec)).resolves.toEqual({ operationId: 'job', serverId: 'server' });
    expect(server.requests[0]).toMatchObject({ method: 'POST', url: '/v1/p1/cloudservers' });
    expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({
      server: {
        name: 'bb-01',
        imageRef: 'image',
        flavorRef: 's3.large.2',
        vpcid: 'vpc',
        nics: [{ subnet_id: 'subnet' }],
        security_groups: [{ id: 'group' }],
        availability_zone: 'eu-de-01',
        root_volume: { volumetype: 'SSD', size: 40 },
        user_data: Buffer.from('#cloud-config\n# ü\n').toString('base64'),
        count: 1,
        metadata: { 'runner-id': '4711', 'managed-by': 'farm' },
        server_tags: [{ key: 'pool', value: 'bb' }],
      },
    });
  });

  it('asks for a public address that goes with the server, charged by traffic', async () => {
    const cloud = await start([created]);
    await cloud.createServer({ ...spec, publicIp: { type: '5_bgp', bandwidthMbit: 100 }, keyName: 'me' });
    expect(JSON.parse(server.requests[0]?.body ?? '').server).toMatchObject({
      key_name: 'me',
      publicip: {
        eip: { iptype: '5_bgp', bandwidth: { size: 100, sharetype: 'PER', chargemode: 'traffic' } },
        delete_on_termination: true,
      },
    });
  });

  it.each<[string, Partial<ServerSpec>, string]>([
    ['too much user data', { userData: 'x'.repeat(32 * 1024 + 1) }, 'user-data-too-large'],
    ['too much user data in bytes', { userData: 'ü'.repeat(17 * 1024) }, 'user-data-too-large'],
    ['too much metadata', { metadata: Object.fromEntries(Array.from({ length: 10 }, (_, i) => [`k${i}`, 'v'])) }, 'metadata-invalid'],
    ['a long metadata value', { metadata: { k: 'v'.repeat(256) } }, 'metadata-invalid'],
    ['a tag with a dot', { tags: { pool: 'a.b' } }, 'tags-invalid'],
    ['too many tags', { tags: Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`k${i}`, 'v'])) }, 'tags-invalid'],
  ])('is refused before it is asked for with %s', async (_, change, code) => {
    const cloud = await start([created]);
    await expect(cloud.createServer({ ...spec, ...change })).rejects.toMatchObject({ name: 'ConfigError', code });
    expect(server.requests).toHaveLength(0);
  });

  it('takes exactly 32 KB of user data', async () => {
    const cloud = await start([created]);
    await expect(cloud.createServer({ ...spec, userData: 'x'.repeat(32 * 1024) })).resolves.toBeDefined();
  });

  it.each<[string, Reply, string]>([
    ['sold out', refusal(400, 'Ecs.0319'), 'SoldOutError'],
    ['over quota', refusal(400, 'Ecs.0001'), 'QuotaError'],
    ['a time-out inside ECS, as HTTP 400', refusal(400, 'Ecs.1000'), 'UnclearError'],
    ['flow control, as HTTP 202', refusal(202, 'Common.0024'), 'ThrottledError'],
    ['a 202 that promises nothing', { status: 202, body: {} }, 'UnclearError'],
    ['no server id', { body: { job_id: 'job', serverIds: [] } }, 'UnclearError'],
    ['an empty job id', { body: { job_id: '', serverIds: ['server'] } }, 'UnclearError'],
    ['a lost answer', { fault: 'reset' }, 'UnclearError'],
    ['half an answer', { body: '{"job_id":"j', fault: 'cut' }, 'UnclearError'],
  ])('%s: asks once', async (_, reply, name) => {
    const cloud = await start(() => reply);
    await expect(cloud.createServer(spec)).rejects.toMatchObject({ name });
    expect(server.requests).toHaveLength(1);
  });
});

describe('deleting a server', () => {
  it('takes its address and data disks along', async () => {
    const cloud = await start([{ body: { job_id: 'job' } }]);
    await cloud.deleteServer('server');
    expect(server.requests[0]).toMatchObject({ method: 'POST', url: '/v1/p1/cloudservers/delete' });
    expect(JSON.parse(server.requests[0]?.body ?? '')).toEqual({ servers: [{ id: 'server' }], delete_publicip: true, delete_volume: true });
  });

  it.each<[string, Reply]>([
    ['gone', refusal(404, 'Ecs.0114')],
    ['gone, in other words', refusal(404, 'Ecs.0614')],
    ['gone, without words', { status: 404 }],
    ['being deleted', refusal(400, 'Ecs.0100', 'The server is in task_state deleting')],
  ])('is done when it is %s', async (_, reply) => {
    const cloud = await start([reply]);
    await expect(cloud.deleteServer('server')).resolves.toBeUndefined();
  });

  it.each<[string, Reply, string]>([
    ['another state', refusal(400, 'Ecs.0100', 'Cannot delete the server in task_state powering-off'), 'ConflictError'],
    ['a lock', refusal(400, 'Ecs.0605'), 'ConflictError'],
    ['a 404 of a balancer', { status: 404, body: '<html>' }, 'UnclearError'],
    ['a 404 for the URL', { status: 404, body: { error_code: 'APIG.0101', error_msg: 'x' } }, 'ConfigError'],
    ['a server error', { status: 500 }, 'UnclearError'],
  ])('is not done after %s', async (_, reply, name) => {
    const cloud = await start([reply]);
    await expect(cloud.deleteServer('server')).rejects.toMatchObject({ name });
    expect(server.requests).toHaveLength(1);
  });

  it('needs an id', async () => {
    const cloud = await start([]);
    await expect(cloud.deleteServer('')).rejects.toMatchObject({ name: 'ConfigError' });
    expect(server.requests).toHaveLength(0);
  });
});

describe('operations', () => {
  const sub = (more: object) => ({ status: 'SUCCESS', error_code: null, fail_reason: null, entities: {}, ...more });
  const job = (status: string, more: object = {}) => ({ status, job_id: 'job', error_code: null, fail_reason: null, ...more });

  it.each<[string, object, object]>([
    ['waiting', job('INIT'), { status: 'running' }],
    [
      'running',
      job('RUNNING', { end_time: '', entities: { sub_jobs: [{ status: 'RUNNING', entities: { server_id: 's' } }] } }),
      { status: 'running' },
    ],
    ['done', job('SUCCESS', { entities: { sub_jobs: [sub({})] } }), { status: 'success' }],
    ['done, a single one', job('SUCCESS', { entities: { server_id: 's' } }), { status: 'success' }],
    [
      'failed: the sub job knows why',
      job('FAIL', {
        error_code: 'Common.0021',
        fail_reason: 'CollectInfoTask-fail:...',
        entities: {
          sub_jobs: [sub({ status: 'FAIL', error_code: 'Ecs.0219', entities: { errorcode_message: 'No valid host was found.' } })],
        },
      }),
      { status: 'failed', code: 'Ecs.0219', reason: 'No valid host was found.' },
    ],
    [
      'failed without sub jobs',
      job('FAIL', { error_code: 'Ecs.0013', fail_reason: 'no address' }),
      { status: 'failed', code: 'Ecs.0013', reason: 'no address' },
    ],
    ['failed without a word', job('FAIL'), { status: 'failed' }],
    [
      'done but for its server',
      job('SUCCESS', { entities: { sub_jobs: [sub({ status: 'FAIL', error_code: 'Ecs.0204' })] } }),
      { status: 'failed', code: 'Ecs.0204' },
    ],
  ])('%s', async (_, body, expected) => {
    const cloud = await start([{ body }]);
    await expect(cloud.operation('job/1')).resolves.toMatchObject(expected);
    expect(server.requests[0]).toMatchObject({ method: 'GET', url: '/v1/p1/jobs/job%2F1' });
  });

  it.each<[string, Reply]>([
    ['400', { status: 400, body: { code: 'Common.0011', message: 'x' } }],
    ['404', { status: 404 }],
  ])('unknown ones are no error (%s)', async (_, reply) => {
    const cloud = await start([reply]);
    await expect(cloud.operation('job')).resolves.toBeUndefined();
  });

  it('of another status are unclear', async () => {
    const cloud = await start([{ body: job('EXPLODED') }]);
    await expect(cloud.operation('job')).rejects.toMatchObject({ name: 'UnclearError' });
  });

  it.each<[string, string | undefined, string]>([
    ['no capacity', 'Ecs.0219', 'SoldOutError'],
    ['no address left', 'Ecs.0013', 'QuotaError'],
    ['without a code', undefined, 'UnclearError'],
  ])('that failed carry the error of a refused create: %s', async (_, code, name) => {
    const cloud = await start([{ body: job('FAIL', code ? { error_code: code, fail_reason: 'r' } : {}) }]);
    await expect(cloud.operation('job')).resolves.toMatchObject({ status: 'failed', error: { name } });
  });
});

describe('a console', () => {
  it('is read by Nova’s action, its length a number, without a microversion', async () => {
    const cloud = await start([{ body: { output: 'line 1\r\nline 2\r\n' } }]);
    await expect(cloud.consoleLog('vm/1', { lines: 50 })).resolves.toBe('line 1\r\nline 2\r\n');
    const [request] = server.requests;
    expect([request?.method, request?.url]).toEqual(['POST', '/v2.1/p1/servers/vm%2F1/action']);
    expect(JSON.parse(request?.body ?? '')).toEqual({ 'os-getConsoleOutput': { length: 50 } });
    expect(Object.keys(request?.headers ?? {}).filter((name) => /version/i.test(name))).toEqual([]);
    expect(request?.headers.authorization).toContain('SDK-HMAC-SHA256');
  });

  it.each<[string, Reply]>([
    ['deleted meanwhile', { status: 404, body: { itemNotFound: { message: 'Instance could not be found.', code: 404 } } }],
    ['of a region without the call', { status: 404, body: { error_code: 'APIG.0101', error_msg: 'The API does not exist' } }],
    ['of a region that dropped it', { status: 400, body: { badRequest: { message: 'There is no such action', code: 400 } } }],
    ['that is null', { body: { output: null } }],
    ['without output', { body: {} }],
  ])('is none for a server %s', async (_, reply) => {
    const cloud = await start([reply]);
    await expect(cloud.consoleLog('vm-1', { lines: 50 })).resolves.toBeUndefined();
    expect(server.requests).toHaveLength(1);
  });

  it.each<[string, Reply, string]>([
    ['rights are missing', { status: 403, body: { forbidden: { message: 'Policy does not allow this', code: 403 } } }, 'AccessError'],
    ['the server is not ready', { status: 409, body: { conflictingRequest: { message: 'not ready', code: 409 } } }, 'ConflictError'],
    ['the gateway throttles', { status: 429, body: { error_code: 'APIG.0308', error_msg: 'x' } }, 'ThrottledError'],
    ['the answer is no JSON', { body: '<html>' }, 'UnclearError'],
  ])('that cannot be read says so, once: %s', async (_, reply, name) => {
    const cloud = await start([reply]);
    await expect(cloud.consoleLog('vm-1', { lines: 50 })).rejects.toMatchObject({ name });
    expect(server.requests).toHaveLength(1);
  });

  it('is asked for again after a failure of the server, although it is a POST: it only reads', async () => {
    const cloud = await start([{ status: 502, body: '<html>' }, { fault: 'reset' }, { body: { output: 'here' } }]);
    await expect(cloud.consoleLog('vm-1', { lines: -1 })).resolves.toBe('here');
    expect(server.requests.map((r) => r.body)).toEqual(Array(3).fill('{"os-getConsoleOutput":{"length":-1}}'));
  });

  it('beyond all measure is not taken', async () => {
    const cloud = await start([{ body: { output: 'x'.repeat(5 * 1024 * 1024) } }]);
    await expect(cloud.consoleLog('vm-1', { lines: -1 })).rejects.toMatchObject({ name: 'UnclearError', code: 'response-too-large' });
  });
});

it('quotas leave out a limit that is none', async () => {
  const absolute = {
    maxTotalInstances: 20,
    totalInstancesUsed: 21,
    maxTotalCores: -1,
    totalCoresUsed: 40,
    maxTotalRAMSize: 25165824,
    totalRAMUsed: 75776,
  };
  const cloud = await start([{ body: { absolute } }]);
  await expect(cloud.quotas()).resolves.toEqual([
    { name: 'servers', used: 21, max: 20 },
    { name: 'cores', used: 40 },
    { name: 'ram-mib', used: 75776, max: 25165824 },
  ]);
  expect(server.requests[0]?.url).toBe('/v1/p1/cloudservers/limits');
});

describe('flavors', () => {
  it.each<[string, Record<string, string> | undefined, boolean]>([
    ['says nothing', undefined, true],
    ['is normal', { 'cond:operation:status': 'normal' }, true],
    ['is being promoted', { 'cond:operation:status': 'promotion' }, true],
    ['is abandoned', { 'cond:operation:status': 'abandon' }, false],
    ['is sold out', { 'cond:operation:status': 'sellout' }, false],
    ['was in trial and is sold out', { 'cond:operation:status': 'obt_sellout' }, false],
    ['is abandoned, but not here', { 'cond:operation:status': 'abandon', 'cond:operation:az': 'eu-de-02(sellout), eu-de-01(obt)' }, true],
    ['is sold out here', { 'cond:operation:az': 'eu-de-01(sellout),eu-de-02(normal)' }, false],
    ['is sold out elsewhere', { 'cond:operation:az': 'eu-de-02(sellout)' }, true],
    ['is abandoned, with an empty note for here', { 'cond:operation:status': 'abandon', 'cond:operation:az': 'eu-de-01()' }, false],
  ])('one that %s', async (_, specs, buyable) => {
    const cloud = await start([{ body: { flavors: [{ id: 'f', vcpus: '2', ram: 4096, os_extra_specs: specs }] } }]);
    await expect(cloud.flavors('eu-de-01')).resolves.toEqual(buyable ? ['f'] : []);
    expect(server.requests[0]?.url).toBe('/v1/p1/cloudservers/flavors?availability_zone=eu-de-01');
  });
});

describe('images', () => {
  const image = (id: string, name: string, created_at: string, status = 'active') => ({ id, name, created_at, status, min_disk: 10 });

  it('gives the newest active one of exactly this name', async () => {
    const cloud = await start([
      {
        body: {
          images: [
            image('old', 'Ubuntu latest', '2026-01-01T00:00:00Z'),
            image('new', 'Ubuntu latest', '2026-09-01T00:00:00Z'),
            image('queued', 'Ubuntu latest', '2026-10-01T00:00:00Z', 'queued'),
            image('other', 'Ubuntu latest 2', '2026-11-01T00:00:00Z'),
          ],
        },
      },
    ]);
    await expect(cloud.image('Ubuntu latest')).resolves.toEqual({ id: 'new', minDiskGb: 10 });
    expect(server.requests[0]?.url).toBe('/v2/cloudimages?name=Ubuntu%20latest&status=active&sort_key=created_at&sort_dir=desc&limit=50');
  });

  it('says which one is missing', async () => {
    const cloud = await start([{ body: { images: [] } }]);
    await expect(cloud.image('Nowhere')).rejects.toMatchObject({
      name: 'ConfigError',
      code: 'image-missing',
      message: expect.stringContaining('Nowhere'),
    });
  });
});
