import * as z from 'zod';
import { header, type SandboxRequest } from '../../http.ts';
import { jobPayload } from '../jobs/payload.ts';
import type { Job, Runner, RunnerManager } from '../model.ts';
import type { GitLabState } from '../state.ts';
import { check, forbidden, message, params, Refused, Whole } from './access.ts';
import { iso } from './entities.ts';
import type { Part } from './jobs.ts';

/** Seconds between two trace patches while nobody watches the log. */
const TRACE_INTERVAL = '60';

const Info = z.object({
  version: z.string().default(''),
  platform: z.string().default(''),
  architecture: z.string().default(''),
  executor: z.string().default(''),
  features: z
    .object({
      two_phase_job_commit: z.boolean().default(false),
      cancelable: z.boolean().default(false),
      cancel_gracefully: z.boolean().default(false),
    })
    .prefault({}),
});
const Credentials = z.object({ token: z.string().default(''), system_id: z.string().default('<legacy>'), info: Info.prefault({}) });
const Request = Credentials.extend({ last_update: z.string().optional() });
const Update = z.object({
  token: z.string().default(''),
  state: z.string().default(''),
  failure_reason: z.string().nullish(),
  exit_code: Whole.nullish(),
});

/** What a gitlab-runner speaks (lib/api/ci/runner.rb). */
export function runnerApi({ app, gitlab, fault, now }: Part): void {
  app.post('/api/v4/runners/verify', fault('gitlab.verify'), async (c) => {
    const runner = byToken(gitlab, check(Credentials, await params(c)).token);
    // Makes no contact: the runner stays `never_contacted` until it asks for a job.
    return c.json({ id: runner.id, token: runner.token, token_expires_at: iso(runner.tokenExpiresAt) });
  });

  app.post('/api/v4/jobs/request', fault('gitlab.job-request'), async (c) => {
    const asked = check(Request, await params(c));
    const runner = byToken(gitlab, asked.token);
    const manager = heartbeat(runner, asked, now());
    // Only here is `paused` looked at: what happens below is not stopped by a pause any more.
    if (runner.paused) return nothing(c, runner.queueValue);
    if (asked.last_update === runner.queueValue) return nothing(c, runner.queueValue);
    const queueValue = runner.queueValue;
    await gitlab.holdJobRequest?.(runner);
    if (!gitlab.runners.has(runner.id)) throw forbidden();
    const { features } = asked.info;
    const job = gitlab.jobs.assign(runner, manager, {
      twoPhase: features.two_phase_job_commit,
      cancelable: features.cancelable || features.cancel_gracefully,
    });
    if (!job) return nothing(c, queueValue);
    return c.json(jobPayload(job, runner, new URL(c.req.url).origin, now()), 201);
  });

  app.put('/api/v4/jobs/:id', fault('gitlab.job-update'), async (c) => {
    const update = check(Update, await params(c));
    const job = jobFor(c, gitlab, update.token);
    seen(job, now());
    const status = carryOut(gitlab, job, update);
    return c.body(String(status), status, { 'Job-Status': job.status, 'X-GitLab-Trace-Update-Interval': TRACE_INTERVAL });
  });

  app.patch('/api/v4/jobs/:id/trace', fault('gitlab.trace'), async (c) => {
    const job = jobFor(c, gitlab, c.req.query('token') ?? '');
    const range = header(c, 'content-range');
    if (range === undefined) throw message(400, 'Missing header Content-Range');
    if (job.unconfirmedSince !== undefined) gitlab.jobs.confirm(job);
    const complete = append(job, range, Buffer.from(await c.req.arrayBuffer()));
    const headers = { Range: `0-${job.trace.length}`, 'Job-Status': job.status, 'X-GitLab-Trace-Update-Interval': TRACE_INTERVAL };
    if (!complete) throw new Refused(416, { message: '416 Range Not Satisfiable' }, headers);
    seen(job, now());
    gitlab.jobs.touch(job);
    return c.body('', 202, headers);
  });
}

function nothing(c: SandboxRequest, queueValue: string): Response {
  c.header('X-GitLab-Last-Update', queueValue);
  return c.body(null, 204);
}

function byToken(gitlab: GitLabState, token: string): Runner {
  const runner = gitlab.runnerByToken(token);
  if (!runner) throw forbidden();
  return runner;
}

function heartbeat(runner: Runner, asked: z.output<typeof Credentials>, now: number): RunnerManager {
  const { version, platform, architecture, executor } = asked.info;
  const known = runner.managers.get(asked.system_id);
  runner.contactedAt = now;
  if (known) return Object.assign(known, { contactedAt: now, version, platform, architecture, executor });
  const manager: RunnerManager = {
    id: runner.id * 100 + runner.managers.size + 1,
    systemId: asked.system_id,
    createdAt: now,
    contactedAt: now,
    version,
    platform,
    architecture,
    executor,
  };
  runner.managers.set(asked.system_id, manager);
  return manager;
}

/** Unknown jobs, wrong tokens and jobs that are over are all 403: it is the only status on which a runner gives a job up. */
function jobFor(c: SandboxRequest, gitlab: GitLabState, token: string): Job {
  const job = gitlab.jobs.all.get(Number(c.req.param('id')));
  const given = header(c, 'job-token') ?? token;
  if (!job || job.token !== given) throw forbidden();
  if (!gitlab.jobs.active.has(job.id)) {
    throw new Refused(403, { message: '403 Forbidden - Job is not running' }, { 'Job-Status': job.status });
  }
  return job;
}

function seen(job: Job, now: number): void {
  if (job.runner) job.runner.contactedAt = now;
  if (job.manager) job.manager.contactedAt = now;
}

/** app/services/ci/update_build_state_service.rb. */
function carryOut(gitlab: GitLabState, job: Job, update: z.output<typeof Update>): 200 | 400 {
  if (job.unconfirmedSince !== undefined) return confirm(gitlab, job, update.state);
  switch (update.state) {
    case 'running':
      gitlab.jobs.touch(job);
      return 200;
    case 'success':
    case 'failed':
      gitlab.jobs.finish(job, update.state, update.failure_reason ?? undefined, update.exit_code ?? undefined);
      return 200;
    default:
      return 400;
  }
}

function confirm(gitlab: GitLabState, job: Job, state: string): 200 | 400 {
  if (state === 'pending') gitlab.jobs.keepAlive(job);
  else if (state === 'running') gitlab.jobs.confirm(job);
  else return 400;
  return 200;
}

/** app/services/ci/append_build_trace_service.rb: adds what begins exactly at the end; a repetition of what is there already counts as done. */
function append(job: Job, range: string, data: Buffer): boolean {
  const start = Number(/^(\d+)-/.exec(range)?.[1] ?? Number.NaN);
  if (start === job.trace.length) job.trace = Buffer.concat([job.trace, data]);
  return start + data.length === job.trace.length;
}
