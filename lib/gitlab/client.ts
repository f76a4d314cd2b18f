import { Jobs } from '@gitbeaker/rest';
import type { CallOptions, Clock, Demand, DemandCall, Forge, HookView, JobView, NewRunner, RunnerSpec, Scope } from '../app/ports/index.ts';
import { NotFoundError, UnclearError } from '../core/errors.ts';
import type { Runner } from '../core/fleet/types.ts';
import { withDeadline } from './deadline.ts';
import { listHooks } from './hooks/list.ts';
import { pendingJobs } from './pending-jobs.ts';
import { resourceOptions, type Session } from './requester.ts';
import { createRunner, deleteRunner, drainRunner, listRunners, ownerId, runnerJobs, showRunner, unfinishedJobs } from './runners.ts';
import { jobView, readAnswer } from './schemas.ts';
import { createSend, type HttpOptions, type Send } from './send.ts';

export interface GitLabOptions {
  /** Base URL of the installation, for example `https://gitlab.example.com`. */
  readonly url: string;
  /** Scopes `read_api`, `create_runner` and `manage_runner`; for the instance scope an administrator's. */
  readonly token: string;
  readonly clock: Clock;
  readonly agents?: HttpOptions['agents'];
  /** Ends every call of this object. */
  readonly signal?: AbortSignal;
  /** For one method with all its pages and tries; 20 s. */
  readonly deadlineMs?: number;
  /** For one try of one request; 10 s. */
  readonly tryTimeoutMs?: number;
}

/** Of a call's time: what is read of the demand by then is served in the rest of the pass, and returned before the call as a whole is cut. */
const DEMAND_SHARE = 0.75;

/** What is read only for the books may not hold up the rest for longer. */
const BOOKS_MS = 6_000;

/** GitLab over its REST and GraphQL APIs. Throws `ConfigError` at once when the address or the token cannot be used. */
export class GitLab implements Forge {
  readonly #send: Send;
  readonly #clock: Clock;
  readonly #signal: AbortSignal | undefined;
  readonly #deadlineMs: number;
  /** Numeric ids by scope: they do not change as long as a path leads to them. */
  readonly #owners = new Map<string, Promise<number>>();

  constructor({ url, token, clock, agents, signal, deadlineMs = 20_000, tryTimeoutMs = 10_000 }: GitLabOptions) {
    this.#send = createSend({ url, token, clock, agents, tryTimeoutMs });
    this.#clock = clock;
    this.#signal = signal;
    this.#deadlineMs = deadlineMs;
  }

  runners(scope: Scope, options?: CallOptions): Promise<readonly Runner[]> {
    // Saves a launch its first request.
    const onOwner = (id: number) => {
      if (scope.kind !== 'instance') this.#owners.set(ownerKey(scope), Promise.resolve(id));
    };
    return this.#within(options, (session) => listRunners(session, scope, { onOwner }));
  }

  pendingJobs(scope: Scope, { resume = async () => undefined, ...options }: DemandCall = {}): Promise<Demand> {
    const ms = this.#deadlineMs * DEMAND_SHARE;
    return this.#within(options, (session) => pendingJobs(session, scope, { ms, resume }));
  }

  async findRunners(scope: Scope, name: string, options?: CallOptions): Promise<readonly Runner[]> {
    const found = await this.#within(options, (session) => listRunners(session, scope, { search: name }));
    // GitLab's search finds parts of a description, too.
    return found.filter((runner) => runner.name === name);
  }

  async createRunner(spec: RunnerSpec, options?: CallOptions): Promise<NewRunner> {
    const owner = spec.scope.kind === 'instance' ? undefined : await this.#owner(spec.scope);
    return this.#within(options, (session) => createRunner(session, spec, owner));
  }

  drainRunner(id: number, note: string, options?: CallOptions): Promise<void> {
    return this.#within(options, (session) => drainRunner(session, id, note));
  }

  runner(id: number, options?: CallOptions): Promise<{ readonly id: number; readonly name: string; readonly paused: boolean } | undefined> {
    return undefinedIfGone(this.#within(options, (session) => showRunner(session, id)));
  }

  unfinishedJobs(runnerId: number, options?: CallOptions): Promise<readonly JobView[]> {
    return this.#within(options, (session) => unfinishedJobs(session, runnerId));
  }

  runnerJobs(runnerId: number, options?: CallOptions): Promise<{ readonly jobs: readonly JobView[]; readonly complete: boolean }> {
    return this.#within(options, (session) => runnerJobs(session, runnerId), Math.min(this.#deadlineMs, BOOKS_MS));
  }

  deleteRunner(id: number, options?: CallOptions): Promise<void> {
    return undefinedIfGone(this.#within(options, (session) => deleteRunner(session, id)));
  }

  job(project: number | string, jobId: number, options?: CallOptions): Promise<JobView | undefined> {
    return undefinedIfGone(
      this.#within(options, async (session) => {
        const shown = await new Jobs(resourceOptions(session, 'gitlab.job')).show(project, jobId);
        return readAnswer(jobView(session.now()), shown, `GET /api/v4/projects/${project}/jobs/${jobId}`);
      }),
    );
  }

  hooks(scope: Scope, options?: CallOptions): Promise<readonly HookView[]> {
    return this.#within(options, (session) => listHooks(session, scope));
  }

  /** Asked for once, however many launches want it at the same time, and hence not ended by the signal of one of them. */
  #owner(scope: Exclude<Scope, { kind: 'instance' }>): Promise<number> {
    const key = ownerKey(scope);
    const known = this.#owners.get(key);
    if (known !== undefined) return known;
    const asked = this.#within({}, (session) => ownerId(session, scope)).catch((error: unknown) => {
      this.#owners.delete(key);
      throw error;
    });
    this.#owners.set(key, asked);
    return asked;
  }

  async #within<T>(options: CallOptions | undefined, work: (session: Session) => Promise<T>, deadlineMs = this.#deadlineMs): Promise<T> {
    try {
      return await withDeadline(deadlineMs, [this.#signal, options?.signal], (signal) =>
        work({ send: this.#send, signal, now: () => this.#clock.now() }),
      );
    } catch (error) {
      // gitbeaker takes a page to be a list without looking, and trips over one that is not.
      if (error instanceof TypeError) {
        throw new UnclearError('unexpected-answer', `GitLab's answer is not what was asked for (${error.message})`);
      }
      throw error;
    }
  }
}

function ownerKey({ kind, path }: Exclude<Scope, { kind: 'instance' }>): string {
  return `${kind} ${path}`;
}

async function undefinedIfGone<T>(call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof NotFoundError) return undefined;
    throw error;
  }
}
