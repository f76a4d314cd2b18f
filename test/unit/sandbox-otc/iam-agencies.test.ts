import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type Cloud, startCloud } from './cloud.ts';

let cloud: Cloud;
let domain = '';
beforeEach(async () => {
  cloud = await startCloud();
  domain = String((await cloud.call('GET', '/v3/projects')).json.projects?.[0]?.domain_id);
});
afterEach(() => cloud.close());

const AGENCIES = '/v3.0/OS-AGENCY/agencies';
const ROLES = '/v3.0/OS-ROLE/roles';
const createAgency = (more: Readonly<Record<string, unknown>> = {}) => {
  const agency = { name: 'farm-prod', domain_id: domain, trust_domain_name: 'op_svc_cff', description: '', duration: 'FOREVER', ...more };
  return cloud.call('POST', AGENCIES, { agency });
};
const statement = (...Action: string[]) => ({ Effect: 'Allow', Action });
const createRole = (more: Readonly<Record<string, unknown>> = {}, ...statements: unknown[]) => {
  const Statement = statements.length > 0 ? statements : [statement('ecs:cloudServers:list')];
  const role = { display_name: 'farm', type: 'XA', description: '', policy: { Version: '1.1', Statement }, ...more };
  return cloud.call('POST', ROLES, { role });
};

describe('an agency', () => {
  it('is created once, found by its name, and deleted', async () => {
    const made = await createAgency();
    expect([made.status, made.json.agency]).toEqual([201, expect.objectContaining({ name: 'farm-prod', trust_domain_name: 'op_svc_cff' })]);
    const twice = await createAgency();
    expect([twice.status, twice.json.error]).toEqual([409, { code: 409, title: 'Conflict', message: expect.any(String) }]);
    await createAgency({ name: 'farm-test' });
    const names = async (query: string) => [...((await cloud.call('GET', `${AGENCIES}?${query}`)).json.agencies ?? [])].map((a) => a.name);
    expect(await names(`domain_id=${domain}&name=farm-prod`)).toEqual(['farm-prod']);
    const one = `${AGENCIES}/${made.json.agency?.id}`;
    expect((await cloud.call('GET', one)).status).toBe(200);
    expect([(await cloud.call('DELETE', one)).status, (await cloud.call('DELETE', one)).status]).toEqual([204, 404]);
  });

  it.each([
    { name: 'no name', agency: { name: undefined }, status: 400 },
    { name: 'a name with a blank', agency: { name: 'a b' }, status: 400 },
    { name: 'nobody who is trusted', agency: { trust_domain_name: undefined }, status: 400 },
    { name: 'a duration in hours', agency: { duration: '24' }, status: 400 },
    { name: 'another account', agency: { domain_id: 'other' }, status: 403 },
  ])('is not created with $name', async ({ agency, status }) => {
    expect((await createAgency(agency)).status).toBe(status);
  });

  it('wants the account in a list, and a signature', async () => {
    expect([(await cloud.call('GET', AGENCIES)).status, (await cloud.call('GET', `${AGENCIES}?domain_id=other`)).status]).toEqual([
      400, 403,
    ]);
    const keys = { accessKey: 'nobody', secretKey: 'x' };
    expect((await cloud.call('GET', `${AGENCIES}?domain_id=${domain}`, undefined, keys)).status).toBe(401);
  });
});

describe('a policy', () => {
  it.each([
    { name: 'a type between', role: { type: 'AA' } },
    { name: 'no description', role: { description: undefined } },
    { name: 'a version of roles', role: { policy: { Version: '1.0', Statement: [statement('ecs:cloudServers:list')] } } },
    { name: 'no statement', role: { policy: { Version: '1.1', Statement: [] } } },
    { name: 'a service in capitals', statements: [statement('ECS:cloudServers:list')] },
    { name: 'an action in two parts', statements: [statement('ecs:list')] },
    { name: 'nothing that is done', statements: [statement()] },
    { name: 'a hundred and one actions', statements: [statement(...Array.from({ length: 101 }, (_, i) => `ecs:cloudServers:do${i}`))] },
    { name: 'nine statements', statements: Array.from({ length: 9 }, () => statement('ecs:cloudServers:list')) },
    { name: 'OBS in a policy of projects', statements: [statement('ecs:cloudServers:list'), statement('obs:bucket:ListBucket')] },
    { name: 'ECS in a policy of the account', role: { type: 'AX' }, statements: [statement('ecs:cloudServers:list')] },
    { name: 'an effect of its own', statements: [{ Effect: 'Maybe', Action: ['ecs:cloudServers:list'] }] },
    { name: 'a resource that is only a name', statements: [{ ...statement('ecs:cloudServers:list'), Resource: ['farm'] }] },
  ])('is not created with $name', async ({ role = {}, statements = [] }) => {
    expect((await createRole(role, ...statements)).status).toBe(400);
    expect(cloud.sandbox.agencies.roles.size).toBe(0);
  });

  it('is created once, changed, listed and deleted', async () => {
    const made = await createRole();
    expect([made.status, (await createRole()).status]).toEqual([201, 409]);
    const one = `${ROLES}/${made.json.role?.id}`;
    const policy = { Version: '1.1', Statement: [statement('ecs:cloudServers:showServer')] };
    const change = (type: string) => cloud.call('PATCH', one, { role: { display_name: 'farm', type, description: 'new', policy } });
    expect([(await change('XA')).json.role?.policy, (await change('AX')).status]).toEqual([policy, 400]);
    const listed = (await cloud.call('GET', `${ROLES}?page=1&per_page=10`)).json;
    expect([listed.total_number, listed.roles?.[0]?.description]).toEqual([1, 'new']);
    expect([(await cloud.call('DELETE', one)).status, (await cloud.call('DELETE', one)).status]).toEqual([200, 404]);
  });
});

describe('a grant', () => {
  it('is given where the policy holds, seen, and taken away', async () => {
    const agency = (await createAgency()).json.agency?.id;
    const own = (await createRole()).json.role?.id;
    const account = (await createRole({ display_name: 'account', type: 'AX' }, statement('obs:bucket:ListBucket'))).json.role?.id;
    const onProject = `/v3.0/OS-AGENCY/projects/${cloud.sandbox.projectId}/agencies/${agency}/roles`;
    const onDomain = `/v3.0/OS-AGENCY/domains/${domain}/agencies/${agency}/roles`;
    const status = async (method: string, path: string) => (await cloud.call(method, path)).status;
    expect([await status('PUT', `${onProject}/${own}`), await status('PUT', `${onDomain}/${account}`)]).toEqual([204, 204]);
    expect([await status('PUT', `${onProject}/${account}`), await status('PUT', `${onDomain}/${own}`)]).toEqual([400, 400]);
    expect([await status('HEAD', `${onProject}/${own}`), await status('HEAD', `${onProject}/${account}`)]).toEqual([204, 404]);
    expect((await cloud.call('GET', onDomain)).json.roles?.[0]?.display_name).toBe('account');
    expect([await status('PUT', `${onProject}/none`), await status('PUT', onProject.replace(String(agency), 'x'))]).toEqual([404, 404]);
    expect([await status('DELETE', `${onProject}/${own}`), await status('DELETE', `${onProject}/${own}`)]).toEqual([204, 404]);
    expect((await cloud.call('GET', onProject)).json.roles).toEqual([]);
  });
});
