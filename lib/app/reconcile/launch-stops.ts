import type { Condition } from '../../core/alarms.ts';
import { controlKey, poolStateKey, TURNSTILE_PREFIX } from '../../core/keys.ts';
import type { LaunchLimit, Plan } from '../../core/plan/types.ts';
import { fromIso } from '../../core/time.ts';
import type { FarmAction } from '../status/schema.ts';
import { isMemoryUnread } from './observe.ts';
import type { PoolPlan, PoolView, TurnstileState } from './types.ts';

/** Two ticks and a half: launches of the last two are in it. */
const RECENT_MS = 150_000;

/**
 * What keeps this pass from launching although the pool itself would: another call holds the turnstile, or the pool's memory could not be read. Limits and
 * what people have said are no such thing.
 */
export function withheld(view: PoolView, turnstile: TurnstileState | undefined): LaunchLimit['why'] | undefined {
  if (isMemoryUnread(view)) return 'memory-unread';
  return turnstile?.state === 'held' ? 'turnstile-held' : undefined;
}

/** A brake of a control that cannot be read names the control's object. */
export function namingControls(brakes: readonly LaunchLimit[], { pause, drain }: PoolView['controls']): readonly LaunchLimit[] {
  const control = pause ?? drain;
  if (!control?.unreadable) return brakes;
  const byHand = (why: LaunchLimit['why']) => why === 'pool-paused' || why === 'pool-draining';
  return brakes.map((brake) => (byHand(brake.why) ? { ...brake, code: controlKey(control.kind, control.target) } : brake));
}

/**
 * Why jobs wait and nothing is launched for them, where nobody has decided that: the object or source that is to blame, and what to do. The alarm comes
 * when it holds for two ticks. What has an alarm of its own (quota, sold out, boots that fail) is left to that.
 */
export function launchStops({ view, plan }: PoolPlan, actions: readonly FarmAction[], now: number): readonly Condition[] {
  const text = stopText(view, plan, actions, now);
  return text === undefined
    ? []
    : [{ kind: 'launching-stopped', pool: view.settings.pool.name, text: `jobs wait, and nothing is launched: ${text}` }];
}

function stopText(view: PoolView, plan: Plan | undefined, actions: readonly FarmAction[], now: number): string | undefined {
  const { name } = view.settings.pool;
  if ((view.jobs ?? []).length === 0) return undefined;
  const unread = view.unread.find(({ source }) => source !== 'controls' && source !== 'jobs');
  if (!plan)
    return unread && `${unread.source} cannot be read (${unread.code}: ${unread.message}); scaler doctor looks at rights and addresses`;
  const has = (why: LaunchLimit['why']) => plan.brakes.find((b) => b.why === why);
  if (unread?.source === 'memory' && has('memory-unread')) {
    const to = 'give the functions the right to read it, or delete it: that costs time, never a job';
    return `${poolStateKey(name)} cannot be read (${unread.code}: ${unread.message}); ${to}`;
  }
  const launches = recentLaunches(view, actions, now);
  // The call that holds it launches, as it should; what waits came in the last seconds.
  if (has('turnstile-held') && !launches.some((a) => a.outcome === 'done'))
    return `another call holds the turnstile (${TURNSTILE_PREFIX}) and launching is left to it; look at the log of the scaler function`;
  const object = (has('pool-paused') ?? has('pool-draining'))?.code;
  if (object !== undefined)
    return `${object} cannot be read, so it holds; say it again (scaler pause, drain), take it back, or delete the object`;
  return failing(view, launches, now);
}

/** The pool's launches of the last two ticks, the newest first, whichever call made them. */
function recentLaunches(view: PoolView, actions: readonly FarmAction[], now: number): readonly FarmAction[] {
  const { name } = view.settings.pool;
  return actions.filter((a) => a.kind === 'launch' && a.pool === name && now - (fromIso(a.time) ?? 0) < RECENT_MS);
}

/** Every one of them failed, and not for a reason after which ordering is paused. */
function failing(view: PoolView, launches: readonly FarmAction[], now: number): string | undefined {
  const { pause, refusals } = view.before;
  if (refusals.length > 0 || (pause && pause.until > now - RECENT_MS)) return undefined;
  const last = launches[0];
  if (!last || launches.some((a) => a.outcome !== 'failed')) return undefined;
  return `each launch fails (${last.code ?? 'no code'}); scaler explain --worker ${last.worker} says at which step`;
}

/** The turnstile cannot be used: the tick launches without it, hooks do not. */
export function turnstileStop(turnstile: TurnstileState | undefined): readonly Condition[] {
  if (turnstile?.state !== 'unusable') return [];
  const { code, message } = turnstile;
  const todo = `remove objects below ${TURNSTILE_PREFIX} that are not the scaler's, or set bucket.append: false where the bucket cannot append (scaler doctor --probe)`;
  const text = `the turnstile cannot be used (${code}: ${message}): hooks launch nothing, only each tick does; ${todo}`;
  return [{ kind: 'launching-stopped', subject: 'turnstile', text }];
}
