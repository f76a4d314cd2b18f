import { UnclearError } from '../core/errors.ts';
import { bounded } from '../signals/bounded.ts';

/** Runs work that ends with one of the signals or after `ms`, whichever is first. The signal's reason is then the `UnclearError` to throw. */
export async function withDeadline<T>(
  ms: number,
  outer: readonly (AbortSignal | undefined)[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  return await withTimeLimit(ms, outer, async (signal) => {
    signal.throwIfAborted();
    return await work(signal);
  });
}

/** The same for work that must be done whatever time is left, because it returns what it has by then: it looks at the signal itself. */
export async function withTimeLimit<T>(
  ms: number,
  outer: readonly (AbortSignal | undefined)[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const reason = (why: 'late' | 'called-off') =>
    why === 'late'
      ? new UnclearError('deadline', `GitLab took longer than ${ms} ms`)
      : new UnclearError('aborted', 'the call to GitLab was called off');
  const deadline = bounded(ms, outer, { reason });
  try {
    return await work(deadline.signal);
  } finally {
    deadline.end();
  }
}
