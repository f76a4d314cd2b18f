import { UnclearError } from '../core/errors.ts';
import { bounded } from '../signals/bounded.ts';

/** Runs work that ends with one of the signals or after `ms`, whichever is first. The signal's reason is then the `UnclearError` to throw. */
export async function withDeadline<T>(
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
    deadline.signal.throwIfAborted();
    return await work(deadline.signal);
  } finally {
    deadline.end();
  }
}
