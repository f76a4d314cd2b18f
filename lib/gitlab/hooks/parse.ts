import * as z from 'zod';
import { fromIso } from '../../core/time.ts';

/** A Job Hook, as far as it is used. It has no job tags: those need a read of the API. */
export interface JobHook {
  readonly kind: 'job';
  readonly jobId: number;
  readonly projectId: number;
  /** Any word: GitLab gets new statuses. */
  readonly status: string;
  /** Pending and no runner has it: somebody must serve it. A pending job with a runner is taken already. */
  readonly waiting: boolean;
  readonly runnerId?: number;
  readonly pipelineId?: number;
  readonly name?: string;
  /** `group/project`. */
  readonly projectPath?: string;
  /** Milliseconds, as are the next three. */
  readonly createdAt?: number;
  readonly startedAt?: number;
  readonly finishedAt?: number;
  readonly queuedForMs?: number;
}

/** `other` is an authentic hook of another kind, to be answered with 200 and forgotten. */
export type Hook = JobHook | { readonly kind: 'other'; readonly what: string } | { readonly kind: 'malformed'; readonly reason: string };

const id = z.int().positive();
const optionalId = id.optional().catch(undefined);
const optionalText = z.string().optional().catch(undefined);
const time = z.preprocess(parseTime, z.number().optional()).catch(undefined);
/** Seconds; GitLab's own Go client takes numbers in quotes, too. */
const seconds = z.union([z.number(), z.string().regex(/^\d+(\.\d+)?$/)]).transform(Number);

const envelope = z.object({ object_kind: optionalText, event_name: optionalText });

// Source of the field set: gitlabhq/gitlabhq lib/gitlab/data_builder/build.rb. Only what identifies the job must be right.
const jobHook = z.object({
  build_id: id,
  build_status: z.string().min(1).max(100),
  project_id: id,
  build_name: optionalText,
  pipeline_id: optionalId,
  runner: z.unknown().optional(),
  project: z.object({ path_with_namespace: optionalText }).optional().catch(undefined),
  build_created_at: time,
  build_created_at_iso: time,
  build_started_at: time,
  build_started_at_iso: time,
  build_finished_at: time,
  build_finished_at_iso: time,
  build_queued_duration: seconds.optional().catch(undefined),
});
const runner = z.object({ id: optionalId }).catch({});

/** Parses the body of a hook. Never throws; the reason of a malformed one holds nothing of the body. */
export function parseHook(body: Uint8Array): Hook {
  const value = decode(body);
  if (value === undefined) return { kind: 'malformed', reason: 'not JSON in UTF-8' };
  const kind = envelope.safeParse(value);
  if (!kind.success) return { kind: 'malformed', reason: 'not an object' };
  const what = kind.data.object_kind ?? kind.data.event_name;
  if (what === undefined) return { kind: 'malformed', reason: 'no object_kind' };
  if (what !== 'build') return { kind: 'other', what: what.replace(/[^\w-]/g, '').slice(0, 40) };
  const job = jobHook.safeParse(value);
  if (!job.success) return { kind: 'malformed', reason: `unusable ${job.error.issues.map((issue) => issue.path.join('.')).join(', ')}` };
  return toJobHook(job.data);
}

function toJobHook(job: z.infer<typeof jobHook>): JobHook {
  const runnerId = runner.parse(job.runner).id;
  const createdAt = job.build_created_at_iso ?? job.build_created_at;
  const startedAt = job.build_started_at_iso ?? job.build_started_at;
  const finishedAt = job.build_finished_at_iso ?? job.build_finished_at;
  const { build_name: name, pipeline_id: pipelineId, build_queued_duration: queued } = job;
  const projectPath = job.project?.path_with_namespace;
  return {
    kind: 'job',
    jobId: job.build_id,
    projectId: job.project_id,
    status: job.build_status,
    waiting: job.build_status === 'pending' && (job.runner === null || job.runner === undefined),
    ...(runnerId !== undefined && { runnerId }),
    ...(pipelineId !== undefined && { pipelineId }),
    ...(name !== undefined && { name }),
    ...(projectPath !== undefined && { projectPath }),
    ...(createdAt !== undefined && { createdAt }),
    ...(startedAt !== undefined && { startedAt }),
    ...(finishedAt !== undefined && { finishedAt }),
    ...(queued !== undefined && { queuedForMs: Math.round(queued * 1000) }),
  };
}

/** Drops a byte order mark; `undefined` for what is no JSON (which itself has no `undefined`). */
function decode(body: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(body));
  } catch {
    return undefined;
  }
}

/** ISO 8601, or Rails' `2026-03-02 10:00:00 UTC` (`+0100` where the server has a time zone set). */
function parseTime(value: unknown): number | undefined {
  if (typeof value !== 'string') return undefined;
  const rails = /^(\d{4}-\d{2}-\d{2}) (\d{2}:\d{2}:\d{2}) (?:UTC|([+-]\d{2})(\d{2}))$/.exec(value);
  if (!rails) return fromIso(value);
  return fromIso(`${rails[1]}T${rails[2]}${rails[3] ? `${rails[3]}:${rails[4]}` : 'Z'}`);
}
