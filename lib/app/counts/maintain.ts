import pMap from 'p-map';
import { describeError } from '../../core/errors.ts';
import { DAYS_PREFIX, dayIn, dayKey, INDEX_KEY, MONTHS_PREFIX, monthKey, YEARS_PREFIX, yearKey } from '../../core/keys.ts';
import {
  parseRollup,
  ROLLUP_COLUMNS,
  ROLLUP_HEADER,
  rollUp,
  rollupLine,
  type SeriesRow,
  STEP_MS,
  type Step,
} from '../../core/metrics/rollup.ts';
import { parseSamples, SERIES_HEADER, sampleLine } from '../../core/metrics/sample.ts';
import { DAY, dayOf, floorDay, fromIso, MINUTE } from '../../core/time.ts';
import type { CallOptions, Store } from '../ports/index.ts';
import type { Services } from '../services.ts';
import { type DaySamples, daysOf, inOrder, listRaw, readDays, readIndex, type SeriesIndex } from './read.ts';

/** A day is closed this long after its end: nobody writes to it any more. */
const CLOSED_AFTER_MS = 10 * MINUTE;
/** Days in one go: what a long pause has left is made up for in several. */
const MOST_DAYS = 31;
const AT_ONCE = 16;
const CSV = { contentType: 'text/csv; charset=utf-8' };

/**
 * What keeps the series readable, each tenth minute: the single objects of a bucket that cannot append into their days, closed days into the
 * rollups. Comes after the tick's own work; what fails is logged and done by a later tick.
 */
export async function maintainSeries(
  { store, clock, log }: Pick<Services, 'store' | 'clock' | 'log'>,
  append: boolean,
  signal: AbortSignal,
): Promise<void> {
  const now = clock.now();
  if (Math.floor(now / MINUTE) % 10 !== 1) return;
  try {
    const moved = append ? 0 : await compactDays(store, now, { signal });
    const days = await rollUpDays(store, now, append, { signal });
    if (days.length > 0 || moved > 0) log.info('series kept', { days, moved });
  } catch (error) {
    log.warn('series not kept; a later tick does it', describeError(error));
  }
}

/**
 * Adds the days that have closed to their month's hours and their year's days. Pure functions of objects that do not change any more, put to fixed
 * keys: however many do it at once, the outcome is the same. An index that has days which are not over yet, as a wrong clock or a wrong hand leaves it, is made
 * anew. Returns the days that were added. One request when there is nothing to do.
 */
export async function rollUpDays(store: Store, now: number, append: boolean, options: CallOptions): Promise<readonly string[]> {
  const end = floorDay(now - CLOSED_AFTER_MS);
  const index = await readIndex(store, options);
  const through = index && fromIso(`${index.through}T00:00:00Z`);
  const known = through !== undefined && through < end;
  const from = known ? through + DAY : await firstDay(store, options);
  if (from === undefined || from >= end) return [];
  const to = Math.min(end, from + MOST_DAYS * DAY);
  const days = await readDays(store, daysOf(from, to), append, options);
  await Promise.all([
    add(store, days, { step: '1h', keyOf: monthKey, end }, options),
    add(store, days, { step: '1d', keyOf: yearKey, end }, options),
  ]);
  // Last: while it is not there, readers take the days themselves, and the next one does the same again.
  await store.put(INDEX_KEY, `${JSON.stringify(await indexOf(store, known ? index : undefined, from, to, options))}\n`, {
    ...options,
    contentType: 'application/json',
  });
  return days.map(({ day }) => day);
}

async function firstDay(store: Store, options: CallOptions): Promise<number | undefined> {
  const [first] = await store.list(DAYS_PREFIX, { ...options, max: 1 });
  const day = dayIn(first ?? '');
  return day === undefined ? undefined : fromIso(`${day}T00:00:00Z`);
}

interface Target {
  readonly step: Exclude<Step, '1m'>;
  readonly keyOf: (day: string) => string;
  /** Rows from here on are of days that are not over, and are dropped. */
  readonly end: number;
}

async function add(store: Store, days: readonly DaySamples[], { step, keyOf, end }: Target, options: CallOptions): Promise<void> {
  await pMap(
    [...new Set(days.map(({ day }) => keyOf(day)))],
    async (key) => {
      const added = days.filter(({ day }) => keyOf(day) === key);
      const fresh = new Set(added.map(({ day }) => day));
      const found = await store.get(key, options);
      const before = found ? parseRollup(new TextDecoder().decode(found.body)) : [];
      const kept = before.filter((row) => row.at < end && !fresh.has(dayOf(row.at)));
      const rows: readonly SeriesRow[] = [...kept, ...added.flatMap(({ samples }) => rollUp(samples, step))];
      const sorted = [...rows].sort((a, b) => a.at - b.at);
      await store.put(key, ROLLUP_HEADER + sorted.map(rollupLine).join(''), { ...options, ...CSV });
    },
    { concurrency: 4 },
  );
}

async function indexOf(
  store: Store,
  before: SeriesIndex | undefined,
  from: number,
  to: number,
  options: CallOptions,
): Promise<SeriesIndex> {
  const [months, years] = await Promise.all([store.list(MONTHS_PREFIX, options), store.list(YEARS_PREFIX, options)]);
  const columns = ROLLUP_COLUMNS.map(([column]) => column);
  return { version: 1, first: before?.first ?? dayOf(from), through: dayOf(to - 1), columns, months: [...months], years: [...years] };
}

/**
 * Where the bucket cannot append: moves the minutes that are objects of their own into their day's object, of this day and the one before. The
 * single objects stay until the bucket's lifecycle rule removes them; nobody reads them again. Gives how many minutes were moved.
 */
export async function compactDays(store: Store, now: number, options: CallOptions): Promise<number> {
  const moved = await pMap([dayOf(now - DAY), dayOf(now)], (day) => compactDay(store, day, now, options), { concurrency: 1 });
  return moved.reduce((sum, n) => sum + n, 0);
}

async function compactDay(store: Store, day: string, now: number, options: CallOptions): Promise<number> {
  const raw = await listRaw(store, day, options);
  // The minute in progress may still be written.
  const texts = await pMap(raw, async ({ key }) => (await store.get(key, options))?.body, { concurrency: AT_ONCE });
  const minutes = texts
    .flatMap((body) => (body ? parseSamples(new TextDecoder().decode(body)) : []))
    .filter(({ at }) => at < now - STEP_MS['1m']);
  if (minutes.length === 0) return 0;
  const key = dayKey(fromIso(`${day}T00:00:00Z`) ?? 0);
  const found = await store.get(key, options);
  const before = found ? parseSamples(new TextDecoder().decode(found.body)) : [];
  const body =
    SERIES_HEADER +
    inOrder([...before, ...minutes])
      .map(sampleLine)
      .join('');
  await store.put(key, body, { ...options, ...CSV });
  return minutes.length;
}
