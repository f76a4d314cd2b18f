import { GraphQLError, type GraphQLResolveInfo } from 'graphql';
import { mayTake } from '../jobs/matching.ts';
import { type Group, isBelow, type Job, type Pipeline, type Project, type Runner, type RunnerManager } from '../model.ts';
import { cursor, roleOn } from '../rest/access.ts';
import { isoSeconds, runnerStatus } from '../rest/entities.ts';
import {
  type Args,
  filterRunners,
  isGiven,
  jobCount,
  member,
  notAvailable,
  type Page,
  page,
  reaches,
  runnerOf,
  type Viewer,
  visible,
  withStatus,
} from './find.ts';

/** As graphql-js calls it. */
type Resolver<S> = (source: S, args: Args, viewer: Viewer, info: GraphQLResolveInfo) => unknown;
type Resolvers<S> = Readonly<Record<string, Resolver<S>>>;

const gid = (kind: string, id: number): string => `gid://gitlab/${kind}/${id}`;
const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** A field that one request may ask only one object for (gitlabhq: lib/gitlab/graphql/limit/field_call_count.rb). */
function once<S>(resolve: Resolver<S>): Resolver<S> {
  return (source, args, viewer, info) => {
    const name = `${info.parentType.name}.${info.fieldName}`;
    if (viewer.asked.has(name)) {
      throw new GraphQLError(`"${info.fieldName}" field can be requested only for 1 ${info.parentType.name}(s) at a time.`);
    }
    viewer.asked.add(name);
    return resolve(source, args, viewer, info);
  };
}

const query: Resolvers<unknown> = {
  group: (_, args, viewer) => visible(viewer.gitlab.groups.get(String(args.fullPath)), viewer, 10),
  project: (_, args, viewer) => visible(viewer.gitlab.findProject(String(args.fullPath)), viewer, 10),
  projects: (_, args, viewer) => {
    const wanted = Array.isArray(args.ids) ? new Set(args.ids.map(String)) : undefined;
    const all = [...viewer.gitlab.projects.values()].filter((p) => roleOn(viewer.token, p.path) >= 10);
    return page(wanted ? all.filter((p) => wanted.has(gid('Project', p.id))) : all, args);
  },
  runner: (_, args, viewer) => runnerOf(args.id, viewer),
  runners: (_, args, viewer) => {
    if (!viewer.token?.admin) throw notAvailable();
    return page(filterRunners([...viewer.gitlab.runners.values()], args, viewer), args);
  },
  jobs: (_, args, viewer) => {
    const { statuses, compatibleRunnerId: runnerId } = args;
    const pendingOnly = Array.isArray(statuses) && statuses.join() === 'PENDING';
    // app/graphql/resolvers/ci/all_jobs_resolver.rb.
    if (runnerId !== undefined && !pendingOnly) {
      throw new GraphQLError('compatibleRunnerId can only be used when the `statuses` argument is set to "PENDING"');
    }
    if (!viewer.token?.admin) return page<Job>([], args);
    const runner = isGiven(runnerId) ? runnerOf(runnerId, viewer) : undefined;
    const jobs = withStatus([...viewer.gitlab.jobs.all.values()], args);
    return page(runner ? jobs.filter((job) => mayTake(runner, job)) : jobs, args);
  },
};

const group: Resolvers<Group> = {
  id: (g) => gid('Group', g.id),
  fullPath: (g) => g.path,
  name: (g) => nameOf(g.path),
  projects: (g, args, viewer) => {
    const inside = [...viewer.gitlab.projects.values()].filter((p) =>
      args.includeSubgroups === true ? isBelow(p.path, g.path) : p.path.slice(0, p.path.lastIndexOf('/')) === g.path,
    );
    const seen = inside.filter((p) => roleOn(viewer.token, p.path) >= 10);
    return page(seen, args);
  },
  runners: (g, args, viewer) => {
    if (roleOn(viewer.token, g.path) < 40) throw notAvailable();
    const all = [...viewer.gitlab.runners.values()].filter((r) => member(r, g, String(args.membership)));
    return page(filterRunners(all, args, viewer), args);
  },
};

const project: Resolvers<Project> = {
  id: (p) => gid('Project', p.id),
  fullPath: (p) => p.path,
  name: (p) => nameOf(p.path),
  pipelines: (p, args, viewer) => {
    const { status, ref, source } = args;
    const matches = (one: Pipeline) =>
      // Child pipelines are listed only when their source is asked for (gitlabhq: app/finders/ci/pipelines_finder.rb).
      (isGiven(source) ? one.source === source : one.source !== 'parent_pipeline') &&
      (!isGiven(status) || one.status.toUpperCase() === status) &&
      (!isGiven(ref) || one.ref === ref);
    return page(visible(p, viewer, 20) ? p.pipelines.filter(matches) : [], args);
  },
  jobs: once((p, args, viewer) => {
    const jobs = visible(p, viewer, 20) ? p.pipelines.flatMap((one) => one.jobs) : [];
    return page(withStatus(jobs, args), args);
  }),
  runners: (p, args, viewer) => {
    if (roleOn(viewer.token, p.path) < 40) throw notAvailable();
    const all = [...viewer.gitlab.runners.values()].filter((r) => reaches(r, p));
    return page(filterRunners(all, args, viewer), args);
  },
};

const pipeline: Resolvers<Pipeline> = {
  id: (p) => gid('Ci::Pipeline', p.id),
  iid: (p) => String(p.iid),
  status: (p) => p.status.toUpperCase(),
  ref: (p) => p.ref,
  createdAt: (p) => isoSeconds(p.createdAt),
  project: (p) => p.project,
  // Retried jobs alone, current ones alone, or all (app/graphql/resolvers/ci/jobs_resolver.rb).
  jobs: (p, args) => {
    const jobs = isGiven(args.retried) ? p.jobs.filter((j) => j.retried === args.retried) : p.jobs;
    return page(withStatus(jobs, args), args);
  },
};

const job: Resolvers<Job> = {
  id: (j) => gid('Ci::Build', j.id),
  name: (j) => j.name,
  status: (j) => j.status.toUpperCase(),
  tags: (j) => j.tags,
  refName: (j) => j.pipeline.ref,
  retried: (j) => j.retried,
  allowFailure: (j) => j.spec.allowFailure ?? false,
  createdAt: (j) => isoSeconds(j.createdAt),
  queuedAt: (j) => isoSeconds(j.queuedAt),
  startedAt: (j) => isoSeconds(j.startedAt),
  finishedAt: (j) => isoSeconds(j.finishedAt),
  queuedDuration: (j, _, { now }) => (j.queuedAt === undefined ? null : ((j.startedAt ?? now) - j.queuedAt) / 1000),
  runner: (j) => j.runner,
  runnerManager: (j) => (j.unconfirmedSince === undefined ? j.manager : null),
  pipeline: (j) => j.pipeline,
  project: (j) => j.pipeline.project,
};

const runner: Resolvers<Runner> = {
  id: (r) => gid('Ci::Runner', r.id),
  description: (r) => r.description,
  paused: (r) => r.paused,
  locked: (r) => r.locked,
  runUntagged: (r) => r.runUntagged,
  tagList: (r) => r.tags,
  runnerType: (r) => r.type.toUpperCase(),
  accessLevel: (r) => (r.protectedOnly ? 'REF_PROTECTED' : 'NOT_PROTECTED'),
  maximumTimeout: (r) => r.maximumTimeout,
  maintenanceNote: (r) => r.maintenanceNote,
  createdAt: (r) => isoSeconds(r.createdAt),
  contactedAt: (r) => isoSeconds(r.contactedAt),
  tokenExpiresAt: (r) => isoSeconds(r.tokenExpiresAt),
  status: (r, _, { now }) => runnerStatus(r, now).toUpperCase(),
  // Unlike REST, a canceling job counts.
  jobExecutionStatus: (r) => (r.jobs.some((j) => j.status === 'running' || j.status === 'canceling') ? 'ACTIVE' : 'IDLE'),
  jobCount: (r, args, viewer) => jobCount(r, args, viewer),
  jobs: once((r, args, viewer) => {
    const seen = withStatus(r.jobs, args).filter((j) => visible(j.pipeline.project, viewer, 20));
    return page(seen, args);
  }),
  managers: (r, args) => page([...r.managers.values()], args),
};

const manager: Resolvers<RunnerManager> = {
  id: (m) => gid('Ci::RunnerManager', m.id),
  systemId: (m) => m.systemId,
  version: (m) => m.version,
  createdAt: (m) => isoSeconds(m.createdAt),
  contactedAt: (m) => isoSeconds(m.contactedAt),
  status: (m, _, { now }) => runnerStatus(m, now).toUpperCase(),
};

type AnyPage = Page<{ readonly id: number }>;
const connection: Resolvers<AnyPage> = { nodes: (p) => p.nodes, count: (p) => p.count, pageInfo: (p) => p };
const pageInfo: Resolvers<AnyPage> = {
  hasNextPage: (p) => p.more,
  endCursor: (p) => (p.nodes.length > 0 ? cursor(p.nodes.at(-1)?.id ?? 0) : null),
};

/** By the name of the type; all connections are alike. */
export const RESOLVERS: Readonly<Record<string, Resolvers<never>>> = {
  Query: query,
  Group: group,
  Project: project,
  Pipeline: pipeline,
  CiJob: job,
  CiRunner: runner,
  CiRunnerManager: manager,
  Connection: connection,
  PageInfo: pageInfo,
};
