import { defined } from '../../core/defined.ts';
import type { ActionEntry } from '../ledger/types.ts';
import { type PassContext, type PassInputs, recordHead } from '../pass-context.ts';
import type { MinuteRecord } from '../status/publish.ts';
import { dropHandoffs } from '../workers/handoffs.ts';
import { Images } from '../workers/images.ts';
import { executePlan } from './execute.ts';
import type { Execution, Executor } from './executor.ts';
import { writeRecords } from './record.ts';
import { eachStep, endOf, step } from './steps.ts';
import type { HookTrigger, PassOptions, PoolOutcome, PoolPlan } from './types.ts';

export interface LiveOptions extends PassOptions {
  /** Recorded, and decides nothing. */
  readonly hook?: HookTrigger;
  /** Writes this minute's counts and what people see of the farm; absent: neither is written. */
  readonly record?: MinuteRecord;
}

/**
 * Carries out the plans and records what became of each. Create it right before the pass: it begins at once to read what belongs to a
 * minute's record, beside what every pass reads.
 */
export function liveExecutor(inputs: PassInputs, options: LiveOptions): Executor {
  const { services, settings, deadline } = inputs;
  const { record } = options;
  const previousStatus = record && step(services.log, 'read around', () => record.readPrevious(inputs));
  const images = new Images(services.cloud, deadline.act);
  // A hook is likely to end in a launch: the image is looked up beside the reading, and costs no time of its own.
  if (options.mayLaunch && options.trigger === 'hook') images.begin(settings.pools.map(({ machine }) => machine.image));
  return { execute: (context, plans) => execute(context, plans, { ...options, images, previousStatus }) };
}

interface ExecuteOptions extends LiveOptions {
  readonly images: Images;
  readonly previousStatus: ReturnType<MinuteRecord['readPrevious']> | undefined;
}

/** Each of these promises holds one step of the pass. None of them rejects. */
async function execute(context: PassContext, plans: readonly PoolPlan[], options: ExecuteOptions): Promise<Execution> {
  const { services, deadline } = context;
  const { log } = services;
  const { record, turnstile, previousStatus } = options;
  eachStep(log, 'log', plans, (planned) => [logPlan(context, planned)]);
  const statusDraft = step(log, 'look', async () => {
    const previous = await previousStatus;
    return previous && record?.evaluateAlarms(context, plans, previous, turnstile);
  });
  const handoffsDropped = options.mayRemove ? dropHandoffs(context, plans) : undefined;
  const done: ActionEntry[] = [];
  const executeOptions = { ...options, onEntry: (entry: ActionEntry) => void done.push(entry) };
  const plansExecuted = Promise.all(
    plans.map(async (planned) => (await step(log, 'act', () => executePlan(context, planned, executeOptions))) ?? nothing(planned)),
  );
  // The sample has what the pass itself did, but is written with what is known when acting fails or its time is up.
  const countsWritten =
    record &&
    step(log, 'count', async () => {
      const alarms = (await statusDraft)?.alarms ?? [];
      await endOf(plansExecuted, deadline.act);
      return await record.writeCounts(context, plans, { alarms, done });
    });
  const outcomes = await plansExecuted;
  const recordsWritten = step(log, 'record', () =>
    writeRecords(context, plans, outcomes, { hook: options.hook, isBeside: turnstile !== undefined }),
  );
  const [unrecorded, draft, counted] = await Promise.all([recordsWritten, statusDraft, countsWritten, handoffsDropped]);
  if (draft) {
    const { ahead } = counted ?? {};
    await step(log, 'finish', () => record?.publishStatus(context, plans, outcomes, { ...draft, ...defined({ ahead }) }));
  }
  const unwritten = record && !counted ? ['series'] : (counted?.unrecorded ?? []);
  return { outcomes, unrecorded: [...unwritten, ...(unrecorded ?? ['ledger'])] };
}

function nothing({ view: { memory } }: PoolPlan): PoolOutcome {
  return { entries: [], settled: [], ran: [], memory };
}

function logPlan({ services: { log }, pass }: PassContext, { view, plan }: PoolPlan): void {
  const { settings, activeControls, unread } = view;
  const head = { at: pass.time, ...recordHead(pass), pool: settings.pool.name };
  for (const { source, ...error } of unread) log.warn('source unread', { ...head, source, ...error });
  for (const { kind, target, unreadable } of activeControls)
    if (unreadable) log.warn('control unreadable', { ...head, control: kind, target });
  if (!plan) return;
  const kinds = { launch: 0, drain: 0, reap: 0, forget: 0 };
  for (const action of plan.actions) kinds[action.kind] += 1;
  const controls = activeControls.length === 0 ? {} : { controls: activeControls.map(({ kind, target }) => `${kind} ${target}`) };
  const brakes = plan.brakes.map((b) => b.why);
  log.info('plan', { ...head, ...plan.numbers, ...kinds, held: plan.held.length, brakes, ...controls });
}
