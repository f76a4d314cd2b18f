import { describeError } from '../../core/errors.ts';
import type { Log } from '../ports/index.ts';

/**
 * Begins one step of a pass. The promise never rejects: it may be left alone while other steps run and be awaited later, where a plain promise that
 * rejects before anybody awaits it ends the process. A failure is logged, and the value is `undefined`.
 */
export async function step<T>(log: Log, name: string, work: () => T | Promise<T>): Promise<T | undefined> {
  try {
    return await work();
  } catch (error) {
    report(log, name, error);
    return undefined;
  }
}

/** Waits until the work has ended, however it ends, or the signal aborts. Never rejects. */
export function endOf(work: Promise<unknown>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      signal.removeEventListener('abort', end);
      resolve();
    };
    signal.addEventListener('abort', end);
    work.then(end, end);
    if (signal.aborted) end();
  });
}

/** A step for each of several at once, so that one's failure does not touch the others; they are left out. */
export function eachStep<T, R>(log: Log, name: string, items: readonly T[], work: (item: T, index: number) => readonly R[]): readonly R[] {
  return items.flatMap((item, i) => {
    try {
      return work(item, i);
    } catch (error) {
      report(log, name, error);
      return [];
    }
  });
}

function report(log: Log, name: string, error: unknown): void {
  log.error('step of a pass failed', { step: name, ...describeError(error) });
}
