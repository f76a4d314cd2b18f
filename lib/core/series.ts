import type { PlanNumbers } from './plan.ts';
import { dayOf, floorMinute, fromIso, toIso } from './time.ts';

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
  readonly unmet?: number;
  readonly limit: number;
}

const COLUMNS = ['machines', 'booting', 'idle', 'busy', 'draining', 'failed', 'pending', 'unmet', 'limit'] as const;

/** First line of every day's object. New columns are only ever added at the end. */
export const SERIES_HEADER = `time,pool,${COLUMNS.join(',')}\n`;

/** Where a day's samples of all pools are. */
export function dayKey(at: number): string {
  const day = dayOf(at);
  return `counts/v1/day/${day.slice(0, 4)}/${day.slice(5, 7)}/${day}.csv`;
}

export function sampleOf(pool: string, numbers: PlanNumbers, now: number): Sample {
  const { machines, booting, idle, busy, draining, failed, limit, demand, unmet } = numbers;
  const counts = { machines, booting, idle, busy, draining, failed, limit };
  return { at: floorMinute(now), pool, ...counts, ...(demand === undefined ? {} : { pending: demand, unmet }) };
}

/** One line, ending in a line feed; what is not known is an empty field. */
export function sampleLine(sample: Sample): string {
  return `${toIso(sample.at)},${sample.pool},${COLUMNS.map((c) => sample[c] ?? '').join(',')}\n`;
}

/** The samples in a day's text, or in the end of one. A cut first line, a last line without its end and anything odd are left out. */
export function parseSamples(text: string): readonly Sample[] {
  const complete = text.slice(0, text.lastIndexOf('\n') + 1);
  return complete.split('\n').flatMap((line) => parseLine(line) ?? []);
}

function parseLine(line: string): Sample | undefined {
  const [time, pool, ...fields] = line.split(',');
  const at = time === undefined ? undefined : fromIso(time);
  if (at === undefined || !pool || fields.length < COLUMNS.length) return undefined;
  const entries = COLUMNS.map((column, i) => [column, numberOf(fields[i])] as const).filter(([, n]) => n !== undefined);
  if (entries.some(([, n]) => Number.isNaN(n))) return undefined;
  const { machines, booting, idle, busy, draining, failed, limit, ...rest } = Object.fromEntries(entries) as Partial<Sample>;
  const all = [machines, booting, idle, busy, draining, failed, limit];
  if (all.some((n) => n === undefined)) return undefined;
  return { at, pool, machines, booting, idle, busy, draining, failed, limit, ...rest } as Sample;
}

function numberOf(field: string | undefined): number | undefined {
  if (field === undefined || field === '') return undefined;
  return /^\d+$/.test(field) ? Number(field) : Number.NaN;
}
