import { type EditRunnerOptions, Groups, Projects, Runners, Users } from '@gitbeaker/rest';
import * as z from 'zod/mini';
import type { JobView, NewRunner, RunnerSpec, Scope } from '../app/ports/index.ts';
import { defined } from '../core/defined.ts';
import { AccessError, NotFoundError, UnclearError } from '../core/errors.ts';
import type { Runner } from '../core/fleet/types.ts';
import { connection, queryGraphql } from './graphql.ts';
import { readAllPages } from './pages.ts';
import { resourceOptions, type Session } from './requester.ts';
import { createdRunner, gid, graphqlRunner, identified, jobView, readAnswer, restRunner, uniqueById } from './schemas.ts';

const MOST_PAGES = 100;
const JOBS_PER_PAGE = 100;
/** A thousand jobs in one worker's life are more than any has; GitLab's own count of them ends there, too. */
const MOST_JOB_PAGES = 10;
/** GitLab's limit for a maintenance note. */
const LONGEST_NOTE = 1024;
const FINISHED = new Set(['success', 'failed', 'canceled', 'skipped']);

// `jobCount` is loaded once per alias for the whole page and counts what the token may not read, too (reads: app/graphql/types/ci/runner_type.rb).
const PAGE = `first: 100, after: $after, search: $search) { pageInfo { hasNextPage endCursor } nodes {
  id description paused createdAt contactedAt maintenanceNote tokenExpiresAt
  busy: jobCount(statuses: [PENDING, RUNNING, CANCELING]) done: jobCount(statuses: [SUCCESS, FAILED, CANCELED]) } }`;
const GROUP_RUNNERS = `query($path: ID!, $after: String, $search: String) { group(fullPath: $path) { id runners(membership: DIRECT, type: GROUP_TYPE, ${PAGE} } }`;
const PROJECT_RUNNERS = `query($path: ID!, $after: String, $search: String) { project(fullPath: $path) { id runners(type: PROJECT_TYPE, ${PAGE} } }`;
const INSTANCE_RUNNERS = `query($after: String, $search: String) { runners(type: INSTANCE_TYPE, ${PAGE} }`;

// A runner that is hidden would be a worker without a runner: nodes are not nullable here.
const runnerPage = z.nullish(z.extend(connection(graphqlRunner), { nodes: z.array(graphqlRunner) }));
const owner = z.nullish(z.object({ id: z.optional(gid), runners: runnerPage }));
const runnersAnswer = z.object({ group: owner, project: owner, runners: runnerPage });

export interface RunnerQuery {
  /** Only runners that GitLab's search finds for this. */
  readonly search?: string;
  /** Told the numeric id of the group or project, which comes along with its runners. */
  readonly onOwner?: (id: number) => void;
}

/**
 * Runners of the scope's own kind. Throws when the list cannot be had whole: a worker whose runner is missing looks like an orphan, which is
 * deleted, and like room for another launch.
 */
export async function listRunners(session: Session, scope: Scope, query: RunnerQuery = {}): Promise<readonly Runner[]> {
  return uniqueById(await readAllPages((after) => runnersPage(session, scope, after, query), MOST_PAGES));
}

async function runnersPage(session: Session, scope: Scope, after: string | null, query: RunnerQuery) {
  const { search = null, onOwner } = query;
  if (scope.kind === 'instance') {
    const { runners } = await queryGraphql(session, INSTANCE_RUNNERS, { after, search }, runnersAnswer);
    return visible(runners, 'the whole installation');
  }
  const { kind, path } = scope;
  const text = kind === 'group' ? GROUP_RUNNERS : PROJECT_RUNNERS;
  const found = (await queryGraphql(session, text, { path, after, search }, runnersAnswer))[kind];
  if (!found) throw new NotFoundError(`no-${kind}`, `GitLab shows this token no ${kind} "${path}"`);
  if (found.id !== undefined) onOwner?.(found.id);
  return visible(found.runners, `${kind} "${path}"`);
}

function visible<T>(page: T | null | undefined, whose: string): T {
  if (page) return page;
  throw new AccessError('runners-hidden', `the token may not list the runners of ${whose}`);
}

/** Numeric id of a group or project. */
export async function ownerId(session: Session, scope: Exclude<Scope, { kind: 'instance' }>): Promise<number> {
  const { kind, path } = scope;
  const found =
    kind === 'group'
      ? await new Groups(resourceOptions(session, 'gitlab.group')).show(path, { withProjects: false })
      : await new Projects(resourceOptions(session, 'gitlab.project')).show(path);
  return readAnswer(identified, found, `GET /api/v4/${kind}s/${path}`).id;
}

/** `owner` is the numeric id of the group or project. Sent once, whatever is answered. */
export async function createRunner(session: Session, spec: RunnerSpec, owner: number | undefined): Promise<NewRunner> {
  const { kind } = spec.scope;
  const created = await new Users(resourceOptions(session, 'gitlab.runner-create')).createCIRunner(`${kind}_type`, {
    ...(kind === 'group' && owner !== undefined && { groupId: owner }),
    ...(kind === 'project' && owner !== undefined && { projectId: owner }),
    description: spec.name,
    tagList: [...spec.tags],
    runUntagged: spec.runUntagged,
    accessLevel: spec.protectedOnly ? 'ref_protected' : 'not_protected',
    ...defined({ maximumTimeout: spec.maximumTimeout }),
  });
  const { id, token, token_expires_at } = readAnswer(createdRunner, created, 'POST /api/v4/user/runners');
  return { id, token, ...(typeof token_expires_at === 'number' && { tokenExpiresAt: token_expires_at }) };
}

export async function drainRunner(session: Session, id: number, note: string): Promise<void> {
  // `maintenanceNote` is missing in gitbeaker's type only (lib/api/ci/runners.rb: PUT takes maintenance_note).
  const change: EditRunnerOptions & { readonly maintenanceNote: string } = { paused: true, maintenanceNote: note.slice(0, LONGEST_NOTE) };
  const call = `PUT /api/v4/runners/${id}`;
  const edited = readAnswer(restRunner, await new Runners(resourceOptions(session, 'gitlab.runner-update')).edit(id, change), call);
  if (!edited.paused) throw new UnclearError('not-paused', `${call}: the runner is not paused afterwards`);
}

export async function showRunner(session: Session, id: number): Promise<{ id: number; name: string; paused: boolean }> {
  const shown = await new Runners(resourceOptions(session, 'gitlab.runner')).show(id);
  const { description, paused } = readAnswer(restRunner, shown, `GET /api/v4/runners/${id}`);
  return { id, name: description ?? '', paused };
}

/** One page of the newest: a worker has one job at a time, so what is not finished is at the top. */
export async function unfinishedJobs(session: Session, runnerId: number): Promise<readonly JobView[]> {
  const jobs = await jobsPage(session, runnerId, 1);
  return jobs.filter((job) => !FINISHED.has(job.status));
}

/**
 * Page by page, because the number of jobs is known only when a page is not full; the list does not move under a worker that is gone. All or none: it
 * is written down once, and a part would pass for all.
 */
export async function runnerJobs(
  session: Session,
  runnerId: number,
): Promise<{ readonly jobs: readonly JobView[]; readonly complete: boolean }> {
  const jobs: JobView[] = [];
  for (let page = 1; page <= MOST_JOB_PAGES; page += 1) {
    const found = await jobsPage(session, runnerId, page);
    jobs.push(...found);
    if (found.length < JOBS_PER_PAGE) return { jobs: uniqueById(jobs), complete: true };
  }
  return { jobs: uniqueById(jobs), complete: false };
}

async function jobsPage(session: Session, runnerId: number, page: number): Promise<readonly JobView[]> {
  const asked = { orderBy: 'id', sort: 'desc', perPage: JOBS_PER_PAGE, page } as const;
  const found = await new Runners(resourceOptions(session, 'gitlab.runner-jobs')).allJobs(runnerId, asked);
  const jobs = readAnswer(z.array(jobView(session.now())), found, `GET /api/v4/runners/${runnerId}/jobs`);
  return jobs.map((job) => ({ ...job, runnerId }));
}

export async function deleteRunner(session: Session, id: number): Promise<void> {
  await new Runners(resourceOptions(session, 'gitlab.runner-delete')).remove({ runnerId: id });
}
