import { channel } from 'node:diagnostics_channel';

/** One call to GitLab, OTC or a webhook, with its repetitions. Nothing of it is a secret: no address, no query, no header. */
export interface CallRecord {
  /** As in `lib/otc/calls.ts` and `lib/gitlab/calls.ts`. */
  readonly name: string;
  /** HTTP status of the answer. */
  readonly status?: number;
  /** Why there was no answer. */
  readonly code?: string;
  /** Real milliseconds. */
  readonly ms: number;
}

/** Of the process: a call costs nothing more while nobody listens, and no client has to hand a listener on. */
const calls = channel('otc-gitlab-scaler.call');

/** Runs `listener` after each call from now on, failed ones included. Returns a function that ends this. */
export function onCall(listener: (call: CallRecord) => void): () => void {
  const receive = (message: unknown) => listener(message as CallRecord);
  calls.subscribe(receive);
  return () => calls.unsubscribe(receive);
}

/** Runs a call, and reports it to those that listen. */
export async function reported<T extends { readonly status: number }>(name: string, call: () => Promise<T>): Promise<T> {
  if (!calls.hasSubscribers) return await call();
  const began = performance.now();
  const report = (outcome: Pick<CallRecord, 'status' | 'code'>) =>
    calls.publish({ name, ...outcome, ms: Math.round(performance.now() - began) } satisfies CallRecord);
  try {
    const answer = await call();
    report({ status: answer.status });
    return answer;
  } catch (error) {
    report({ code: error instanceof Error && 'code' in error ? String(error.code) : 'bug' });
    throw error;
  }
}
