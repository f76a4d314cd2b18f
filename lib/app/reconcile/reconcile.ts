import type { Control } from '../../core/controls.ts';
import { defined } from '../../core/defined.ts';
import { describeError } from '../../core/errors.ts';
import { planPool } from '../../core/plan/plan.ts';
import type { Plan } from '../../core/plan/types.ts';
import type { ActionEntry } from '../ledger/types.ts';
import type { PassContext, PassInputs } from '../pass-context.ts';
import type { Executor } from './executor.ts';
import { namingControls, withheld } from './launch-stops.ts';
import { observe } from './observe.ts';
import { waitingIds } from './record.ts';
import { eachStep } from './steps.ts';
import type { PassOptions, PoolPlan, PoolView } from './types.ts';

/** What one pass saw, planned and did with one pool. */
export interface PoolReport {
  readonly pool: string;
  /** Absent when nothing could be planned; `unread` says why. */
  readonly plan?: Plan;
  readonly waiting: readonly number[];
  /** Controls that hold for it. */
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
 * Observes and plans, once, and has the plans carried out. The only caller of the planner: webhook, timer and people come through here. One pool's
 * or one action's failure does not touch the others; what is returned and recorded says what became of each.
 */
export async function reconcile(inputs: PassInputs, options: PassOptions, executor: Executor): Promise<Report> {
  const { services, settings, deadline } = inputs;
  const { time, views } = await observe(services, settings, deadline.act);
  const context: PassContext = { ...inputs, pass: { id: services.ulid(time), trigger: options.trigger, time } };
  const plans = views.map((view) => planSafely(view, options, time));
  const { outcomes, unrecorded } = await executor.execute(context, plans);
  const pools = eachStep(services.log, 'report', plans, (planned, i) => [report(planned, outcomes[i]?.entries ?? [])]);
  return { pass: context.pass.id, at: time, pools, unrecorded };
}

/** A pool of which no plan can be made, by a mistake of ours, is left alone, and the others are served. */
function planSafely(view: PoolView, options: PassOptions, now: number): PoolPlan {
  try {
    return { view, plan: planView(view, options, now) };
  } catch (error) {
    return { view: { ...view, unread: [...view.unread, { source: 'pool', ...describeError(error) }] }, plan: undefined };
  }
}

function planView(view: PoolView, options: PassOptions, now: number): Plan | undefined {
  const { settings, workers, jobs, unreadParts, memory, controls } = view;
  if (!workers) return undefined;
  const input = {
    pool: settings.pool,
    workers,
    jobs,
    unreadParts,
    memory,
    controls,
    now,
    mayLaunch: options.mayLaunch,
    mayRemove: options.mayRemove,
  };
  const why = withheld(view, options.turnstile);
  const plan = planPool({ ...input, mayLaunch: options.mayLaunch && why === undefined });
  const brakes = namingControls(plan.brakes, controls);
  if (why === undefined) return { ...plan, brakes };
  const would = planPool({ ...input, mayLaunch: true, mayRemove: false }).actions.some(({ kind }) => kind === 'launch');
  return { ...plan, brakes: would ? [...brakes, { why }] : brakes };
}

function report({ view, plan }: PoolPlan, actions: readonly ActionEntry[]): PoolReport {
  return {
    pool: view.settings.pool.name,
    ...defined({ plan }),
    waiting: waitingIds(view),
    said: view.activeControls,
    unread: view.unread,
    actions,
  };
}
