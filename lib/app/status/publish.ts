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
import type { Acted, Planned, PoolView, TurnstileState } from '../reconcile/types.ts';
import type { Services } from '../services.ts';
import type { Settings } from '../settings.ts';
import { alarmSubject, conditionsOf } from './alarm-conditions.ts';
import { controlChanges, farmControls } from './control-changes.ts';
import { type Around, readPrevious } from './previous.ts';
import { type FarmAction, type FarmControl, type FarmView, type FarmWorker, writeFarm } from './schema.ts';

const MOST_ACTIONS = 50;
const MOST_WAITING = 50;

/** What was there before, and the alarms as they are now; made before anything is done, so that the minute's counts can carry them. */
export interface FarmLook extends Omit<Around, 'hooks'> {
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
  planned: readonly Planned[],
  around: Around,
  turnstile: TurnstileState | undefined,
): FarmLook {
  const { before, managers, managersUnread, actions, hooks, hookLookedAt } = around;
  const { conditions, unlooked } = conditionsOf({
    settings,
    planned,
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

/** Tells what changed, to people and to the ledger, and writes the view. What fails is logged, and told by the next tick. */
async function publishStatus(context: PassContext, planned: readonly Planned[], acted: readonly Acted[], look: FarmLook): Promise<void> {
  const {
    services,
    settings,
    deadline: { all: signal },
  } = context;
  const told = await tell(services, settings, look.alarms, signal);
  try {
    const controls = farmControls(look.before, planned);
    await recordChanges(context, planned, look, controls);
    await writeFarm(services.store, viewOf(context, planned, acted, { ...look, alarms: told, controls }), { signal });
  } catch (error) {
    services.log.error('record not written', { what: 'farm', ...describeError(error) });
  }
}

/** Each change to each receiver; one that a receiver did not take is tried again with the next tick. */
async function tell(services: Services, settings: Settings, alarms: readonly Alarm[], signal: AbortSignal): Promise<readonly Alarm[]> {
  const tellOne = async (alarm: Alarm): Promise<Alarm> => {
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
  return await Promise.all(alarms.map(tellOne));
}

async function recordChanges(
  { services, settings, pass, deadline: { all: signal } }: PassContext,
  planned: readonly Planned[],
  { before, alarms }: FarmLook,
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
  const said = controlChanges(before, controls, planned, pass);
  for (const { control, subject, state, until, by } of said) services.log.info('control', { control, subject, state, until, by });
  await writeLedger(
    services.store,
    { pass: pass.id, part: 'changes', at: pass.time, entries: [...entries, ...said], append: settings.append },
    { signal, clock: services.clock },
  );
}

function viewOf(
  { settings, pass }: PassContext,
  planned: readonly Planned[],
  acted: readonly Acted[],
  look: FarmLook & { readonly controls: FarmControl[] },
): FarmView {
  const { costs } = settings;
  const time = toIso(pass.time);
  const fresh = acted.flatMap(({ entries }) =>
    entries.map(({ time, kind, pool, worker, why, outcome, code, alarm }): FarmAction => {
      return { time, kind, pool, worker, why, outcome, ...defined({ code, alarm }) };
    }),
  );
  const waiting = planned.flatMap(({ view }) =>
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
    workers: planned.flatMap(({ view }, i) => workersOf(view, settings, { before: look.before, entries: acted[i]?.entries ?? [], time })),
    waiting: waiting.sort((a, b) => (a.since < b.since ? -1 : 1)).slice(0, MOST_WAITING),
    actions: newest([...(look.before?.actions ?? []), ...look.actions, ...fresh]),
    alarms: [...look.alarms],
    managers: [...look.managers],
    controls: look.controls,
    ...defined({ hookLookedAt: look.hookLookedAt }),
    ...(look.ahead && { ahead: { pool: look.ahead.pool, time: toIso(look.ahead.at) } }),
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
  { before, entries, time }: { readonly before: FarmView | undefined; readonly entries: readonly ActionEntry[]; readonly time: string },
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
