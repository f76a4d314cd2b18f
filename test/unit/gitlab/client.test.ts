import { describe, expect, it } from 'vitest';
import type { RunnerSpec, Scope } from '../../../lib/app/ports/index.ts';
import { AccessError, ConfigError, NotFoundError, ThrottledError, UnclearError } from '../../../lib/core/errors.ts';
import { fakeGitLab, gitLabAt, NOW, queryOf, type Reply, thrownBy, variablesOf } from './fake-gitlab.ts';

const GROUP: Scope = { kind: 'group', path: 'farm/layers' };
const PROJECT: Scope = { kind: 'project', path: 'farm/layers/meta' };
const INSTANCE: Scope = { kind: 'instance' };
const LAST = { hasNextPage: false, endCursor: null };

const node = (id: number, changes: object = {}) => ({
  id: `gid://gitlab/Ci::Runner/${id}`,
  description: `bb-${id}`,
  paused: false,
  createdAt: '2026-11-23T16:00:00Z',
  contactedAt: null,
  maintenanceNote: null,
  tokenExpiresAt: null,
  busy: 0,
  done: 0,
  ...changes,
});
const page = (kind: Scope['kind'], nodes: readonly unknown[], pageInfo: object = LAST): Reply => {
  const runners = { runners: { pageInfo, nodes } };
  return { json: { data: kind === 'instance' ? runners : { [kind]: runners } } };
};
const CREATED = Date.parse('2026-11-23T16:00:00Z');

describe('runners', () => {
  it.each([
    { scope: GROUP, asked: 'group(fullPath: $path) { id runners(membership: DIRECT, type: GROUP_TYPE, first: 100', path: 'farm/layers' },
    { scope: PROJECT, asked: 'project(fullPath: $path) { id runners(type: PROJECT_TYPE, first: 100', path: 'farm/layers/meta' },
    { scope: INSTANCE, asked: '{ runners(type: INSTANCE_TYPE, first: 100', path: undefined },
  ])('of a $scope.kind, of its own kind only', async ({ scope, asked, path }) => {
    const fake = await fakeGitLab(() => page(scope.kind, [node(1)]));
    expect(await gitLabAt(fake).runners(scope)).toEqual([{ id: 1, name: 'bb-1', paused: false, createdAt: CREATED, busy: 0, done: 0 }]);
    const [seen] = fake.seen;
    expect(queryOf(seen)).toContain(asked);
    expect(queryOf(seen)).toContain('busy: jobCount(statuses: [PENDING, RUNNING, CANCELING])');
    expect(variablesOf(seen)).toEqual({ ...(path && { path }), after: null, search: null });
  });

  it('reads contact, counts and note', async () => {
    const drained = {
      paused: true,
      contactedAt: '2026-11-23T16:01:00Z',
      busy: 1,
      done: 3,
      maintenanceNote: 'draining since …',
      tokenExpiresAt: '2026-11-23T18:00:00Z',
    };
    const fake = await fakeGitLab(() => page('group', [node(2, drained), node(3, { description: null })]));
    expect(await gitLabAt(fake).runners(GROUP)).toMatchObject([
      {
        id: 2,
        paused: true,
        contactedAt: CREATED + 60_000,
        busy: 1,
        done: 3,
        note: 'draining since …',
        tokenExpiresAt: Date.parse('2026-11-23T18:00:00Z'),
      },
      { id: 3, name: '' },
    ]);
  });

  it('reads all pages, one request each, and counts a runner once', async () => {
    const many = Array.from({ length: 100 }, (_, index) => node(index + 1));
    const fake = await fakeGitLab((_, index) =>
      index === 0 ? page('group', many, { hasNextPage: true, endCursor: 'c' }) : page('group', [node(100), node(101)]),
    );
    expect(await gitLabAt(fake).runners(GROUP)).toHaveLength(101);
    expect(fake.seen).toHaveLength(2);
  });

  it.each([
    { name: 'a group that the token cannot see', reply: { json: { data: { group: null } } }, type: NotFoundError },
    { name: 'a list that it may not see', reply: { json: { data: { group: { runners: null } } } }, type: AccessError },
    { name: 'a runner that it may not see', reply: page('group', [node(1), null]), type: UnclearError },
    { name: 'a runner without its busy count', reply: page('group', [node(1, { busy: null })]), type: UnclearError },
    { name: 'a time that is none', reply: page('group', [node(1, { createdAt: 'today' })]), type: UnclearError },
    {
      name: 'a GitLab before 16.2',
      reply: { json: { errors: [{ message: "Field 'jobCount' doesn't accept argument 'statuses'" }] } },
      type: ConfigError,
    },
  ])('refuses a list with $name: half a list would look like vanished workers', async ({ reply, type }) => {
    const fake = await fakeGitLab(() => reply);
    expect(await thrownBy(gitLabAt(fake).runners(GROUP))).toBeInstanceOf(type);
  });

  it('refuses a list that does not end', async () => {
    const fake = await fakeGitLab((_, index) => page('group', [node(index + 1)], { hasNextPage: true, endCursor: `c${index}` }));
    expect(await thrownBy(gitLabAt(fake).runners(GROUP))).toMatchObject({ name: 'UnclearError', code: 'too-many-pages' });
  });

  it('are found by their exact description', async () => {
    const fake = await fakeGitLab(() =>
      page('group', [node(1), node(10), node(11, { description: 'bb-1' }), node(12, { description: 'BB-1' })]),
    );
    expect((await gitLabAt(fake).findRunners(GROUP, 'bb-1')).map(({ id }) => id)).toEqual([1, 11]);
    expect(variablesOf(fake.seen[0])).toMatchObject({ search: 'bb-1' });
  });
});

describe('creating a runner', () => {
  const spec: RunnerSpec = { scope: GROUP, name: 'bb-1', tags: ['bb', 'kvm'], runUntagged: false, protectedOnly: false };
  const created: Reply = { status: 201, json: { id: 31, token: 'glrt-t2_made.up', token_expires_at: null } };
  const server = (answer: Reply = created) =>
    fakeGitLab((seen) => (seen.method === 'POST' ? answer : { json: { id: 12, full_path: 'x' } }));

  it.each([
    { scope: GROUP, asked: ['GET /api/v4/groups/farm%2Flayers'], body: { runner_type: 'group_type', group_id: 12 } },
    { scope: PROJECT, asked: ['GET /api/v4/projects/farm%2Flayers%2Fmeta'], body: { runner_type: 'project_type', project_id: 12 } },
    { scope: INSTANCE, asked: [], body: { runner_type: 'instance_type' } },
  ])('of a $scope.kind', async ({ scope, asked, body }) => {
    const fake = await server();
    expect(await gitLabAt(fake).createRunner({ ...spec, scope })).toEqual({ id: 31, token: 'glrt-t2_made.up' });
    expect(fake.seen.map(({ method, path }) => `${method} ${path}`)).toEqual([...asked, 'POST /api/v4/user/runners']);
    expect(fake.seen.at(-1)?.body).toEqual({
      ...body,
      description: 'bb-1',
      tag_list: ['bb', 'kvm'],
      run_untagged: false,
      access_level: 'not_protected',
    });
  });

  it('sends what is set otherwise', async () => {
    const fake = await server();
    await gitLabAt(fake).createRunner({ ...spec, scope: INSTANCE, runUntagged: true, protectedOnly: true, maximumTimeout: 7200 });
    expect(fake.seen[0]?.body).toMatchObject({ run_untagged: true, access_level: 'ref_protected', maximum_timeout: 7200 });
  });

  it('asks for the id of the group once, also for launches at the same time', async () => {
    const fake = await server();
    const gitlab = gitLabAt(fake);
    await Promise.all([gitlab.createRunner(spec), gitlab.createRunner({ ...spec, name: 'bb-2' })]);
    await gitlab.createRunner({ ...spec, name: 'bb-3' });
    expect(fake.seen.filter(({ method }) => method === 'GET')).toHaveLength(1);
    expect(fake.seen.filter(({ method }) => method === 'POST')).toHaveLength(3);
  });

  it('tells when its token ends, where tokens end', async () => {
    const fake = await server({ status: 201, json: { id: 31, token: 'glrt-x', token_expires_at: '2026-11-23T18:00:00.000Z' } });
    const made = await gitLabAt(fake).createRunner({ ...spec, scope: INSTANCE });
    expect(made).toEqual({ id: 31, token: 'glrt-x', tokenExpiresAt: Date.parse('2026-11-23T18:00:00Z') });
  });

  it('does not ask for the id that came with the list of runners', async () => {
    const page = { pageInfo: { hasNextPage: false, endCursor: null }, nodes: [] };
    const fake = await fakeGitLab((seen) =>
      seen.path === '/api/graphql' ? { json: { data: { group: { id: 'gid://gitlab/Group/12', runners: page } } } } : created,
    );
    const gitlab = gitLabAt(fake);
    await gitlab.runners(GROUP);
    await gitlab.createRunner({ ...spec, scope: GROUP });
    expect(fake.seen.map(({ path }) => path)).toEqual(['/api/graphql', '/api/v4/user/runners']);
    expect(fake.seen[1]?.body).toMatchObject({ group_id: 12 });
  });

  it('asks for it again when that failed, and creates nothing until then', async () => {
    const fake = await fakeGitLab((seen, index) => {
      if (index === 0) return { status: 404, json: { message: '404 Group Not Found' } };
      return seen.method === 'POST' ? created : { json: { id: 12 } };
    });
    const gitlab = gitLabAt(fake);
    expect(await thrownBy(gitlab.createRunner(spec))).toBeInstanceOf(NotFoundError);
    expect(await gitlab.createRunner(spec)).toMatchObject({ id: 31 });
    expect(fake.seen.map(({ method }) => method)).toEqual(['GET', 'GET', 'POST']);
  });

  it.each([
    { name: '502', answer: { status: 502, text: 'Bad Gateway' }, type: UnclearError },
    { name: '500', answer: { status: 500, json: {} }, type: UnclearError },
    { name: '429', answer: { status: 429, headers: { 'retry-after': '1' } }, type: ThrottledError },
    { name: 'a token that is missing in the answer', answer: { status: 201, json: { id: 31 } }, type: UnclearError },
    { name: 'an empty answer', answer: { status: 201 }, type: UnclearError },
    {
      name: 'the limit of runners',
      answer: { status: 400, json: { message: 'Maximum number of runners (50) exceeded' } },
      type: ConfigError,
    },
    { name: 'a missing scope', answer: { status: 403, json: { error: 'insufficient_scope' } }, type: AccessError },
  ])('is tried exactly once, whatever happens: $name', async ({ answer, type }) => {
    const fake = await server(answer);
    expect(await thrownBy(gitLabAt(fake).createRunner({ ...spec, scope: INSTANCE }))).toBeInstanceOf(type);
    expect(fake.seen).toHaveLength(1);
  });
});

describe('draining', () => {
  it('pauses and writes the note in one call', async () => {
    const fake = await fakeGitLab(() => ({ json: { id: 31, description: 'bb-1', paused: true, active: false } }));
    await gitLabAt(fake).drainRunner(31, 'draining since 2026-11-23T16:05:00Z: idle');
    expect(fake.seen).toMatchObject([
      { method: 'PUT', path: '/api/v4/runners/31', body: { paused: true, maintenance_note: 'draining since 2026-11-23T16:05:00Z: idle' } },
    ]);
  });

  it("cuts a note at GitLab's limit rather than have the drain refused", async () => {
    const fake = await fakeGitLab(() => ({ json: { id: 31, paused: true } }));
    await gitLabAt(fake).drainRunner(31, 'n'.repeat(2000));
    expect(fake.seen[0]?.body).toMatchObject({ maintenance_note: 'n'.repeat(1024) });
  });

  it.each([
    { name: 'a runner that is not paused afterwards', reply: { json: { id: 31, paused: false } }, type: UnclearError },
    { name: 'a cut answer', reply: { text: '{"id":31,"pau' }, type: UnclearError },
    { name: 'a runner that is gone', reply: { status: 404, json: { message: '404 Not found' } }, type: NotFoundError },
    { name: '502, once', reply: { status: 502 }, type: UnclearError },
  ])('says $name', async ({ reply, type }) => {
    const fake = await fakeGitLab(() => reply);
    expect(await thrownBy(gitLabAt(fake).drainRunner(31, 'note'))).toBeInstanceOf(type);
    expect(fake.seen).toHaveLength(1);
  });
});

describe('one runner', () => {
  it('is shown', async () => {
    const fake = await fakeGitLab(() => ({ json: { id: 31, description: 'bb-1', paused: true, token: 'never read' } }));
    expect(await gitLabAt(fake).runner(31)).toEqual({ id: 31, name: 'bb-1', paused: true });
    expect(fake.seen).toMatchObject([{ method: 'GET', path: '/api/v4/runners/31' }]);
  });

  it('is undefined on 404, and on nothing else', async () => {
    const fake = await fakeGitLab((_, index) =>
      index === 0 ? { status: 404, json: { message: '404 Not found' } } : { status: 403, json: {} },
    );
    expect(await gitLabAt(fake).runner(31)).toBeUndefined();
    expect(await thrownBy(gitLabAt(fake).runner(31))).toBeInstanceOf(AccessError);
  });

  it.each([
    { name: '500', reply: { status: 500, json: {} } },
    { name: 'an empty object', reply: { json: {} } },
    { name: 'nothing', reply: { status: 204 } },
  ])('is not undefined on $name', async ({ reply }) => {
    const fake = await fakeGitLab(() => reply);
    expect(await thrownBy(gitLabAt(fake).runner(31))).toBeInstanceOf(UnclearError);
  });

  it.each([
    { name: '204', reply: { status: 204 } },
    { name: '404, as it is gone already', reply: { status: 404, json: { message: '404 Not found' } } },
  ])('is deleted on $name', async ({ reply }) => {
    const fake = await fakeGitLab(() => reply);
    expect(await gitLabAt(fake).deleteRunner(31)).toBeUndefined();
    expect(fake.seen).toMatchObject([{ method: 'DELETE', path: '/api/v4/runners/31', body: undefined }]);
  });

  it.each([
    { name: '403', reply: { status: 403, json: { message: '403 Forbidden' } }, type: AccessError },
    { name: '502', reply: { status: 502 }, type: UnclearError },
  ])('is not deleted on $name', async ({ reply, type }) => {
    const fake = await fakeGitLab(() => reply);
    expect(await thrownBy(gitLabAt(fake).deleteRunner(31))).toBeInstanceOf(type);
    expect(fake.seen).toHaveLength(1);
  });
});

describe('jobs', () => {
  const job = (id: number, status: string, changes: object = {}) => ({
    id,
    status,
    name: 'image',
    tag_list: ['bb'],
    created_at: '2026-11-23T16:00:00.000Z',
    started_at: null,
    finished_at: null,
    queued_duration: null,
    pipeline: { id: 1, project_id: 77 },
    runner: { id: 31 },
    ...changes,
  });

  it('of a runner that are not finished, from one page of the newest', async () => {
    const statuses = ['pending', 'running', 'canceling', 'a_new_status', 'success', 'failed', 'canceled', 'skipped'];
    const link = '</api/v4/runners/31/jobs?page=2&per_page=100>; rel="next"';
    const fake = await fakeGitLab(() => ({ json: statuses.map((status, index) => job(100 - index, status)), headers: { link } }));
    const found = await gitLabAt(fake).unfinishedJobs(31);
    expect(found.map(({ status }) => status)).toEqual(['pending', 'running', 'canceling', 'a_new_status']);
    expect(fake.seen).toHaveLength(1);
    expect(fake.seen[0]?.path).toBe('/api/v4/runners/31/jobs');
    expect(Object.fromEntries(fake.seen[0]?.query ?? [])).toEqual({ order_by: 'id', sort: 'desc', per_page: '100', page: '1' });
  });

  it('of a runner, whose entity has a project of its own and no runner', async () => {
    const fake = await fakeGitLab(() => ({ json: [job(5, 'running', { pipeline: undefined, runner: undefined, project: { id: 78 } })] }));
    expect(await gitLabAt(fake).unfinishedJobs(31)).toMatchObject([{ id: 5, projectId: 78, runnerId: 31 }]);
  });

  it.each([
    { name: '404: that proves no idleness', reply: { status: 404, json: {} }, type: NotFoundError },
    { name: 'no list', reply: { json: { id: 1 } }, type: UnclearError },
    { name: 'one entry that cannot be read', reply: { json: [job(5, 'success'), { id: 6 }] }, type: UnclearError },
  ])('of a runner cannot be had: $name', async ({ reply, type }) => {
    const fake = await fakeGitLab(() => reply);
    expect(await thrownBy(gitLabAt(fake).unfinishedJobs(31))).toBeInstanceOf(type);
  });

  const page = (from: number, count: number) =>
    Array.from({ length: count }, (_, i) => job(from - i, 'success', { project: { id: 77, path_with_namespace: 'farm/layers' } }));

  it('that a runner ever had, page by page, each once, with the path of its project', async () => {
    // The list moved by one between the pages.
    const pages = [page(300, 100), page(201, 100), page(101, 3)];
    const fake = await fakeGitLab(({ query }) => ({ json: pages[Number(query.get('page')) - 1] ?? [] }));
    const { jobs, complete } = await gitLabAt(fake).runnerJobs(31);
    expect(jobs.map(({ id }) => id)).toEqual(Array.from({ length: 202 }, (_, i) => 300 - i));
    expect(jobs[0]).toMatchObject({ id: 300, project: 'farm/layers', projectId: 77, runnerId: 31, createdAt: CREATED });
    expect([complete, fake.seen.map(({ query }) => query.get('page'))]).toEqual([true, ['1', '2', '3']]);
  });

  it('that a runner ever had are read up to a thousand', async () => {
    const fake = await fakeGitLab(({ query }) => ({ json: page(5_000 - 100 * Number(query.get('page')), 100) }));
    const { jobs, complete } = await gitLabAt(fake).runnerJobs(31);
    expect([jobs.length, complete, fake.seen.length]).toEqual([1_000, false, 10]);
  });

  it('that a runner ever had cannot be had in part', async () => {
    const fake = await fakeGitLab(({ query }) => (query.get('page') === '1' ? { json: page(300, 100) } : { status: 403, json: {} }));
    expect(await thrownBy(gitLabAt(fake).runnerJobs(31))).toBeInstanceOf(AccessError);
  });

  it('by number, with all times', async () => {
    const times = { started_at: '2026-11-23T16:01:00.000Z', finished_at: '2026-11-23T17:02:00.000+01:00', queued_duration: 45.5 };
    const fake = await fakeGitLab(() => ({ json: job(5, 'success', times) }));
    expect(await gitLabAt(fake).job('farm/layers', 5)).toEqual({
      id: 5,
      projectId: 77,
      status: 'success',
      name: 'image',
      tags: ['bb'],
      runnerId: 31,
      createdAt: CREATED,
      queuedAt: CREATED + 60_000 - 45_500,
      startedAt: CREATED + 60_000,
      finishedAt: CREATED + 120_000,
    });
    expect(fake.seen[0]?.path).toBe('/api/v4/projects/farm%2Flayers/jobs/5');
  });

  it('by number, unknown', async () => {
    const fake = await fakeGitLab(() => ({ status: 404, json: { message: '404 Not found' } }));
    expect(await gitLabAt(fake).job(77, 5)).toBeUndefined();
    expect(fake.seen[0]?.path).toBe('/api/v4/projects/77/jobs/5');
  });
});

describe('ends early', () => {
  const silent = () => fakeGitLab(() => undefined);

  it('at its deadline', async () => {
    const error = await thrownBy(gitLabAt(await silent(), { deadlineMs: 50 }).runners(GROUP));
    expect(error).toMatchObject({ name: 'UnclearError', code: 'deadline' });
  });

  it.each([
    { name: 'the signal of the call', own: true },
    { name: "the object's signal", own: false },
  ])('by $name', async ({ own }) => {
    const controller = new AbortController();
    const fake = await fakeGitLab(() => {
      controller.abort();
      return undefined;
    });
    const gitlab = own ? gitLabAt(fake) : gitLabAt(fake, { signal: controller.signal });
    const error = await thrownBy(gitlab.runners(GROUP, own ? { signal: controller.signal } : {}));
    expect(error).toMatchObject({ name: 'UnclearError', code: 'aborted' });
    expect(fake.seen).toHaveLength(1);
  });

  it('before it began: nothing is sent', async () => {
    const fake = await silent();
    const call = gitLabAt(fake).drainRunner(31, 'note', { signal: AbortSignal.abort() });
    expect(await thrownBy(call)).toMatchObject({ code: 'aborted' });
    expect(fake.seen).toEqual([]);
  });
});

it('uses the clock that it was given for what is relative to now', async () => {
  const fake = await fakeGitLab(() => ({ status: 429, headers: { 'retry-after': new Date(NOW + 90_000).toUTCString() } }));
  expect(await thrownBy(gitLabAt(fake).runners(INSTANCE))).toMatchObject({ retryAfterMs: 90_000 });
});
