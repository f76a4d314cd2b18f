import { setMaxListeners } from 'node:events';

export interface Bounded {
  readonly signal: AbortSignal;
  /** The time was up first. */
  readonly late: boolean;
  /** Must be called when the work is over, or the timer and the listeners stay. */
  end(): void;
}

export interface BoundedOptions {
  /** Lets the process end before the time is up. */
  readonly unref?: boolean;
  /** What the signal's reason is. */
  readonly reason?: (why: 'late' | 'called-off') => unknown;
}

/**
 * A signal that aborts after so many real milliseconds, where there is a number of them, or with the first of `outer`. The one way to bound anything here: inside `AbortSignal.any`
 * Node 20 holds an `AbortSignal.timeout` weakly, and after a garbage collection it never aborts (findings/abort-signal-any.sh).
 */
export function bounded(ms: number | undefined, outer: readonly (AbortSignal | undefined)[] = [], options: BoundedOptions = {}): Bounded {
  const controller = new AbortController();
  // Every call that is under way listens, and there are many at once: Node.js would warn of a leak at the eleventh.
  setMaxListeners(Number.POSITIVE_INFINITY, controller.signal, ...outer.filter((signal) => signal !== undefined));
  let late = false;
  const callOff = () => controller.abort(options.reason?.('called-off'));
  const timeUp = () => {
    late = !controller.signal.aborted;
    controller.abort(options.reason?.('late'));
  };
  const timer = ms === undefined ? undefined : setTimeout(timeUp, Math.max(0, ms));
  if (options.unref) timer?.unref();
  const end = () => {
    clearTimeout(timer);
    for (const signal of outer) signal?.removeEventListener('abort', callOff);
  };
  for (const signal of outer) signal?.addEventListener('abort', callOff, { once: true });
  if (outer.some((signal) => signal?.aborted)) callOff();
  return {
    signal: controller.signal,
    get late() {
      return late;
    },
    end,
  };
}
