/** The sandbox's time. Everything that waits in the sandbox, and in functions that run inside it, waits on this. */
export interface SandboxClock {
  now(): number;
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
  /** Runs `task` after `ms`; returns a function that cancels it. */
  after(ms: number, task: () => void | Promise<void>): () => void;
  /** Marks work during which a stepped clock must stand still. Give it whatever is started and not awaited. */
  track<T>(work: Promise<T>): Promise<T>;
  /** Moves time on by `ms`; a stepped clock settles all work between any two due times. */
  advance(ms: number): Promise<void>;
}

interface Timer {
  readonly at: number;
  readonly order: number;
  readonly task: () => void | Promise<void>;
}

/**
 * Stands still while any tracked work runs and jumps to the next due time when all of it waits: a day in seconds, the same each time.
 * Whole milliseconds only, like `Date.now()`, even where a random delay has fractions.
 */
export class SteppedClock implements SandboxClock {
  #now: number;
  #order = 0;
  #active = 0;
  #timers: Timer[] = [];
  #settled: (() => void)[] = [];

  constructor(start: number) {
    this.#now = start;
  }

  now(): number {
    return this.#now;
  }

  /** Only from tracked work: the sleeper counts as waiting until it is woken. */
  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      let woken = false;
      const wake = () => {
        if (woken) return;
        woken = true;
        this.#active += 1;
        signal?.removeEventListener('abort', abort);
        resolve();
      };
      const cancel = this.after(ms, wake);
      const abort = () => {
        cancel();
        wake();
      };
      signal?.addEventListener('abort', abort);
      this.#done();
    });
  }

  after(ms: number, task: () => void | Promise<void>): () => void {
    const timer: Timer = { at: this.#now + Math.max(0, Math.round(ms)), order: this.#order++, task };
    this.#timers.push(timer);
    return () => {
      this.#timers = this.#timers.filter((t) => t !== timer);
    };
  }

  async track<T>(work: Promise<T>): Promise<T> {
    this.#active += 1;
    try {
      return await work;
    } finally {
      this.#done();
    }
  }

  async advance(ms: number): Promise<void> {
    const until = this.#now + Math.round(ms);
    await this.settled();
    for (let timer = this.#due(until); timer; timer = this.#due(until)) {
      this.#now = Math.max(this.#now, timer.at);
      await this.track(Promise.resolve(timer.task()));
      await this.settled();
    }
    this.#now = until;
  }

  /** When the next thing is due; `undefined` when nothing waits. */
  next(): number | undefined {
    return this.#timers.reduce<number | undefined>((at, t) => (at === undefined || t.at < at ? t.at : at), undefined);
  }

  /** Resolves when all tracked work is done or waits on this clock. */
  async settled(): Promise<void> {
    while (this.#active > 0) await new Promise<void>((resolve) => this.#settled.push(resolve));
  }

  #done(): void {
    this.#active -= 1;
    if (this.#active > 0) return;
    const waiting = this.#settled;
    this.#settled = [];
    // One turn of the event loop, so that whatever the finished work started is tracked before time moves.
    setImmediate(() => {
      for (const resolve of waiting) resolve();
    });
  }

  #due(until: number): Timer | undefined {
    let first: Timer | undefined;
    for (const t of this.#timers) if (!first || t.at < first.at || (t.at === first.at && t.order < first.order)) first = t;
    if (!first || first.at > until) return undefined;
    this.#timers = this.#timers.filter((t) => t !== first);
    return first;
  }
}

/** Real time, shifted by what `advance` added. */
export class RunningClock implements SandboxClock {
  #shift = 0;
  readonly #armed = new Set<{ at: number; fire: () => void; handle: NodeJS.Timeout }>();

  now(): number {
    return Date.now() + this.#shift;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    if (signal?.aborted) return Promise.resolve();
    return new Promise((resolve) => {
      const cancel = this.after(ms, resolve);
      signal?.addEventListener('abort', () => {
        cancel();
        resolve();
      });
    });
  }

  after(ms: number, task: () => void | Promise<void>): () => void {
    const entry = { at: this.now() + ms, fire: () => void this.#fire(entry, task), handle: setTimeout(() => entry.fire(), ms) };
    entry.handle.unref();
    this.#armed.add(entry);
    return () => {
      clearTimeout(entry.handle);
      this.#armed.delete(entry);
    };
  }

  track<T>(work: Promise<T>): Promise<T> {
    return work;
  }

  async advance(ms: number): Promise<void> {
    this.#shift += Math.round(ms);
    for (const entry of [...this.#armed].sort((a, b) => a.at - b.at)) {
      clearTimeout(entry.handle);
      entry.handle = setTimeout(entry.fire, Math.max(0, entry.at - this.now()));
      entry.handle.unref();
    }
    await new Promise((resolve) => setTimeout(resolve, 0));
  }

  async #fire(entry: { handle: NodeJS.Timeout; at: number; fire: () => void }, task: () => void | Promise<void>): Promise<void> {
    this.#armed.delete(entry);
    await task();
  }
}
