import {
  buildSchema,
  type GraphQLObjectType,
  type GraphQLSchema,
  isInterfaceType,
  isObjectType,
  isScalarType,
  valueFromASTUntyped,
} from 'graphql';
import { JOB_STATUSES } from '../model.ts';
import { RESOLVERS } from './resolvers.ts';

const PAGE = 'after: String, first: Int';
const RUNNERS = `${PAGE}, type: CiRunnerType, paused: Boolean, status: CiRunnerStatus, tagList: [String!], search: String, creatorUsername: String`;
const JOBS = `${PAGE}, statuses: [CiJobStatus!]`;
const STATUSES = JOB_STATUSES.join(' ').toUpperCase();
/** CiJob has each of them, too. */
const JOB = `id: JobID name: String status: CiJobStatus tags: [String!] refName: String retried: Boolean
  queuedAt: Time startedAt: Time finishedAt: Time queuedDuration: Duration runner: CiRunner pipeline: PipelineInterface`;

function connection(type: string): string {
  return `type ${type}Connection { nodes: [${type}] count: Int! pageInfo: PageInfo! }`;
}

/**
 * The part of GitLab's schema that an autoscaler needs, with GitLab's own names and types (gitlabhq/gitlabhq: app/graphql/types/ci/,
 * app/graphql/resolvers/ci/). An argument that the sandbox does not honour is left out, so that a query with it is refused.
 */
const TYPES = `
scalar Time
scalar Duration
scalar JobID
scalar CiRunnerID
scalar CiRunnerManagerID

enum CiJobStatus { ${STATUSES} }
enum PipelineStatusEnum { ${STATUSES} }
enum CiRunnerType { INSTANCE_TYPE GROUP_TYPE PROJECT_TYPE }
enum CiRunnerStatus { ONLINE OFFLINE STALE NEVER_CONTACTED }
enum CiRunnerAccessLevel { NOT_PROTECTED REF_PROTECTED }
enum CiRunnerJobExecutionStatus { ACTIVE IDLE }
enum CiRunnerMembershipFilter { DIRECT DESCENDANTS ALL_AVAILABLE }

type Query {
  group(fullPath: ID!): Group
  project(fullPath: ID!): Project
  projects(${PAGE}, ids: [ID!]): ProjectConnection
  runner(id: CiRunnerID!): CiRunner
  runners(${RUNNERS}): CiRunnerConnection
  jobs(${JOBS}, compatibleRunnerId: CiRunnerID): CiJobInterfaceConnection
}

type Group {
  id: ID!
  fullPath: ID!
  name: String!
  projects(${PAGE}, includeSubgroups: Boolean = false): ProjectConnection!
  runners(${RUNNERS}, membership: CiRunnerMembershipFilter = DESCENDANTS): CiRunnerConnection
}

interface ProjectInterface { id: ID fullPath: ID name: String }
type Project implements ProjectInterface {
  id: ID!
  fullPath: ID!
  name: String!
  pipelines(${PAGE}, status: PipelineStatusEnum, ref: String, source: String): PipelineConnection
  jobs(${JOBS}): CiJobInterfaceConnection
  runners(${RUNNERS}): CiRunnerConnection
}

interface PipelineInterface { id: ID iid: String project: ProjectInterface }
type Pipeline implements PipelineInterface {
  id: ID!
  iid: String!
  status: PipelineStatusEnum!
  ref: String
  createdAt: Time!
  project: Project
  jobs(${JOBS}, retried: Boolean): CiJobInterfaceConnection
}

interface CiJobInterface { ${JOB} allowFailure: Boolean createdAt: Time project: ProjectInterface }
type CiJob implements CiJobInterface { ${JOB} allowFailure: Boolean! createdAt: Time! project: Project runnerManager: CiRunnerManager }

type CiRunner {
  id: CiRunnerID!
  description: String
  paused: Boolean!
  locked: Boolean
  runUntagged: Boolean!
  tagList: [String!]
  runnerType: CiRunnerType!
  accessLevel: CiRunnerAccessLevel!
  maximumTimeout: Int
  maintenanceNote: String
  createdAt: Time
  contactedAt: Time
  tokenExpiresAt: Time
  status: CiRunnerStatus!
  jobExecutionStatus: CiRunnerJobExecutionStatus
  jobCount(statuses: [CiJobStatus!]): Int
  jobs(${JOBS}): CiJobInterfaceConnection
  managers(${PAGE}): CiRunnerManagerConnection
}

type CiRunnerManager {
  id: CiRunnerManagerID!
  systemId: String!
  version: String
  createdAt: Time
  contactedAt: Time
  status: CiRunnerStatus!
}

type PageInfo { hasNextPage: Boolean! endCursor: String }
${['Project', 'Pipeline', 'CiJobInterface', 'CiRunner', 'CiRunnerManager'].map(connection).join('\n')}
`;

const IMPLEMENTED_BY: Readonly<Record<string, string>> = {
  ProjectInterface: 'Project',
  PipelineInterface: 'Pipeline',
  CiJobInterface: 'CiJob',
};

export const SCHEMA = withResolvers(buildSchema(TYPES));

/** Throws when a field has no resolver, or a resolver no field. */
function withResolvers(schema: GraphQLSchema): GraphQLSchema {
  for (const type of Object.values(schema.getTypeMap())) {
    if (isObjectType(type) && !type.name.startsWith('__')) resolveFields(type);
    if (isInterfaceType(type)) type.resolveType = () => IMPLEMENTED_BY[type.name];
    if (isScalarType(type) && type.name === 'CiRunnerID') {
      type.parseValue = runnerId;
      type.parseLiteral = (node) => runnerId(valueFromASTUntyped(node));
    }
  }
  return schema;
}

function resolveFields(type: GraphQLObjectType): void {
  const resolvers = RESOLVERS[type.name.endsWith('Connection') ? 'Connection' : type.name] ?? {};
  const fields = type.getFields();
  const [have, want] = [Object.keys(resolvers), Object.keys(fields)].map((names) => names.toSorted().join(' '));
  if (have !== want) throw new Error(`the resolvers of ${type.name} are not those of its fields: ${have}; ${want}`);
  for (const [name, field] of Object.entries(fields)) field.resolve = resolvers[name] as NonNullable<typeof field.resolve>;
}

/** The wording is GitLab's (app/graphql/types/global_id_type.rb). */
function runnerId(value: unknown): unknown {
  if (typeof value === 'string' && /^gid:\/\/gitlab\/Ci::Runner\/\d+$/.test(value)) return value;
  throw new Error(`${JSON.stringify(value)} does not represent an instance of Ci::Runner`);
}
