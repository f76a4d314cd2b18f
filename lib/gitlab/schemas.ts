import * as z from 'zod/mini';
import type { JobView } from '../app/ports/index.ts';
import { defined } from '../core/defined.ts';
import { UnclearError } from '../core/errors.ts';
import type { PendingJob, Runner } from '../core/fleet/types.ts';
import { fromIso } from '../core/time.ts';

/** What we read of GitLab's answers: REST entities are lib/api/entities/ci/*.rb, GraphQL types app/graphql/types/ci/*.rb of gitlabhq/gitlabhq. */

/** Throws `UnclearError` when the answer is not what the API promises; the message names fields, never values. */
export function readAnswer<T>(schema: z.core.$ZodType<T>, body: unknown, call: string): T {
  const parsed = z.safeParse(schema, body);
  if (parsed.success) return parsed.data;
  const issue = parsed.error.issues[0];
  throw new UnclearError(
    'unexpected-answer',
    `${call}: unexpected answer at "${issue?.path.join('.') ?? ''}" (${issue?.code ?? 'unknown'})`,
  );
}

const id = z.int().check(z.positive());
/** `gid://gitlab/Ci::Build/900100` -> 900100 */
export const gid = z.pipe(
  z.string().check(z.regex(/^gid:\/\/.+\/[1-9]\d{0,15}$/)),
  z.transform((text) => Number(text.slice(text.lastIndexOf('/') + 1))),
);

const time = z.pipe(
  z.string(),
  z.transform((text, ctx) => {
    const ms = fromIso(text);
    if (ms !== undefined) return ms;
    ctx.issues.push({ code: 'custom', message: 'not a time', input: text });
    return z.NEVER;
  }),
);
const seconds = z.pipe(z.union([z.number(), z.string().check(z.regex(/^\d+(\.\d+)?$/))]), z.transform(Number));

const restJob = z.object({
  id,
  status: z.string(),
  name: z.nullish(z.string()),
  tag_list: z.nullish(z.array(z.string())),
  runner: z.nullish(z.object({ id })),
  pipeline: z.nullish(z.object({ project_id: z.optional(id) })),
  project: z.nullish(z.object({ id: z.optional(id), path_with_namespace: z.nullish(z.string()) })),
  created_at: z.nullish(time),
  started_at: z.nullish(time),
  finished_at: z.nullish(time),
  queued_duration: z.nullish(seconds),
});
type RestJob = z.infer<typeof restJob>;

/** The entity has no project of its own in some lists and no pipeline's in others; one of them is always there. */
export const jobView = (now: number) =>
  z.pipe(
    restJob,
    z.transform((job, ctx): JobView => {
      const projectId = job.pipeline?.project_id ?? job.project?.id;
      if (projectId === undefined) {
        ctx.issues.push({ code: 'custom', message: 'no project', input: job.id, path: ['pipeline', 'project_id'] });
        return z.NEVER;
      }
      const queuedAt = queuedTime(job, now);
      return {
        id: job.id,
        projectId,
        status: job.status,
        tags: job.tag_list ?? [],
        ...(job.project?.path_with_namespace && { project: job.project.path_with_namespace }),
        ...(job.name && { name: job.name }),
        ...(job.runner && { runnerId: job.runner.id }),
        ...(typeof job.created_at === 'number' && { createdAt: job.created_at }),
        ...defined({ queuedAt }),
        ...(typeof job.started_at === 'number' && { startedAt: job.started_at }),
        ...(typeof job.finished_at === 'number' && { finishedAt: job.finished_at }),
      };
    }),
  );

/** REST has no time of queueing, only for how long: until the start, or until now (gitlabhq/gitlabhq: app/models/ci/build.rb, queued_duration). */
function queuedTime(job: RestJob, now: number): number | undefined {
  if (job.queued_duration === null || job.queued_duration === undefined) return undefined;
  return Math.round((job.started_at ?? now) - job.queued_duration * 1000);
}

export const restRunner = z.object({ id, description: z.nullish(z.string()), paused: z.boolean() });
export const createdRunner = z.object({ id, token: z.string().check(z.minLength(1)), token_expires_at: z.nullish(time) });
export const identified = z.object({ id });

export const pageInfo = z.object({ hasNextPage: z.boolean(), endCursor: z.nullish(z.string()) });

/**
 * Every field may be null: the newest servers authorize each one by itself. A job whose id, status or tags are hidden is nobody's
 * to count: without its tags it would look like an untagged one.
 */
export const graphqlJob = z.object({
  id: z.nullish(gid),
  name: z.nullish(z.string()),
  status: z.nullish(z.string()),
  tags: z.nullish(z.array(z.string())),
  queuedAt: z.nullish(time),
  runner: z.nullish(z.object({ id: z.string() })),
});
type GraphqlJob = z.infer<typeof graphqlJob>;

export function waitingJob(job: GraphqlJob | null, projectId: number | undefined, now: number): readonly PendingJob[] {
  if (!job?.id || !job.tags || projectId === undefined || job.status !== 'PENDING' || job.runner) return [];
  const { id: jobId, tags, name, queuedAt } = job;
  return [{ id: jobId, projectId, tags, queuedAt: queuedAt ?? now, ...(name && { name }) }];
}

export const graphqlRunner = z.pipe(
  z.object({
    id: gid,
    description: z.nullish(z.string()),
    paused: z.boolean(),
    createdAt: time,
    contactedAt: z.nullish(time),
    maintenanceNote: z.nullish(z.string()),
    tokenExpiresAt: z.nullish(time),
    busy: z.int().check(z.nonnegative()),
    done: z.int().check(z.nonnegative()),
  }),
  z.transform(
    (runner): Runner => ({
      id: runner.id,
      name: runner.description ?? '',
      paused: runner.paused,
      createdAt: runner.createdAt,
      busy: runner.busy,
      done: runner.done,
      ...(typeof runner.contactedAt === 'number' && { contactedAt: runner.contactedAt }),
      ...(runner.maintenanceNote && { note: runner.maintenanceNote }),
      ...(typeof runner.tokenExpiresAt === 'number' && { tokenExpiresAt: runner.tokenExpiresAt }),
    }),
  ),
);

/** Each id once, the first of it: pages move while they are read. */
export function uniqueById<T extends { readonly id: number }>(items: readonly T[]): readonly T[] {
  return [...new Map(items.toReversed().map((item) => [item.id, item])).values()].toReversed();
}
