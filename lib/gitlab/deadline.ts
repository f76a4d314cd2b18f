import { UnclearError } from '../core/errors.ts';

/**
 * Runs work that ends with one of the signals or after `ms`, whichever is first. The signal's reason is then the `UnclearError` to throw.
 * (`AbortSignal.any` keeps what it made alive as long as its sources in Node 20; this listens and lets go.)
 */
export async function withDeadline<T>(
  ms: number,
  outer: readonly (AbortSignal | undefined)[],
  work: (signal: AbortSignal) => Promise<T>,
): Promise<T> {
  const controller = new AbortController();
  const abort = () => controller.abort(new UnclearError('aborted', 'the call to GitLab was called off'));
  if (outer.some((signal) => signal?.aborted)) abort();
  for (const signal of outer) signal?.addEventListener('abort', abort);
  const timer = setTimeout(() => controller.abort(new UnclearError('deadline', `GitLab took longer than ${ms} ms`)), ms);
  try {
    controller.signal.throwIfAborted();
    return await work(controller.signal);
  } finally {
    clearTimeout(timer);
    for (const signal of outer) signal?.removeEventListener('abort', abort);
  }
}
