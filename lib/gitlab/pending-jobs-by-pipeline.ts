import pMap from 'p-map';
import * as z from 'zod/mini';
import type { DemandRest } from '../app/ports/index.ts';
import type { PendingJob } from '../core/fleet/types.ts';
import { connection, queryGraphql } from './graphql.ts';
import type { Session } from './requester.ts';
import { gid, graphqlJob, waitingJob } from './schemas.ts';

/** GraphQL text: pending jobs, this many of each pipeline at most. */
export function waitingJobs(first: number): string {
  return `pageInfo { hasNextPage } nodes {
      jobs(statuses: [PENDING], first: ${first}) { pageInfo { hasNextPage } nodes { id name status tags queuedAt runner { id } } } }`;
}

export const pipelines = z.nullish(connection(z.object({ jobs: z.nullish(connection(graphqlJob)) })));
type Pipelines = z.infer<typeof pipelines>;

/** Whether the lists hold every pending job of these pipelines. */
export function isComplete(list: Pipelines): boolean {
  return !list?.pageInfo.hasNextPage && !list?.nodes.some((pipeline) => pipeline?.jobs?.pageInfo.hasNextPage);
}

export function jobsOf(list: Pipelines, projectId: number, now: number): readonly PendingJob[] {
  return (list?.nodes ?? []).flatMap((pipeline) => pipeline?.jobs?.nodes ?? []).flatMap((job) => waitingJob(job, projectId, now));
}

/**
 * A list of pipelines has no child pipelines unless their source is asked for (gitlabhq/gitlabhq: app/finders/ci/pipelines_finder.rb, `no_child`).
 * By GitLab's rules (app/graphql/types/base_field.rb, app/graphql/resolvers/base_resolver.rb: each item of a list adds 1 %) its complexity is
 * about 180 of the 250 that a token may ask for.
 */
const PROJECTS_JOBS = `query($ids: [ID!]) { projects(ids: $ids, first: 20) { nodes { id
    running: pipelines(status: RUNNING, first: 50) { ${waitingJobs(100)} }
    pending: pipelines(status: PENDING, first: 50) { ${waitingJobs(100)} }
    runningChildren: pipelines(status: RUNNING, source: "parent_pipeline", first: 50) { ${waitingJobs(100)} }
    pendingChildren: pipelines(status: PENDING, source: "parent_pipeline", first: 50) { ${waitingJobs(100)} } } } }`;
const PROJECTS_PER_QUERY = 20;
const QUERIES_AT_ONCE = 4;

const project = z.object({ id: gid, running: pipelines, pending: pipelines, runningChildren: pipelines, pendingChildren: pipelines });
const answer = z.object({ projects: z.nullish(z.object({ nodes: z.array(z.nullable(project)) })) });

export interface NestedJobs {
  readonly jobs: readonly PendingJob[];
  /** Projects of which `jobs` has every pending job. */
  readonly whole: ReadonlySet<number>;
}

/**
 * The pending jobs of projects with child pipelines or many others, twenty projects a request, in the order in which the last reading left them.
 * Never throws: a project that cannot be read this way, or not whole, is not in `whole` and must be read by itself.
 */
export async function nestedJobs(
  session: Session,
  ids: readonly number[],
  resume: () => Promise<DemandRest | undefined>,
): Promise<NestedJobs> {
  const left = ids.length > PROJECTS_PER_QUERY * QUERIES_AT_ONCE ? ((await resume())?.projects ?? []) : [];
  const wanted = new Set(ids);
  const inTurn = [...new Set([...left.filter((id) => wanted.has(id)), ...ids])];
  const batches = Array.from({ length: Math.ceil(inTurn.length / PROJECTS_PER_QUERY) }, (_, i) =>
    inTurn.slice(i * PROJECTS_PER_QUERY, (i + 1) * PROJECTS_PER_QUERY),
  );
  let failed = false;
  const read = async (batch: readonly number[]): Promise<NestedJobs> => {
    if (failed || session.signal.aborted) return NONE;
    try {
      return await readBatch(session, batch);
    } catch {
      // What it is that fails shows when the projects are read one by one.
      failed = true;
      return NONE;
    }
  };
  const all = await pMap(batches, read, { concurrency: QUERIES_AT_ONCE });
  return { jobs: all.flatMap(({ jobs }) => jobs), whole: new Set(all.flatMap(({ whole }) => [...whole])) };
}

const NONE: NestedJobs = { jobs: [], whole: new Set() };

async function readBatch(session: Session, batch: readonly number[]): Promise<NestedJobs> {
  const ids = batch.map((id) => `gid://gitlab/Project/${id}`);
  const { projects } = await queryGraphql(session, PROJECTS_JOBS, { ids }, answer);
  const jobs: PendingJob[] = [];
  const whole = new Set<number>();
  for (const found of projects?.nodes ?? []) {
    if (!found) continue;
    const lists = [found.running, found.pending, found.runningChildren, found.pendingChildren];
    if (!lists.every(isComplete)) continue;
    whole.add(found.id);
    jobs.push(...lists.flatMap((list) => jobsOf(list, found.id, session.now())));
  }
  return { jobs, whole };
}
