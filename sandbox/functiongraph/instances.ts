import type { SandboxContext } from '../context.ts';
import { type AgencyKeys, type FunctionContext, functionContext } from './context.ts';

/** The export that FunctionGraph calls. Its result must be valid in JSON; a string is passed on unchanged. */
export type FunctionHandler = (event: unknown, context: FunctionContext) => Promise<unknown>;

export interface FunctionDefinition {
  /** Of the functions of the sandbox, unique. */
  readonly name: string;
  readonly handler: FunctionHandler;
  /** Makes the handler of each new instance instead of `handler`: whatever a module keeps is then kept per instance. */
  readonly load?: () => FunctionHandler | Promise<FunctionHandler>;
  /** FunctionGraph's own default when absent: 3 s. Real time. */
  readonly timeoutMs?: number;
  readonly memoryMb?: number;
  /** What `context.getUserData` reads; at most 20 keys and 4 KB in all. */
  readonly userData?: Readonly<Record<string, string>>;
  /** Instances at once, one request each; -1 is unlimited. */
  readonly maxInstances?: number;
  /** After a failed asynchronous run; FunctionGraph's default is 1. */
  readonly asyncRetries?: number;
  /** Asynchronous events older than this are dropped. On the sandbox's clock. */
  readonly asyncMaxAgeMs?: number;
  /** Whose rights the temporary keys carry: the agency of this name; every right when true or absent. false: the credential getters return empty strings. */
  readonly agency?: boolean | string;
  /** Gets each line that the function or the platform logs about it, as log collection would. */
  readonly onLog?: (line: string) => void;
  /** Gets each asynchronous event that was given up. */
  readonly onDiscard?: (event: DiscardedEvent) => void;
}

export interface DiscardedEvent {
  readonly requestId: string;
  readonly event: unknown;
  /** What the last attempt answered, or why there was none. */
  readonly body: string;
}

export type Outcome =
  | { readonly kind: 'ok'; readonly body: string }
  /** The function threw or did not end in time; `body` is what its caller gets. */
  | { readonly kind: 'failed'; readonly body: string; readonly reason: 'error' | 'timeout' };

interface Instance {
  handler: FunctionHandler | undefined;
  usedAt: number;
}

export interface InstanceEnvironment {
  readonly ctx: SandboxContext;
  readonly projectId: string;
  /** The same within ten minutes, as the platform caches them. */
  readonly keys: (agency: string | undefined) => AgencyKeys;
  readonly log: (line: string) => void;
}

/** An instance without requests for this long is removed (FunctionGraph FAQ). */
const IDLE_MS = 60_000;

/** The instances of one function. An instance serves one request at a time. */
export class InstancePool {
  readonly definition: FunctionDefinition;
  /** Runs at this moment. */
  running = 0;
  coldStarts = 0;
  readonly #environment: InstanceEnvironment;
  #idle: Instance[] = [];

  constructor(definition: FunctionDefinition, environment: InstanceEnvironment) {
    const userData = definition.userData ?? {};
    if (Object.keys(userData).length > 20 || JSON.stringify(userData).length > 4096) throw new Error('user data: at most 20 keys and 4 KB');
    this.definition = definition;
    this.#environment = environment;
  }

  free(): boolean {
    const max = this.definition.maxInstances ?? -1;
    return max < 0 || this.running < max;
  }

  /** Only when `free()`. Never rejects. */
  async run(event: unknown, requestId: string): Promise<Outcome> {
    this.running += 1;
    const instance = this.#take();
    this.#platformLog(`Start invoke request '${requestId}', version: latest`);
    try {
      const outcome = await this.#cut(this.#call(instance, event, requestId));
      // An instance whose request ran out of time is thrown away with whatever still runs in it.
      if (outcome.kind !== 'failed' || outcome.reason === 'error') this.#giveBack(instance);
      this.#platformLog(`Finish invoke request '${requestId}'${outcome.kind === 'ok' ? '' : `, error: ${outcome.body}`}`);
      return outcome;
    } finally {
      this.running -= 1;
    }
  }

  #take(): Instance {
    const now = this.#environment.ctx.clock.now();
    this.#idle = this.#idle.filter((i) => now - i.usedAt <= IDLE_MS);
    const warm = this.#idle.pop();
    if (warm) return warm;
    this.coldStarts += 1;
    return { handler: undefined, usedAt: now };
  }

  #giveBack(instance: Instance): void {
    instance.usedAt = this.#environment.ctx.clock.now();
    this.#idle.push(instance);
  }

  async #call(instance: Instance, event: unknown, requestId: string): Promise<Outcome> {
    const { definition } = this;
    try {
      instance.handler ??= definition.load ? await definition.load() : definition.handler;
      // The platform hands over parsed JSON: what JSON cannot express does not arrive.
      const parsed: unknown = JSON.parse(JSON.stringify(event ?? null));
      const result = await instance.handler(parsed, this.#context(requestId));
      return { kind: 'ok', body: typeof result === 'string' ? result : (JSON.stringify(result) ?? '') };
    } catch (error) {
      return { kind: 'failed', reason: 'error', body: JSON.stringify(errorBody(error)) };
    }
  }

  #cut(work: Promise<Outcome>): Promise<Outcome> {
    const timeoutMs = this.#timeoutMs();
    return new Promise((resolve) => {
      const message = `Invoking task timed out after ${timeoutMs / 1000} seconds`;
      const late: Outcome = { kind: 'failed', reason: 'timeout', body: JSON.stringify({ errorMessage: message, errorType: 'Timeout' }) };
      const timer = setTimeout(() => resolve(late), timeoutMs);
      void work.then((outcome) => {
        clearTimeout(timer);
        resolve(outcome);
      });
    });
  }

  #context(requestId: string): FunctionContext {
    const { ctx, projectId, keys, log } = this.#environment;
    const { agency, onLog } = this.definition;
    return functionContext({
      requestId,
      functionName: this.definition.name,
      projectId,
      timeoutMs: this.#timeoutMs(),
      memoryMb: this.definition.memoryMb ?? 128,
      userData: this.definition.userData ?? {},
      keys: agency === false ? undefined : keys(typeof agency === 'string' ? agency : undefined),
      now: () => ctx.clock.now(),
      log: (line) => {
        log(line);
        onLog?.(line);
      },
    });
  }

  #platformLog(text: string): void {
    this.definition.onLog?.(`${new Date(this.#environment.ctx.clock.now()).toISOString()} ${text}`);
  }

  #timeoutMs(): number {
    return this.definition.timeoutMs ?? 3000;
  }
}

function errorBody(error: unknown): Record<string, unknown> {
  const { name, message, stack } = error instanceof Error ? error : new Error(String(error));
  const stackTrace = (stack ?? '').split('\n').slice(1);
  return { errorMessage: `function invocation exception, error: ${message}`, errorType: name, stackTrace };
}
