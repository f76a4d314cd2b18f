import { Users } from '@gitbeaker/rest';
import * as z from 'zod/mini';
import type { Demand, DemandRest, JobView, Scope, UnreadDemand } from '../app/ports/index.ts';
import { defined } from '../core/defined.ts';
import { AccessError, NotFoundError } from '../core/errors.ts';
import type { PendingJob } from '../core/fleet/types.ts';
import { withTimeLimit } from './deadline.ts';
import { connection, queryGraphql } from './graphql.ts';
import { type Page, type PartialList, readPages } from './pages.ts';
import { isComplete, jobsOf, nestedJobs, pipelines, waitingJobs } from './pending-jobs-by-pipeline.ts';
import { eachProject } from './pending-jobs-by-project.ts';
import { resourceOptions, type Session } from './requester.ts';
import { gid, graphqlJob, jobView, readAnswer, uniqueById, waitingJob } from './schemas.ts';

/** 10 000 jobs, far over any pool's limit. The rest is the next reading's, and a flood does not stop us from launching. */
const MOST_PAGES = 100;
const JOBS_PER_PAGE = 100;

export interface DemandOptions {
  /** For all of it. What is not read by then is left to the next reading. */
  readonly ms: number;
  /** What the last reading of this scope left; asked for only where there is more than one request can hold. */
  readonly resume: () => Promise<DemandRest | undefined>;
}

/**
 * Every job of the scope that is pending and has no runner, by the cheapest source that misses none, as far as it can be read.
 * (A pending job that has a runner is taken: the runner confirms within two minutes.) Throws when nothing can be read.
 */
export async function pendingJobs(session: Session, scope: Scope, options: DemandOptions): Promise<Demand> {
  const { jobs, ...demand } = await withTimeLimit(options.ms, [session.signal], (signal) => read({ ...session, signal }, scope, options));
  return { ...demand, jobs: uniqueById(jobs) };
}

async function read(session: Session, scope: Scope, options: DemandOptions): Promise<Demand> {
  const resume = async () => (await options.resume())?.after;
  switch (scope.kind) {
    case 'project':
      return ofList(await projectJobs(session, scope.path, resume));
    case 'group':
      return await groupJobs(session, scope.path, options);
    case 'instance':
      return ofList(await instanceJobs(session, resume));
  }
}

function ofList({ nodes, rest }: PartialList<PendingJob>): Demand {
  return { jobs: nodes, ...unreadPages(rest) };
}

/** Of pages that are missing nobody knows what stands on them. */
function unreadPages(rest: PartialList<unknown>['rest']): { readonly unread: readonly UnreadDemand[]; readonly rest?: DemandRest } {
  return rest ? { unread: [{ error: rest.failure }], rest: { after: rest.after } } : { unread: [] };
}

const PROJECT_JOBS = { scope: ['pending'], pagination: 'keyset', order_by: 'id', sort: 'desc', per_page: JOBS_PER_PAGE } as const;

async function projectJobs(
  session: Session,
  project: string | number,
  resume?: () => Promise<string | undefined>,
): Promise<PartialList<PendingJob>> {
  const now = session.now();
  const { nodes, rest } = await readPages((after) => projectJobsPage(session, project, after), MOST_PAGES, resume);
  return { nodes: nodes.flatMap((job) => toPendingJob(job, now)), ...defined({ rest }) };
}

/** Page by page, and so not by gitbeaker, which returns all pages of a keyset or none. */
async function projectJobsPage(session: Session, project: string | number, after: string | null): Promise<Page<JobView>> {
  const path = `api/v4/projects/${encodeURIComponent(project)}/jobs`;
  const query = { ...Object.fromEntries(new URLSearchParams(after ?? '')), ...PROJECT_JOBS };
  const { body, headers } = await session.send({ name: 'gitlab.jobs', method: 'GET', path, query, signal: session.signal });
  const nodes = readAnswer(z.array(jobView(session.now())), body, `GET /${path}`);
  return { nodes, pageInfo: nextPage(headers.link) };
}

/** What a keyset's next page is asked for with, whichever of the two ways GitLab goes (doc/api/rest, "Keyset-based pagination"). */
const POSITION = ['cursor', 'id_before', 'id_after'];

/** By the `Link` header, of whose address only the position counts: it may name a host that is not ours. */
function nextPage(link: string | string[] | undefined): Page<never>['pageInfo'] {
  const next = /<[^>?]*\?([^>]*)>\s*;\s*rel="?next"?/.exec([link].flat().join(', '))?.[1];
  if (next === undefined) return { hasNextPage: false };
  const position = new URLSearchParams([...new URLSearchParams(next)].filter(([name]) => POSITION.includes(name)));
  return { hasNextPage: true, endCursor: position.toString() };
}

function toPendingJob(job: JobView, now: number): readonly PendingJob[] {
  if (job.status !== 'pending' || job.runnerId !== undefined) return [];
  const { id, projectId, tags, name } = job;
  return [{ id, projectId, tags, queuedAt: job.queuedAt ?? job.createdAt ?? now, ...defined({ name }) }];
}

const GROUP_JOBS = `query($path: ID!, $after: String) { group(fullPath: $path) {
  projects(includeSubgroups: true, first: 50, after: $after) { pageInfo { hasNextPage endCursor } nodes { id
    running: pipelines(status: RUNNING, first: 10) { ${waitingJobs(50)} }
    pending: pipelines(status: PENDING, first: 10) { ${waitingJobs(50)} }
    runningChildren: pipelines(status: RUNNING, source: "parent_pipeline", first: 1) { nodes { id } }
    pendingChildren: pipelines(status: PENDING, source: "parent_pipeline", first: 1) { nodes { id } } } } } }`;

const children = z.nullish(z.object({ nodes: z.array(z.unknown()) }));
const groupProject = z.object({ id: gid, running: pipelines, pending: pipelines, runningChildren: children, pendingChildren: children });
type GroupProject = z.infer<typeof groupProject>;
const groupAnswer = z.object({ group: z.nullable(z.object({ projects: connection(groupProject) })) });

async function groupJobs(session: Session, path: string, { ms, resume }: DemandOptions): Promise<Demand> {
  let left: Promise<DemandRest | undefined> | undefined;
  const askOnce = () => {
    left ??= resume();
    return left;
  };
  // Half of the time, so that projects which must be read one by one have theirs however many pages there are.
  const listed = await withTimeLimit(ms / 2, [session.signal], (signal) =>
    readPages(
      (after) => projectsPage({ ...session, signal }, path, after),
      MOST_PAGES,
      async () => (await askOnce())?.after,
    ),
  );
  const projects = uniqueById(listed.nodes.filter((project) => project !== null));
  const ids = projects.filter((project) => !isWhole(project)).map(({ id }) => id);
  const nested = await nestedJobs(session, ids, askOnce);
  const large = ids.filter((id) => !nested.whole.has(id));
  const single = await eachProject(session, large, askOnce, (id) => projectJobs(session, id));
  const { unread, rest } = unreadPages(listed.rest);
  return {
    jobs: [...projects.filter(isWhole).flatMap((project) => waitingIn(project, session.now())), ...nested.jobs, ...single.jobs],
    unread: [...unread, ...single.unread],
    ...((rest || single.left.length > 0) && { rest: { ...rest, ...(single.left.length > 0 && { projects: single.left }) } }),
  };
}

async function projectsPage(session: Session, path: string, after: string | null): Promise<Page<GroupProject | null>> {
  const { group } = await queryGraphql(session, GROUP_JOBS, { path, after }, groupAnswer);
  if (!group) throw new NotFoundError('no-group', `GitLab shows this token no group "${path}"`);
  return group.projects;
}

/** Whether the first lists hold every pending job of the project. */
function isWhole({ running, pending, runningChildren, pendingChildren }: GroupProject): boolean {
  if (runningChildren?.nodes.length || pendingChildren?.nodes.length) return false;
  return isComplete(running) && isComplete(pending);
}

function waitingIn({ id, running, pending }: GroupProject, now: number): readonly PendingJob[] {
  return [running, pending].flatMap((list) => jobsOf(list, id, now));
}

const INSTANCE_JOBS = `query($after: String) { jobs(statuses: [PENDING], first: 100, after: $after) {
  pageInfo { hasNextPage endCursor } nodes { id name status tags queuedAt runner { id } project { id } } } }`;

const instanceAnswer = z.object({ jobs: z.nullable(connection(z.extend(graphqlJob, { project: z.nullish(z.object({ id: gid })) }))) });

async function instanceJobs(session: Session, resume: () => Promise<string | undefined>): Promise<PartialList<PendingJob>> {
  const page = async (after: string | null) => {
    const { jobs } = await queryGraphql(session, INSTANCE_JOBS, { after }, instanceAnswer);
    return jobs ?? { pageInfo: { hasNextPage: false }, nodes: [] };
  };
  const { nodes, rest } = await readPages(page, MOST_PAGES, resume);
  if (nodes.length === 0) await demandAdministrator(session);
  return { nodes: nodes.flatMap((job) => waitingJob(job, job?.project?.id, session.now())), ...defined({ rest }) };
}

/** Who is no administrator gets an empty list and no error (app/finders/ci/jobs_finder.rb): a farm that never starts, without a word why. */
async function demandAdministrator(session: Session): Promise<void> {
  const call = 'GET /api/v4/user';
  const users = new Users(resourceOptions(session, 'gitlab.user'));
  const found = await users.showCurrentUser().catch((error: unknown) => {
    // The token's scopes may hide this one answer; that proves nothing.
    if (error instanceof AccessError || error instanceof NotFoundError) return undefined;
    throw error;
  });
  if (found === undefined) return;
  const user = readAnswer(z.object({ is_admin: z.nullish(z.boolean()) }), found, call);
  if (!user.is_admin) throw new AccessError('not-administrator', `${call}: jobs of the whole installation need an administrator's token`);
}
