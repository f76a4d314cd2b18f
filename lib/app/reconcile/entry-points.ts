import { defined } from '../../core/defined.ts';
import { AccessError, describeError } from '../../core/errors.ts';
import { canRun } from '../../core/plan/assignment.ts';
import { type Entry, runExclusive } from '../lock/coalescing-lock.ts';
import type { PassInputs } from '../pass-context.ts';
import type { ScalerTrigger } from '../ports/index.ts';
import { MINUTE_RECORD } from '../status/publish.ts';
import { type LiveOptions, liveExecutor } from './live-executor.ts';
import { type Report, reconcile } from './reconcile.ts';
import type { HookTrigger, TurnstileState } from './types.ts';

/** How one call of the scaler or the reaper went. */
export interface PassResult {
  /** One for each pass; empty when the holder of the turnstile does it. */
  readonly reports: readonly Report[];
  readonly turnstile: Entry['kind'] | 'off' | 'unread';
}

/** What passes that take turns need besides. */
export interface TurnstileCall extends PassInputs {
  /** Gets a wake-up that came too late for this call. */
  readonly scaler: ScalerTrigger;
  /** After this long a holder of the turnstile counts as dead. */
  readonly holdMs: number;
}

/** So long a reaper waits for a reconcile that runs already, before it does its own part beside it. */
const REAPER_WAIT_MS = 15_000;

/**
 * Scale up after a hook: only launches. A wake-up that came too late for this call is passed on. Where the turnstile cannot be used nothing is done: the
 * tick launches without it, once a minute, and a burst of hooks would do so at once. Throws `AccessError` when the key is wrong.
 */
export async function scaleUpOnHook(call: TurnstileCall, hook?: HookTrigger): Promise<PassResult> {
  const reports: Report[] = [];
  const work = async () => {
    reports.push(await livePass(call, { trigger: 'hook', mayLaunch: true, mayRemove: false, ...defined({ hook }) }));
  };
  const isNeeded = () => mayNeedWorker(call, hook);
  if (!call.settings.append) {
    if (!(await isNeeded())) return { reports, turnstile: 'not-needed' };
    await work();
    return { reports, turnstile: 'off' };
  }
  try {
    const entry = await runExclusive({ ...turnstile(call), waitMs: 0, isNeeded }, work);
    await passOn(call, entry);
    return { reports, turnstile: entry.kind };
  } catch (error) {
    if (isWrongKey(error)) throw error;
    call.services.log.error('turnstile not passed', describeError(error));
    return { reports, turnstile: 'unread' };
  }
}

/** Statuses of a job that no runner will be given any more (gitlabhq: app/models/concerns/ci/has_status.rb). */
const OVER: ReadonlySet<string> = new Set(['running', 'success', 'failed', 'canceling', 'canceled', 'skipped']);

/**
 * Whether the job of a hook may need a worker of ours: the hook itself does not tell the job's tags. In doubt it does. One read spares a foreign job all
 * appends and a whole pass.
 */
async function mayNeedWorker({ services, settings, deadline }: PassInputs, hook: HookTrigger | undefined): Promise<boolean> {
  if (!hook) return true;
  try {
    const job = await services.forge.job(hook.projectId, hook.jobId, { signal: deadline.act });
    if (!job) return true;
    return job.runnerId === undefined && !OVER.has(job.status) && settings.pools.some(({ pool }) => canRun(pool, job));
  } catch {
    return true;
  }
}

/**
 * The minute's tick: launches, removes and counts. While the turnstile stays held the tick removes and counts all the same, because safety does not
 * hang on it, and leaves launching to the holder. When it cannot be used at all the tick launches without it: one tick a minute cannot waste more than
 * `limit`. Throws `AccessError` when the key is wrong.
 */
export async function reconcileOnTimer(call: TurnstileCall, trigger: 'timer' | 'person'): Promise<PassResult> {
  const reports: Report[] = [];
  const pass = async (turnstile?: TurnstileState) => {
    const first = reports.length === 0;
    const options = { trigger, mayLaunch: turnstile?.state !== 'held', mayRemove: first, ...(first && { record: MINUTE_RECORD }) };
    reports.push(await livePass(call, { ...options, ...defined({ turnstile }) }));
  };
  if (!call.settings.append) {
    await pass();
    return { reports, turnstile: 'off' };
  }
  try {
    const entry = await runExclusive({ ...turnstile(call), waitMs: REAPER_WAIT_MS }, () => pass());
    if (reports.length === 0) await pass({ state: 'held' });
    await passOn(call, entry);
    return { reports, turnstile: entry.kind };
  } catch (error) {
    if (isWrongKey(error)) throw error;
    const problem = describeError(error);
    call.services.log.error('turnstile not passed', problem);
    if (reports.length === 0) await pass({ state: 'unusable', ...problem });
    return { reports, turnstile: 'unread' };
  }
}

const WRONG_KEY = ['InvalidAccessKeyId', 'SignatureDoesNotMatch', 'TooManyWrongSignature', 'InvalidToken', 'ExpiredToken'];

/**
 * The bucket refuses the key itself (OBS API reference, error codes): the cloud would, too, and five wrong signatures in a row lock a key for
 * everybody who has it.
 */
function isWrongKey(error: unknown): boolean {
  return error instanceof AccessError && WRONG_KEY.includes(error.code);
}

/** A wake-up that came in when there was no time left for another pass goes to a fresh call. */
async function passOn({ services, scaler, deadline: { all: signal } }: TurnstileCall, entry: Entry): Promise<void> {
  if (entry.kind !== 'ran') return;
  if (entry.failure !== undefined)
    services.log.error('turnstile not freed; it is free when this call would have ended', describeError(entry.failure));
  if (!entry.marked) return;
  await scaler.trigger({ signal }).catch((error: unknown) => {
    services.log.warn('wake-up not passed on; the timer serves it', describeError(error));
  });
}

async function livePass(inputs: PassInputs, options: LiveOptions): Promise<Report> {
  return await reconcile(inputs, options, liveExecutor(inputs, options));
}

function turnstile({ services, deadline, holdMs }: TurnstileCall) {
  const { store, clock } = services;
  return { store, clock, nonce: services.ulid(clock.now()), holdMs, signal: deadline.act };
}
