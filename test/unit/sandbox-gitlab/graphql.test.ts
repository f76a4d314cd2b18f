import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import type { GitLabOptions } from '../../../sandbox/gitlab/options.ts';
import { addRunner, type Bench, bench, MINUTE, TWO_PHASE } from './server.ts';

const ask = async (b: Bench, query: string, variables: object = {}, token = 'admin') =>
  (await b.call('POST', '/api/graphql', { token, body: { query, variables } })).json;

async function groupBench(options: GitLabOptions = {}) {
  const b = await bench(options);
  const group = b.gitlab.createGroup('acme');
  const runner = addRunner(b.gitlab, { type: 'group_type', group, maintenanceNote: 'a note' });
  const { jobs } = b.gitlab.createPipeline('acme/sub/app', [
    { name: 'a', tags: ['pool-a'] },
    { name: 'b', tags: ['pool-a'] },
  ]);
  const take = () => b.call('POST', '/api/v4/jobs/request', { token: '', body: { token: runner.token, info: TWO_PHASE } });
  return { ...b, runner, jobs, take };
}

const FLEET = `query Fleet($g: ID!, $after: String) {
  group(fullPath: $g) { runners(membership: DIRECT, type: GROUP_TYPE, first: 100, after: $after) {
    pageInfo { hasNextPage endCursor }
    nodes { id description paused status contactedAt createdAt tagList jobExecutionStatus maintenanceNote
      busy: jobCount(statuses: [PENDING, RUNNING, CANCELING]) done: jobCount(statuses: [SUCCESS, FAILED, CANCELED]) } } } }`;

describe('the fleet', () => {
  it('counts busy and done per runner, an unconfirmed job as busy', async () => {
    const b = await groupBench();
    await b.take();
    expect(await ask(b, FLEET, { g: 'acme' })).toEqual({
      data: {
        group: {
          runners: {
            pageInfo: { hasNextPage: false, endCursor: expect.any(String) },
            nodes: [
              {
                id: `gid://gitlab/Ci::Runner/${b.runner.id}`,
                description: 'pool-a-1',
                paused: false,
                status: 'ONLINE',
                contactedAt: '2026-03-02T10:10:00Z',
                createdAt: '2026-03-02T10:10:00Z',
                tagList: ['pool-a'],
                jobExecutionStatus: 'IDLE',
                maintenanceNote: 'a note',
                busy: 1,
                done: 0,
              },
            ],
          },
        },
      },
    });
  });

  it('shows counts of a while ago where they lag, while the list of jobs does not', async () => {
    const b = await groupBench({ busyLagMs: MINUTE });
    const query = '{ group(fullPath: "acme") { runners { nodes { jobCount(statuses: [PENDING, RUNNING]) } } } }';
    const shown = (n: number) => ({ data: { group: { runners: { nodes: [{ jobCount: n }] } } } });
    await b.take();
    expect(await ask(b, query)).toEqual(shown(0));
    expect((await b.call('GET', `/api/v4/runners/${b.runner.id}/jobs`)).json).toHaveLength(1);
    await b.clock.advance(MINUTE);
    expect(await ask(b, query)).toEqual(shown(1));
    const [job] = b.jobs;
    if (job) b.gitlab.jobs.confirm(job);
    if (job) b.gitlab.jobs.finish(job, 'success');
    expect(await ask(b, query)).toEqual(shown(1));
    await b.clock.advance(MINUTE);
    expect(await ask(b, query)).toEqual(shown(0));
  });

  it('pages by 100 whatever is asked for', async () => {
    const b = await groupBench();
    const group = b.gitlab.createGroup('acme');
    for (let i = 0; i < 120; i++) addRunner(b.gitlab, { type: 'group_type', group, description: `pool-a-${i}` });
    const Page = z.object({
      data: z.object({
        group: z.object({
          runners: z.object({ nodes: z.array(z.unknown()), pageInfo: z.object({ hasNextPage: z.boolean(), endCursor: z.string() }) }),
        }),
      }),
    });
    const read = async (after: string | null) =>
      Page.parse(await ask(b, FLEET.replace('first: 100', 'first: 500'), { g: 'acme', after })).data.group.runners;
    const first = await read(null);
    expect([first.nodes.length, first.pageInfo.hasNextPage]).toEqual([100, true]);
    const second = await read(first.pageInfo.endCursor);
    expect([second.nodes.length, second.pageInfo.hasNextPage]).toEqual([21, false]);
  });

  it.each([
    { name: 'part of the description', args: 'search: "A-1"', found: ['pool-a-1'] },
    { name: 'paused', args: 'paused: true', found: ['paused'] },
    { name: 'tags', args: 'tagList: ["gpu"]', found: ['gpu'] },
    { name: 'status', args: 'status: ONLINE', found: [] },
    { name: 'type', args: 'type: INSTANCE_TYPE', found: ['gpu'] },
  ])('finds runners by $name', async ({ args, found }) => {
    const b = await groupBench();
    addRunner(b.gitlab, { description: 'gpu', tags: ['gpu'] });
    addRunner(b.gitlab, { type: 'project_type', project: b.gitlab.createProject('acme/app'), description: 'paused', paused: true });
    const nodes = found.map((description) => ({ description }));
    expect(await ask(b, `{ runners(${args}) { nodes { description } } }`)).toEqual({ data: { runners: { nodes } } });
  });

  it.each([
    { membership: 'DIRECT', found: ['own'] },
    { membership: 'DESCENDANTS', found: ['below', 'own'] },
    { membership: 'ALL_AVAILABLE', found: ['instance', 'below', 'own', 'above'] },
  ])('takes $membership for what it is', async ({ membership, found }) => {
    const b = await bench();
    addRunner(b.gitlab, { type: 'group_type', group: b.gitlab.createGroup('acme'), description: 'above' });
    addRunner(b.gitlab, { type: 'group_type', group: b.gitlab.createGroup('acme/sub'), description: 'own' });
    addRunner(b.gitlab, { type: 'project_type', project: b.gitlab.createProject('acme/sub/app'), description: 'below' });
    addRunner(b.gitlab, { description: 'instance' });
    const nodes = found.map((description) => ({ description }));
    const query = `{ group(fullPath: "acme/sub") { runners(membership: ${membership}) { nodes { description } } } }`;
    expect(await ask(b, query)).toEqual({ data: { group: { runners: { nodes } } } });
  });
});

describe('the demand', () => {
  const NESTED = `query($g: ID!) { group(fullPath: $g) { projects(includeSubgroups: true, first: 50) { pageInfo { hasNextPage endCursor }
    nodes { fullPath running: pipelines(status: RUNNING, first: 10) { ...waiting } pending: pipelines(status: PENDING, first: 10) { ...waiting } } } } }
    fragment waiting on PipelineConnection { pageInfo { hasNextPage } nodes { jobs(statuses: [PENDING], first: 50) { nodes { name tags queuedAt runner { id } } } } }`;

  it('is nested below groups, projects and pipelines', async () => {
    const b = await groupBench();
    await b.take();
    const waiting = [
      { name: 'b', tags: ['pool-a'], queuedAt: '2026-03-02T10:10:00Z', runner: null },
      { name: 'a', tags: ['pool-a'], queuedAt: '2026-03-02T10:10:00Z', runner: { id: `gid://gitlab/Ci::Runner/${b.runner.id}` } },
    ];
    const pageInfo = { hasNextPage: false };
    expect(await ask(b, NESTED, { g: 'acme' })).toMatchObject({
      data: {
        group: {
          projects: {
            nodes: [{ fullPath: 'acme/sub/app', running: { nodes: [] }, pending: { pageInfo, nodes: [{ jobs: { nodes: waiting } }] } }],
          },
        },
      },
    });
    const [job] = b.jobs;
    if (job) b.gitlab.jobs.confirm(job);
    expect(await ask(b, NESTED, { g: 'acme' })).toMatchObject({
      data: { group: { projects: { nodes: [{ running: { nodes: [{ jobs: { nodes: [{ name: 'b' }] } }] }, pending: { nodes: [] } }] } } },
    });
  });

  it.each([
    { name: 'administrators', token: 'admin', nodes: [{ name: 'b' }, { name: 'a' }] },
    { name: 'nobody else', token: 'owner', nodes: [] },
  ])('is one list for $name', async ({ token, nodes }) => {
    const b = await groupBench();
    b.gitlab.createToken({ value: 'owner', scopes: ['read_api'], roles: { acme: 50 } });
    expect(await ask(b, '{ jobs(statuses: [PENDING]) { nodes { name } } }', {}, token)).toEqual({ data: { jobs: { nodes } } });
  });

  it('may be asked of one project per query only', async () => {
    const b = await groupBench();
    b.gitlab.createPipeline('acme/two', [{ name: 'c' }]);
    const query =
      '{ one: project(fullPath: "acme/sub/app") { jobs(statuses: PENDING) { nodes { name } } } two: project(fullPath: "acme/two") { jobs { nodes { name } } } }';
    expect(await ask(b, query)).toEqual({
      data: { one: { jobs: { nodes: [{ name: 'b' }, { name: 'a' }] } }, two: { jobs: null } },
      errors: [{ message: '"jobs" field can be requested only for 1 Project(s) at a time.', path: ['two', 'jobs'] }],
    });
  });

  it('is matched on the server for a compatible runner', async () => {
    const b = await groupBench();
    b.gitlab.createPipeline('acme/sub/app', [{ name: 'foreign', tags: ['gpu'] }]);
    const query = 'query($r: CiRunnerID) { jobs(statuses: [PENDING], compatibleRunnerId: $r) { nodes { name } } }';
    const answer = await ask(b, query, { r: `gid://gitlab/Ci::Runner/${b.runner.id}` });
    expect(answer).toEqual({ data: { jobs: { nodes: [{ name: 'b' }, { name: 'a' }] } } });
  });
});

describe('what is refused', () => {
  it.each([
    { name: 'an unknown field', query: '{ queuedJobs { id } }', message: "Field 'queuedJobs' doesn't exist on type 'Query'" },
    {
      name: 'an unknown field deep down, even where nothing is found',
      query: '{ group(fullPath: "none") { runners { nodes { token } } } }',
      message: "Field 'token' doesn't exist on type 'CiRunner'",
    },
    {
      name: 'an unknown argument',
      query: '{ jobs(status: PENDING) { nodes { id } } }',
      message: "Field 'jobs' doesn't accept argument 'status'",
    },
    { name: 'a missing argument', query: '{ group { id } }', message: "Field 'group' is missing required arguments: fullPath" },
    {
      name: 'an object without selections',
      query: '{ jobs }',
      message:
        "Field must have selections (field 'jobs' returns CiJobInterfaceConnection but has no selections. Did you mean 'jobs { ... }'?)",
    },
    {
      name: 'selections on a scalar',
      query: '{ group(fullPath: "acme") { id { x } } }',
      message: "Selections can't be made on scalars (field 'id' returns ID but has selections [\"x\"])",
    },
    {
      name: 'a status that does not exist',
      query: '{ jobs(statuses: [BUSY]) { nodes { id } } }',
      message: "Argument 'statuses' on Field 'jobs' has an invalid value ([BUSY]). Expected type '[CiJobStatus!]'.",
    },
    {
      name: 'a status as a text',
      query: '{ jobs(statuses: ["PENDING"]) { nodes { id } } }',
      message: `Argument 'statuses' on Field 'jobs' has an invalid value (["PENDING"]). Expected type '[CiJobStatus!]'.`,
    },
    {
      name: 'an undeclared variable',
      query: '{ group(fullPath: $g) { id } }',
      message: 'Variable $g is used by anonymous query but not declared',
    },
    {
      name: 'a variable that nothing uses',
      query: 'query Jobs($g: ID) { jobs { count } }',
      message: 'Variable $g is declared by Jobs but not used',
    },
    {
      name: 'a variable of an unknown type',
      query: 'query($s: [JobStatus!]) { jobs(statuses: $s) { count } }',
      message: 'Unknown type "JobStatus". Did you mean "CiJobStatus"?',
    },
    {
      name: 'the id of something else',
      query: '{ runner(id: "gid://gitlab/Project/1") { id } }',
      message: '"gid://gitlab/Project/1" does not represent an instance of Ci::Runner',
    },
    {
      name: 'a field that only one kind of job has',
      query: '{ jobs { nodes { runnerManager { id } } } }',
      message: "Field 'runnerManager' doesn't exist on type 'CiJobInterface'",
    },
    {
      name: 'a fragment that nothing uses',
      query: '{ jobs { count } } fragment f on Group { id }',
      message: 'Fragment f was defined, but not used',
    },
    {
      name: 'too deep a query',
      query: `{ jobs { nodes ${'{ runner { jobs { nodes '.repeat(7)} { id } ${'} } }'.repeat(7)} } }`,
      message: 'Query has depth of 24, which exceeds max depth of 20',
    },
    {
      name: 'a variable of another type',
      query: 'query($g: String!) { group(fullPath: $g) { id } }',
      message: 'Type mismatch on variable $g and argument fullPath (String! / ID!)',
    },
    {
      name: 'a variable that is not given',
      query: 'query($g: ID!) { group(fullPath: $g) { id } }',
      message: 'Variable $g of type ID! was provided invalid value',
    },
    { name: 'a broken query', query: '{ group(fullPath: "acme") { id }', message: 'Unexpected end of document' },
    { name: 'an unknown fragment', query: '{ ...all }', message: 'Fragment all was used, but not defined' },
    { name: 'too long a query', query: `{ jobs { nodes { id } } } #${'x'.repeat(10_000)}`, message: 'Query too large' },
  ])('$name', async ({ query, message }) => {
    const b = await bench();
    const answer = await b.call('POST', '/api/graphql', { body: { query } });
    expect([answer.status, answer.json]).toEqual([200, { errors: [{ message }] }]);
  });

  it('each mistake of a query by itself', async () => {
    const b = await bench();
    expect(await ask(b, '{ jobs(state: PENDING) { count size } }')).toEqual({
      errors: [
        { message: "Field 'jobs' doesn't accept argument 'state'" },
        { message: "Field 'size' doesn't exist on type 'CiJobInterfaceConnection'" },
      ],
    });
  });

  it('a variable whose value is none of its type', async () => {
    const b = await bench();
    const query = 'query($s: [CiJobStatus!]) { jobs(statuses: $s) { count } }';
    expect(await ask(b, query, { s: ['BUSY'] })).toEqual({
      errors: [{ message: 'Variable $s of type [CiJobStatus!] was provided invalid value' }],
    });
    expect(await ask(b, query, { s: ['PENDING'] })).toEqual({ data: { jobs: { count: 0 } } });
  });

  it('jobs for a runner, unless only pending ones are asked for', async () => {
    const b = await groupBench();
    const query = 'query($r: CiRunnerID) { jobs(compatibleRunnerId: $r) { count } }';
    expect(await ask(b, query, { r: `gid://gitlab/Ci::Runner/${b.runner.id}` })).toMatchObject({
      data: { jobs: null },
      errors: [{ message: expect.stringContaining('compatibleRunnerId can only be used'), path: ['jobs'] }],
    });
  });

  it('a body that is no query', async () => {
    const b = await bench();
    expect(await b.call('POST', '/api/graphql', { body: 'x' })).toMatchObject({ status: 200, json: { errors: [{}] } });
  });

  it('a token that is unknown', async () => {
    const b = await bench();
    expect(await b.call('POST', '/api/graphql', { token: 'x', body: { query: '{ jobs { nodes { id } } }' } })).toMatchObject({
      status: 401,
      json: { errors: [{ message: 'Invalid token' }] },
    });
  });

  it('too complex a query, on request', async () => {
    const b = await bench();
    b.ctx.faults.inject({ operation: 'gitlab.graphql', times: 1, code: 'complexity' });
    expect(await ask(b, '{ jobs { nodes { id } } }')).toEqual({ errors: [{ message: expect.stringContaining('exceeds max complexity') }] });
  });

  it('groups to strangers, and their runners to developers', async () => {
    const b = await groupBench();
    b.gitlab.createToken({ value: 'stranger', scopes: ['read_api'] });
    b.gitlab.createToken({ value: 'developer', scopes: ['read_api'], roles: { acme: 30 } });
    expect(await ask(b, FLEET, { g: 'acme' }, 'stranger')).toEqual({ data: { group: null } });
    expect(await ask(b, FLEET, { g: 'acme' }, 'developer')).toMatchObject({
      data: { group: { runners: null } },
      errors: [{ path: ['group', 'runners'] }],
    });
  });
});
