import pMap from 'p-map';
import type { Costs } from '../../core/costs.ts';
import { describeError } from '../../core/errors.ts';
import { type Gap, makeReport, type Report } from '../../core/report/report.ts';
import type { TimeSpan } from '../../core/report/utilization.ts';
import { formatDuration, fromIso, MINUTE, toIso } from '../../core/time.ts';
import { readLedger } from '../ledger/read.ts';
import type { ReadEntry } from '../ledger/schema.ts';
import type { Forge, Store } from '../ports/index.ts';
import { readFarm } from '../status/schema.ts';
import { ranJob } from '../workers/job-history.ts';
import { factsOf } from './facts.ts';
import type { AliveWorker } from './worker-histories.ts';

/** The timer writes each minute; a longer silence is a gap. */
const SILENCE_MS = 5 * MINUTE;
const AT_ONCE = 8;

export interface ReportQuery extends TimeSpan {
  readonly now: number;
  readonly pool?: string;
  readonly project?: string;
  readonly costs?: Costs;
  /** How long a worker may live: so far around the span the ledger is read, because a worker's jobs are noted at its end. */
  readonly lifeMs: number;
  /** Asked about the workers that are still there; absent: nobody is. */
  readonly forge?: Pick<Forge, 'runnerJobs'>;
}

/** Reads the ledger around the span and makes the report. At most one LIST a day, and each of its objects once. */
export async function readReport(store: Store, query: ReportQuery): Promise<Report> {
  const { now, lifeMs, forge, ...wanted } = query;
  const span = { from: query.from, to: Math.min(query.to, now) };
  const [entries, farm] = await Promise.all([
    readLedger(store, span.from - lifeMs, Math.min(span.to + lifeMs, now)),
    readFarm(store, {}).catch(() => undefined),
  ]);
  const there = (farm?.workers ?? []).map(({ name, pool, flavor, phase }): AliveWorker => {
    return { name, pool, flavor, booting: phase === 'booting' };
  });
  const { alive, gaps } = await withJobs(there, entries, forge);
  const facts = factsOf(entries, alive, fromIso(farm?.time ?? '') ?? now, span);
  return makeReport({ ...wanted, ...span, ...facts, gaps: [...silences(entries, span), ...facts.gaps, ...gaps] });
}

/** What the living workers ran so far. One that cannot be asked about stays unknown. */
async function withJobs(
  there: readonly AliveWorker[],
  entries: readonly ReadEntry[],
  forge: Pick<Forge, 'runnerJobs'> | undefined,
): Promise<{ readonly alive: readonly AliveWorker[]; readonly gaps: readonly Gap[] }> {
  if (!forge) return { alive: there, gaps: [] };
  const runners = new Map(
    entries.flatMap(({ kind, worker, runnerId }) => (kind === 'launch' && worker && runnerId ? [[worker, runnerId]] : [])),
  );
  const failures: string[] = [];
  const alive = await pMap(
    there,
    async (worker): Promise<AliveWorker> => {
      const runnerId = runners.get(worker.name);
      if (runnerId === undefined) return worker;
      try {
        const { jobs } = await forge.runnerJobs(runnerId);
        return { ...worker, jobs: jobs.map(ranJob) };
      } catch (error) {
        failures.push(describeError(error).code);
        return worker;
      }
    },
    { concurrency: AT_ONCE },
  );
  const text = `workers that GitLab was asked about in vain (${[...new Set(failures)].join(', ')})`;
  return { alive, gaps: failures.length > 0 ? [{ kind: 'live-unread', count: failures.length, text }] : [] };
}

/** Times in which nothing at all was recorded: the scaler did not run, or the ledger could not be written. */
function silences(entries: readonly ReadEntry[], { from, to }: TimeSpan): readonly Gap[] {
  const times = entries.flatMap(({ time }) => fromIso(time) ?? []).filter((at) => at >= from && at < to);
  const marks = [from, ...times, to];
  const silent = marks.slice(1).map((at, i) => ({ from: marks[i] ?? at, to: at }));
  const long = silent.filter((gap) => gap.to - gap.from > SILENCE_MS);
  if (long.length === 0) return [];
  const [longest] = [...long].sort((a, b) => b.to - b.from - (a.to - a.from));
  const total = long.reduce((sum, gap) => sum + gap.to - gap.from, 0);
  const where = longest ? `, the longest from ${toIso(longest.from)} to ${toIso(longest.to)}` : '';
  return [{ kind: 'silence', count: long.length, text: `times without any record, ${formatDuration(total)} in all${where}` }];
}
