import type { Control } from '../../core/controls.ts';
import { describeError } from '../../core/errors.ts';
import { planPool } from '../../core/plan/plan.ts';
import type { Plan } from '../../core/plan/types.ts';
import { toIso } from '../../core/time.ts';
import type { ActionEntry, Stamp, Trigger } from '../ledger/write.ts';
import type { Deadline, Services } from '../services.ts';
import type { Settings } from '../settings.ts';
import type { MinuteRecord } from '../status/publish.ts';
import { dropHandoffs } from '../workers/handoffs.ts';
import { Images } from '../workers/images.ts';
import { act } from './execute.ts';
import { namingControls, withheld } from './launch-stops.ts';
import { observe } from './observe.ts';
import { waitingIds, writeRecords } from './record.ts';
import { eachStep, endOf, step } from './steps.ts';
import type { Acted, Hooked, Planned, PoolView, TurnstileState } from './types.ts';

export interface ReconcileOptions {
  readonly trigger: Trigger;
  /** For the books alone. */
  readonly hook?: Hooked;
  /** Absent: it is held by this pass, or there is none. */
  readonly turnstile?: TurnstileState;
  /** May launch. */
  readonly grow: boolean;
  /** May drain, reap and forget. */
  readonly shrink: boolean;
  /** Writes this minute's counts and what people see of the farm; absent: neither is written. */
  readonly record?: MinuteRecord;
  /** Look and plan, change and record nothing. */
  readonly dryRun?: boolean;
}

/** What one pass saw, planned and did with one pool. */
export interface PoolReport {
  readonly pool: string;
  /** Absent when nothing could be planned; `unread` says why. */
  readonly plan?: Plan;
  readonly waiting: readonly number[];
  /** What people have said of it. */
  readonly said: readonly Control[];
  readonly unread: PoolView['unread'];
  readonly actions: readonly ActionEntry[];
}

export interface Report {
  readonly pass: string;
  readonly at: number;
  readonly pools: readonly PoolReport[];
  /** Records that could not be written. */
  readonly unrecorded: readonly string[];
}

/**
 * Observes, plans, acts and records, once. The only caller of the planner that acts: webhook, timer and people come through here. One pool's
 * or one action's failure does not touch the others; what is returned and recorded says what became of each.
 */
export async function reconcile(services: Services, settings: Settings, options: ReconcileOptions, deadline: Deadline): Promise<Report> {
  const { log } = services;
  const { record } = options;
  const at = services.clock.now();
  const pass = services.ulid(at);
  // What belongs to a minute's record is read together with what every pass reads.
  const around = record && step(log, 'read around', () => record.readAround(services, settings, deadline));
  const images = new Images(services.cloud, deadline.act);
  // A hook is likely to end in a launch: the image is looked up beside the reading, and costs no time of its own.
  if (options.grow && options.trigger === 'hook') images.begin(settings.pools.map(({ machine }) => machine.image));
  const views = await observe(services, settings, deadline.act);
  const now = services.clock.now();
  const planned = views.map((view) => planSafely(view, options, now));
  if (options.dryRun) return { pass, at, pools: planned.map(({ view, plan }) => report(view, plan, [])), unrecorded: [] };

  const stamp: Stamp = { at: now, time: toIso(now), pass, trigger: options.trigger };
  eachStep(log, 'log', planned, ({ view, plan }) => [logPlan(services, view, plan, stamp)]);
  const looking = step(log, 'look', async () => {
    const seen = await around;
    return seen && record?.lookAtFarm(settings, planned, seen, now, options.turnstile);
  });
  const tidying = options.shrink ? dropHandoffs(services, views, deadline) : undefined;
  const done: ActionEntry[] = [];
  const how = { ...options, images, onEntry: (entry: ActionEntry) => void done.push(entry) };
  const acting = Promise.all(
    planned.map(
      async ({ view, plan }) => (await step(log, 'act', () => act(services, settings, view, plan, how, stamp, deadline))) ?? nothing(view),
    ),
  );
  // The sample has what the pass itself did, but is written with what is known when acting fails or its time is up.
  const sampling =
    record &&
    step(log, 'count', async () => {
      const alarms = (await looking)?.alarms ?? [];
      await endOf(acting, deadline.act);
      return await record.writeCounts(services, settings, planned, { now, alarms, done }, deadline);
    });
  const acted = await acting;
  const recorded = await step(log, 'record', () =>
    writeRecords(
      services,
      settings,
      planned,
      acted,
      { ...stamp, ...(options.hook && { hook: options.hook }), isBeside: options.turnstile !== undefined },
      deadline,
    ),
  );
  await tidying;
  const [look, counted] = await Promise.all([looking, sampling]);
  if (look) {
    const { ahead } = counted ?? {};
    await step(log, 'finish', () =>
      record?.finishFarm(services, settings, planned, acted, { ...look, ...(ahead && { ahead }) }, stamp, deadline),
    );
  }
  const pools = eachStep(log, 'report', planned, ({ view, plan }, i) => [report(view, plan, acted[i]?.entries ?? [])]);
  const unwritten = record && !counted ? ['series'] : (counted?.unrecorded ?? []);
  return { pass, at, pools, unrecorded: [...unwritten, ...(recorded ?? ['ledger'])] };
}

function nothing({ memory }: PoolView): Acted {
  return { entries: [], settled: [], ran: [], memory };
}

/** A pool of which no plan can be made, by a mistake of ours, is left alone, and the others are served. */
function planSafely(view: PoolView, options: ReconcileOptions, now: number): Planned {
  try {
    return { view, plan: planView(view, options, now) };
  } catch (error) {
    return { view: { ...view, unread: [...view.unread, { source: 'pool', ...describeError(error) }] }, plan: undefined };
  }
}

function planView(view: PoolView, options: ReconcileOptions, now: number): Plan | undefined {
  const { settings, workers, jobs, unreadParts, memory, controls } = view;
  if (!workers) return undefined;
  const input = { pool: settings.pool, workers, jobs, unreadParts, memory, controls, now, grow: options.grow, shrink: options.shrink };
  const why = withheld(view, options.turnstile);
  const plan = planPool({ ...input, grow: options.grow && why === undefined });
  const brakes = namingControls(plan.brakes, controls);
  if (why === undefined) return { ...plan, brakes };
  const would = planPool({ ...input, grow: true, shrink: false }).actions.some(({ kind }) => kind === 'launch');
  return { ...plan, brakes: would ? [...brakes, { why }] : brakes };
}

function report(view: PoolView, plan: Plan | undefined, actions: readonly ActionEntry[]): PoolReport {
  return {
    pool: view.settings.pool.name,
    ...(plan ? { plan } : {}),
    waiting: waitingIds(view),
    said: view.said,
    unread: view.unread,
    actions,
  };
}

function logPlan(services: Services, { settings, said, unread }: PoolView, plan: Plan | undefined, stamp: Stamp): void {
  const pool = settings.pool.name;
  for (const { source, ...error } of unread) services.log.warn('source unread', { ...stamp, pool, source, ...error });
  for (const { kind, target, unreadable } of said)
    if (unreadable) services.log.warn('control unreadable', { ...stamp, pool, control: kind, target });
  if (!plan) return;
  const kinds = { launch: 0, drain: 0, reap: 0, forget: 0 };
  for (const action of plan.actions) kinds[action.kind] += 1;
  const told = said.length === 0 ? {} : { controls: said.map(({ kind, target }) => `${kind} ${target}`) };
  const brakes = plan.brakes.map((b) => b.why);
  services.log.info('plan', { ...stamp, pool, ...plan.numbers, ...kinds, held: plan.held.length, brakes, ...told });
}
