import { type Alarm, stepAlarms } from '../../core/alarms.ts';
import { hourlyCost } from '../../core/costs.ts';
import { defined } from '../../core/defined.ts';
import { describeError } from '../../core/errors.ts';
import type { Worker } from '../../core/fleet/types.ts';
import type { Sample } from '../../core/metrics/sample.ts';
import { toIso } from '../../core/time.ts';
import { writeCounts } from '../counts/count.ts';
import type { ActionEntry, AlarmEntry } from '../ledger/types.ts';
import { writeLedger } from '../ledger/write.ts';
import { type PassContext, recordHead } from '../pass-context.ts';
import type { PoolOutcome, PoolPlan, PoolView, TurnstileState } from '../reconcile/types.ts';
import type { Settings } from '../settings.ts';
import { alarmSubject, findConditions } from './alarm-conditions.ts';
import { controlChanges, farmControls } from './control-changes.ts';
import { type PreviousStatus, readPrevious } from './previous.ts';
import { type FarmAction, type FarmControl, type FarmStatus, type FarmWorker, writeFarm } from './schema.ts';

const MOST_ACTIONS = 50;
const MOST_WAITING = 50;

/** What was there before, and the alarms as they are now; made before anything is done, so that the minute's counts can carry them. */
export interface StatusDraft extends Omit<PreviousStatus, 'hooks'> {
  readonly alarms: readonly Alarm[];
  /** A line of today's counts that is ahead of the clock. */
  readonly ahead?: Sample;
}

/**
 * What a pass does for a minute's record. A value that the reaper hands to `reconcile`, so that the function that waits for hooks
 * need not carry it.
 */
export const MINUTE_RECORD = { readPrevious, evaluateAlarms, writeCounts, publishStatus } as const;
export type MinuteRecord = typeof MINUTE_RECORD;

/** The alarms as they are with what was seen now. */
function evaluateAlarms(
  { settings, pass: { time: now } }: PassContext,
  plans: readonly PoolPlan[],
  previous: PreviousStatus,
  turnstile: TurnstileState | undefined,
): StatusDraft {
  const { before, managers, managersUnread, actions, hooks, hookLookedAt } = previous;
  const { conditions, unlooked } = findConditions({
    settings,
    plans,
    before,
    managers,
    ...defined({ managersUnread, hooks }),
    actions: newest([...actions, ...(before?.actions ?? [])]),
    turnstile,
    now,
  });
  const alarms = stepAlarms(before?.alarms ?? [], conditions, unlooked, now);
  return { before, alarms, managers, actions, ...defined({ hookLookedAt }) };
}

/** Sends and records what has changed, and writes the status. What fails is logged and repeated by the next tick. */
async function publishStatus(
  context: PassContext,
  plans: readonly PoolPlan[],
  outcomes: readonly PoolOutcome[],
  draft: StatusDraft,
): Promise<void> {
  const { services, deadline } = context;
  const alarms = await sendAlarms(context, draft.alarms);
  try {
    const controls = farmControls(draft.before, plans);
    await recordChanges(context, plans, draft, controls);
    await writeFarm(services.store, toStatus(context, plans, outcomes, { ...draft, alarms, controls }), { signal: deadline.all });
  } catch (error) {
    services.log.error('record not written', { what: 'farm', ...describeError(error) });
  }
}

/** Each change to each receiver; one that a receiver did not take is tried again with the next tick. */
async function sendAlarms(
  { services, settings, deadline: { all: signal } }: PassContext,
  alarms: readonly Alarm[],
): Promise<readonly Alarm[]> {
  const sendOne = async (alarm: Alarm): Promise<Alarm> => {
    if (!alarm.untold) return alarm;
    const { untold: _, ...rest } = alarm;
    const message = { installation: settings.installation, subject: alarmSubject(settings.installation, alarm), alarm: rest };
    try {
      await Promise.all(services.notifiers.map((notifier) => notifier.notify(message, { signal })));
      return rest;
    } catch (error) {
      services.log.warn('alarm not sent; the next tick tries again', { kind: alarm.kind, ...describeError(error) });
      return alarm;
    }
  };
  return await Promise.all(alarms.map(sendOne));
}

async function recordChanges(
  { services, settings, pass, deadline: { all: signal } }: PassContext,
  plans: readonly PoolPlan[],
  { before, alarms }: StatusDraft,
  controls: readonly FarmControl[],
): Promise<void> {
  const stateOf = new Map((before?.alarms ?? []).map((a) => [`${a.kind} ${a.pool} ${a.subject}`, a.state]));
  const changed = alarms.filter((a) => a.state !== 'coming' && stateOf.get(`${a.kind} ${a.pool} ${a.subject}`) !== a.state);
  const entries = changed.map(({ kind, pool = '', subject, text, state }): AlarmEntry => {
    return {
      kind: 'alarm',
      ...recordHead(pass),
      pool,
      alarm: kind,
      state,
      text,
      ...defined({ subject }),
    };
  });
  for (const { alarm, state, pool, text } of entries)
    services.log[state === 'raised' ? 'error' : 'info']('alarm', { alarm, state, pool, text });
  const controlEntries = controlChanges(before, controls, plans, pass);
  for (const { control, subject, state, until, by } of controlEntries) services.log.info('control', { control, subject, state, until, by });
  await writeLedger(
    services.store,
    { pass: pass.id, part: 'changes', at: pass.time, entries: [...entries, ...controlEntries], append: settings.append },
    { signal, clock: services.clock },
  );
}

function toStatus(
  { settings, pass }: PassContext,
  plans: readonly PoolPlan[],
  outcomes: readonly PoolOutcome[],
  draft: StatusDraft & { readonly controls: FarmControl[] },
): FarmStatus {
  const { costs } = settings;
  const time = toIso(pass.time);
  const fresh = outcomes.flatMap(({ entries }) =>
    entries.map(({ time, kind, pool, worker, why, outcome, code, alarm }): FarmAction => {
      return { time, kind, pool, worker, why, outcome, ...defined({ code, alarm }) };
    }),
  );
  const waiting = plans.flatMap(({ view }) =>
    (view.jobs ?? []).map(({ id, queuedAt }) => ({ pool: view.settings.pool.name, jobId: id, since: toIso(queuedAt) })),
  );
  return {
    version: 1,
    time,
    installation: settings.installation,
    ...(costs && { currency: costs.currency }),
    pools: settings.pools.map(({ pool, machine }) => ({
      name: pool.name,
      tags: [...pool.tags],
      limit: pool.limit,
      flavors: [...machine.flavors],
    })),
    // A pool that could not be read shows what was last seen of it, with its age in the alarm.
    workers: plans.flatMap(({ view }, i) => workersOf(view, settings, { before: draft.before, entries: outcomes[i]?.entries ?? [], time })),
    waiting: waiting.sort((a, b) => (a.since < b.since ? -1 : 1)).slice(0, MOST_WAITING),
    actions: newest([...(draft.before?.actions ?? []), ...draft.actions, ...fresh]),
    alarms: [...draft.alarms],
    managers: [...draft.managers],
    controls: draft.controls,
    ...defined({ hookLookedAt: draft.hookLookedAt }),
    ...(draft.ahead && { ahead: { pool: draft.ahead.pool, time: toIso(draft.ahead.at) } }),
  };
}

/** Each once, the newest first. */
function newest(actions: readonly FarmAction[]): FarmAction[] {
  const once = new Map(actions.map((action) => [`${action.time} ${action.kind} ${action.worker}`, action]));
  return [...once.values()].sort((a, b) => (a.time > b.time ? -1 : a.time < b.time ? 1 : 0)).slice(0, MOST_ACTIONS);
}

function workersOf(
  {
    workers,
    settings: {
      pool: { name: pool },
    },
  }: PoolView,
  settings: Settings,
  { before, entries, time }: { readonly before: FarmStatus | undefined; readonly entries: readonly ActionEntry[]; readonly time: string },
): readonly FarmWorker[] {
  const { costs } = settings;
  if (!workers) return (before?.workers ?? []).filter((worker) => worker.pool === pool);
  const known = new Map((before?.workers ?? []).map((worker) => [worker.name, worker]));
  const seen = workers
    .filter(({ phase }) => phase !== 'gone')
    .map((worker) => {
      const { name, phase, server } = worker;
      const cost = server && hourlyCost([server], costs);
      const why = whyOf(worker);
      return {
        name,
        pool,
        phase,
        since: sinceOf(worker, known.get(name), time),
        ...(server ? {} : { coming: true as const }),
        done: worker.done,
        ...defined({ why }),
        ...(server && { flavor: server.flavor, zone: server.zone }),
        ...defined({ costPerHour: cost }),
      };
    });
  return afterActions(seen, entries, settings);
}

/** Since when it is in its phase, and with this job. What nobody says began when it was first seen, or it would seem to have lasted for the worker's life. */
function sinceOf({ phase, bornAt, idleSince, drainingSince, done }: Worker, last: FarmWorker | undefined, time: string): string {
  const isSame = last?.phase === phase && (phase !== 'busy' || done <= (last.done ?? done));
  if (isSame) return last.since;
  const at = phase === 'booting' ? bornAt : (idleSince ?? drainingSince);
  return at === undefined ? time : toIso(at);
}

/** The workers after what the pass itself has done: launched ones are on their way, and who goes is going. */
function afterActions(workers: readonly FarmWorker[], entries: readonly ActionEntry[], { costs }: Settings): readonly FarmWorker[] {
  const done = entries.filter(({ outcome }) => outcome === 'done');
  const gone = new Map(done.filter(({ kind }) => kind === 'drain' || kind === 'reap').map((entry) => [entry.worker, entry]));
  const launched = done.filter(({ kind, worker }) => kind === 'launch' && !workers.some(({ name }) => name === worker));
  return [
    ...workers.map((worker): FarmWorker => {
      const entry = gone.get(worker.name);
      if (!entry) return worker;
      const since = worker.phase === 'draining' ? worker.since : entry.time;
      return { ...worker, phase: 'draining', since, why: entry.kind === 'reap' ? 'is being deleted' : entry.why };
    }),
    ...launched.map(({ worker, pool, time, flavor, zone }): FarmWorker => {
      const cost = flavor === undefined ? undefined : hourlyCost([{ flavor }], costs);
      return {
        ...{ name: worker, pool, phase: 'booting', since: time, coming: true as const, done: 0 },
        ...defined({ flavor, zone, costPerHour: cost }),
      };
    }),
  ];
}

function whyOf({ failure, phase, runner, server }: Worker): string | undefined {
  if (failure !== undefined) return failure;
  if (phase !== 'draining') return undefined;
  if (server?.deleting) return 'is being deleted';
  if (server?.status === 'off') return 'has powered off';
  return /^draining since \S+: (.{1,80})/.exec(runner?.note ?? '')?.[1];
}
