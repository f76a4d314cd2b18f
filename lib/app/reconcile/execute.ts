import pMap from 'p-map';
import { defined } from '../../core/defined.ts';
import { describeError } from '../../core/errors.ts';
import { holding } from '../../core/launches/pause.ts';
import type { PoolState } from '../../core/launches/types.ts';
import type { Action, Removal } from '../../core/plan/types.ts';
import { toIso } from '../../core/time.ts';
import type { ActionEntry } from '../ledger/types.ts';
import { type PassContext, recordHead } from '../pass-context.ts';
import { bootEntries, markReported, NO_CONSOLES, readConsoles } from '../workers/boot-consoles.ts';
import type { Images } from '../workers/images.ts';
import { JobHistoryRecorder } from '../workers/job-history.ts';
import { Launcher, type LaunchOutcome } from '../workers/launch.ts';
import { type RemovalOutcome, remove } from '../workers/remove.ts';
import type { PoolOutcome, PoolPlan, PoolView } from './types.ts';

/** Removals at once; each is one or two short calls. */
const REMOVE_CONCURRENCY = 8;

export interface ExecuteOptions {
  readonly mayRemove: boolean;
  readonly images: Images;
  /** Called for each action as soon as it has ended. */
  readonly onEntry?: (entry: ActionEntry) => void;
}

/**
 * Carries out one pool's plan. Launches and removals run side by side, so that neither waits for the other. A server whose console is read in
 * this pass is deleted after that.
 */
export async function executePlan(context: PassContext, { view, plan }: PoolPlan, options: ExecuteOptions): Promise<PoolOutcome> {
  if (!plan) return { entries: [], settled: [], ran: [], memory: view.memory };
  const { services, settings, pass, deadline } = context;
  const { memory: known, workers = [] } = view;
  const launcher = new Launcher(context, {
    settings: view.settings,
    memory: known,
    images: options.images,
    machines: holding(workers),
  });
  const launches = plan.actions.filter((a) => a.kind === 'launch');
  const removals = plan.actions.filter((a) => a.kind !== 'launch');
  const consoles = options.mayRemove ? readConsoles(services.cloud, { view, plan, now: pass.time, signal: deadline.act }) : NO_CONSOLES;
  const waits = (a: Removal) => a.kind === 'reap' && consoles.workers.has(a.worker);
  const timed = { context, view, onEntry: options.onEntry };
  const jobHistory = new JobHistoryRecorder(services.forge, view, pass);
  const launched: LaunchOutcome[] = [];
  const removeAll = (some: readonly Removal[]) =>
    pMap(some, (action) => entry(timed, action, () => remove(context, view.settings, action, jobHistory)), {
      concurrency: REMOVE_CONCURRENCY,
    });
  const [launchEntries, removed, removedLater, forgotten] = await Promise.all([
    pMap(
      launches,
      (action) =>
        entry(timed, action, async () => {
          const outcome = await launcher.launch(action);
          launched.push(outcome);
          const { launch: _, ...fields } = outcome;
          return fields;
        }),
      { concurrency: settings.launchConcurrency },
    ),
    removeAll(removals.filter((a) => a.kind !== 'forget' && !waits(a))),
    consoles.done.then(() => removeAll(removals.filter(waits))),
    // Beside the others: no VM stays longer because GitLab is slow to say what an earlier one ran.
    removeAll(removals.filter((a) => a.kind === 'forget')),
  ]);
  const consoleReads = options.mayRemove ? { reads: await consoles.done, later: consoles.later } : undefined;
  const settled = bootEntries(view, consoleReads, pass);
  const memory = markReported(remember(view.memory, launcher, launched), settled);
  return { entries: [...launchEntries, ...removed, ...removedLater, ...forgotten], settled, ran: jobHistory.entries, memory };
}

interface Timed {
  readonly context: PassContext;
  readonly view: PoolView;
  readonly onEntry: ((entry: ActionEntry) => void) | undefined;
}

async function entry(
  { context: { services, pass }, view, onEntry }: Timed,
  action: Action,
  act: () => Promise<RemovalOutcome | Omit<LaunchOutcome, 'launch'>>,
): Promise<ActionEntry> {
  const began = services.clock.now();
  const outcome = await act().catch(failed);
  const done: ActionEntry = {
    kind: action.kind,
    ...recordHead(pass),
    pool: view.settings.pool.name,
    worker: '',
    ...fieldsOf(action, view),
    ...outcome,
    why: action.why,
    ms: services.clock.now() - began,
  };
  const level = outcome.outcome === 'done' ? 'info' : 'warn';
  services.log[done.alarm ? 'error' : level]('action', { ...done });
  onEntry?.(done);
  return done;
}

/** What an action throws is a mistake of ours, and the other actions go on. */
function failed(error: unknown): RemovalOutcome {
  const { code, message } = describeError(error);
  return { outcome: 'failed', code, message };
}

function fieldsOf(action: Action, view: PoolView): Partial<ActionEntry> {
  if (action.kind === 'launch') return action.jobId === undefined ? {} : { jobId: action.jobId };
  const { worker, runnerId } = action;
  const ids = { worker, ...defined({ runnerId }) };
  return action.kind === 'reap' ? { ...ids, serverId: action.serverId, ...machineOf(action.worker, view) } : ids;
}

/** What only the VM's listing tells, and nobody can say any more when it is gone. */
function machineOf(name: string, { workers }: PoolView): Partial<ActionEntry> {
  const server = workers?.find((w) => w.name === name)?.server;
  if (!server) return {};
  const { flavor, zone, createdAt, activeAt } = server;
  return { flavor, zone, createdAt: toIso(createdAt), ...(activeAt === undefined ? {} : { activeAt: toIso(activeAt) }) };
}

function remember(memory: PoolState, launcher: Launcher, launched: readonly LaunchOutcome[]): PoolState {
  const added = launched.flatMap((l) => l.launch ?? []);
  const { pause } = launcher;
  return {
    ...memory,
    launches: [...memory.launches, ...added],
    refusals: [...memory.refusals, ...launcher.refusals],
    ...defined({ pause }),
  };
}
