import { describe, expect, it } from 'vitest';
import type { Scope } from '../../../lib/app/ports/index.ts';
import { AccessError, ConfigError, NotFoundError, UnclearError } from '../../../lib/core/errors.ts';
import type { PendingJob } from '../../../lib/core/fleet/types.ts';
import { type FakeGitLab, fakeGitLab, gitLabAt, NOW, queryOf, type Reply, type Seen, thrownBy, variablesOf } from './fake-gitlab.ts';

const QUEUED = '2026-11-23T16:04:00Z';
const LAST = { hasNextPage: false, endCursor: null };
const MORE = { hasNextPage: true, endCursor: 'next' };

/** A job as REST shows it. */
const restJob = (id: number, changes: object = {}) => ({
  id,
  status: 'pending',
  name: 'image',
  created_at: '2026-11-23T16:00:00.000Z',
  started_at: null,
  finished_at: null,
  queued_duration: 60,
  pipeline: { id: 8100, project_id: 77, status: 'running' },
  runner: null,
  tag_list: ['bb'],
  ...changes,
});

/** A job as GraphQL shows it. */
const job = (id: number, changes: object = {}) => ({
  id: `gid://gitlab/Ci::Build/${id}`,
  name: 'image',
  status: 'PENDING',
  tags: ['bb'],
  queuedAt: QUEUED,
  runner: null,
  ...changes,
});
const jobs = (nodes: readonly unknown[], pageInfo: object = LAST) => ({ jobs: { pageInfo, nodes } });
const pipelines = (nodes: readonly unknown[] = [], pageInfo: object = LAST) => ({ pageInfo, nodes });
const project = (id: number, changes: object = {}) => ({
  id: `gid://gitlab/Project/${id}`,
  running: pipelines(),
  pending: pipelines(),
  runningChildren: { nodes: [] },
  pendingChildren: { nodes: [] },
  ...changes,
});
const projects = (nodes: readonly unknown[], pageInfo: object = LAST): Reply => ({
  json: { data: { group: { projects: { pageInfo, nodes } } } },
});
const instance = (nodes: readonly unknown[], pageInfo: object = LAST): Reply => ({ json: { data: { jobs: { pageInfo, nodes } } } });

const GROUP = { kind: 'group', path: 'farm/layers' } as const;
const waiting = (id: number, projectId = 77) => ({ id, projectId, tags: ['bb'], queuedAt: NOW - 60_000, name: 'image' });
const ids = (found: readonly { readonly id: number }[]) => found.map(({ id }) => id);

/** All of them: nothing may be left unread. */
async function jobsOf(fake: FakeGitLab, scope: Scope): Promise<readonly PendingJob[]> {
  const { jobs: found, ...rest } = await gitLabAt(fake).pendingJobs(scope);
  expect(rest).toEqual({ unread: [] });
  return found;
}

describe('of a project', () => {
  const scope = { kind: 'project', path: 'farm/layers' } as const;

  it('asks for pending jobs by keyset pages', async () => {
    const fake = await fakeGitLab(() => ({ json: [restJob(5)] }));
    expect(await jobsOf(fake, scope)).toEqual([waiting(5)]);
    expect(fake.seen[0]).toMatchObject({ method: 'GET', path: '/api/v4/projects/farm%2Flayers/jobs' });
    expect(Object.fromEntries(fake.seen[0]?.query ?? [])).toEqual({
      'scope[]': 'pending',
      pagination: 'keyset',
      order_by: 'id',
      sort: 'desc',
      per_page: '100',
    });
  });

  it.each([
    { name: 'a job that a runner has taken but not begun', changes: { runner: { id: 31 } } },
    { name: 'a job that began while the list was made', changes: { status: 'running' } },
  ])('leaves out $name', async ({ changes }) => {
    const fake = await fakeGitLab(() => ({ json: [restJob(5), restJob(4, changes)] }));
    expect(ids(await jobsOf(fake, scope))).toEqual([5]);
  });

  it.each([
    { name: 'the queued duration, also in quotes', changes: { queued_duration: '1.5' }, queuedAt: NOW - 1500 },
    { name: 'the creation, without one', changes: { queued_duration: null }, queuedAt: Date.parse('2026-11-23T16:00:00Z') },
    { name: 'now, without any', changes: { queued_duration: null, created_at: null }, queuedAt: NOW },
  ])('knows since when by $name', async ({ changes, queuedAt }) => {
    const fake = await fakeGitLab(() => ({ json: [restJob(5, changes)] }));
    expect(await jobsOf(fake, scope)).toMatchObject([{ queuedAt }]);
  });

  it('keeps untagged jobs and the case of tags', async () => {
    const fake = await fakeGitLab(() => ({ json: [restJob(5, { tag_list: [] }), restJob(4, { tag_list: ['BB', 'bb'] })] }));
    expect((await jobsOf(fake, scope)).map(({ tags }) => tags)).toEqual([[], ['BB', 'bb']]);
  });

  it('follows the next link to the end, on this host whatever the link says, and counts each job once', async () => {
    const next =
      '<https://elsewhere.example/api/v4/projects/77/jobs?cursor=abc&per_page=100&scope%5B%5D=pending&pagination=keyset&order_by=id>; rel="next"';
    const fake = await fakeGitLab((_, index) =>
      index === 0 ? { json: [restJob(9), restJob(8)], headers: { link: next } } : { json: [restJob(8), restJob(7)] },
    );
    expect(ids(await jobsOf(fake, scope))).toEqual([9, 8, 7]);
    expect(fake.seen[1]?.path).toBe('/api/v4/projects/farm%2Flayers/jobs');
    expect(Object.fromEntries(fake.seen[1]?.query ?? [])).toMatchObject({ cursor: 'abc', 'scope[]': 'pending', per_page: '100' });
  });

  it.each([
    { name: 'no list', json: { message: 'maintenance' } },
    { name: 'null', json: null },
    { name: 'a job without an id', json: [{ status: 'pending' }] },
    { name: 'a job without a project', json: [restJob(5, { pipeline: null })] },
    { name: 'a time that is none', json: [restJob(5, { created_at: 'yesterday' })] },
  ])('is UnclearError for $name', async ({ json }) => {
    const fake = await fakeGitLab(() => ({ json }));
    expect(await thrownBy(gitLabAt(fake).pendingJobs(scope))).toBeInstanceOf(UnclearError);
  });

  it('keeps what was read when a later page is no list, and says where to go on', async () => {
    const link = '</x?cursor=a&per_page=100>; rel="next"';
    const fake = await fakeGitLab((_, index) => (index === 0 ? { json: [restJob(9)], headers: { link } } : { json: null }));
    expect(await gitLabAt(fake).pendingJobs(scope)).toEqual({
      jobs: [waiting(9)],
      unread: [{ error: expect.any(UnclearError) }],
      rest: { after: 'cursor=a' },
    });
  });
});

describe('of a group', () => {
  it('asks once for all its projects', async () => {
    const fake = await fakeGitLab(() =>
      projects([
        project(77, { running: pipelines([jobs([job(5), job(6)]), jobs([])]), pending: pipelines([jobs([job(7)])]) }),
        project(78),
        project(79, { pending: pipelines([jobs([job(8, { tags: [] })])]) }),
      ]),
    );
    expect(await jobsOf(fake, GROUP)).toEqual([waiting(5), waiting(6), waiting(7), { ...waiting(8, 79), tags: [] }]);
    expect(fake.seen).toHaveLength(1);
    expect(fake.seen[0]).toMatchObject({ method: 'POST', path: '/api/graphql' });
    expect(variablesOf(fake.seen[0])).toEqual({ path: 'farm/layers', after: null });
  });

  it('leaves out jobs that are taken, begun, or hidden from the token', async () => {
    const hidden = [null, job(1, { id: null }), job(2, { tags: null }), job(3, { status: null })];
    const fake = await fakeGitLab(() =>
      projects([
        null,
        project(77, {
          running: pipelines([
            null,
            { jobs: null },
            jobs([...hidden, job(5), job(6, { runner: { id: 'gid://gitlab/Ci::Runner/31' } }), job(7, { status: 'RUNNING' })]),
          ]),
        }),
        project(78, { running: null, pending: null, runningChildren: null, pendingChildren: null }),
      ]),
    );
    expect(ids(await jobsOf(fake, GROUP))).toEqual([5]);
  });

  it('reads all pages and counts a job in two lists of pipelines once', async () => {
    const fake = await fakeGitLab((_, index) =>
      index === 0
        ? projects([project(77, { running: pipelines([jobs([job(5)])]), pending: pipelines([jobs([job(5)])]) })], MORE)
        : projects([project(78, { pending: pipelines([jobs([job(6)])]) })]),
    );
    expect(ids(await jobsOf(fake, GROUP))).toEqual([5, 6]);
    expect(fake.seen.map((seen) => variablesOf(seen))).toMatchObject([{ after: null }, { after: 'next' }]);
  });

  /** Answers the query for projects by their ids. */
  const byIds = (nodes: readonly unknown[]): Reply => ({ json: { data: { projects: { nodes } } } });
  const isByIds = (seen: Seen) => 'ids' in Object(variablesOf(seen));
  const nested = (changes: object = {}) => project(77, { runningChildren: pipelines(), pendingChildren: pipelines(), ...changes });
  const LARGE = project(77, { running: pipelines([jobs([job(5)])], MORE) });

  it.each([
    { name: 'more running pipelines than were asked for', changes: { running: pipelines([jobs([job(5)])], MORE) } },
    { name: 'more pending pipelines', changes: { pending: pipelines([], MORE) } },
    { name: 'more jobs in a pipeline', changes: { running: pipelines([jobs([]), jobs([job(5)], MORE)]) } },
    { name: 'child pipelines, which the list of pipelines leaves out', changes: { runningChildren: { nodes: [{ id: 'gid://x/1' }] } } },
    { name: 'child pipelines that wait', changes: { pendingChildren: { nodes: [{ id: 'gid://x/1' }] } } },
  ])('reads a project by a second query when it has $name', async ({ changes }) => {
    const whole = nested({ running: pipelines([jobs([job(6)])]), pendingChildren: pipelines([jobs([job(5)])]) });
    const fake = await fakeGitLab((seen) => (isByIds(seen) ? byIds([whole]) : projects([project(77, changes), project(78)])));
    expect(ids(await jobsOf(fake, GROUP))).toEqual([6, 5]);
    expect(fake.seen.map(variablesOf)).toEqual([{ path: 'farm/layers', after: null }, { ids: ['gid://gitlab/Project/77'] }]);
  });

  it.each([
    { name: 'has more pipelines than the second query shows', reply: byIds([nested({ running: pipelines([jobs([job(5)])], MORE) })]) },
    { name: 'has more jobs in one', reply: byIds([nested({ pendingChildren: pipelines([jobs([job(5)], MORE)]) })]) },
    { name: 'is not in its answer', reply: byIds([null]) },
    { name: 'gets no answer there', reply: { json: { data: { projects: null } } } },
    {
      name: 'costs too much there',
      reply: { json: { errors: [{ message: 'Query has complexity of 320, which exceeds max complexity of 250' }] } },
    },
  ])('reads a project by REST when it $name', async ({ reply }) => {
    const fake = await fakeGitLab((seen) => {
      if (seen.path !== '/api/graphql') return { json: [restJob(6), restJob(5)] };
      return isByIds(seen) ? reply : projects([LARGE, project(78)]);
    });
    expect(ids(await jobsOf(fake, GROUP))).toEqual([6, 5]);
    expect(fake.seen.map(({ path }) => path)).toEqual(['/api/graphql', '/api/graphql', '/api/v4/projects/77/jobs']);
  });

  it('reads twenty projects with child pipelines a request', async () => {
    const many = Array.from({ length: 45 }, (_, i) => 101 + i);
    const parents = many.map((id) => project(id, { pendingChildren: { nodes: [{ id: 'gid://x/1' }] } }));
    const fake = await fakeGitLab((seen) => {
      if (!isByIds(seen)) return projects(parents);
      const asked: readonly string[] = Object(variablesOf(seen)).ids;
      return byIds(asked.map((id) => ({ ...nested({ pendingChildren: pipelines([jobs([job(Number(id.split('/').at(-1)))])]) }), id })));
    });
    const found = await jobsOf(fake, GROUP);
    expect(ids(found)).toEqual(many);
    expect(found.every(({ id, projectId }) => id === projectId)).toBe(true);
    expect(fake.seen.map((seen) => Object(variablesOf(seen)).ids?.length)).toEqual([undefined, 20, 20, 5]);
  });

  it('asks for nothing more by such queries once one has failed, and reads all by themselves', async () => {
    const many = Array.from({ length: 100 }, (_, i) => 101 + i);
    const parents = many.map((id) => project(id, { pendingChildren: { nodes: [{ id: 'gid://x/1' }] } }));
    const fake = await fakeGitLab((seen) => {
      const id = Number(/projects\/(\d+)\/jobs/.exec(seen.path)?.[1]);
      if (id) return { json: [restJob(id, { pipeline: { project_id: id } })] };
      return isByIds(seen) ? { json: { errors: [{ message: 'Internal server error' }] } } : projects(parents);
    });
    expect(ids(await jobsOf(fake, GROUP)).toSorted((a, b) => a - b)).toEqual(many);
    // Four are on their way at once.
    expect(fake.seen.filter(isByIds).length).toBeLessThanOrEqual(4);
  });

  it('begins with the projects that the last reading left', async () => {
    const many = Array.from({ length: 90 }, (_, i) => 101 + i);
    const parents = many.map((id) => project(id, { pendingChildren: { nodes: [{ id: 'gid://x/1' }] } }));
    const fake = await fakeGitLab((seen) => {
      if (!isByIds(seen)) return projects(parents);
      const asked: readonly string[] = Object(variablesOf(seen)).ids;
      return byIds(asked.map((id) => ({ ...nested(), id })));
    });
    const left = [190, 7, 150];
    await gitLabAt(fake).pendingJobs(GROUP, { resume: async () => ({ projects: left }) });
    const first: readonly string[] = Object(variablesOf(fake.seen.find(isByIds))).ids;
    expect(first.slice(0, 3)).toEqual(['gid://gitlab/Project/190', 'gid://gitlab/Project/150', 'gid://gitlab/Project/101']);
    const asked = fake.seen.filter(isByIds).flatMap((seen) => Object(variablesOf(seen)).ids);
    expect(new Set(asked).size).toBe(asked.length);
    expect(asked).toHaveLength(90);
  });

  it('does without a project that was deleted since', async () => {
    const fake = await fakeGitLab((seen) =>
      seen.path === '/api/graphql'
        ? isByIds(seen)
          ? byIds([])
          : projects([project(77, { running: pipelines([], MORE) }), project(78, { running: pipelines([jobs([job(5)])]) })])
        : { status: 404, json: { message: '404 Project Not Found' } },
    );
    expect(ids(await jobsOf(fake, GROUP))).toEqual([5]);
  });

  it.each([
    { name: 'a group that the token cannot see', reply: { json: { data: { group: null } } }, type: NotFoundError },
    {
      name: 'a query over the limit',
      reply: { json: { errors: [{ message: 'Query has complexity of 320, which exceeds max complexity of 250' }] } },
      type: ConfigError,
    },
    {
      name: 'a field that this version lacks',
      reply: { json: { errors: [{ message: "Field 'x' doesn't exist on type 'Group'" }] } },
      type: ConfigError,
    },
    {
      name: 'a right that is missing',
      reply: {
        json: {
          errors: [
            {
              message: "The resource that you are attempting to access does not exist or you don't have permission to perform this action",
            },
          ],
        },
      },
      type: AccessError,
    },
    {
      name: 'an internal error',
      reply: { json: { data: { group: null }, errors: [{ message: 'Internal server error' }] } },
      type: UnclearError,
    },
    { name: 'a bad token', reply: { status: 401, json: { errors: [{ message: 'Invalid token' }] } }, type: AccessError },
    { name: 'an id that is none', reply: projects([project(77, { id: 'Project/77' })]), type: UnclearError },
    { name: 'no data', reply: { json: {} }, type: UnclearError },
    { name: 'a next page without a cursor', reply: projects([], { hasNextPage: true, endCursor: null }), type: UnclearError },
  ])('says $name', async ({ reply, type }) => {
    const fake = await fakeGitLab(() => reply);
    expect(await thrownBy(gitLabAt(fake).pendingJobs(GROUP))).toBeInstanceOf(type);
  });

  it('does not go round for ever when the cursor stands still', async () => {
    const fake = await fakeGitLab(() => projects([], MORE));
    expect(await gitLabAt(fake).pendingJobs(GROUP)).toMatchObject({ jobs: [], unread: [{ error: { code: 'stuck-cursor' } }] });
    expect(fake.seen).toHaveLength(2);
  });

  it('asks again after a 502, as for every read', async () => {
    const fake = await fakeGitLab((_, index) => (index === 0 ? { status: 502 } : projects([])));
    expect(await jobsOf(fake, GROUP)).toEqual([]);
    expect(fake.seen).toHaveLength(2);
  });

  it('keeps its query within what GitLab allows by form', async () => {
    const fake = await fakeGitLab(() => projects([]));
    await gitLabAt(fake).pendingJobs(GROUP);
    const [seen] = fake.seen;
    expect(queryOf(seen)).toContain('projects(includeSubgroups: true, first: 50, after: $after)');
    expect(queryOf(seen)).not.toMatch(/mutation/);
    expect(queryOf(seen).length).toBeLessThan(10_000);
  });
});

describe('of the whole installation', () => {
  const scope = { kind: 'instance' } as const;
  const owned = (id: number, projectId: number) => job(id, { project: { id: `gid://gitlab/Project/${projectId}` } });

  it('reads all pages of one list', async () => {
    const fake = await fakeGitLab((_, index) => (index === 0 ? instance([owned(5, 77), null], MORE) : instance([owned(6, 78), job(7)])));
    expect(await jobsOf(fake, scope)).toEqual([waiting(5), waiting(6, 78)]);
    expect(fake.seen).toHaveLength(2);
  });

  it('stops after 100 pages with the newest jobs, so that a flood does not stop the launching', async () => {
    const fake = await fakeGitLab((_, index) => instance([owned(10_000 - index, 77)], { hasNextPage: true, endCursor: `c${index}` }));
    const { jobs: found, unread, rest } = await gitLabAt(fake).pendingJobs(scope);
    expect([found.length, unread, rest]).toEqual([
      100,
      [{ error: expect.objectContaining({ code: 'too-many-pages' }) }],
      { after: expect.stringMatching(/^c\d+$/) },
    ]);
  });

  it.each([
    { name: 'an administrator: nothing waits', user: { json: { id: 1, is_admin: true } }, found: [] },
    { name: 'a token that may not ask: nothing is proved', user: { status: 403, json: { error: 'insufficient_scope' } }, found: [] },
  ])('believes an empty list to $name', async ({ user, found }) => {
    const fake = await fakeGitLab((seen) => (seen.path === '/api/graphql' ? instance([]) : user));
    expect(await jobsOf(fake, scope)).toEqual(found);
    expect(fake.seen[1]).toMatchObject({ method: 'GET', path: '/api/v4/user' });
  });

  it('is AccessError for anyone else, who gets an empty list whatever waits', async () => {
    const fake = await fakeGitLab((seen) => (seen.path === '/api/graphql' ? instance([]) : { json: { id: 2, username: 'bot' } }));
    expect(await thrownBy(gitLabAt(fake).pendingJobs(scope))).toMatchObject({ name: 'AccessError', code: 'not-administrator' });
  });
});
