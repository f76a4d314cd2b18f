import { Jobs, Users } from '@gitbeaker/core';
import pMap from 'p-map';
import * as z from 'zod';
import type { JobView, Scope } from '../app/ports.ts';
import { AccessError, NotFoundError } from '../core/errors.ts';
import type { PendingJob } from '../core/fleet.ts';
import { gid, graphqlJob, jobView, readAnswer, uniqueById, waitingJob } from './answers.ts';
import { connection, queryGraphql, readPages } from './graphql.ts';
import { resourceOptions, type Session } from './requester.ts';

/** 10 000 jobs, far over any pool's limit: the newest are read, and a flood does not stop us from launching. */
const MOST_PAGES = 100;
const PROJECTS_AT_ONCE = 4;

/**
 * Every job of the scope that is pending and has no runner, by the cheapest source that misses none.
 * (A pending job that has a runner is taken: the runner confirms within two minutes.)
 */
export async function pendingJobs(session: Session, scope: Scope): Promise<readonly PendingJob[]> {
  switch (scope.kind) {
    case 'project':
      return uniqueById(await projectJobs(session, scope.path));
    case 'group':
      return uniqueById(await groupJobs(session, scope.path));
    case 'instance':
      return uniqueById(await instanceJobs(session));
  }
}

async function projectJobs(session: Session, project: string | number): Promise<readonly PendingJob[]> {
  const jobs = new Jobs(resourceOptions(session, 'gitlab.jobs'));
  const now = session.now();
  const found = await jobs.all(project, {
    // Spread, because gitbeaker types `scope` as a single value; the API wants a list.
    ...{ 'scope[]': 'pending' },
    pagination: 'keyset',
    orderBy: 'id',
    sort: 'desc',
    perPage: 100,
    maxPages: MOST_PAGES,
  });
  return readAnswer(z.array(jobView(now)), found, `GET /api/v4/projects/${project}/jobs`).flatMap((job) => toPendingJob(job, now));
}

function toPendingJob(job: JobView, now: number): readonly PendingJob[] {
  if (job.status !== 'pending' || job.runnerId !== undefined) return [];
  const { id, projectId, tags, name } = job;
  return [{ id, projectId, tags, queuedAt: job.queuedAt ?? job.createdAt ?? now, ...(name !== undefined && { name }) }];
}

// The list of a project's pipelines leaves child pipelines out unless their source is asked for (gitlabhq/gitlabhq:
// app/finders/ci/pipelines_finder.rb, `no_child`), so those are asked for by themselves, cheaply: where there are any, REST reads the project.
const WAITING = `pageInfo { hasNextPage } nodes {
      jobs(statuses: [PENDING], first: 50) { pageInfo { hasNextPage } nodes { id name status tags queuedAt runner { id } } } }`;
const GROUP_JOBS = `query($path: ID!, $after: String) { group(fullPath: $path) {
  projects(includeSubgroups: true, first: 50, after: $after) { pageInfo { hasNextPage endCursor } nodes { id
    running: pipelines(status: RUNNING, first: 10) { ${WAITING} }
    pending: pipelines(status: PENDING, first: 10) { ${WAITING} }
    runningChildren: pipelines(status: RUNNING, source: "parent_pipeline", first: 1) { nodes { id } }
    pendingChildren: pipelines(status: PENDING, source: "parent_pipeline", first: 1) { nodes { id } } } } } }`;

const groupPipelines = connection(z.object({ jobs: connection(graphqlJob).nullish() })).nullish();
const children = z.object({ nodes: z.array(z.unknown()) }).nullish();
const groupProject = z.object({
  id: gid,
  running: groupPipelines,
  pending: groupPipelines,
  runningChildren: children,
  pendingChildren: children,
});
type GroupProject = z.infer<typeof groupProject>;
const groupAnswer = z.object({ group: z.object({ projects: connection(groupProject) }).nullable() });

async function groupJobs(session: Session, path: string): Promise<readonly PendingJob[]> {
  const { nodes } = await readPages(async (after) => {
    const { group } = await queryGraphql(session, GROUP_JOBS, { path, after }, groupAnswer);
    if (!group) throw new NotFoundError('no-group', `GitLab shows this token no group "${path}"`);
    return group.projects;
  }, MOST_PAGES);
  const projects = nodes.filter((project) => project !== null);
  const lists = await pMap(
    projects,
    (project) => (isWhole(project) ? waitingIn(project, session.now()) : projectJobsIfThere(session, project.id)),
    { concurrency: PROJECTS_AT_ONCE },
  );
  return lists.flat();
}

/** Whether the nested lists hold every pending job of the project. */
function isWhole({ running, pending, runningChildren, pendingChildren }: GroupProject): boolean {
  if (runningChildren?.nodes.length || pendingChildren?.nodes.length) return false;
  return [running, pending].every(
    (pipelines) => !pipelines?.pageInfo.hasNextPage && !pipelines?.nodes.some((pipeline) => pipeline?.jobs?.pageInfo.hasNextPage),
  );
}

function waitingIn({ id, running, pending }: GroupProject, now: number): readonly PendingJob[] {
  return [running, pending]
    .flatMap((pipelines) => pipelines?.nodes ?? [])
    .flatMap((pipeline) => pipeline?.jobs?.nodes ?? [])
    .flatMap((job) => waitingJob(job, id, now));
}

/** A project that was deleted since it was listed has no jobs. */
async function projectJobsIfThere(session: Session, project: number): Promise<readonly PendingJob[]> {
  try {
    return await projectJobs(session, project);
  } catch (error) {
    if (error instanceof NotFoundError) return [];
    throw error;
  }
}

const INSTANCE_JOBS = `query($after: String) { jobs(statuses: [PENDING], first: 100, after: $after) {
  pageInfo { hasNextPage endCursor } nodes { id name status tags queuedAt runner { id } project { id } } } }`;

const instanceAnswer = z.object({ jobs: connection(graphqlJob.extend({ project: z.object({ id: gid }).nullish() })).nullable() });

async function instanceJobs(session: Session): Promise<readonly PendingJob[]> {
  const { nodes } = await readPages(async (after) => {
    const { jobs } = await queryGraphql(session, INSTANCE_JOBS, { after }, instanceAnswer);
    return jobs ?? { pageInfo: { hasNextPage: false }, nodes: [] };
  }, MOST_PAGES);
  if (nodes.length === 0) await demandAdministrator(session);
  return nodes.flatMap((job) => waitingJob(job, job?.project?.id, session.now()));
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
  const user = readAnswer(z.object({ is_admin: z.boolean().nullish() }), found, call);
  if (!user.is_admin) throw new AccessError('not-administrator', `${call}: jobs of the whole installation need an administrator's token`);
}
