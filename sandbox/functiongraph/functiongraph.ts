import type { SandboxContext } from '../context.ts';
import type { Iam } from '../otc/iam/iam.ts';
import { Ids } from '../otc/ids.ts';
import type { AgencyKeys } from './context.ts';
import { type FunctionDefinition, InstancePool, type Outcome } from './instances.ts';
import { timerEvent } from './triggers/timer.ts';

export type { FunctionContext } from './context.ts';
export type { DiscardedEvent, FunctionDefinition, FunctionHandler, Outcome } from './instances.ts';

/** What became of a synchronous call; `throttled` when every instance was busy, and nothing ran. */
export type Invocation = (Outcome | { readonly kind: 'throttled' }) & { readonly requestId: string };

interface Queued {
  readonly event: unknown;
  readonly requestId: string;
  readonly at: number;
  readonly attempt: number;
  readonly done: () => void;
}

interface Timer {
  readonly functionName: string;
  readonly userEvent: string;
  cancel: () => void;
}

const KEYS_SECONDS = 24 * 3600;
const KEYS_CACHED_MS = 10 * 60_000;
const ASYNC_MAX_AGE_MS = 3600_000;
/** The platform's interval is not documented. */
const RETRY_AFTER_MS = 1000;
const LOG_LINES = 2000;

/** FunctionGraph: functions, their instances, the queues of asynchronous events, and timers. */
export class FunctionGraph {
  /** The last lines that functions wrote through `context.getLogger()`. */
  readonly logs: string[] = [];
  /** Asynchronous events that were dropped for their age or after their last attempt. */
  readonly discarded: { readonly functionName: string; readonly requestId: string; readonly body: string }[] = [];
  readonly #ctx: SandboxContext;
  readonly #iam: Iam;
  readonly #projectId: string;
  readonly #ids = new Ids('function');
  readonly #pools = new Map<string, InstancePool>();
  readonly #queues = new Map<string, Queued[]>();
  readonly #timers = new Map<string, Timer>();
  /** By agency; those without one have every right. */
  readonly #keys = new Map<string | undefined, { readonly at: number; readonly keys: AgencyKeys }>();

  constructor(ctx: SandboxContext, iam: Iam, projectId: string) {
    this.#ctx = ctx;
    this.#iam = iam;
    this.#projectId = projectId;
  }

  /** A function of the same name is replaced: its instances are new, its timers stay. */
  register(definition: FunctionDefinition): void {
    const log = (line: string) => {
      this.logs.push(line);
      if (this.logs.length > LOG_LINES) this.logs.shift();
    };
    const around = { ctx: this.#ctx, projectId: this.#projectId, keys: (agency?: string) => this.#agencyKeys(agency), log };
    this.#pools.set(definition.name, new InstancePool(definition, around));
    this.#queues.set(definition.name, this.#queues.get(definition.name) ?? []);
  }

  /** A new configuration: the instances are new, as after a deployment. */
  configure(name: string, change: Partial<FunctionDefinition>): void {
    const { definition } = this.#pool(name);
    this.register({ ...definition, ...change });
  }

  /** What waits for it is forgotten; what runs ends by itself. */
  unregister(name: string): void {
    this.#pools.delete(name);
    this.#queues.delete(name);
  }

  definition(name: string): FunctionDefinition | undefined {
    return this.#pools.get(name)?.definition;
  }

  has(name: string): boolean {
    return this.#pools.has(name);
  }

  /** `running` runs at this moment, `queued` asynchronous events that wait, `coldStarts` so far. */
  stats(name: string): { readonly running: number; readonly queued: number; readonly coldStarts: number } {
    const { running, coldStarts } = this.#pool(name);
    return { running, coldStarts, queued: this.#queues.get(name)?.length ?? 0 };
  }

  /** Waits for the result. Over the instance limit the request is discarded. */
  async invoke(name: string, event: unknown): Promise<Invocation> {
    const requestId = this.#ids.uuid();
    const pool = this.#pool(name);
    if (!pool.free()) return { kind: 'throttled', requestId };
    return { ...(await this.#ctx.clock.track(this.#run(pool, event, requestId))), requestId };
  }

  /** Over the instance limit the event waits. `done` resolves after the last attempt. */
  invokeAsync(name: string, event: unknown): { readonly requestId: string; readonly done: Promise<void> } {
    const requestId = this.#ids.uuid();
    const { promise, resolve } = settler();
    this.#enqueue(this.#pool(name), { event, requestId, at: this.#ctx.clock.now(), attempt: 0, done: resolve });
    return { requestId, done: promise };
  }

  /** A Rate trigger: fires each `everyMs` from now on. `triggerName` is the function's name unless given. */
  timer(functionName: string, everyMs: number, userEvent = '', triggerName = functionName): void {
    this.#pool(functionName);
    this.stopTimer(triggerName);
    const timer: Timer = { functionName, userEvent, cancel: () => undefined };
    const arm = () => {
      timer.cancel = this.#ctx.clock.after(everyMs, () => {
        arm();
        void this.fireTimer(triggerName);
      });
    };
    arm();
    this.#timers.set(triggerName, timer);
  }

  /** Fires now, out of turn; resolves when the run has ended. */
  fireTimer(triggerName: string): Promise<void> {
    const timer = this.#timers.get(triggerName);
    if (!timer) return Promise.reject(new Error(`the sandbox has no timer ${triggerName}`));
    const event = timerEvent(this.#ctx.clock.now(), triggerName, timer.userEvent);
    return this.invokeAsync(timer.functionName, event).done;
  }

  stopTimer(triggerName: string): void {
    this.#timers.get(triggerName)?.cancel();
    this.#timers.delete(triggerName);
  }

  /** Stops all timers and forgets what waits. */
  close(): void {
    for (const name of [...this.#timers.keys()]) this.stopTimer(name);
    for (const queue of this.#queues.values()) queue.length = 0;
  }

  #pool(name: string): InstancePool {
    const pool = this.#pools.get(name);
    if (!pool) throw new Error(`the sandbox has no function ${name}`);
    return pool;
  }

  #enqueue(pool: InstancePool, item: Queued): void {
    this.#queues.get(pool.definition.name)?.push(item);
    this.#drain(pool);
  }

  /** Starts what waits as far as instances are free. Called whenever one may have become free. */
  #drain(pool: InstancePool): void {
    const queue = this.#queues.get(pool.definition.name) ?? [];
    while (pool.free()) {
      const item = queue.shift();
      if (!item) return;
      const age = this.#ctx.clock.now() - item.at;
      if (age > (pool.definition.asyncMaxAgeMs ?? ASYNC_MAX_AGE_MS)) this.#discard(pool, item, 'too old');
      else void this.#ctx.clock.track(this.#attempt(pool, item));
    }
  }

  async #attempt(pool: InstancePool, item: Queued): Promise<void> {
    const outcome = await this.#run(pool, item.event, item.requestId);
    if (outcome.kind === 'ok') {
      item.done();
      return;
    }
    if (item.attempt >= (pool.definition.asyncRetries ?? 1)) this.#discard(pool, item, outcome.body);
    else this.#ctx.clock.after(RETRY_AFTER_MS, () => this.#enqueue(pool, { ...item, attempt: item.attempt + 1 }));
  }

  #discard(pool: InstancePool, item: Queued, body: string): void {
    this.discarded.push({ functionName: pool.definition.name, requestId: item.requestId, body });
    pool.definition.onDiscard?.({ requestId: item.requestId, event: item.event, body });
    item.done();
  }

  /** Its callers track it, once: work that is tracked twice can never wait on a stepped clock. */
  async #run(pool: InstancePool, event: unknown, requestId: string): Promise<Outcome> {
    const outcome = await pool.run(event, requestId);
    if (outcome.kind === 'failed') {
      const fields = { function: pool.definition.name, requestId, reason: outcome.reason, body: outcome.body };
      this.#ctx.emit({ at: this.#ctx.clock.now(), kind: 'function-failed', fields });
    }
    this.#drain(pool);
    return outcome;
  }

  #agencyKeys(agency: string | undefined): AgencyKeys {
    const now = this.#ctx.clock.now();
    const cached = this.#keys.get(agency);
    if (cached && now - cached.at < KEYS_CACHED_MS) return cached.keys;
    const { accessKey, secretKey, securityToken } = this.#iam.temporaryKeys(KEYS_SECONDS, agency);
    const keys = { accessKey, secretKey, securityToken, authToken: this.#iam.token(KEYS_SECONDS, agency) };
    this.#keys.set(agency, { at: now, keys });
    return keys;
  }
}

function settler(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve: () => void = () => undefined;
  const promise = new Promise<void>((r) => {
    resolve = r;
  });
  return { promise, resolve };
}
