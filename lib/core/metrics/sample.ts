import { defined } from '../defined.ts';
import type { PlanNumbers } from '../plan/types.ts';
import { floorMinute, fromIso, toIso } from '../time.ts';

/** One minute's counts of one pool. */
export interface Sample {
  /** Start of the minute. */
  readonly at: number;
  readonly pool: string;
  readonly machines: number;
  readonly booting: number;
  readonly idle: number;
  readonly busy: number;
  readonly draining: number;
  readonly failed: number;
  /** Waiting jobs that the pool may run; absent when GitLab could not be asked. */
  readonly pending?: number;
  /** Those of them without a worker, after the pass's own launches. */
  readonly unmet?: number;
  readonly limit: number;
  /** Seconds that the longest-waiting of the pending jobs has waited; 0 when none waits, absent when GitLab could not be asked. */
  readonly oldestWait?: number;
  /** What the machines of this minute cost per hour, in the configured currency; absent without prices. */
  readonly hourlyCost?: number;
  /** Ordered, those of this pass included, and not listed by the cloud yet; absent in lines of an older release. */
  readonly coming?: number;
}

/** Name of the column and of the member, in the order of the columns. New columns are only ever added at the end. */
export const COLUMNS = [
  ['machines', 'machines'],
  ['booting', 'booting'],
  ['idle', 'idle'],
  ['busy', 'busy'],
  ['draining', 'draining'],
  ['failed', 'failed'],
  ['pending', 'pending'],
  ['unmet', 'unmet'],
  ['limit', 'limit'],
  ['oldest_wait', 'oldestWait'],
  ['hourly_cost', 'hourlyCost'],
  ['coming', 'coming'],
] as const;

/** Columns of the first version: lines that end there are as good. */
const FIRST_COLUMNS = 9;
const REQUIRED = ['machines', 'booting', 'idle', 'busy', 'draining', 'failed', 'limit'] as const;

/** First line of every day's object. */
export const SERIES_HEADER = `time,pool,${COLUMNS.map(([column]) => column).join(',')}\n`;

/** What only the caller knows besides the plan's numbers. */
export interface SampleExtra {
  readonly oldestWait?: number;
  readonly hourlyCost?: number;
  readonly launched?: Launched;
}

/** What is known of the launches of a plan when the sample is made. */
export interface Launched {
  readonly succeeded: number;
  /** Jobs whose launch has not succeeded. */
  readonly inVain: number;
}

/** What was seen, with what the pass has ordered since: a plan takes for granted that its launches succeed. */
export function sampleOf(pool: string, numbers: PlanNumbers, now: number, extra: SampleExtra = {}): Sample {
  const { machines, booting, idle, busy, draining, failed, limit, demand, unmet, unreadParts } = numbers;
  const { oldestWait, hourlyCost, launched } = extra;
  // A part of the jobs is not their number.
  const pending = unreadParts ? undefined : demand;
  return {
    at: floorMinute(now),
    pool,
    ...{ machines, booting, idle, busy, draining, failed, limit },
    ...(pending === undefined ? {} : { pending, unmet: unmet + (launched?.inVain ?? 0) }),
    ...(pending === undefined || oldestWait === undefined ? {} : { oldestWait }),
    ...defined({ hourlyCost }),
    coming: (numbers.coming ?? 0) + (launched?.succeeded ?? 0),
  };
}

/** One line, ending in a line feed; what is not known is an empty field. */
export function sampleLine(sample: Sample): string {
  return `${toIso(sample.at)},${sample.pool},${COLUMNS.map(([, member]) => decimal(sample[member])).join(',')}\n`;
}

/** The same under the columns' names; what is not known is left out. */
export function sampleObject(sample: Sample): Readonly<Record<string, string | number>> {
  const known = COLUMNS.flatMap(([column, member]) =>
    sample[member] === undefined ? [] : [[column, Number(decimal(sample[member]))] as const],
  );
  return { time: toIso(sample.at), pool: sample.pool, ...Object.fromEntries(known) };
}

/** At most four decimals, without an exponent; empty for what is not known. */
export function decimal(value: number | undefined): string {
  return value === undefined ? '' : String(Math.round(value * 10_000) / 10_000);
}

/** The samples in a day's text, or in the end of one. A cut first line, a last line without its end and anything odd are left out. */
export function parseSamples(text: string): readonly Sample[] {
  const complete = text.slice(0, text.lastIndexOf('\n') + 1);
  return complete.split('\n').flatMap((line) => parseLine(line) ?? []);
}

/** Whether the last header or sample of the text has today's columns, neither fewer nor more; also when there is none. */
export function endsInColumns(text: string): boolean {
  const lines = text.slice(0, text.lastIndexOf('\n') + 1).split('\n');
  const last = lines.findLast((line) => /^time,/.test(line) || parseLine(line) !== undefined);
  return last === undefined || last.split(',').length === COLUMNS.length + 2;
}

function parseLine(line: string): Sample | undefined {
  const [time, pool, ...fields] = line.split(',');
  const at = time === undefined ? undefined : fromIso(time);
  if (at === undefined || !pool || fields.length < FIRST_COLUMNS) return undefined;
  const entries = COLUMNS.flatMap(([column, member], i) => {
    const value = numberOf(fields[i], column === 'hourly_cost');
    return value === undefined ? [] : [[member, value] as const];
  });
  if (entries.some(([, n]) => Number.isNaN(n))) return undefined;
  const { machines, booting, idle, busy, draining, failed, limit, ...rest } = Object.fromEntries(entries) as Partial<Sample>;
  const counts = { machines, booting, idle, busy, draining, failed, limit };
  if (REQUIRED.some((member) => counts[member] === undefined)) return undefined;
  return { at, pool, ...counts, ...rest } as Sample;
}

/** `undefined` for an empty field, NaN for what is no number of this column. */
export function numberOf(field: string | undefined, fraction: boolean): number | undefined {
  if (field === undefined || field === '') return undefined;
  // Nobody has a billion of anything here, and digits without end are Infinity.
  return (fraction ? /^\d{1,9}(\.\d+)?$/ : /^\d{1,9}$/).test(field) ? Number(field) : Number.NaN;
}
