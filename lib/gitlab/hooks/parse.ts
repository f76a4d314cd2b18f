import * as z from 'zod/mini';
import { defined } from '../../core/defined.ts';

/** A Job Hook, as far as it is used. It has no job tags: those need a read of the API. */
export interface JobHook {
  readonly kind: 'job';
  readonly jobId: number;
  readonly projectId: number;
  /** Any word: GitLab gets new statuses. */
  readonly status: string;
  /** Pending and no runner has it: somebody must serve it. A pending job with a runner is taken already. */
  readonly waiting: boolean;
  /** `group/project`. */
  readonly projectPath?: string;
}

/** `other` is an authentic hook of another kind, to be answered with 200 and forgotten. */
export type Hook = JobHook | { readonly kind: 'other'; readonly what: string } | { readonly kind: 'malformed'; readonly reason: string };

const id = z.int().check(z.positive());
const optionalText = z.catch(z.optional(z.string()), undefined);

const envelope = z.object({ object_kind: optionalText, event_name: optionalText });

// Source of the field set: gitlabhq/gitlabhq lib/gitlab/data_builder/build.rb. Only what identifies the job must be right.
const jobHook = z.object({
  build_id: id,
  build_status: z.string().check(z.minLength(1), z.maxLength(100)),
  project_id: id,
  runner: z.optional(z.unknown()),
  project: z.catch(z.optional(z.object({ path_with_namespace: optionalText })), undefined),
});

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
  const projectPath = job.project?.path_with_namespace;
  return {
    kind: 'job',
    jobId: job.build_id,
    projectId: job.project_id,
    status: job.build_status,
    waiting: job.build_status === 'pending' && (job.runner === null || job.runner === undefined),
    ...defined({ projectPath }),
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
