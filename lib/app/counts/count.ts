import type { Alarm } from '../../core/alarms.ts';
import { hourlyCost } from '../../core/costs.ts';
import { defined } from '../../core/defined.ts';
import { dayKey } from '../../core/keys.ts';
import { type Launched, type Sample, type SampleExtra, sampleOf } from '../../core/metrics/sample.ts';
import type { Plan } from '../../core/plan/types.ts';
import { toIso } from '../../core/time.ts';
import type { ActionEntry } from '../ledger/types.ts';
import type { PassContext } from '../pass-context.ts';
import { tried } from '../reconcile/record.ts';
import { eachStep } from '../reconcile/steps.ts';
import type { PoolPlan, PoolView } from '../reconcile/types.ts';
import type { Settings } from '../settings.ts';
import { oldestWaitSeconds } from '../status/alarm-conditions.ts';
import { writeLatest, writeSamples } from './samples.ts';

/** What became of a minute's counts. */
export interface Counted {
  /** What could not be written. */
  readonly unrecorded: readonly string[];
  /** A line of the day that is ahead of the clock. */
  readonly ahead?: Sample;
}

/** What a minute's samples are made of besides the plans. */
export interface Minute {
  readonly alarms: readonly Alarm[];
  /** The actions of the pass that have ended, of all pools. */
  readonly done: readonly ActionEntry[];
}

/** This minute's samples. */
export async function writeCounts(
  { services, settings, pass, deadline: { all: signal } }: PassContext,
  planned: readonly PoolPlan[],
  { alarms, done }: Minute,
): Promise<Counted> {
  const { time: now } = pass;
  const samples = eachStep(services.log, 'count', planned, ({ view, plan }) => {
    if (!plan) return [];
    const { name } = view.settings.pool;
    const mine = done.filter(({ pool }) => pool === name);
    return [sampleOf(name, plan.numbers, now, { ...extraOf(view, settings, now), launched: launchedOf(plan, mine) })];
  });
  let ahead: Sample | undefined;
  const writer = { append: settings.append, now: () => services.clock.now() };
  const series = await tried(services, 'series', async () => {
    ahead = await writeSamples(services.store, samples, writer, { signal, clock: services.clock });
  });
  if (ahead) services.log.error('count ahead of the clock', { pool: ahead.pool, time: toIso(ahead.at), key: dayKey(ahead.at) });
  const latest = await tried(services, 'latest', () => writeLatest(services.store, samples, alarms, { signal }));
  return { unrecorded: [...series, ...latest], ...defined({ ahead }) };
}

/** A launch of which nothing is known yet, because acting failed or the time ran out, has not succeeded. */
function launchedOf({ actions }: Plan, done: readonly ActionEntry[]): Launched {
  const wanted = actions.filter((a) => a.kind === 'launch' && a.jobId !== undefined).length;
  const succeeded = done.filter(({ kind, outcome }) => kind === 'launch' && outcome === 'done');
  return { succeeded: succeeded.length, inVain: wanted - succeeded.filter(({ jobId }) => jobId !== undefined).length };
}

function extraOf({ jobs, workers }: PoolView, { costs }: Settings, now: number): SampleExtra {
  const oldestWait = oldestWaitSeconds(jobs, now);
  const cost = hourlyCost(
    (workers ?? []).flatMap(({ server }) => server ?? []),
    costs,
  );
  return defined({ oldestWait, hourlyCost: cost });
}
