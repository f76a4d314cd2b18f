import { describeError } from '../../core/errors.ts';
import type { Plan } from '../../core/plan/types.ts';
import { toIso } from '../../core/time.ts';
import type { LedgerEntry } from '../ledger/types.ts';
import { writeLedger } from '../ledger/write.ts';
import { type PassContext, type PassInfo, recordHead } from '../pass-context.ts';
import type { Services } from '../services.ts';
import { scopeKey, writeRest } from './demand.ts';
import { isMemoryUnread } from './observe.ts';
import { writePoolState } from './pool-state-store.ts';
import { eachStep } from './steps.ts';
import type { HookTrigger, PoolOutcome, PoolPlan, PoolView } from './types.ts';

/** Waiting jobs named in a plan's record. */
const MOST_WAITING = 200;

/** Ids of the jobs that wait for the pool, oldest first, as many as a record names. */
export function waitingIds({ jobs }: PoolView): readonly number[] {
  return (jobs ?? []).slice(0, MOST_WAITING).map((j) => j.id);
}

/** The ledger's entries and what the pools remember. Gives what could not be written. */
export async function writeRecords(
  { services, settings, pass, deadline: { all: signal } }: PassContext,
  plans: readonly PoolPlan[],
  outcomes: readonly PoolOutcome[],
  /** `isBeside`: another pass may be at work. */
  { hook, isBeside }: { readonly hook?: HookTrigger | undefined; readonly isBeside: boolean },
): Promise<readonly string[]> {
  const entries = eachStep(services.log, 'record', plans, ({ view, plan }, i) => [
    planEntry(view, plan, pass, hook),
    ...(outcomes[i]?.settled ?? []),
    ...(outcomes[i]?.entries ?? []),
    ...(outcomes[i]?.ran ?? []),
  ]);
  const memories = eachStep(services.log, 'record', plans, ({ view }, i) => {
    const { before } = view;
    const after = outcomes[i]?.memory ?? view.memory;
    const changed = JSON.stringify(after) !== JSON.stringify(before);
    // What could not be read must not be overwritten with a fresh start.
    if (!changed || !view.workers || isMemoryUnread(view)) return [];
    const { name } = view.settings.pool;
    return [
      tried(services, `memory of ${name}`, () =>
        writePoolState(services, name, { before, after, ...(isBeside && { beside: pass.id }) }, { signal }),
      ),
    ];
  });
  const ledger = tried(services, 'ledger', () =>
    writeLedger(services.store, { pass: pass.id, at: pass.time, entries, append: settings.append }, { signal, clock: services.clock }),
  );
  const changes = new Map(plans.flatMap(({ view: { rest } }) => (rest ? [[scopeKey(rest.scope), rest] as const] : [])));
  const rests = [...changes.values()].map((rest) =>
    tried(services, `demand of ${scopeKey(rest.scope)}`, () => writeRest(services.store, rest, { signal })),
  );
  return (await Promise.all([ledger, ...memories, ...rests])).flat();
}

function planEntry(view: PoolView, plan: Plan | undefined, pass: PassInfo, hook: HookTrigger | undefined): LedgerEntry {
  const head = { ...recordHead(pass), pool: view.settings.pool.name, unread: view.unread };
  const waiting = waitingIds(view);
  if (!plan) return { kind: 'blind', ...head, ...(waiting.length > 0 && { waiting }) };
  const { numbers, brakes, held } = plan;
  const { jobId = 0, hookAt } = hook ?? {};
  const hooked = hookAt !== undefined && waiting.includes(jobId) ? { hook: { jobId, at: toIso(hookAt) } } : {};
  return { kind: 'plan', ...head, numbers, brakes, held, waiting, ...hooked };
}

/** A record that cannot be written is said so and does not stop the others. */
export async function tried(services: Services, what: string, work: () => Promise<void>): Promise<readonly string[]> {
  try {
    await work();
    return [];
  } catch (error) {
    services.log.error('record not written', { what, ...describeError(error) });
    return [what];
  }
}
