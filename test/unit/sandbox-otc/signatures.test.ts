import { afterEach, describe, expect, it } from 'vitest';
import { KEYS, type OtcBench, otcBench, PROJECT } from './bench.ts';
import { ask } from './client.ts';

const ECS_HOST = 'ecs.eu-de.otc.t-systems.com';
const LIST = `/v1/${PROJECT}/cloudservers/detail`;
const DELETE_BODY = '{"servers":[{"id":"616fb98f-46ca-475e-917e-2563e5a8cd19"}],"delete_publicip":true,"delete_volume":true}';
const AT = Date.UTC(2026, 7, 23, 10, 11, 12);

interface Vector {
  readonly name: string;
  readonly method: string;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly authorization: string;
  readonly at?: number;
  readonly secretKey?: string;
  readonly status: number;
}

// Signatures made by the vendors' own SDKs, not by code of this project.
const VECTORS: readonly Vector[] = [
  {
    name: 'unscoped GET with a query, signed by huaweicloud-sdk-core and the T-Systems Node signer',
    method: 'GET',
    path: `${LIST}?limit=100&offset=1&not-tags=__type_baremetal&name=gl-runner`,
    headers: { 'content-type': 'application/json', host: ECS_HOST, 'x-project-id': PROJECT, 'x-sdk-date': '20260823T101112Z' },
    authorization:
      'SDK-HMAC-SHA256 Access=AKIDEXAMPLE, SignedHeaders=content-type;host;x-project-id;x-sdk-date, Signature=a46e409a995aa50af63644a4a9782fcfca860c4a85c1f0a9be1b421a5ef93137',
    status: 200,
  },
  {
    name: 'unscoped POST with a signed security token, by huaweicloud-sdk-core',
    method: 'POST',
    path: `/v1/${PROJECT}/cloudservers/delete`,
    headers: {
      'content-type': 'application/json;charset=utf8',
      host: ECS_HOST,
      'x-project-id': PROJECT,
      'x-sdk-date': '20260823T101112Z',
      'x-security-token': 'SECURITYTOKENEXAMPLE',
    },
    body: DELETE_BODY,
    authorization:
      'SDK-HMAC-SHA256 Access=AKIDEXAMPLE, SignedHeaders=content-type;host;x-project-id;x-sdk-date;x-security-token, Signature=92fcc5517bd119fd3ccf4d644bf7efceafe6d6a146193098b305c372ff57ba2b',
    status: 404,
  },
  {
    name: 'unscoped POST whose security token is sent but not signed, by the T-Systems Node signer',
    method: 'POST',
    path: `/v1/${PROJECT}/cloudservers/delete`,
    headers: {
      'content-type': 'application/json;charset=utf8',
      host: ECS_HOST,
      'x-project-id': PROJECT,
      'x-sdk-date': '20260823T101112Z',
      'x-security-token': 'SECURITYTOKENEXAMPLE',
    },
    body: DELETE_BODY,
    authorization:
      'SDK-HMAC-SHA256 Access=AKIDEXAMPLE, SignedHeaders=content-type;host;x-project-id;x-sdk-date, Signature=045861607f64cdfa346d8df7ceb39adcb8560ee520c0f4d1a01ce707678765ec',
    status: 404,
  },
  {
    name: 'scoped to eu-de and ecs, by gophertelekomcloud and oms',
    method: 'POST',
    path: `/v1/${PROJECT}/cloudservers/delete`,
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      host: ECS_HOST,
      'user-agent': 'otc-worker/1.0',
      'x-sdk-date': '20260823T101112Z',
    },
    body: DELETE_BODY,
    authorization:
      'SDK-HMAC-SHA256 Credential=AKIDEXAMPLE/20260823/eu-de/ecs/sdk_request, SignedHeaders=accept;content-type;host;user-agent;x-sdk-date, Signature=f54f6a88c23b57d72cd7d7f8d6e789a11100c78d7702542ed8fa61242bdfc00f',
    status: 404,
  },
  {
    name: 'scoped with an empty region and service, from the unit test of oms',
    method: 'GET',
    path: '/v3/projects?name=eu-de_test_dmd',
    headers: {
      accept: 'application/json',
      'content-type': 'application/json',
      host: 'iam.eu-de.otc.t-systems.com',
      'user-agent': 'OpenTelekomCloud JS/v1.0',
      'x-sdk-date': '20201021T115411Z',
    },
    authorization:
      'SDK-HMAC-SHA256 Credential=AKIDEXAMPLE/20201021///sdk_request, SignedHeaders=accept;content-type;host;user-agent;x-sdk-date, Signature=cb8397a6b119b38e8a4879f342e498896eb6f80f4c3cdebfd400cb2298d8a555',
    at: Date.UTC(2020, 9, 21, 11, 54, 11),
    secretKey: 'BYBYIiF3WUZGlorXmcTEDtNjB40JTibEXAMPLE',
    status: 200,
  },
  {
    name: 'query with characters that are encoded and sorted, by huaweicloud-sdk-core',
    method: 'GET',
    path: `${LIST}?name=gl%20runner%2F1%2B%C3%A4%2A~%21&Zeta=1&alpha=`,
    headers: { 'content-type': 'application/json', host: ECS_HOST, 'x-sdk-date': '20260823T101112Z' },
    authorization:
      'SDK-HMAC-SHA256 Access=AKIDEXAMPLE, SignedHeaders=content-type;host;x-sdk-date, Signature=2d2c3932be60293246f0902b507bf9d1818d6b07afb9c945867975368444dd49',
    status: 200,
  },
];

let bench: OtcBench;
afterEach(() => bench.close());

const tokenOf = (v: Vector) => v.headers['x-security-token'];

async function send(v: Vector, change: Partial<Vector> = {}): Promise<{ status: number; text: string }> {
  const w = { ...v, ...change };
  const key = { accessKey: 'AKIDEXAMPLE', secretKey: v.secretKey ?? KEYS.secretKey };
  const token = tokenOf(v);
  bench = await otcBench({ start: v.at ?? AT, keys: [token === undefined ? key : { ...key, securityToken: token }] });
  return ask(bench.url, w.path, { method: w.method, body: w.body ?? '', headers: { ...w.headers, authorization: w.authorization } });
}

describe('SDK-HMAC-SHA256', () => {
  it.each(VECTORS)('accepts: $name', async (vector) => {
    expect((await send(vector)).status).toBe(vector.status);
  });

  it.each(VECTORS)('refuses with another signature: $name', async (vector) => {
    const answer = await send(vector, { authorization: vector.authorization.replace(/.$/, (c) => (c === '0' ? '1' : '0')) });
    expect(answer.status).toBe(401);
    expect(JSON.parse(answer.text)).toMatchObject({
      error_code: 'APIG.0301',
      error_msg: expect.any(String),
      request_id: expect.any(String),
    });
  });

  it('refuses a body that is not the signed one', async () => {
    const [, post] = VECTORS;
    if (!post) throw new Error('no vector');
    expect((await send(post, { body: DELETE_BODY.replace('true', 'false') })).status).toBe(401);
  });
});

describe('the gateway', () => {
  it('refuses a request that is more than 15 minutes old or early', async () => {
    const [get] = VECTORS;
    if (!get) throw new Error('no vector');
    for (const [minutes, status] of [
      [-16, 401],
      [-14, 200],
      [14, 200],
      [16, 401],
    ] as const) {
      expect((await send({ ...get, at: AT + minutes * 60_000 })).status).toBe(status);
      await bench.close();
    }
  });

  it('locks a key for five minutes after more than five wrong signatures in a row', async () => {
    bench = await otcBench();
    const wrong = { ...KEYS, secretKey: 'wrong' };
    for (let i = 0; i < 5; i++) await bench.call('GET', LIST, undefined, wrong);
    expect((await bench.call('GET', LIST)).status).toBe(200);
    for (let i = 0; i < 6; i++) await bench.call('GET', LIST, undefined, wrong);
    const locked = await bench.call('GET', LIST);
    expect([locked.status, locked.json.error_code, locked.json.error_msg]).toEqual([
      401,
      'APIG.0301',
      'Incorrect IAM authentication information: AK access failed to reach the limit,forbidden.',
    ]);
    await bench.clock.advance(5 * 60_000);
    expect((await bench.call('GET', LIST)).status).toBe(200);
  });

  it('refuses an unknown key and another project', async () => {
    bench = await otcBench();
    expect((await bench.call('GET', LIST, undefined, { ...KEYS, accessKey: 'NOBODY' })).json.error_msg).toContain('ak not exist');
    const other = await bench.call('GET', '/v1/00000000000000000000000000000000/cloudservers/detail');
    expect(other.json.error?.code).toBe('Ecs.0023');
  });
});

describe('IAM', () => {
  it('finds the project by its name', async () => {
    bench = await otcBench();
    expect((await bench.call('GET', '/v3/projects?name=eu-de')).json.projects?.[0]?.id).toBe(PROJECT);
    expect((await bench.call('GET', '/v3/projects?name=eu-nl')).json.projects).toEqual([]);
  });

  it('gives temporary keys that need their token and expire', async () => {
    bench = await otcBench();
    const keys = bench.iam.temporaryKeys(900);
    expect((await bench.call('GET', LIST, undefined, keys)).status).toBe(200);
    expect((await bench.call('GET', LIST, undefined, { accessKey: keys.accessKey, secretKey: keys.secretKey })).status).toBe(401);
    await bench.clock.advance(900_000);
    expect((await bench.call('GET', LIST, undefined, keys)).status).toBe(401);
  });
});
