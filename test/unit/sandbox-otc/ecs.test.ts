import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Json, type OtcBench, otcBench, PROJECT, START, TIMES } from './bench.ts';
import { NETWORK, OTHER_NETWORK, order } from './orders.ts';

const V1 = `/v1/${PROJECT}`;
const SERVERS = `${V1}/cloudservers`;
const DETAIL = `${SERVERS}/detail`;
const UNTIL_ACTIVE = TIMES.acceptMs + TIMES.buildMs;

let bench: OtcBench;
beforeEach(async () => {
  bench = await otcBench();
});
afterEach(() => bench.close());

const create = (change: Record<string, unknown> = {}) => bench.call('POST', SERVERS, order(change));
const remove = (id: string, more: Record<string, unknown> = {}) =>
  bench.call('POST', `${SERVERS}/delete`, { servers: [{ id }], delete_publicip: true, delete_volume: true, ...more });
const list = (query = '') => bench.call('GET', `${DETAIL}${query}`);
const names = (page: { json: Json }) => [...(page.json.servers ?? [])].map((s) => String(s.name));

async function made(change: Record<string, unknown> = {}): Promise<{ id: string; job: string }> {
  const { json } = await create(change);
  return { id: String(json.serverIds?.[0]), job: String(json.job_id) };
}

const operation = async (id: string) => (await bench.call('GET', `${V1}/jobs/${id}`)).json;

describe('a server’s life', () => {
  it('is not found, then BUILD, then ACTIVE, then deleting and still ACTIVE, then gone', async () => {
    const { id, job } = await made();
    expect((await bench.call('GET', `${SERVERS}/${id}`)).json.error?.code).toBe('Ecs.0114');
    expect([(await operation(job)).status, (await list()).json.count]).toEqual(['INIT', 0]);

    await bench.clock.advance(TIMES.acceptMs);
    expect((await list()).json.servers?.[0]).toMatchObject({ id, status: 'BUILD', 'OS-SRV-USG:launched_at': null });
    expect(await operation(job)).toMatchObject({ status: 'RUNNING', end_time: '', error_code: null });

    await bench.clock.advance(TIMES.buildMs);
    expect((await bench.call('GET', `${SERVERS}/${id}`)).json.server).toMatchObject({ status: 'ACTIVE', 'OS-EXT-STS:task_state': null });
    const sub = { status: 'SUCCESS', entities: { server_id: id } };
    expect(await operation(job)).toMatchObject({ status: 'SUCCESS', entities: { sub_jobs_total: 1, sub_jobs: [sub] } });
    expect(bench.booted.map((vm) => [vm.id, vm.userData])).toEqual([[id, '#!/bin/sh\n']]);

    const deletion = await remove(id);
    expect(bench.booted[0]?.gone.aborted).toBe(true);
    expect((await list()).json.servers?.[0]).toMatchObject({ status: 'ACTIVE', 'OS-EXT-STS:task_state': 'deleting' });
    await bench.clock.advance(TIMES.deleteMs);
    expect((await list()).json.count).toBe(0);
    expect((await operation(String(deletion.json.job_id))).status).toBe('SUCCESS');
    expect((await remove(id)).status).toBe(404);
    expect(bench.events.map((e) => e.kind)).toEqual(['server-created', 'server-active', 'server-deleted']);
  });

  it('prints times, numbers, tags and user data in ECS’s spellings', async () => {
    await made();
    await bench.clock.advance(UNTIL_ACTIVE);
    expect((await list()).json.servers?.[0]).toMatchObject({
      name: 'ci-01jd7x',
      created: '2026-11-23T16:00:00Z',
      'OS-SRV-USG:launched_at': '2026-11-23T16:00:43.000000',
      'OS-EXT-AZ:availability_zone': 'eu-de-01',
      flavor: { id: 's3.large.2', vcpus: '2', ram: '4096' },
      tags: ['managed-by=scaler'],
      metadata: { 'managed-by': 'scaler', 'runner-id': '17', vpc_id: NETWORK?.vpcId },
      'OS-EXT-SRV-ATTR:user_data': Buffer.from('#!/bin/sh\n').toString('base64'),
    });
  });

  it('turns SHUTOFF when it powers itself off, and may be deleted then', async () => {
    const { id } = await made();
    await bench.clock.advance(UNTIL_ACTIVE);
    bench.booted[0]?.powerOff();
    expect((await list()).json.servers?.[0]).toMatchObject({ status: 'SHUTOFF', 'OS-EXT-STS:power_state': 4 });
    expect(bench.booted[0]?.gone.aborted).toBe(false);
    expect((await remove(id)).status).toBe(200);
  });

  it('is listed late when lists lag, though it is known by its id', async () => {
    bench.fleet.times.listLagMs = 120_000;
    const { id } = await made();
    await bench.clock.advance(UNTIL_ACTIVE);
    expect([(await list()).json.count, (await bench.call('GET', `${SERVERS}/${id}`)).status]).toEqual([0, 200]);
    await bench.clock.advance(120_000 - UNTIL_ACTIVE);
    expect((await list()).json.count).toBe(1);
  });

  it('cannot be deleted while it is not found, nor twice; one unknown id refuses the batch', async () => {
    const { id } = await made();
    expect((await remove(id)).json.error?.code).toBe('Ecs.0114');
    await bench.clock.advance(TIMES.acceptMs);
    const both = await bench.call('POST', `${SERVERS}/delete`, { servers: [{ id }, { id: 'unknown' }] });
    expect([both.status, bench.fleet.known(id)?.deleting]).toEqual([404, false]);
    expect((await remove(id)).status).toBe(200);
    const again = await remove(id);
    expect([again.status, again.json.error?.code]).toEqual([400, 'Ecs.0100']);
  });

  it('fails its create when it is deleted while it is built', async () => {
    const { id, job } = await made();
    await bench.clock.advance(TIMES.acceptMs);
    await remove(id);
    await bench.clock.advance(UNTIL_ACTIVE);
    expect([(await operation(job)).status, bench.booted.length]).toEqual(['FAIL', 0]);
  });

  it('numbers the servers of a batch', async () => {
    const { json } = await create({ count: 3 });
    await bench.clock.advance(TIMES.acceptMs);
    expect([...(json.serverIds ?? [])]).toHaveLength(3);
    expect(names(await list()).sort()).toEqual(['ci-01jd7x-0000', 'ci-01jd7x-0001', 'ci-01jd7x-0002']);
  });
});

describe('boots that go wrong', () => {
  it('broken: ACTIVE, but nothing runs on it', async () => {
    bench.fleet.brokenBoots(1);
    await made();
    await made();
    await bench.clock.advance(UNTIL_ACTIVE);
    expect([(await list('?status=ACTIVE')).json.count, bench.booted.length]).toEqual([2, 1]);
  });

  it('error: stays in the list as ERROR, and the operation has failed', async () => {
    bench.fleet.errorBoots('all');
    const { job } = await made();
    await bench.clock.advance(UNTIL_ACTIVE);
    expect((await list()).json.servers?.[0]).toMatchObject({ status: 'ERROR', fault: null });
    expect((await operation(job)).error_code).toBe('Common.0021');
  });
});

describe('capacity', () => {
  const flavors = async (zone: string) => [
    ...((await bench.call('GET', `${SERVERS}/flavors?availability_zone=${zone}`)).json.flavors ?? []),
  ];

  it('sold out: not offered in that zone, marked in the whole list, refused', async () => {
    bench.fleet.sellOut('s3.large.2', 'eu-de-01');
    const ids = (await flavors('eu-de-01')).map((f) => String(f.id));
    expect([ids.includes('s3.large.2'), ids.includes('s3.xlarge.2')]).toEqual([false, true]);
    const all = await bench.call('GET', `${SERVERS}/flavors`);
    const extra = all.json.flavors?.[0]?.os_extra_specs?.['cond:operation:az'];
    expect(extra).toBe('eu-de-01(sellout), eu-de-02(normal), eu-de-03(normal)');
    const refused = await create();
    expect([refused.status, refused.json.error?.code, bench.fleet.created]).toEqual([400, 'Ecs.0319', 0]);
    expect((await create({ availability_zone: 'eu-de-02' })).status).toBe(200);
    bench.fleet.restock();
    expect((await create()).status).toBe(200);
  });

  it('sold out without a word in the list', async () => {
    bench.fleet.sellOut('s3.large.2', 'eu-de-01', { silent: true });
    expect((await flavors('eu-de-01')).map((f) => String(f.id))).toContain('s3.large.2');
    expect((await create()).json.error?.code).toBe('Ecs.0319');
  });

  it('sold out later: accepted, shown for a moment, then rolled back with the code in the sub job', async () => {
    bench.fleet.sellOut('s3.large.2', 'eu-de-01', { async: true });
    const { id, job } = await made();
    await bench.clock.advance(TIMES.acceptMs);
    expect((await list()).json.count).toBe(1);
    await bench.clock.advance(TIMES.buildMs);
    expect([(await list()).json.count, (await bench.call('GET', `${SERVERS}/${id}`)).status]).toEqual([0, 404]);
    const step = { status: 'FAIL', error_code: 'Ecs.0219', entities: { server_id: '', errorcode_message: 'No valid host was found.' } };
    expect(await operation(job)).toMatchObject({ status: 'FAIL', error_code: 'Common.0021', entities: { sub_jobs: [step] } });
  });

  it('without a zone it takes one that has the flavor', async () => {
    bench.fleet.sellOut('s3.large.2', 'eu-de-01');
    await made({ availability_zone: undefined });
    expect(bench.fleet.all()[0]?.zone).toBe('eu-de-02');
  });
});

describe('quota', () => {
  const limits = async () => (await bench.call('GET', `${SERVERS}/limits`)).json.absolute;

  it('refuses the first server beyond it, deleting ones included', async () => {
    bench.fleet.setQuota({ servers: 1 });
    const { id } = await made();
    expect((await create()).json.error?.code).toBe('Ecs.0001');
    await bench.clock.advance(UNTIL_ACTIVE);
    await remove(id);
    expect((await create()).json.error?.code).toBe('Ecs.0001');
    await bench.clock.advance(TIMES.deleteMs);
    expect((await create()).status).toBe(200);
  });

  it.each([
    { name: 'cores', quota: { cores: 3 }, code: 'Ecs.0001' },
    { name: 'memory', quota: { ramMib: 8191 }, code: 'Ecs.0001' },
    { name: 'public addresses', quota: { publicIps: 1 }, code: 'Ecs.0013' },
  ])('counts $name', async ({ quota, code }) => {
    bench.fleet.setQuota(quota);
    const publicip = { eip: { iptype: '5_bgp', bandwidth: { size: 5, sharetype: 'PER', chargemode: 'traffic' } } };
    expect((await create({ publicip })).status).toBe(200);
    expect((await create({ publicip })).json.error?.code).toBe(code);
  });

  it('shows limits and use; unlimited is -1', async () => {
    bench.fleet.setQuota({ servers: -1, cores: 100 });
    await made();
    expect(await limits()).toMatchObject({
      maxTotalInstances: -1,
      totalInstancesUsed: 1,
      maxTotalCores: 100,
      totalCoresUsed: 2,
      totalRAMUsed: 4096,
    });
  });

  it('overshoot: creates in parallel are all accepted, and the surplus ends in ERROR and stays', async () => {
    bench.fleet.setQuota({ servers: 2, overshoot: true });
    const answers = await Promise.all(Array.from({ length: 5 }, () => create()));
    expect(answers.map((a) => a.status)).toEqual([200, 200, 200, 200, 200]);
    await bench.clock.advance(UNTIL_ACTIVE);
    expect((await list('?status=ACTIVE')).json.count).toBe(2);
    expect((await list('?status=ERROR')).json.count).toBe(3);
    expect((await create()).json.error?.code).toBe('Ecs.0001');
  });
});

describe('the request of a create', () => {
  it.each<{ name: string; change: Record<string, unknown>; code: string; detail?: string }>([
    { name: 'a name with other characters', change: { name: 'ci/1' }, code: 'Ecs.0005' },
    { name: 'a missing VPC', change: { vpcid: undefined }, code: 'Ecs.0005' },
    { name: 'no network card', change: { nics: [] }, code: 'Ecs.0005' },
    { name: 'an unknown subnet', change: { nics: [{ subnet_id: 'x' }] }, code: 'Ecs.0014' },
    { name: 'a subnet of another VPC', change: { nics: [{ subnet_id: OTHER_NETWORK?.subnetId }] }, code: 'Ecs.0064' },
    { name: 'an unknown flavor', change: { flavorRef: 's9.huge' }, code: 'Ecs.0029' },
    { name: 'an unknown image', change: { imageRef: 'x' }, code: 'Ecs.0031' },
    { name: 'an unknown zone', change: { availability_zone: 'eu-de-09' }, code: 'Ecs.0005' },
    { name: 'an unknown security group', change: { security_groups: [{ id: 'x' }] }, code: 'Ecs.0005' },
    { name: 'a key pair of somebody else', change: { key_name: 'x' }, code: 'Ecs.0314' },
    { name: 'SATA, which is end of sale', change: { root_volume: { volumetype: 'SATA', size: 40 } }, code: 'Ecs.0044' },
    {
      name: 'an unknown disk type, told in the details',
      change: { root_volume: { volumetype: 'X' } },
      code: 'Ecs.0005',
      detail: 'Ecs.0043',
    },
    { name: 'a disk below what the image needs', change: { root_volume: { volumetype: 'SSD', size: 1 } }, code: 'Ecs.0005' },
    { name: 'user data that is not base64', change: { user_data: '#!/bin/sh' }, code: 'Ecs.0005' },
    { name: 'user data over 32 KB', change: { user_data: Buffer.alloc(32_769).toString('base64') }, code: 'Ecs.0005' },
    {
      name: 'eleven pairs of metadata',
      change: { metadata: Object.fromEntries(Array.from({ length: 11 }, (_, i) => [`k${i}`, 'v'])) },
      code: 'Ecs.0005',
    },
    { name: 'a tag value with a full stop', change: { server_tags: [{ key: 'a', value: 'b.c' }] }, code: 'Ecs.0005' },
    {
      name: 'a bandwidth that is not charged by traffic',
      change: { publicip: { eip: { iptype: '5_bgp', bandwidth: { size: 5, sharetype: 'PER' } } } },
      code: 'Ecs.0005',
    },
  ])('is refused for $name', async ({ change, code, detail }) => {
    const { status, json } = await create(change);
    expect([status, json.error?.code, json.error?.details?.[0]?.code]).toEqual([400, code, detail]);
    expect(bench.fleet.created).toBe(0);
  });

  it('takes 32 KB of user data and nothing else in a dry run', async () => {
    expect((await create({ user_data: Buffer.alloc(32_768).toString('base64') })).status).toBe(200);
    const dry = await bench.call('POST', SERVERS, { dry_run: true, ...order() });
    expect([dry.status, dry.json.job_id, bench.fleet.created]).toEqual([202, undefined, 1]);
  });
});

describe('the list', () => {
  const foreign = (n: number, prefix: string) => {
    for (let i = 0; i < n; i++) bench.fleet.addForeign({ name: `${prefix}${i}`, createdAt: START - i * 1000 });
  };

  it('pages by page number, where 0 is 1, with the total in every answer', async () => {
    foreign(60, 'vm-');
    const pages = await Promise.all(['', '?offset=0', '?offset=1', '?offset=2', '?offset=3', '?offset=4'].map(list));
    expect(pages.map((p) => names(p).length)).toEqual([25, 25, 25, 25, 10, 0]);
    expect(pages.map((p) => p.json.count)).toEqual([60, 60, 60, 60, 60, 60]);
    expect(new Set(pages.slice(2).flatMap(names)).size).toBe(60);
    expect(names(await list('?limit=2&offset=2'))).toEqual(['vm-2', 'vm-3']);
    expect((await list('?limit=1001')).json.error?.code).toBe('Ecs.0005');
  });

  it.each([
    { name: 'a substring', query: '?name=ci-', found: ['ci-1', 'not-ci-2'] },
    { name: 'a full stop for any character', query: '?name=ci.1', found: ['ci-1', 'cix1'] },
    { name: 'a tag that contains the text', query: '?tags=owner%3Dan', found: ['ci-1', 'not-ci-2'] },
    { name: 'a tag that must not be there', query: '?not-tags=__type_baremetal', found: ['ci-1', 'cix1', 'not-ci-2'] },
  ])('searches: $name', async ({ query, found }) => {
    bench.fleet.addForeign({ name: 'ci-1', tags: { owner: 'anna' } });
    bench.fleet.addForeign({ name: 'not-ci-2', tags: { owner: 'andreas' } });
    bench.fleet.addForeign({ name: 'cix1' });
    bench.fleet.addForeign({ name: 'metal', systemTags: ['__type_baremetal'] });
    expect(names(await list(query)).sort()).toEqual(found);
  });
});

// Other clouds of the same make have both here; OTC's ECS API reference has neither.
it.each(['resource_instances/action', 'ID/remote_console'])('has no POST cloudservers/%s, as the reference has none', async (path) => {
  const id = bench.fleet.addForeign({ name: 'a', tags: {} });
  const { status, json } = await bench.call('POST', `${SERVERS}/${path.replace('ID', id)}`, { action: 'count' });
  expect([status, json.error_code]).toEqual([404, 'APIG.0101']);
});

describe('addresses, images and networks', () => {
  it.each([
    { name: 'given back when the delete says so', more: { delete_publicip: true }, left: [] },
    { name: 'left behind and costing when it says no', more: { delete_publicip: false }, left: [undefined] },
    { name: 'as its creation said when the delete says nothing', more: { delete_publicip: undefined }, left: [undefined] },
  ])('a public address is $name', async ({ more, left }) => {
    const publicip = { eip: { iptype: '5_bgp', bandwidth: { size: 5, sharetype: 'PER', chargemode: 'traffic' } } };
    const { id } = await made({ publicip });
    await bench.clock.advance(TIMES.acceptMs);
    await remove(id, more);
    await bench.clock.advance(TIMES.deleteMs);
    expect(bench.fleet.eips.all().map((ip) => ip.serverId)).toEqual(left);
    const quota = (await bench.call('GET', `${V1}/quotas?type=publicIp`)).json.quotas?.resources;
    expect([...(quota ?? [])].map((q) => [q.type, q.used])).toEqual([['publicIp', left.length]]);
  });

  it('finds images by their exact name, newest first when asked', async () => {
    const { json } = await bench.call('GET', '/v2/cloudimages?name=ci-worker&status=active&sort_key=created_at&sort_dir=desc');
    expect([...(json.images ?? [])].map((i) => [i.name, i.created_at])).toEqual([
      ['ci-worker', '2026-11-10T09:00:00Z'],
      ['ci-worker', '2026-10-10T09:00:00Z'],
    ]);
  });

  it('lists subnets whose own id is the network’s', async () => {
    const { json } = await bench.call('GET', `${V1}/subnets?vpc_id=${NETWORK?.vpcId}`);
    expect([...(json.subnets ?? [])].map((s) => [s.id, s.neutron_network_id])).toEqual([[NETWORK?.subnetId, NETWORK?.subnetId]]);
  });

  it('does not know an operation it never had', async () => {
    const { status, json } = await bench.call('GET', `${V1}/jobs/ff80`);
    expect([status, json.code]).toEqual([400, 'Common.0011']);
  });
});
