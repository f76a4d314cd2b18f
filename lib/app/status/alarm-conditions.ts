import type { Alarm, AlarmKind, Condition } from '../../core/alarms.ts';
import type { Control } from '../../core/controls.ts';
import { defined } from '../../core/defined.ts';
import { describeError } from '../../core/errors.ts';
import type { Worker } from '../../core/fleet/types.ts';
import { controlKey } from '../../core/keys.ts';
import { breaker } from '../../core/launches/circuit-breaker.ts';
import { finishedLaunches } from '../../core/launches/pool-state.ts';
import type { PoolState } from '../../core/launches/types.ts';
import { formatDuration, fromIso, MINUTE, SECOND, toIso } from '../../core/time.ts';
import { UNKNOWN_CONTROL } from '../controls/store.ts';
import { brakeText } from '../ledger/sentences/limits.ts';
import type { HookView } from '../ports/index.ts';
import { launchStops, turnstileStop } from '../reconcile/launch-stops.ts';
import type { PoolPlan, SourceFailure, TurnstileState } from '../reconcile/types.ts';
import type { Settings } from '../settings.ts';
import type { FarmAction, FarmManager, FarmStatus } from './schema.ts';

/** A tick and a half. */
const JUST_OVER_MS = 90_000;
/** A sample each minute: with this between two of them the timer has paused. */
const LATE_MS = 3 * MINUTE;

export interface AlarmInput {
  readonly settings: Settings;
  readonly plans: readonly PoolPlan[];
  readonly before: FarmStatus | undefined;
  readonly managers: readonly FarmManager[];
  readonly managersUnread?: true;
  /** Of the last hour, the newest first. */
  readonly actions: readonly FarmAction[];
  readonly turnstile: TurnstileState | undefined;
  /** Absent when it was not looked for now, or could not be. */
  readonly hooks?: readonly HookView[];
  readonly now: number;
}

/** Everything that is wrong at this moment, and of what nothing can be said. */
export function findConditions(input: AlarmInput): {
  readonly conditions: readonly Condition[];
  readonly unlooked: ReadonlySet<AlarmKind>;
} {
  const pools = input.plans.flatMap((planned) => safely(planned, input));
  const conditions = [
    ...pools,
    ...brokenPeriods(input),
    ...turnstileStop(input.turnstile),
    ...lateTimer(input),
    ...wrongClock(input),
    ...lostJobs(input),
    ...hookConditions(input),
    ...cacheConditions(input),
  ];
  return { conditions, unlooked: unlookedOf(input) };
}

/** Kinds of which nothing can be said now: what cannot be read says nothing of jobs and machines, and their alarms wait for a look. */
function unlookedOf({ plans, hooks, managersUnread }: AlarmInput): ReadonlySet<AlarmKind> {
  const kinds = plans.flatMap(({ view, plan }): readonly AlarmKind[] => [
    ...(view.jobs && view.unreadParts === 0 ? [] : (['oldest-pending'] as const)),
    ...(view.controls.unread ? (['paused', 'orphan'] as const) : []),
    ...(plan ? [] : (['orphan', 'unresponsive', 'boots-failing', 'sold-out', 'launching-paused', 'periods'] as const)),
  ]);
  return new Set([...kinds, ...(hooks ? [] : (['hook'] as const)), ...(managersUnread ? (['caches'] as const) : [])]);
}

/** A pool at which looking fails, by a mistake of ours, has that as its condition; the others have theirs. */
function safely(planned: PoolPlan, input: AlarmInput): readonly Condition[] {
  try {
    return [...poolConditions(planned, input), ...launchStops(planned, input.actions, input.now)];
  } catch (error) {
    const { message } = describeError(error);
    return [{ kind: 'unread', subject: 'alarms', text: `the alarms of a pool could not be evaluated (${message}): report this as a bug` }];
  }
}

function poolConditions({ view }: PoolPlan, { settings, now }: AlarmInput): readonly Condition[] {
  const { pool } = view.settings;
  const of = (kind: AlarmKind, text: string, subject?: string): Condition => ({
    kind,
    pool: pool.name,
    text,
    ...defined({ subject }),
  });
  const found: Condition[] = [];
  found.push(...unreadTexts(view.unread).map(([source, text]) => of('unread', text, source)));
  const { pause: paused, kept } = view.controls;
  for (const { kind, target } of view.activeControls.filter((c) => c.unreadable)) {
    found.push(
      of(
        'unread',
        `${controlKey(kind, target)} cannot be read, so only the restrictions of the control apply: set it again or end it`,
        `${kind} ${target}`,
      ),
    );
  }
  if (paused) found.push(of('paused', pausedText(paused)));

  const oldest = oldestWaitSeconds(view.jobs, now);
  if (oldest !== undefined && oldest * 1000 > settings.alarms.oldestPendingMs) {
    const waiting = view.jobs?.length === 1 ? '1 waits' : `${view.jobs?.length} wait`;
    found.push(of('oldest-pending', `a job has waited for ${formatDuration(oldest * SECOND)}; ${waiting} in total`));
  }
  // As it was left by the last pass: what has run out since is tried again in this one, and it is not known yet with what success.
  const { pause, refusals } = view.before;
  if (breaker(view.memory.launches, now).open) found.push(of('boots-failing', bootsText(view.memory)));
  if (pause && pause.until > now - JUST_OVER_MS && pause.refused?.kind !== 'sold-out') {
    const next = pause.until > now ? { until: pause.until } : {};
    found.push(of('launching-paused', `${brakeText({ why: 'paused', code: pause.code, ...next })}. ${pause.message}`));
  }
  const { flavors, zones } = view.settings.machine;
  const refused = new Set(
    refusals.filter((r) => r.subnet === undefined && r.until > now - JUST_OVER_MS).map((r) => `${r.flavor} ${r.zone}`),
  );
  if (flavors.every((flavor) => zones.every((zone) => refused.has(`${flavor} ${zone}`)))) {
    found.push(of('sold-out', `every flavor is sold out in every zone (${flavors.join(', ')}; ${zones.join(', ')})`));
  }
  const orphans = (view.workers ?? []).filter((worker) => isOrphan(worker) && !paused && !kept.has(worker.name));
  found.push(...orphans.map((worker) => of('orphan', orphanText(worker), worker.name)));
  for (const [name, { jobId }] of Object.entries(view.memory.suspects)) found.push(of('unresponsive', unresponsiveText(name, jobId), name));
  return found;
}

function bootsText({ launches }: PoolState): string {
  return `machines do not boot, so only one at a time is tried; to see at which step it fails: scaler explain --worker ${finishedLaunches(launches).at(-1)?.name}`;
}

/** One sentence for each source, so that its alarm goes on while what is missing of it changes. */
function unreadTexts(unread: readonly SourceFailure[]): readonly (readonly [SourceFailure['source'], string])[] {
  const whole = unread.filter(({ source, part }) => source !== 'memory' && part === undefined);
  const parts = unread.flatMap(({ part, code }) => (part === undefined ? [] : [`${part} (${code})`]));
  return [
    ...whole.map((one) => [one.source, unreadText(one)] as const),
    ...(parts.length === 0
      ? []
      : [['jobs', `not all jobs can be read: ${parts.join('; ')}; the others are served, and nothing idle is drained`] as const]),
  ];
}

function unreadText({ source, code, message }: SourceFailure): string {
  if (source === 'pool')
    return `no plan can be made for this pool, because of a bug in the scaler (${message}): nothing is launched or removed; report this bug`;
  const stopped = `${source} cannot be read (${code}): ${STOPPED[source] ?? 'no plan is made for this pool'}`;
  return code === UNKNOWN_CONTROL ? `${stopped}; ${message}` : stopped;
}

const STOPPED: Partial<Record<SourceFailure['source'], string>> = {
  controls: 'nothing is deleted for this pool',
  jobs: 'nothing is launched for this pool, and nothing idle is drained',
};

/** Without who and why: the alarms may be public. */
function pausedText({ since, until }: Control): string {
  const end = until === undefined ? '' : `, until ${toIso(until)}`;
  return `paused since ${toIso(since)}${end}: nothing is created and nothing is deleted; to end the pause: scaler resume`;
}

/** A VM that should be gone by now; the alarm comes only after the reaper has had its time. */
function isOrphan({ server, phase, failure }: Worker): boolean {
  return server !== undefined && phase === 'failed' && (failure === 'orphan' || failure === 'error');
}

function orphanText({ name, failure }: Worker): string {
  return failure === 'orphan' ? `${name} is a VM without a runner that still exists` : `${name} is a VM in error that still exists`;
}

function unresponsiveText(name: string, jobId: number): string {
  return `${name} looks idle, but let job ${jobId} wait until another worker took it: it counts as failed, and is drained and replaced`;
}

/** Seconds; `undefined` when the jobs could not be read. */
export function oldestWaitSeconds(jobs: readonly { readonly queuedAt: number }[] | undefined, now: number): number | undefined {
  return jobs?.reduce((most, { queuedAt }) => Math.max(most, Math.floor((now - queuedAt) / 1000)), 0);
}

function brokenPeriods({ plans }: AlarmInput): readonly Condition[] {
  return plans.flatMap(({ view, plan }): readonly Condition[] => {
    if (plan?.brokenZone === undefined) return [];
    const text = `its periods cannot be evaluated (time zone ${plan.brokenZone}), so the pool's own values apply: scaler check suggests another zone; set it and deploy`;
    return [{ kind: 'periods', pool: view.settings.pool.name, text }];
  });
}

function lateTimer({ before, now }: AlarmInput): readonly Condition[] {
  const last = before && fromIso(before.time);
  if (last === undefined || now - last <= LATE_MS) return [];
  return [{ kind: 'timer-late', text: `no tick ran from ${toIso(last)} to ${toIso(now)}: check the timer` }];
}

function wrongClock({ before }: AlarmInput): readonly Condition[] {
  if (!before?.ahead) return [];
  const { pool, time } = before.ahead;
  const text = `the counts have a line of ${pool} for ${time}, which is in the future: compare the clocks of all machines that write counts`;
  return [{ kind: 'clock', text }];
}

function lostJobs({ before, now }: AlarmInput): readonly Condition[] {
  return (before?.actions ?? [])
    .filter(({ alarm, time }) => alarm === 'job-lost' && now - (fromIso(time) ?? 0) < 2 * MINUTE)
    .map(({ worker, pool }) => ({
      kind: 'job-lost',
      pool,
      subject: worker,
      text: `the VM of ${worker} disappeared while it ran a job: check that job in GitLab`,
    }));
}

function hookConditions({ settings, hooks }: AlarmInput): readonly Condition[] {
  if (!hooks || settings.hookUrl === undefined) return [];
  const text = hookProblem(hooks.filter(({ url }) => url === settings.hookUrl));
  return text === undefined ? [] : [{ kind: 'hook', text }];
}

function hookProblem(ours: readonly HookView[]): string | undefined {
  const [hook] = ours;
  if (!hook) return 'GitLab has no hook to gitlab.hook_url: jobs wait up to a minute longer';
  if (!ours.some(({ jobEvents }) => jobEvents)) return 'the hook does not send job events: jobs wait up to a minute longer';
  if (ours.every(({ withoutSecret }) => withoutSecret)) {
    return 'the hook has neither a secret nor a signing token, so it is refused: jobs wait up to a minute longer; run scaler hook install';
  }
  const disabled = ours.find(({ disabled }) => disabled !== undefined)?.disabled;
  return disabled === undefined ? undefined : `GitLab has disabled the hook (${disabled}): jobs wait up to a minute longer`;
}

function cacheConditions({ managers }: AlarmInput): readonly Condition[] {
  return managers.flatMap(({ name, problems }) =>
    problems.length === 0 ? [] : [{ kind: 'caches' as const, subject: name, text: `cache manager ${name}: ${problems.join('; ')}` }],
  );
}

/** One line for a message's subject. */
export function alarmSubject(installation: string, { state, kind, pool, subject }: Alarm): string {
  const where = [pool, subject].filter((part) => part !== undefined).join(' ');
  return `${installation}: ${state === 'cleared' ? 'over: ' : ''}${kind}${where === '' ? '' : ` (${where})`}`;
}
