import { createHash } from 'node:crypto';
import * as z from 'zod';
import type { SandboxContext } from '../context.ts';
import type { Handoff, Limits } from './handoff.ts';

export interface RunnerOptions extends Handoff, Limits {
  readonly name: string;
  readonly gone: AbortSignal;
  /** Takes a job and falls silent. */
  readonly hang: boolean;
  /** Absent: each request is answered at once, as by a GitLab that does not hold requests. */
  readonly gitlab:
    | {
        readonly settings: { readonly longPollMs: number };
        onQueueTick(token: string, listener: () => void): () => void;
        jobKilled(jobId: number): void;
      }
    | undefined;
}

/** The version that it reports. */
export const RUNNER_VERSION = '19.4.0';
/** Between two requests (gitlab-runner: common/consts.go). `run-single` does not read `check_interval`. */
const CHECK_MS = 3000;
/** After a 403, or a request without an answer, `run-single` considers itself unhealthy (commands/single.go). */
const UNHEALTHY_MS = 300_000;
const TRACE_MS = 60_000;
const TRIES = 5;
/** network/retry_requester.go, since 18.5: which answers are asked for again, and from where on the pauses double. */
const RETRIED = new Set([408, 429, 500, 502, 503, 504]);
const BACKOFF_MS = 100;
const LONGEST_BACKOFF_MS = 60_000;
/** Longer than anything here lasts. */
const FOR_EVER_MS = 10 * 365 * 24 * 3_600_000;

const Job = z.object({
  id: z.int(),
  token: z.string(),
  runner_info: z.object({ timeout: z.number() }),
  steps: z.array(z.object({ script: z.array(z.string()) })),
});
type Job = z.output<typeof Job>;

interface Answer {
  /** 0: no answer. */
  readonly status: number;
  readonly headers: Headers;
  readonly body: unknown;
}

/** Works off jobs one by one. Ends with the reason why, and at once when the VM is gone. */
export function runSingle(ctx: SandboxContext, options: RunnerOptions): Promise<string> {
  return new SimulatedRunner(ctx, options).run();
}

class SimulatedRunner {
  readonly #ctx: SandboxContext;
  readonly #options: RunnerOptions;
  #lastUpdate = '';
  #isRefused = false;

  constructor(ctx: SandboxContext, options: RunnerOptions) {
    this.#ctx = ctx;
    this.#options = options;
  }

  async run(): Promise<string> {
    const { gone, maxBuilds, waitTimeoutMs } = this.#options;
    let builds = 0;
    let lastBuild = this.#ctx.clock.now();
    while (!gone.aborted) {
      const job = await this.#nextJob();
      if (this.#isRefused) return 'refused';
      // A job that was taken back before it began does not count.
      if (job && (await this.#work(job))) {
        builds += 1;
        lastBuild = this.#ctx.clock.now();
      }
      // The bounds are looked at only here, between two requests, and the time in whole seconds.
      if (maxBuilds > 0 && builds >= maxBuilds) return 'max builds';
      const idle = Math.trunc((this.#ctx.clock.now() - lastBuild) / 1000) * 1000;
      if (waitTimeoutMs > 0 && idle > waitTimeoutMs && !gone.aborted) return 'wait timeout';
    }
    return 'gone';
  }

  /** Asks once; without a job it waits until it may ask again. */
  async #nextJob(): Promise<Job | undefined> {
    const { gone, token, gitlab } = this.#options;
    const { clock } = this.#ctx;
    const news = new AbortController();
    const stop = () => news.abort();
    gone.addEventListener('abort', stop);
    // Listening begins before asking: what happens in between must not be missed.
    const deafen = gitlab?.onQueueTick(token, stop);
    try {
      const asked = this.#lastUpdate;
      const answer = await this.#call('POST', '/jobs/request', { ...this.#credentials(), last_update: asked });
      if (answer.status === 201) return Job.parse(answer.body);
      if (gone.aborted) return undefined;
      this.#isRefused = answer.status === 403 && this.#options.leavesRefused;
      if (this.#isRefused) return undefined;
      this.#lastUpdate = answer.headers.get('x-gitlab-last-update') ?? asked;
      // Workhorse holds the request until there is news or its time is up; after either, the runner asks again.
      const held = answer.status === 204 && this.#lastUpdate === asked;
      if (held && gitlab && gitlab.settings.longPollMs > 0) await clock.sleep(gitlab.settings.longPollMs, news.signal);
      await clock.sleep(answer.status === 403 || answer.status === 0 ? UNHEALTHY_MS : CHECK_MS, gone);
      return undefined;
    } finally {
      deafen?.();
      gone.removeEventListener('abort', stop);
    }
  }

  /** `false` when GitLab took the job back before it began. */
  async #work(job: Job): Promise<boolean> {
    const { gone, hang, gitlab } = this.#options;
    const confirmed = await this.#update(job, { state: 'running' });
    if (isOver(confirmed)) return false;
    if (hang) await this.#ctx.clock.sleep(FOR_EVER_MS, gone);
    else if (!gone.aborted) await this.#build(job);
    if (gone.aborted) gitlab?.jobKilled(job.id);
    return true;
  }

  async #build(job: Job): Promise<void> {
    const { clock } = this.#ctx;
    const { seconds, exitCode } = understand(job.steps.flatMap((step) => step.script));
    const { timeout } = job.runner_info;
    const end = clock.now() + Math.min(seconds, timeout) * 1000;
    const trace = new Trace();
    let last = await this.#append(job, trace, 'Running with the simulated gitlab-runner\n');
    while (clock.now() < end && !isOver(last)) {
      if (last.headers.get('job-status') === 'canceling') return this.#finish(job, { state: 'failed', failure_reason: 'job_canceled' });
      await clock.sleep(Math.min(TRACE_MS, end - clock.now()), this.#options.gone);
      if (this.#options.gone.aborted) return;
      last = await this.#append(job, trace, `at work for ${Math.round((clock.now() - end) / 1000 + seconds)} s\n`);
    }
    if (isOver(last)) return;
    if (seconds > timeout) await this.#finish(job, { state: 'failed', failure_reason: 'job_execution_timeout' });
    else if (exitCode > 0) await this.#finish(job, { state: 'failed', failure_reason: 'script_failure', exit_code: exitCode });
    else await this.#finish(job, { state: 'success' });
  }

  async #append(job: Job, trace: Trace, text: string): Promise<Answer> {
    trace.text += text;
    const path = `/jobs/${job.id}/trace?debug_trace=false`;
    const range = { 'content-range': `${trace.sent}-${trace.text.length - 1}`, 'job-token': job.token, 'content-type': 'text/plain' };
    const answer = await this.#stubborn(() => this.#send('PATCH', path, trace.text.slice(trace.sent), range));
    if (answer.status === 202) trace.sent = trace.text.length;
    // The other side has less or more than we thought: go on from there.
    if (answer.status === 416) trace.sent = Number(answer.headers.get('range')?.split('-')[1] ?? trace.sent);
    return answer;
  }

  async #finish(job: Job, result: Readonly<Record<string, unknown>>): Promise<void> {
    await this.#update(job, result);
  }

  #update(job: Job, change: Readonly<Record<string, unknown>>): Promise<Answer> {
    return this.#stubborn(() => this.#call('PUT', `/jobs/${job.id}`, { ...this.#credentials(), token: job.token, ...change }));
  }

  /** As gitlab-runner does with what it has to report, when GitLab stumbles or does not answer at all. */
  async #stubborn(call: () => Promise<Answer>): Promise<Answer> {
    for (let i = 1; ; i++) {
      const answer = await call();
      const final = answer.status !== 0 && answer.status !== 429 && answer.status < 500;
      if (final || i === TRIES || this.#options.gone.aborted) return answer;
      await this.#ctx.clock.sleep(CHECK_MS, this.#options.gone);
    }
  }

  #credentials(): Readonly<Record<string, unknown>> {
    const { token, executor, name } = this.#options;
    return {
      token,
      system_id: `s_${createHash('sha256').update(name).digest('hex').slice(0, 12)}`,
      info: {
        name: 'gitlab-runner',
        version: RUNNER_VERSION,
        platform: 'linux',
        architecture: 'amd64',
        executor,
        features: { two_phase_job_commit: true, cancelable: true, cancel_gracefully: true, return_exit_code: true },
      },
    };
  }

  #call(method: string, path: string, body: Readonly<Record<string, unknown>>): Promise<Answer> {
    return this.#send(method, path, JSON.stringify(body), { 'content-type': 'application/json' });
  }

  /** Repeats a call whose answer asks for it: after `RateLimit-ResetTime`, `Retry-After`, or a pause that doubles. */
  async #send(method: string, path: string, body: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
    for (let i = 0; ; i++) {
      const answer = await this.#sendOnce(method, path, body, headers);
      const again = RETRIED.has(answer.status) || answer.status >= 512;
      if (!again || i === TRIES - 1 || this.#options.gone.aborted) return answer;
      await this.#ctx.clock.sleep(this.#pause(answer.headers, i), this.#options.gone);
    }
  }

  #pause(headers: Headers, tries: number): number {
    const reset = Date.parse(headers.get('ratelimit-resettime') ?? '') - this.#ctx.clock.now();
    if (reset > 0) return reset;
    const after = Number(headers.get('retry-after') ?? 0) * 1000;
    return after > 0 ? after : Math.min(LONGEST_BACKOFF_MS, BACKOFF_MS * 2 ** tries);
  }

  async #sendOnce(method: string, path: string, body: string, headers: Readonly<Record<string, string>>): Promise<Answer> {
    try {
      const url = `${this.#options.url.replace(/\/+$/, '')}/api/v4${path}`;
      const response = await fetch(url, { method, body, headers, signal: this.#options.gone });
      const text = await response.text();
      return { status: response.status, headers: response.headers, body: response.status === 201 ? JSON.parse(text) : undefined };
    } catch {
      return { status: 0, headers: new Headers(), body: undefined };
    }
  }
}

class Trace {
  text = '';
  sent = 0;
}

/** GitLab wants nothing more of this job. */
function isOver(answer: Answer): boolean {
  const status = answer.headers.get('job-status');
  return answer.status === 403 || status === 'canceled' || status === 'failed';
}

/** How long the lines sleep in all, and whether they end in failure: all that a simulated shell must understand. */
function understand(script: readonly string[]): { readonly seconds: number; readonly exitCode: number } {
  let seconds = 0;
  for (const line of script) {
    const exit = /^\s*exit (\d+)/.exec(line);
    if (exit) return { seconds, exitCode: Number(exit[1]) };
    seconds += Number(/^\s*sleep (\d+(?:\.\d+)?)/.exec(line)?.[1] ?? 0);
  }
  return { seconds, exitCode: 0 };
}
