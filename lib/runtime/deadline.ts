import { setMaxListeners } from 'node:events';
import type { Deadline } from '../app/world.ts';

/** What undoing and recording may take after the last action was begun. */
const RECORD_MS = 8_000;
/** What the function needs to log and answer. */
const ANSWER_MS = 1_500;

/**
 * The deadlines of a call with so much time left, in real milliseconds. Short calls keep 70 % of it for acting and 90 % in all.
 * `end` must be called when the work is done.
 */
export function startDeadline(remainingMs: number): { readonly deadline: Deadline; end(): void } {
  const act = abortAfter(Math.max(remainingMs - RECORD_MS, remainingMs * 0.7));
  const all = abortAfter(Math.max(remainingMs - ANSWER_MS, remainingMs * 0.9));
  return {
    deadline: { act: act.signal, all: all.signal },
    end: () => {
      act.clear();
      all.clear();
    },
  };
}

/**
 * Not `AbortSignal.timeout`: inside `AbortSignal.any` Node 20 holds that one weakly, and a collected signal never aborts.
 */
function abortAfter(ms: number): { readonly signal: AbortSignal; clear(): void } {
  const controller = new AbortController();
  // Every call that is under way listens, and there are many at once: Node.js would warn of a leak at the eleventh.
  setMaxListeners(Number.POSITIVE_INFINITY, controller.signal);
  const timer = setTimeout(() => controller.abort(), Math.max(0, ms));
  timer.unref();
  return { signal: controller.signal, clear: () => clearTimeout(timer) };
}
