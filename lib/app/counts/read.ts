import pMap from 'p-map';
import * as z from 'zod/mini';
import { dayIn, dayKey, daysPrefix, INDEX_KEY, monthKey, rawKey, rawPrefix, yearKey } from '../../core/keys.ts';
import { minuteRow, parseRollup, rollUp, type SeriesRow, STEP_MS, type Step } from '../../core/metrics/rollup.ts';
import { parseSamples, type Sample } from '../../core/metrics/sample.ts';
import { DAY, dayOf, floorDay, fromIso } from '../../core/time.ts';
import type { CallOptions, Store } from '../ports/index.ts';
import { readJson } from '../storage/json.ts';

/** Objects read at once. */
const AT_ONCE = 16;

/** What the rollups hold; written by `rollUpDays`. */
export const SeriesIndex = z.object({
  version: z.literal(1),
  /** The first and the last day that month and year objects hold, `YYYY-MM-DD`. */
  first: z.iso.date(),
  through: z.iso.date(),
  columns: z.array(z.string()),
  months: z.array(z.string()),
  years: z.array(z.string()),
});
export type SeriesIndex = z.infer<typeof SeriesIndex>;

export interface SeriesQuery {
  /** From the step that holds `from`, up to `to` and without it. */
  readonly from: number;
  readonly to: number;
  readonly step: Step;
  readonly pool?: string;
  /** `false` for a bucket that cannot append: its newest minutes are objects of their own. */
  readonly append: boolean;
}

/**
 * The counts of a span, by time and pool. Hours and days come from the rollups, days that these do not hold from their own objects, whatever the index
 * says. What nobody recorded has no row. A month costs at most 35 requests in four rounds.
 */
export async function readSeries(store: Store, query: SeriesQuery, options: CallOptions = {}): Promise<readonly SeriesRow[]> {
  const { from, to, step, pool, append } = query;
  const begin = Math.floor(from / STEP_MS[step]) * STEP_MS[step];
  const rows =
    step === '1m'
      ? await minutes(store, { from: begin, to, append }, options)
      : await steps(store, { from: begin, to, append }, step, options);
  return rows.filter((row) => row.at >= begin && row.at < to && (pool === undefined || row.pool === pool));
}

interface Span {
  readonly from: number;
  readonly to: number;
  readonly append: boolean;
}

async function minutes(store: Store, span: Span, options: CallOptions): Promise<readonly SeriesRow[]> {
  const days = await readDays(store, daysOf(span.from, span.to), span.append, options);
  return days.flatMap(({ samples }) => samples.map(minuteRow));
}

async function steps(store: Store, span: Span, step: '1h' | '1d', options: CallOptions): Promise<readonly SeriesRow[]> {
  const { from, to } = span;
  const index = await readIndex(store, options);
  const closed = Math.min(to, index ? startOf(index.through) + DAY : 0);
  const keyOf = step === '1h' ? monthKey : yearKey;
  const held = new Set(step === '1h' ? index?.months : index?.years);
  const keys = [...new Set(daysOf(from, closed).map(keyOf))].filter((key) => held.has(key));
  const texts = await pMap(keys, async (key) => readText(store, key, options), { concurrency: AT_ONCE });
  const rolled = texts.flatMap(parseRollup).filter((row) => row.at < closed);
  const there = new Set(rolled.map((row) => dayOf(row.at)));
  const rest = daysOf(from, to).filter((day) => !there.has(day));
  const recent = await readDays(store, rest, span.append, options);
  return [...rolled, ...recent.flatMap(({ samples }) => rollUp(samples, step))].sort((a, b) => a.at - b.at);
}

/** `undefined` when there is none yet, or it is not one. */
export async function readIndex(store: Store, options: CallOptions): Promise<SeriesIndex | undefined> {
  return (await readJson(store, INDEX_KEY, SeriesIndex, options)).value;
}

export interface DaySamples {
  readonly day: string;
  readonly samples: readonly Sample[];
}

/** All samples of the days, day by day and sorted; days without any are left out. */
export async function readDays(
  store: Store,
  days: readonly string[],
  append: boolean,
  options: CallOptions,
): Promise<readonly DaySamples[]> {
  if (days.length === 0) return [];
  const listed = await listDays(store, days, options);
  const raw = append ? [] : (await pMap(days.slice(-2), (day) => listRaw(store, day, options))).flat();
  const keys = [...listed, ...raw];
  const texts = await pMap(keys, async ({ day, key }) => ({ day, text: await readText(store, key, options) }), { concurrency: AT_ONCE });
  const byDay = new Map<string, Sample[]>();
  for (const { day, text } of texts) byDay.set(day, [...(byDay.get(day) ?? []), ...parseSamples(text)]);
  return [...byDay].map(([day, samples]) => ({ day, samples: inOrder(samples) })).filter(({ samples }) => samples.length > 0);
}

/** Each pool and minute once, the first wins; sorted by time. */
export function inOrder(samples: readonly Sample[]): readonly Sample[] {
  const once = new Map<string, Sample>();
  for (const sample of samples) {
    const key = `${sample.at} ${sample.pool}`;
    if (!once.has(key)) once.set(key, sample);
  }
  return [...once.values()].sort((a, b) => a.at - b.at);
}

interface DayObject {
  readonly day: string;
  readonly key: string;
}

/** The days' own objects and their further parts (`-2.csv`). */
async function listDays(store: Store, days: readonly string[], options: CallOptions): Promise<readonly DayObject[]> {
  const months = [...new Set(days.map(daysPrefix))];
  const listed = await pMap(months, (month) => store.list(month, options), { concurrency: AT_ONCE });
  const wanted = new Set(days);
  return listed.flat().flatMap((key) => {
    const day = dayIn(key);
    return day !== undefined && wanted.has(day) ? [{ day, key }] : [];
  });
}

/** A day's minutes that its own object does not hold yet. */
export async function listRaw(store: Store, day: string, options: CallOptions): Promise<readonly DayObject[]> {
  const [compacted, keys] = await Promise.all([readText(store, dayKey(startOf(day)), options), store.list(rawPrefix(day), options)]);
  const held = new Set(parseSamples(compacted).map(({ at }) => rawKey(at)));
  return keys.filter((key) => !held.has(key)).map((key) => ({ day, key }));
}

/** UTC days that the span touches. */
export function daysOf(from: number, to: number): readonly string[] {
  const days: string[] = [];
  for (let at = floorDay(from); at < to; at += DAY) days.push(dayOf(at));
  return days;
}

function startOf(day: string): number {
  return fromIso(`${day}T00:00:00Z`) ?? 0;
}

async function readText(store: Store, key: string, options: CallOptions): Promise<string> {
  const found = await store.get(key, options);
  return found ? new TextDecoder().decode(found.body) : '';
}
