import { defined } from '../../lib/core/defined.ts';
import { plural } from '../../lib/core/plural.ts';
import { DAY, formatDuration, HOUR, MINUTE } from '../../lib/core/time.ts';

/** Spans that the page shows, up to now, and how finely. `table`: steps in a row of the tables. */
export const SPANS = {
  day: { label: 'Day', length: DAY, step: MINUTE, table: 30 },
  week: { label: 'Week', length: 7 * DAY, step: HOUR, table: 6 },
  month: { label: 'Month', length: 31 * DAY, step: HOUR, table: 24 },
} as const;
export type SpanName = keyof typeof SPANS;

/** What is shown: part of the page's address, so that it can be sent to somebody. */
export interface View {
  readonly span: SpanName;
  /** Absent: all. */
  readonly pool?: string;
}

export function viewOf(hash: string): View {
  const found = new URLSearchParams(hash.replace(/^#/, ''));
  const span = (Object.keys(SPANS) as SpanName[]).find((name) => name === found.get('span')) ?? 'day';
  const pool = found.get('pool');
  return pool ? { span, pool } : { span };
}

export function hashOf({ span, pool }: View): string {
  return `#${new URLSearchParams({ span, ...defined({ pool }) })}`;
}

/** Milliseconds between two looks: `?every=SECONDS`, for a server whose clock runs faster; else a minute. */
export function pollEvery(search: string): number {
  const seconds = Number(new URLSearchParams(search).get('every') ?? 60);
  return (seconds >= 1 && seconds <= 3600 ? seconds : 60) * 1000;
}

/** The span of time, ending with the step that is now. */
export function spanOf(name: SpanName, now: number): { readonly from: number; readonly to: number } {
  const { length, step } = SPANS[name];
  const to = Math.floor(now / step) * step + step;
  return { from: to - length, to };
}

/** Whether what is shown is too old to be taken for the present. */
export function isStale(ageMs: number): boolean {
  return ageMs > 3 * MINUTE;
}

/** A dash for what is none. */
export function duration(ms: number): string {
  return Number.isFinite(ms) ? formatDuration(ms) : '–';
}

/** `3`, `2.4`: means have one decimal. */
export function figure(value: number | undefined): string {
  return value === undefined ? '–' : String(Math.round(value * 10) / 10);
}

/** Below the number of machines: how many there may be, and how many are ordered. */
export function machinesNote({
  limit,
  coming,
}: {
  readonly limit?: number | undefined;
  readonly coming?: number | undefined;
} = {}): string {
  const most = limit === undefined ? [] : [`of at most ${figure(limit)}`];
  return [...most, ...(coming ? [`${figure(coming)} ${plural(coming, 'on its way', 'on their way')}`] : [])].join(', ');
}

export function money(amount: number): string {
  return amount.toLocaleString('en-GB', { minimumFractionDigits: 2, maximumFractionDigits: 2 });
}

const REASONS: Readonly<Record<string, string>> = {
  demand: 'a job waits and no worker is free',
  'idle-target': 'workers are kept ready at this time',
  probe: 'one machine is tried after boots that failed',
  idle: 'idle for too long, and nobody needs it',
  'max-builds': 'has done as many jobs as it may',
  'max-age': 'has reached its age',
  'over-limit': 'there are more workers than the limit',
  'never-booted': 'never asked for a job',
  'powered-off': 'has left by itself',
  drained: 'is drained and has no job',
  'vm-gone': 'its machine is gone',
  unresponsive: 'looks idle and let a job wait',
  'token-expires': 'the token of its runner ends soon',
  unfit: 'hangs beside a job that waits',
};

/** The reason in words where it is known, else as it was written. */
export function reason(why: string): string {
  return REASONS[why] ?? why;
}
