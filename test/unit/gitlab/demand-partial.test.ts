import { describe, expect, it } from 'vitest';
import type { Demand, DemandRest, UnreadDemand } from '../../../lib/app/ports/index.ts';
import { AccessError, ScalerError, ThrottledError } from '../../../lib/core/errors.ts';
import { fakeGitLab, gitLabAt, type Reply, type Seen, variablesOf } from './fake-gitlab.ts';

const GROUP = { kind: 'group', path: 'farm' } as const;
const INSTANCE = { kind: 'instance' } as const;

/** A project in whose list of pipelines one job waits; with `children` it must be read by REST. */
function project(id: number, { children = false } = {}) {
  const job = { id: `gid://gitlab/Ci::Build/${id}`, status: 'PENDING', tags: ['bb'], queuedAt: null, runner: null };
  const pipelines = (nodes: readonly unknown[]) => ({ pageInfo: { hasNextPage: false }, nodes });
  return {
    id: `gid://gitlab/Project/${id}`,
    running: pipelines(children ? [] : [{ jobs: pipelines([job]) }]),
    pending: pipelines([]),
    runningChildren: { nodes: children ? [{ id: 'gid://gitlab/Ci::Pipeline/1' }] : [] },
    pendingChildren: { nodes: [] },
  };
}

/** Pages of the group's projects, one project on each: the cursor of a page is the last id. */
function pageAfter(seen: Seen, ids: readonly number[], perPage: number, options?: { readonly children: boolean }): Reply {
  const after = Number(Object(variablesOf(seen)).after ?? 0);
  const page = ids.filter((id) => id > after).slice(0, perPage);
  const last = page.at(-1) ?? 0;
  const pageInfo = { hasNextPage: last < (ids.at(-1) ?? 0), endCursor: String(last) };
  return { json: { data: { group: { projects: { pageInfo, nodes: page.map((id) => project(id, options)) } } } } };
}

const restJobs = (id: number): Reply => ({
  json: [{ id, status: 'pending', created_at: '2026-11-23T16:00:00Z', pipeline: { project_id: id }, runner: null, tag_list: ['bb'] }],
});

const ids = ({ jobs }: Demand) => jobs.map(({ id }) => id).sort((a, b) => a - b);
const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);
const projectOf = ({ path }: Seen) => Number(/projects\/(\d+)\/jobs/.exec(path)?.[1]);
const codes = (unread: readonly UnreadDemand[]) => unread.map(({ project: id, error }) => [id, error instanceof ScalerError && error.code]);

describe('a project that cannot be read', () => {
  const WAYS: readonly { readonly name: string; readonly reply: Reply; readonly code: string }[] = [
    { name: 'a 500', reply: { status: 500, json: {} }, code: 'http-500' },
    { name: 'a 403', reply: { status: 403, json: { message: '403 Forbidden' } }, code: 'http-403' },
    { name: 'a 400', reply: { status: 400, json: { error: 'scope is invalid' } }, code: 'http-400' },
    { name: 'a redirect', reply: { status: 302, headers: { location: '/users/sign_in' } }, code: 'redirected' },
    { name: 'what is no list', reply: { json: { message: 'maintenance' } }, code: 'unexpected-answer' },
    { name: 'what is no JSON', reply: { text: '<html>' }, code: 'not-json' },
  ];

  it.each(WAYS)('by $name costs only its own jobs, and is named', async ({ reply, code }) => {
    const fake = await fakeGitLab((seen) => {
      if (seen.path === '/api/graphql') return pageAfter(seen, range(1, 5), 50, { children: true });
      return projectOf(seen) === 3 ? reply : restJobs(projectOf(seen));
    });
    const demand = await gitLabAt(fake).pendingJobs(GROUP);
    expect([ids(demand), codes(demand.unread), demand.rest]).toEqual([[1, 2, 4, 5], [[3, code]], undefined]);
  });

  it('keeps the pages that were read of it', async () => {
    const link = '</x?cursor=a>; rel="next"';
    const fake = await fakeGitLab((seen) => {
      if (seen.path === '/api/graphql') return pageAfter(seen, [7], 50, { children: true });
      return seen.query.has('cursor') ? { status: 500, json: {} } : { ...restJobs(7), headers: { link } };
    });
    const demand = await gitLabAt(fake).pendingJobs(GROUP);
    expect([ids(demand), codes(demand.unread)]).toEqual([[7], [[7, 'http-500']]]);
  });

  it('by a 429 is the last one that is asked for', async () => {
    const fake = await fakeGitLab((seen) =>
      seen.path === '/api/graphql' ? pageAfter(seen, range(1, 40), 50, { children: true }) : { status: 429, json: {} },
    );
    const demand = await gitLabAt(fake).pendingJobs(GROUP);
    expect(fake.seen.length).toBeLessThan(12);
    expect(demand.unread).toHaveLength(40);
    expect(demand.unread.every(({ error }) => error instanceof ThrottledError)).toBe(true);
    // Those that were not asked for come first the next time.
    expect(demand.rest?.projects).toHaveLength(40);
    expect(demand.rest?.projects?.slice(0, 30).every((id) => id > 8)).toBe(true);
  });
});

describe('a page of the list of projects that cannot be read', () => {
  it('keeps those before it, and the next reading goes on there', async () => {
    let broken = true;
    const fake = await fakeGitLab((seen) =>
      broken && Object(variablesOf(seen)).after === '4' ? { status: 403, json: {} } : pageAfter(seen, range(1, 9), 2),
    );
    const first = await gitLabAt(fake).pendingJobs(GROUP);
    expect([ids(first), codes(first.unread), first.rest]).toEqual([range(1, 4), [[undefined, 'http-403']], { after: '4' }]);
    expect(first.unread[0]?.error).toBeInstanceOf(AccessError);

    broken = false;
    fake.seen.length = 0;
    const second = await gitLabAt(fake).pendingJobs(GROUP, { resume: async () => first.rest });
    expect(second).toMatchObject({ unread: [] });
    expect([ids(second), second.rest]).toEqual([range(1, 9), undefined]);
    expect(fake.seen.map((seen) => Object(variablesOf(seen)).after)).toEqual([null, '4', '6', '8', '2']);
  });

  it('is read from the beginning when the cursor has become invalid', async () => {
    const invalid: Reply = { json: { errors: [{ message: 'Invalid cursor' }] } };
    const fake = await fakeGitLab((seen) => (Object(variablesOf(seen)).after === 'old' ? invalid : pageAfter(seen, range(1, 5), 2)));
    const demand = await gitLabAt(fake).pendingJobs(GROUP, { resume: async () => ({ after: 'old' }) });
    expect([ids(demand), demand.unread, demand.rest]).toEqual([range(1, 5), [], undefined]);
  });

  it('asks what was left only where there is more than one page', async () => {
    const fake = await fakeGitLab((seen) => pageAfter(seen, range(1, 5), 50));
    const resume = () => Promise.reject(new Error('asked for'));
    expect(ids(await gitLabAt(fake).pendingJobs(GROUP, { resume }))).toEqual(range(1, 5));
  });
});

it('a page of the installation that cannot be read keeps those before it, and the next reading goes on there', async () => {
  const owned = (id: number) => ({ ...Object(project(id).running.nodes[0]).jobs.nodes[0], project: { id: 'gid://gitlab/Project/9' } });
  let broken = true;
  const fake = await fakeGitLab((seen) => {
    const after = Number(Object(variablesOf(seen)).after ?? 0);
    if (broken && after === 2) return { status: 500, json: {} };
    const pageInfo = { hasNextPage: after < 3, endCursor: String(after + 1) };
    return { json: { data: { jobs: { pageInfo, nodes: [owned(after + 1)] } } } };
  });
  const first = await gitLabAt(fake).pendingJobs(INSTANCE);
  expect([ids(first), codes(first.unread), first.rest]).toEqual([[1, 2], [[undefined, 'http-500']], { after: '2' }]);
  broken = false;
  const second = await gitLabAt(fake).pendingJobs(INSTANCE, { resume: async () => first.rest });
  expect([ids(second), second.unread, second.rest]).toEqual([[1, 2, 3, 4], [], undefined]);
});

describe('more projects than there is time for', () => {
  const ALL = range(1, 340);
  /** Answers that there is time for in one reading. */
  const ENOUGH = 120;
  const AT_ONCE = 8;

  /** Readings that each begin with what the last one left. Time is up when all that is under way gets no answer: beyond `ENOUGH`, or because it hangs. */
  async function read(times: number, hangs: (id: number) => boolean = () => false): Promise<readonly Demand[]> {
    let answered = 0;
    let silent = 0;
    let up = new AbortController();
    const fake = await fakeGitLab((seen) => {
      if (seen.path === '/api/graphql') return pageAfter(seen, ALL, 50, { children: true });
      const id = projectOf(seen);
      if (hangs(id) || answered >= ENOUGH) {
        silent += 1;
        if (silent === AT_ONCE) up.abort();
        return undefined;
      }
      answered += 1;
      return restJobs(id);
    });
    let rest: DemandRest | undefined;
    const found: Demand[] = [];
    for (let i = 0; i < times; i += 1) {
      answered = 0;
      silent = 0;
      up = new AbortController();
      const { signal } = up;
      const demand = await gitLabAt(fake, { deadlineMs: 60_000 }).pendingJobs(GROUP, { signal, resume: async () => rest });
      rest = demand.rest;
      found.push(demand);
    }
    return found;
  }

  it('are read in turn: each reading serves what it reached, and after three each project had its turn', async () => {
    const readings = await read(3);
    for (const { jobs, unread } of readings) expect([jobs.length, unread.length]).toEqual([ENOUGH, 340 - ENOUGH]);
    expect([...new Set(readings.flatMap(ids))].sort((a, b) => a - b)).toEqual(ALL);
  });

  it('are not kept from their turn by some that never answer', async () => {
    // As many as are read at a time: while they are asked nothing else is.
    const hang = (id: number) => id <= AT_ONCE;
    const [first, ...later] = await read(5, hang);
    expect(first?.jobs).toEqual([]);
    expect([...new Set(later.flatMap(ids))].sort((a, b) => a - b)).toEqual(ALL.filter((id) => !hang(id)));
  });

  it('end before the whole call would be cut, so that what was read is not lost', async () => {
    const fake = await fakeGitLab((seen) => {
      if (seen.path === '/api/graphql') return pageAfter(seen, range(1, 3), 50, { children: true });
      return projectOf(seen) === 2 ? undefined : restJobs(projectOf(seen));
    });
    const demand = await gitLabAt(fake, { deadlineMs: 4_000 }).pendingJobs(GROUP);
    expect([ids(demand), codes(demand.unread), demand.rest]).toEqual([[1, 3], [[2, 'deadline']], { projects: [2] }]);
  });
});
