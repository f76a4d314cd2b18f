/**
 * What goes wrong on request. An operation is named `service.call`, e.g. `ecs.create`, `ecs.list`, `gitlab.graphql`, `gitlab.runner-create`,
 * `obs.append`; a fault may name `ecs.*` or `*`.
 */
export interface Fault {
  readonly operation: string;
  /** How many of the next matching calls it hits. */
  readonly times: number;
  /**
   * `answer` (default): answers `status`, `code`/`body` without carrying the call out. `lost`: carries it out and cuts the connection instead of answering.
   * `hang`: never answers. `reset`: cuts the connection without carrying it out. `half`: carries it out and cuts the answer in the middle.
   * `delay`: only slow, see `delayMs`.
   */
  readonly kind?: 'answer' | 'lost' | 'hang' | 'reset' | 'half' | 'delay';
  readonly status?: number;
  /** The service's own error code; the service wraps it in its usual envelope. */
  readonly code?: string;
  /** A literal body instead of the envelope, e.g. a balancer's HTML. */
  readonly body?: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** Waits this long (real milliseconds) first. */
  readonly delayMs?: number;
}

/** Faults in waiting, and how often each operation was called. */
export class Faults {
  #waiting: { fault: Fault; left: number }[] = [];
  readonly #calls = new Map<string, number>();

  inject(fault: Fault): void {
    this.#waiting.push({ fault, left: fault.times });
  }

  clear(): void {
    this.#waiting = [];
  }

  /** Counts the call and returns the oldest fault that matches it. */
  take(operation: string): Fault | undefined {
    this.#calls.set(operation, (this.#calls.get(operation) ?? 0) + 1);
    const hit = this.#waiting.find((w) => w.left > 0 && matches(w.fault.operation, operation));
    if (!hit) return undefined;
    hit.left -= 1;
    if (hit.left === 0) this.#waiting = this.#waiting.filter((w) => w !== hit);
    return hit.fault;
  }

  /** Calls so far by operation; `*` at the end of `pattern` matches the rest. */
  calls(pattern = '*'): number {
    let sum = 0;
    for (const [operation, n] of this.#calls) if (matches(pattern, operation)) sum += n;
    return sum;
  }

  /** Operations that were called at least once, in order of their names. */
  operations(): readonly string[] {
    return [...this.#calls.keys()].toSorted();
  }

  resetCalls(): void {
    this.#calls.clear();
  }
}

function matches(pattern: string, operation: string): boolean {
  return pattern.endsWith('*') ? operation.startsWith(pattern.slice(0, -1)) : pattern === operation;
}
