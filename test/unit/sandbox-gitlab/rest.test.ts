import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { Fault } from '../../../sandbox/faults.ts';
import { addRunner, type Bench, bench, HOUR, TWO_PHASE } from './server.ts';

const Ids = z.array(z.object({ id: z.int() }));
const ids = (json: unknown) => Ids.parse(json).map(({ id }) => id);
const next = (headers: Headers) => /<([^>]+)>; rel="next"/.exec(headers.get('link') ?? '')?.[1];

async function follow(b: Bench, path: string): Promise<number[][]> {
  const pages: number[][] = [];
  for (let at: string | undefined = path; at !== undefined; ) {
    const answer = await b.call('GET', at);
    pages.push(ids(answer.json));
    at = next(answer.headers)?.slice(b.url.length);
  }
  return pages;
}

describe('who may do what', () => {
  it.each([
    { name: 'no token', token: '', status: 401, body: { message: '401 Unauthorized' } },
    { name: 'an unknown token', token: 'nonsense', status: 401, body: { message: '401 Unauthorized' } },
    { name: 'a revoked token', token: 'revoked', status: 401, body: { error: 'invalid_token' } },
    { name: 'a token without the scope', token: 'narrow', status: 403, body: { error: 'insufficient_scope', scope: 'api read_api' } },
    { name: 'a stranger', token: 'stranger', status: 404, body: { message: '404 Project Not Found' } },
    { name: 'a guest', token: 'guest', status: 403, body: { message: '403 Forbidden' } },
    { name: 'a reporter', token: 'reporter', status: 200, body: [] },
    { name: 'a reporter of the group above', token: 'above', status: 200, body: [] },
  ])('lists jobs for $name: $status', async ({ token, status, body }) => {
    const b = await bench();
    const { id } = b.gitlab.createProject('acme/sub/app');
    b.gitlab.createToken({ value: 'revoked', scopes: ['api'], admin: true }).revoked = true;
    b.gitlab.createToken({ value: 'narrow', scopes: ['create_runner'], admin: true });
    b.gitlab.createToken({ value: 'stranger', scopes: ['read_api'], roles: { acm: 50 } });
    b.gitlab.createToken({ value: 'guest', scopes: ['read_api'], roles: { acme: 10 } });
    b.gitlab.createToken({ value: 'reporter', scopes: ['read_api'], roles: { 'acme/sub/app': 20 } });
    b.gitlab.createToken({ value: 'above', scopes: ['read_api'], roles: { acme: 20 } });
    const answer = await b.call('GET', `/api/v4/projects/${id}/jobs`, { token });
    expect(answer.status).toBe(status);
    expect(answer.json).toMatchObject(body);
  });

  it('takes a bearer token as well', async () => {
    const b = await bench();
    const answer = await b.call('GET', '/api/v4/version', { token: '', headers: { authorization: 'Bearer admin' } });
    expect(answer).toMatchObject({ status: 200, json: { version: '19.4.0' } });
  });

  it.each([
    { name: 'maintainer of the group', roles: { acme: 40 } as const, status: 403 },
    { name: 'owner of the group', roles: { acme: 50 } as const, status: 201 },
  ])('creates a group runner for the $name: $status', async ({ roles, status }) => {
    const b = await bench();
    const { id } = b.gitlab.createGroup('acme');
    b.gitlab.createToken({ value: 'bot', scopes: ['create_runner'], roles });
    const answer = await b.call('POST', '/api/v4/user/runners', { token: 'bot', body: { runner_type: 'group_type', group_id: id } });
    expect(answer.status).toBe(status);
  });
});

describe('pipelines', () => {
  it.each([
    { name: 'a developer', role: 30 as const, body: { ref: 'main' }, status: 201, json: { ref: 'main', status: 'pending', source: 'api' } },
    { name: 'a developer who names no branch', role: 30 as const, body: {}, status: 400, json: { error: 'ref is missing' } },
    { name: 'a reporter', role: 20 as const, body: { ref: 'main' }, status: 403, json: { message: '403 Forbidden' } },
  ])('are made for $name of what the project has: $status', async ({ role, body, status, json }) => {
    const b = await bench();
    const project = b.gitlab.createProject('acme/app');
    project.ciJobs = [{ name: 'image', tags: ['pool-a'] }];
    b.gitlab.createToken({ value: 'bot', scopes: ['api'], roles: { acme: role } });
    const answer = await b.call('POST', '/api/v4/projects/acme%2Fapp/pipeline', { token: 'bot', body });
    expect(answer).toMatchObject({ status, json });
    expect(project.pipelines.flatMap(({ jobs }) => jobs.map((job) => job.name))).toEqual(status === 201 ? ['image'] : []);
  });

  it('are refused where there is no configuration for CI', async () => {
    const b = await bench();
    b.gitlab.createProject('acme/app');
    const answer = await b.call('POST', '/api/v4/projects/acme%2Fapp/pipeline?ref=main');
    expect(answer).toMatchObject({ status: 400, json: { message: { base: ['Missing CI config file'] } } });
  });
});

describe('jobs', () => {
  it('pages by key without counting, newest first', async () => {
    const b = await bench();
    const specs = Array.from({ length: 5 }, (_, i) => ({ name: `job-${i}`, tags: ['pool-a'] }));
    const { jobs, project } = b.gitlab.createPipeline('acme/app', specs);
    const path = `/api/v4/projects/acme%2Fapp/jobs?scope[]=pending&pagination=keyset&order_by=id&sort=desc&per_page=2`;
    const pages = await follow(b, path);
    expect(pages.map((page) => page.length)).toEqual([2, 2, 1]);
    expect(pages.flat()).toEqual(jobs.map(({ id }) => id).reverse());
    expect((await b.call('GET', path)).headers.has('x-total')).toBe(false);
    expect((await follow(b, `/api/v4/projects/${project.id}/jobs?per_page=3`)).flat()).toHaveLength(5);
  });

  it('gives at most 100 a page', async () => {
    const b = await bench();
    b.gitlab.createPipeline(
      'acme/app',
      Array.from({ length: 130 }, (_, i) => ({ name: `job-${i}` })),
    );
    expect((await follow(b, '/api/v4/projects/acme%2Fapp/jobs?pagination=keyset&per_page=500')).map((page) => page.length)).toEqual([
      100, 30,
    ]);
  });

  it('filters by status and shows an assigned job as pending with its runner', async () => {
    const b = await bench();
    const { token, id } = addRunner(b.gitlab);
    const { jobs } = b.gitlab.createPipeline('acme/app', [
      { name: 'a', tags: ['pool-a'] },
      { name: 'b', tags: ['Other'] },
      { name: 'c', stage: 'later' },
    ]);
    await b.call('POST', '/api/v4/jobs/request', { token: '', body: { token, info: TWO_PHASE } });
    const list = await b.call('GET', '/api/v4/projects/acme%2Fapp/jobs?scope[]=pending&scope[]=running');
    expect(list.json).toMatchObject([
      { id: jobs[1]?.id, status: 'pending', tag_list: ['Other'], runner: null, queued_duration: 0 },
      { id: jobs[0]?.id, status: 'pending', tag_list: ['pool-a'], runner: { id, job_execution_status: 'idle' }, runner_manager: null },
    ]);
    expect((await b.call('GET', '/api/v4/projects/acme%2Fapp/jobs?scope[]=busy')).status).toBe(400);
  });

  it('shows one job, and 404 for one of another project', async () => {
    const b = await bench();
    const [job] = b.gitlab.createPipeline('acme/app', [{ name: 'a' }]).jobs;
    b.gitlab.createProject('acme/other');
    expect((await b.call('GET', `/api/v4/projects/acme%2Fapp/jobs/${job?.id}`)).json).toMatchObject({ name: 'a', status: 'pending' });
    expect((await b.call('GET', `/api/v4/projects/acme%2Fother/jobs/${job?.id}`)).status).toBe(404);
  });
});

describe('runners', () => {
  it('is created once per call, with a token that is shown only then', async () => {
    const b = await bench();
    const { id: group_id } = b.gitlab.createGroup('acme');
    const body = {
      runner_type: 'group_type',
      group_id,
      description: 'pool-a-1',
      tag_list: 'pool-a,docker',
      run_untagged: false,
      maintenance_note: 'new',
    };
    const made = [await b.call('POST', '/api/v4/user/runners', { body }), await b.call('POST', '/api/v4/user/runners', { body })];
    expect(made[0]).toMatchObject({ status: 201, json: { token: expect.stringMatching(/^glrt-/), token_expires_at: null } });
    const shown = await b.call('GET', `/api/v4/runners/${ids(made.map(({ json }) => json))[0]}`);
    expect(shown.json).toMatchObject({
      description: 'pool-a-1',
      tag_list: ['pool-a', 'docker'],
      run_untagged: false,
      status: 'never_contacted',
      contacted_at: null,
    });
    expect(shown.text).not.toContain('glrt-');
    expect(b.gitlab.runners.size).toBe(2);
  });

  it.each([
    {
      name: 'neither tags nor untagged jobs',
      body: { run_untagged: false },
      message: { tags_list: ['can not be empty when runner is not allowed to pick untagged jobs'] },
    },
    {
      name: 'a timeout below ten minutes',
      body: { maximum_timeout: 599 },
      message: { maximum_timeout: ['needs to be at least 10 minutes'] },
    },
    {
      name: 'a long note',
      body: { maintenance_note: 'x'.repeat(1025) },
      message: { maintenance_note: ['is too long (maximum is 1024 characters)'] },
    },
    {
      name: '51 tags',
      body: { tag_list: Array.from({ length: 51 }, (_, i) => `t${i}`) },
      message: { tags_list: [expect.stringContaining('50')] },
    },
  ])('refuses $name', async ({ body, message }) => {
    const b = await bench();
    const { id } = b.gitlab.createProject('acme/app');
    const answer = await b.call('POST', '/api/v4/user/runners', { body: { runner_type: 'project_type', project_id: id, ...body } });
    expect(answer).toMatchObject({ status: 400, json: { message } });
  });

  it.each([
    { name: 'no type', body: {}, error: 'runner_type is missing' },
    { name: 'an unknown type', body: { runner_type: 'vm' }, error: 'runner_type does not have a valid value' },
    { name: 'no group', body: { runner_type: 'group_type' }, error: 'group_id is missing' },
  ])('refuses $name', async ({ body, error }) => {
    const b = await bench();
    expect(await b.call('POST', '/api/v4/user/runners', { body })).toMatchObject({ status: 400, json: { error } });
  });

  it('stops at the number of runners of the last seven days', async () => {
    const b = await bench({ runnerLimit: 2 });
    const { id } = b.gitlab.createGroup('acme');
    const create = () => b.call('POST', '/api/v4/user/runners', { body: { runner_type: 'group_type', group_id: id } });
    expect([(await create()).status, (await create()).status]).toEqual([201, 201]);
    expect(await create()).toMatchObject({
      status: 400,
      json: { message: { base: ['Maximum number of ci registered group runners (2) exceeded'] } },
    });
    await b.clock.advance(7 * 24 * HOUR + 1);
    expect((await create()).status).toBe(201);
  });

  it('is paused with a note, in one call', async () => {
    const b = await bench();
    const { id } = addRunner(b.gitlab);
    const answer = await b.call('PUT', `/api/v4/runners/${id}`, { body: { paused: true, maintenance_note: 'draining since now' } });
    expect(answer.json).toMatchObject({
      paused: true,
      active: false,
      status: 'paused',
      maintenance_note: 'draining since now',
      tag_list: ['pool-a'],
    });
    expect((await b.call('PUT', `/api/v4/runners/${id}`, { body: { tag_list: [], maximum_timeout: 5 } })).status).toBe(400);
  });

  it('is deleted once, then unknown', async () => {
    const b = await bench();
    const { id } = addRunner(b.gitlab);
    const statuses = [
      await b.call('DELETE', `/api/v4/runners/${id}`),
      await b.call('DELETE', `/api/v4/runners/${id}`),
      await b.call('GET', `/api/v4/runners/${id}`),
    ];
    expect(statuses.map(({ status }) => status)).toEqual([204, 404, 404]);
  });

  it('lists those of the group, of the groups above and of the instance, but none from below, with totals', async () => {
    const b = await bench();
    const place = (path: string) => ({ type: 'group_type', group: b.gitlab.createGroup(path), tags: [path] }) as const;
    const below = addRunner(b.gitlab, place('acme/sub/deep'));
    const made = [addRunner(b.gitlab), addRunner(b.gitlab, place('acme')), addRunner(b.gitlab, place('acme/sub'))];
    const answer = await b.call('GET', `/api/v4/groups/acme%2Fsub/runners?per_page=2`);
    expect([answer.headers.get('x-total'), answer.headers.get('x-next-page')]).toEqual(['3', '2']);
    const found = (await follow(b, '/api/v4/groups/acme%2Fsub/runners?per_page=2')).flat();
    expect(found).toEqual(made.map(({ id }) => id).reverse());
    expect(found).not.toContain(below.id);
    expect(answer.json).not.toHaveProperty('0.tag_list');
    expect(ids((await b.call('GET', '/api/v4/groups/acme%2Fsub/runners?type=group_type&tag_list=acme')).json)).toEqual([made[1]?.id]);
  });

  it('names the groups of a runner by their whole address', async () => {
    const b = await bench({ externalUrl: 'https://gitlab.example.com' });
    const { id } = addRunner(b.gitlab, { type: 'group_type', group: b.gitlab.createGroup('acme/sub') });
    expect((await b.call('GET', `/api/v4/runners/${id}`)).json).toMatchObject({
      groups: [{ name: 'sub', web_url: 'https://gitlab.example.com/groups/acme/sub' }],
    });
  });

  it('shows the jobs of a runner, but not those of projects that the caller may not read', async () => {
    const b = await bench();
    const group = b.gitlab.createGroup('acme');
    const { token, id } = addRunner(b.gitlab, { type: 'group_type', group });
    for (const name of ['one', 'two']) {
      b.gitlab.createPipeline(`acme/${name}`, [{ name, tags: ['pool-a'] }]);
      await b.call('POST', '/api/v4/jobs/request', { token: '', body: { token, info: TWO_PHASE } });
    }
    const all = await b.call('GET', `/api/v4/runners/${id}/jobs`);
    expect(all.json).toMatchObject([{ name: 'two', status: 'pending', project: { path_with_namespace: 'acme/two' } }, { name: 'one' }]);
    expect(all.headers.get('x-total')).toBe('2');
    expect((await b.call('GET', `/api/v4/runners/${id}/jobs?status=running`)).json).toEqual([]);
    expect((await b.call('GET', `/api/v4/runners/${id}/jobs?status=pending&sort=asc`)).json).toMatchObject([
      { name: 'one' },
      { name: 'two' },
    ]);
    const half = addRunner(b.gitlab, { type: 'project_type', project: b.gitlab.createProject('acme/one') });
    b.gitlab.createToken({ value: 'half', scopes: ['manage_runner'], roles: { 'acme/one': 40 } });
    b.gitlab.createPipeline('acme/one', [{ name: 'three', tags: ['pool-a'] }]);
    await b.call('POST', '/api/v4/jobs/request', { token: '', body: { token: half.token, info: TWO_PHASE } });
    expect((await b.call('GET', `/api/v4/runners/${half.id}/jobs`, { token: 'half' })).json).toMatchObject([{ name: 'three' }]);
    b.gitlab.createToken({ value: 'guest', scopes: ['manage_runner'], roles: { acme: 10, 'acme/one': 40 } });
    expect((await b.call('GET', `/api/v4/runners/${id}/jobs`, { token: 'guest' })).status).toBe(403);
  });

  it.each([
    { name: 'never contacted', contactedAgo: undefined, later: 0, status: 'never_contacted' },
    { name: 'contacted just now', contactedAgo: 0, later: 0, status: 'online' },
    { name: 'contacted two hours ago', contactedAgo: 2 * HOUR, later: 0, status: 'offline' },
    { name: 'contacted eight days ago', contactedAgo: 0, later: 192 * HOUR, status: 'stale' },
  ])('is $status when $name', async ({ contactedAgo, later, status }) => {
    const b = await bench();
    const runner = addRunner(b.gitlab);
    runner.contactedAt = contactedAgo === undefined ? undefined : b.clock.now() - contactedAgo;
    await b.clock.advance(later);
    expect((await b.call('GET', `/api/v4/runners/${runner.id}`)).json).toMatchObject({ status });
  });
});

describe('faults', () => {
  const answered: readonly {
    readonly name: string;
    readonly fault: Fault;
    readonly status: number;
    readonly text: string;
    readonly retryAfter: string | null;
  }[] = [
    {
      name: 'the request limiter',
      fault: { operation: 'gitlab.jobs', times: 1, status: 429 },
      status: 429,
      text: 'Retry later\n',
      retryAfter: '60',
    },
    {
      name: "the endpoint's own limit",
      fault: { operation: 'gitlab.*', times: 1, status: 429, code: 'application' },
      status: 429,
      text: '{"message":{"error":"This endpoint has been requested too many times. Try again later."}}',
      retryAfter: null,
    },
    {
      name: 'a broken gateway',
      fault: { operation: 'gitlab.jobs', times: 1, status: 502, body: '<html>' },
      status: 502,
      text: '<html>',
      retryAfter: null,
    },
  ];
  it.each(answered)('answers as $name, once', async ({ fault, status, text, retryAfter }) => {
    const b = await bench();
    b.gitlab.createProject('acme/app');
    b.ctx.faults.inject(fault);
    const answer = await b.call('GET', '/api/v4/projects/acme%2Fapp/jobs');
    expect([answer.status, answer.text, answer.headers.get('retry-after')]).toEqual([status, text, retryAfter]);
    expect((await b.call('GET', '/api/v4/projects/acme%2Fapp/jobs')).status).toBe(200);
    expect(b.ctx.faults.calls('gitlab.jobs')).toBe(2);
  });

  it('creates the runner though the answer is lost', async () => {
    const b = await bench();
    const { id } = b.gitlab.createGroup('acme');
    b.ctx.faults.inject({ operation: 'gitlab.runner-create', times: 1, kind: 'lost' });
    await expect(b.call('POST', '/api/v4/user/runners', { body: { runner_type: 'group_type', group_id: id } })).rejects.toThrow();
    expect(b.gitlab.runners.size).toBe(1);
  });
});
