import { DAY, fromIso, HOUR, toIso } from '../time.ts';
import { COLUMNS, decimal, numberOf, type Sample } from './sample.ts';

/** Length of what one line stands for. */
export const STEP_MS = { '1m': 60_000, '1h': HOUR, '1d': DAY } as const;
export type Step = keyof typeof STEP_MS;

type Means = Partial<Record<(typeof COLUMNS)[number][1], number>>;

/** One pool in one minute, hour or day: means over the samples that have the value. What no sample has is absent. */
export interface SeriesRow extends Means {
  /** Start of the step, UTC. */
  readonly at: number;
  readonly pool: string;
  /** Minutes that have a sample: fewer than the step has are a gap. */
  readonly samples: number;
  readonly machinesMax?: number;
  readonly pendingMax?: number;
  readonly oldestWaitMax?: number;
  readonly comingMax?: number;
  /** Of all pools together in one minute, the same in the rows of all pools: their own maxima may be of different minutes. Absent in a minute. */
  readonly allMachinesMax?: number;
  readonly allPendingMax?: number;
}

const MAXIMA = [
  ['machines_max', 'machinesMax', 'machines'],
  ['pending_max', 'pendingMax', 'pending'],
  ['oldest_wait_max', 'oldestWaitMax', 'oldestWait'],
  ['coming_max', 'comingMax', 'coming'],
] as const;
const TOTALS = [
  ['all_machines_max', 'allMachinesMax', 'machines'],
  ['all_pending_max', 'allPendingMax', 'pending'],
] as const;

const ALL_COLUMNS = [
  ['samples', 'samples'],
  ...COLUMNS,
  ...[...MAXIMA, ...TOTALS].map(([column, member]) => [column, member] as const),
] as const;
/** Came when there were maxima already, and new columns only come at the end. */
const LATE: ReadonlySet<string> = new Set(['coming', 'coming_max']);

/** Every column of a rollup after time and pool, with the member that holds it. */
export const ROLLUP_COLUMNS = [
  ...ALL_COLUMNS.filter(([column]) => !LATE.has(column)),
  ...ALL_COLUMNS.filter(([column]) => LATE.has(column)),
] as const;

/** First line of the objects of a month and of a year. */
export const ROLLUP_HEADER = `time,pool,${ROLLUP_COLUMNS.map(([column]) => column).join(',')}\n`;

/** A sample as a row of its own minute. */
export function minuteRow(sample: Sample): SeriesRow {
  return summary(sample.pool, sample.at, [sample]);
}

/**
 * One row per pool and step that has any sample, by time and then in the order in which pools first appear. A sample that is there twice counts
 * once, the first of them.
 */
export function rollUp(samples: readonly Sample[], step: Step): readonly SeriesRow[] {
  const once = [...grouped(samples, ({ at, pool }) => `${at} ${pool}`).values()].flatMap(([first]) => first ?? []);
  const steps = grouped(once, ({ at }) => Math.floor(at / STEP_MS[step]) * STEP_MS[step]);
  return [...steps]
    .flatMap(([at, group]) => {
      const totals = totalMaxima(group);
      return [...grouped(group, ({ pool }) => pool)].map(([pool, mine]) => ({ ...summary(pool, at, mine), ...totals }));
    })
    .sort((a, b) => a.at - b.at);
}

/** `Map.groupBy`, which Node 20 lacks. */
function grouped<K>(samples: readonly Sample[], keyOf: (sample: Sample) => K): ReadonlyMap<K, readonly Sample[]> {
  const groups = new Map<K, Sample[]>();
  for (const sample of samples) {
    const key = keyOf(sample);
    const group = groups.get(key);
    if (group) group.push(sample);
    else groups.set(key, [sample]);
  }
  return groups;
}

/** The highest sums over the pools of one minute; a minute in which a pool does not know the value has none. */
function totalMaxima(samples: readonly Sample[]): Partial<SeriesRow> {
  const minutes = [...grouped(samples, ({ at }) => at).values()];
  const highest = TOTALS.flatMap(([, member, of]) => {
    const sums = minutes.flatMap((pools) => {
      const known = pools.flatMap((sample) => sample[of] ?? []);
      return known.length < pools.length ? [] : [known.reduce((sum, n) => sum + n, 0)];
    });
    return sums.length === 0 ? [] : [[member, sums.reduce((most, n) => Math.max(most, n), 0)] as const];
  });
  return Object.fromEntries(highest);
}

function summary(pool: string, at: number, samples: readonly Sample[]): SeriesRow {
  const values = (member: keyof Means) => samples.flatMap((sample) => sample[member] ?? []);
  const means = COLUMNS.flatMap(([, member]) => {
    const known = values(member);
    return known.length === 0 ? [] : [[member, known.reduce((sum, n) => sum + n, 0) / known.length] as const];
  });
  const maxima = MAXIMA.flatMap(([, member, of]) => {
    const known = values(of);
    return known.length === 0 ? [] : [[member, known.reduce((most, n) => Math.max(most, n), 0)] as const];
  });
  return { at, pool, samples: samples.length, ...Object.fromEntries([...means, ...maxima]) };
}

/** One line, ending in a line feed. */
export function rollupLine(row: SeriesRow): string {
  return `${toIso(row.at)},${row.pool},${ROLLUP_COLUMNS.map(([, member]) => decimal(row[member])).join(',')}\n`;
}

/**
 * The rows of a month's or year's object, by the names in its header, because another release may have had other columns; lines that are none are left
 * out. Text without a header has today's columns.
 */
export function parseRollup(text: string): readonly SeriesRow[] {
  const [head = '', ...lines] = text.split('\n');
  const header = head.startsWith('time,pool,');
  const names = (header ? head : ROLLUP_HEADER.trim()).split(',').slice(2);
  return (header ? lines : [head, ...lines]).flatMap((line) => {
    const [time = '', pool, ...fields] = line.split(',');
    const at = fromIso(time);
    if (at === undefined || !pool) return [];
    const entries = ROLLUP_COLUMNS.map(([column, member]) => [member, numberOf(fields[names.indexOf(column)], true)] as const);
    const known = entries.filter(([, n]) => n !== undefined);
    if (known.some(([, n]) => Number.isNaN(n)) || known.length === 0) return [];
    const { samples = 0, ...rest }: Partial<SeriesRow> = Object.fromEntries(known);
    return samples > 0 ? [{ ...rest, at, pool, samples }] : [];
  });
}
