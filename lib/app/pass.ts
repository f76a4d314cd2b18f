import { AccessError, describeError } from '../core/errors.ts';
import { MINUTE_RECORD } from './farm.ts';
import type { Wake } from './ports.ts';
import { type Hooked, type Report, reconcile } from './reconcile.ts';
import type { Settings } from './settings.ts';
import { type Entry, throughTurnstile } from './turnstile.ts';
import type { Deadline, World } from './world.ts';

/** How one call of the scaler or the reaper went. */
export interface PassResult {
  /** One for each pass; empty when the holder of the turnstile does it. */
  readonly reports: readonly Report[];
  readonly turnstile: 'ran' | 'left-to-holder' | 'held' | 'off' | 'unread';
}

/** So long a reaper waits for a reconcile that runs already, before it does its own part beside it. */
const REAPER_WAIT_MS = 15_000;

/** Scale up after a hook: only launches. A wake-up that came too late for this call is passed on. */
export async function grow(
  world: World,
  settings: Settings,
  wake: Wake,
  deadline: Deadline,
  holdMs: number,
  hook?: Hooked,
): Promise<PassResult> {
  const reports: Report[] = [];
  const work = async () => {
    reports.push(await reconcile(world, settings, { trigger: 'hook', grow: true, shrink: false, ...(hook && { hook }) }, deadline));
  };
  if (!settings.append) {
    await work();
    return { reports, turnstile: 'off' };
  }
  const entry = await throughTurnstile({ ...turnstile(world, deadline, holdMs), waitMs: 0 }, work);
  await passOn(world, wake, entry, deadline);
  return { reports, turnstile: entry.kind };
}

/**
 * The minute's tick: launches, removes and counts. When the turnstile stays held or cannot be read the tick removes and counts all the same,
 * because safety does not hang on it, and leaves launching to the holder or the next tick. Throws `AccessError` when the key is wrong.
 */
export async function tick(
  world: World,
  settings: Settings,
  trigger: 'timer' | 'person',
  wake: Wake,
  deadline: Deadline,
  holdMs: number,
): Promise<PassResult> {
  const reports: Report[] = [];
  const pass = async (options: { readonly grow: boolean; readonly first: boolean }) => {
    const { grow: may, first } = options;
    reports.push(
      await reconcile(world, settings, { trigger, grow: may, shrink: first, ...(first && { record: MINUTE_RECORD }) }, deadline),
    );
  };
  if (!settings.append) {
    await pass({ grow: true, first: true });
    return { reports, turnstile: 'off' };
  }
  try {
    const entry = await throughTurnstile({ ...turnstile(world, deadline, holdMs), waitMs: REAPER_WAIT_MS }, () =>
      pass({ grow: true, first: reports.length === 0 }),
    );
    if (reports.length === 0) await pass({ grow: false, first: true });
    await passOn(world, wake, entry, deadline);
    return { reports, turnstile: entry.kind };
  } catch (error) {
    if (isWrongKey(error)) throw error;
    world.log.error('turnstile not passed', describeError(error));
    if (reports.length === 0) await pass({ grow: false, first: true });
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
async function passOn(world: World, wake: Wake, entry: Entry, { all: signal }: Deadline): Promise<void> {
  if (entry.kind !== 'ran' || !entry.marked) return;
  await wake.wake({ signal }).catch((error: unknown) => {
    world.log.warn('wake-up not passed on; the timer serves it', describeError(error));
  });
}

function turnstile(world: World, deadline: Deadline, holdMs: number) {
  const { store, clock } = world;
  return { store, clock, nonce: world.ulid(clock.now()), holdMs, signal: deadline.act };
}
