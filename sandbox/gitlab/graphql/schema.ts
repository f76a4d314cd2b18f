import { mayTake } from '../jobs/matching.ts';
import { currentJobs } from '../jobs/pipelines.ts';
import { type Group, isBelow, JOB_STATUSES, type Job, type Pipeline, type Project, type Runner, type RunnerManager } from '../model.ts';
import { cursor, roleOn } from '../rest/access.ts';
import { isoSeconds, runnerStatus } from '../rest/entities.ts';
import {
  filterRunners,
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
import type { Args, FieldDef, Schema, TypeDef } from './run.ts';

const PAGES = { first: 'Int', after: 'String' } as const;
const RUNNERS = {
  ...PAGES,
  type: 'CiRunnerType',
  paused: 'Boolean',
  status: 'CiRunnerStatus',
  tagList: '[String!]',
  search: 'String',
  creatorUsername: 'String',
  sort: 'CiRunnerSort',
} as const;
const JOBS = { ...PAGES, statuses: '[CiJobStatus!]' } as const;

function field<S>(
  resolve: (source: S, args: Args, viewer: Viewer) => unknown,
  rest: Omit<FieldDef<S, Viewer>, 'resolve'> = {},
): FieldDef<S, Viewer> {
  return { ...rest, resolve };
}

const gid = (kind: string, id: number): string => `gid://gitlab/${kind}/${id}`;

const query: TypeDef<object, Viewer> = {
  group: field((_, args, viewer) => visible(viewer.world.groups.get(String(args.fullPath)), viewer, 10), {
    type: 'Group',
    args: { fullPath: 'ID!' },
  }),
  project: field((_, args, viewer) => visible(viewer.world.findProject(String(args.fullPath)), viewer, 10), {
    type: 'Project',
    args: { fullPath: 'ID!' },
  }),
  runner: field((_, args, viewer) => runnerOf(args.id, viewer), { type: 'CiRunner', args: { id: 'CiRunnerID!' } }),
  runners: field(
    (_, args, viewer) => {
      if (!viewer.token?.admin) throw notAvailable();
      return page(filterRunners([...viewer.world.runners.values()], args, viewer), args);
    },
    { type: 'CiRunnerConnection', args: RUNNERS },
  ),
  jobs: field(
    (_, args, viewer) => {
      if (!viewer.token?.admin) return page<Job>([], args);
      const runner = args.compatibleRunnerId === undefined ? undefined : runnerOf(args.compatibleRunnerId, viewer);
      return page(
        withStatus([...viewer.world.jobs.all.values()], args).filter((job) => !runner || mayTake(runner, job)),
        args,
      );
    },
    { type: 'CiJobConnection', args: { ...JOBS, runnerTypes: '[CiRunnerType!]', compatibleRunnerId: 'CiRunnerID' } },
  ),
};

const group: TypeDef<Group, Viewer> = {
  id: field((g) => gid('Group', g.id)),
  fullPath: field((g) => g.path),
  name: field((g) => g.path.slice(g.path.lastIndexOf('/') + 1)),
  projects: field(
    (g, args, viewer) => {
      const inside = [...viewer.world.projects.values()].filter((p) =>
        args.includeSubgroups === true ? isBelow(p.path, g.path) : p.path.slice(0, p.path.lastIndexOf('/')) === g.path,
      );
      return page(
        inside.filter((p) => roleOn(viewer.token, p.path) >= 10),
        args,
      );
    },
    { type: 'ProjectConnection', args: { ...PAGES, includeSubgroups: 'Boolean', search: 'String' } },
  ),
  runners: field(
    (g, args, viewer) => {
      if (roleOn(viewer.token, g.path) < 40) throw notAvailable();
      const all = [...viewer.world.runners.values()].filter((r) => member(r, g, String(args.membership ?? 'DESCENDANTS')));
      return page(filterRunners(all, args, viewer), args);
    },
    { type: 'CiRunnerConnection', args: { ...RUNNERS, membership: 'CiRunnerMembershipFilter' } },
  ),
};

const project: TypeDef<Project, Viewer> = {
  id: field((p) => gid('Project', p.id)),
  fullPath: field((p) => p.path),
  name: field((p) => p.path.slice(p.path.lastIndexOf('/') + 1)),
  pipelines: field(
    (p, args, viewer) => {
      const status = args.status === undefined ? undefined : String(args.status).toLowerCase();
      // Child pipelines are listed only when their source is asked for (gitlabhq: app/finders/ci/pipelines_finder.rb).
      const asked = (source: string) => (args.source === undefined ? source !== 'parent_pipeline' : source === args.source);
      const matches = (one: Pipeline) => asked(one.source) && (status === undefined || one.status === status);
      return page(visible(p, viewer, 20) ? p.pipelines.filter(matches) : [], args);
    },
    { type: 'PipelineConnection', args: { ...PAGES, status: 'PipelineStatusEnum', ref: 'String', source: 'String' } },
  ),
  jobs: field(
    (p, args, viewer) =>
      page(
        visible(p, viewer, 20)
          ? withStatus(
              p.pipelines.flatMap((one) => one.jobs),
              args,
            )
          : [],
        args,
      ),
    {
      type: 'CiJobConnection',
      args: JOBS,
      callLimit: 1,
    },
  ),
  runners: field(
    (p, args, viewer) => {
      if (roleOn(viewer.token, p.path) < 40) throw notAvailable();
      return page(
        filterRunners(
          [...viewer.world.runners.values()].filter((r) => reaches(r, p)),
          args,
          viewer,
        ),
        args,
      );
    },
    { type: 'CiRunnerConnection', args: RUNNERS },
  ),
};

const pipeline: TypeDef<Pipeline, Viewer> = {
  id: field((p) => gid('Ci::Pipeline', p.id)),
  iid: field((p) => String(p.iid)),
  status: field((p) => p.status.toUpperCase()),
  ref: field((p) => p.ref),
  createdAt: field((p) => isoSeconds(p.createdAt)),
  project: field((p) => p.project, { type: 'Project' }),
  jobs: field((p, args) => page(withStatus(args.retried === true ? p.jobs : currentJobs(p), args), args), {
    type: 'CiJobConnection',
    args: { ...JOBS, retried: 'Boolean' },
  }),
};

const job: TypeDef<Job, Viewer> = {
  id: field((j) => gid('Ci::Build', j.id)),
  name: field((j) => j.name),
  status: field((j) => j.status.toUpperCase()),
  tags: field((j) => j.tags),
  refName: field((j) => j.pipeline.ref),
  retried: field((j) => j.retried),
  allowFailure: field((j) => j.spec.allowFailure ?? false),
  createdAt: field((j) => isoSeconds(j.createdAt)),
  queuedAt: field((j) => isoSeconds(j.queuedAt)),
  startedAt: field((j) => isoSeconds(j.startedAt)),
  finishedAt: field((j) => isoSeconds(j.finishedAt)),
  queuedDuration: field((j, _, { now }) => (j.queuedAt === undefined ? null : ((j.startedAt ?? now) - j.queuedAt) / 1000)),
  runner: field((j) => j.runner, { type: 'CiRunner' }),
  runnerManager: field((j) => (j.unconfirmedSince === undefined ? j.manager : null), { type: 'CiRunnerManager' }),
  pipeline: field((j) => j.pipeline, { type: 'Pipeline' }),
  project: field((j) => j.pipeline.project, { type: 'Project' }),
};

const runner: TypeDef<Runner, Viewer> = {
  id: field((r) => gid('Ci::Runner', r.id)),
  description: field((r) => r.description),
  paused: field((r) => r.paused),
  locked: field((r) => r.locked),
  runUntagged: field((r) => r.runUntagged),
  tagList: field((r) => r.tags),
  runnerType: field((r) => r.type.toUpperCase()),
  accessLevel: field((r) => (r.protectedOnly ? 'REF_PROTECTED' : 'NOT_PROTECTED')),
  maximumTimeout: field((r) => r.maximumTimeout),
  maintenanceNote: field((r) => r.maintenanceNote),
  createdAt: field((r) => isoSeconds(r.createdAt)),
  contactedAt: field((r) => isoSeconds(r.contactedAt)),
  tokenExpiresAt: field((r) => isoSeconds(r.tokenExpiresAt)),
  status: field((r, _, { now }) => runnerStatus(r, now).toUpperCase()),
  // Unlike REST, a canceling job counts.
  jobExecutionStatus: field((r) => (r.jobs.some((j) => j.status === 'running' || j.status === 'canceling') ? 'ACTIVE' : 'IDLE')),
  jobCount: field((r, args, viewer) => jobCount(r, args, viewer), { args: { statuses: '[CiJobStatus!]' } }),
  jobs: field(
    (r, args, viewer) =>
      page(
        withStatus(r.jobs, args).filter((j) => visible(j.pipeline.project, viewer, 20)),
        args,
      ),
    {
      type: 'CiJobConnection',
      args: JOBS,
      callLimit: 1,
    },
  ),
  managers: field((r, args) => page([...r.managers.values()], args), { type: 'CiRunnerManagerConnection', args: PAGES }),
};

const manager: TypeDef<RunnerManager, Viewer> = {
  id: field((m) => gid('Ci::RunnerManager', m.id)),
  systemId: field((m) => m.systemId),
  version: field((m) => m.version),
  createdAt: field((m) => isoSeconds(m.createdAt)),
  contactedAt: field((m) => isoSeconds(m.contactedAt)),
  status: field((m, _, { now }) => runnerStatus(m, now).toUpperCase()),
};

function connection<T extends { readonly id: number }>(type: string): TypeDef<Page<T>, Viewer> {
  return {
    nodes: field((p) => p.nodes, { type }),
    count: field((p) => p.count),
    pageInfo: field((p) => p, { type: 'PageInfo' }),
  };
}

const pageInfo: TypeDef<Page<{ readonly id: number }>, Viewer> = {
  hasNextPage: field((p) => p.more),
  endCursor: field((p) => (p.nodes.length > 0 ? cursor(p.nodes.at(-1)?.id ?? 0) : null)),
};

const upper = (values: readonly string[]): readonly string[] => values.map((value) => value.toUpperCase());

/** The part of GitLab's schema that an autoscaler can want (app/graphql/types/ci/). */
export const SCHEMA: Schema<Viewer> = {
  types: {
    Query: query,
    Group: group,
    Project: project,
    Pipeline: pipeline,
    CiJob: job,
    CiRunner: runner,
    CiRunnerManager: manager,
    PageInfo: pageInfo,
    ProjectConnection: connection('Project'),
    PipelineConnection: connection('Pipeline'),
    CiJobConnection: connection('CiJob'),
    CiRunnerConnection: connection('CiRunner'),
    CiRunnerManagerConnection: connection('CiRunnerManager'),
  },
  enums: {
    CiJobStatus: upper(JOB_STATUSES),
    PipelineStatusEnum: upper(JOB_STATUSES),
    CiRunnerType: ['INSTANCE_TYPE', 'GROUP_TYPE', 'PROJECT_TYPE'],
    CiRunnerStatus: ['ONLINE', 'OFFLINE', 'STALE', 'NEVER_CONTACTED'],
    CiRunnerMembershipFilter: ['DIRECT', 'DESCENDANTS', 'ALL_AVAILABLE'],
    CiRunnerSort: ['CREATED_ASC', 'CREATED_DESC'],
  },
};
