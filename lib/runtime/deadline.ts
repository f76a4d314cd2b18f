import type { Deadline } from '../app/services.ts';
import { bounded } from '../signals/bounded.ts';

/** What undoing and recording may take after the last action was begun. */
const RECORD_MS = 8_000;
/** What the function needs to log and answer. */
const ANSWER_MS = 1_500;

/**
 * The deadlines of a call with so much time left, in real milliseconds. Short calls keep 70 % of it for acting and 90 % in all.
 * `end` must be called when the work is done.
 */
export function startDeadline(remainingMs: number): { readonly deadline: Deadline; end(): void } {
  const act = bounded(Math.max(remainingMs - RECORD_MS, remainingMs * 0.7), [], { unref: true });
  const all = bounded(Math.max(remainingMs - ANSWER_MS, remainingMs * 0.9), [], { unref: true });
  return {
    deadline: { act: act.signal, all: all.signal },
    end: () => {
      act.end();
      all.end();
    },
  };
}
