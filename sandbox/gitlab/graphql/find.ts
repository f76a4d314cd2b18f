import { GraphQLError } from 'graphql';
import { type AccessToken, type Group, isBelow, type Job, type Project, type Runner } from '../model.ts';
import { readCursor, roleOn } from '../rest/access.ts';
import { runnerStatus } from '../rest/entities.ts';
import type { GitLabState } from '../state.ts';

export interface Viewer {
  readonly gitlab: GitLabState;
  readonly token: AccessToken | undefined;
  readonly now: number;
  /** Fields that one request may ask only one object for, as far as this one has asked for them. */
  readonly asked: Set<string>;
}

/** As graphql-js reads them: by name, and checked against the schema. */
export type Args = Readonly<Record<string, unknown>>;

export interface Page<T> {
  readonly nodes: readonly T[];
  readonly count: number;
  readonly more: boolean;
}

const MAX_PAGE = 100;
/** app/graphql/resolvers/ci/runner_job_count_resolver.rb. */
const MAX_COUNT = 1001;

/** Newest first, at most 100 whatever is asked for. */
export function page<T extends { readonly id: number }>(items: readonly T[], args: Args): Page<T> {
  const after = typeof args.after === 'string' ? readCursor(args.after) : Number.POSITIVE_INFINITY;
  if (after === undefined) throw new GraphQLError('Invalid cursor');
  const rest = items.filter((item) => item.id < after).sort((a, b) => b.id - a.id);
  const size = Math.min(MAX_PAGE, Number(args.first ?? MAX_PAGE));
  return { nodes: rest.slice(0, size), count: items.length, more: rest.length > size };
}

export function notAvailable(): GraphQLError {
  return new GraphQLError(
    "The resource that you are attempting to access does not exist or you don't have permission to perform this action",
  );
}

export function visible<T extends Group | Project>(found: T | undefined, viewer: Viewer, least: number): T | null {
  return found && roleOn(viewer.token, found.path) >= least ? found : null;
}

export function runnerOf(id: unknown, { gitlab, token }: Viewer): Runner | undefined {
  const found = gitlab.runners.get(Number(/^gid:\/\/gitlab\/Ci::Runner\/(\d+)$/.exec(String(id))?.[1]));
  const places = found?.group ? [found.group.path] : (found?.projects.map((p) => p.path) ?? []);
  return token?.admin || places.some((path) => roleOn(token, path) >= 40) ? found : undefined;
}

export function member(one: Runner, of: Group, membership: string): boolean {
  if (membership === 'ALL_AVAILABLE' && one.type === 'instance_type') return true;
  if (membership === 'DIRECT') return one.group === of;
  const place = one.group?.path ?? one.projects[0]?.path ?? '';
  return isBelow(place, of.path) || (membership === 'ALL_AVAILABLE' && one.group !== undefined && isBelow(of.path, one.group.path));
}

export function reaches(one: Runner, p: Project): boolean {
  return one.type === 'instance_type' || one.projects.includes(p) || (one.group !== undefined && isBelow(p.path, one.group.path));
}

export function filterRunners(runners: readonly Runner[], args: Args, { now }: Viewer): readonly Runner[] {
  const { type, paused, status, search, tagList, creatorUsername } = args;
  return runners.filter(
    (r) =>
      (!isGiven(type) || r.type.toUpperCase() === type) &&
      (!isGiven(paused) || r.paused === paused) &&
      (!isGiven(status) || runnerStatus(r, now).toUpperCase() === status) &&
      (!isGiven(creatorUsername) || r.createdBy?.username === creatorUsername) &&
      (!Array.isArray(tagList) || tagList.every((tag) => r.tags.includes(String(tag)))) &&
      // Part of the description, or the whole token.
      (!isGiven(search) || r.description.toLowerCase().includes(String(search).toLowerCase()) || r.token === search),
  );
}

export function withStatus(jobs: readonly Job[], args: Args): readonly Job[] {
  const { statuses } = args;
  return Array.isArray(statuses) ? jobs.filter((j) => statuses.includes(j.status.toUpperCase())) : jobs;
}

/** Without regard to what the caller may see; with `busyLagMs`, as of that long ago. */
export function jobCount(one: Runner, args: Args, { gitlab, now }: Viewer): number {
  const { busyLagMs } = gitlab.settings;
  const statuses = Array.isArray(args.statuses) ? args.statuses.map((s) => String(s).toLowerCase()) : undefined;
  const count = one.jobs.filter((j) => {
    const then = busyLagMs > 0 ? j.history.findLast((change) => change.at <= now - busyLagMs) : j.history.at(-1);
    return then !== undefined && then.runnerId === one.id && (!statuses || statuses.includes(then.status));
  }).length;
  return Math.min(MAX_COUNT, count);
}

/** A null, as a variable that is not given leaves it, filters nothing. */
export function isGiven(value: unknown): boolean {
  return value !== undefined && value !== null;
}
