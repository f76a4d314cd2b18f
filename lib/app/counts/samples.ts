import type { Alarm } from '../../core/alarms.ts';
import { dayKey, LATEST_KEY, rawKey } from '../../core/keys.ts';
import { endsInColumns, parseSamples, type Sample, SERIES_HEADER, sampleLine, sampleObject } from '../../core/metrics/sample.ts';
import { floorMinute, toIso } from '../../core/time.ts';
import type { CallOptions, Store } from '../ports/index.ts';
import { type AppendOptions, appendOnce, type Missing, NEXT_PART, readTail, type Tail } from '../storage/append.ts';

/** A line is about 80 bytes; what is looked at must hold the last minute of all pools. */
const BYTES_PER_POOL = 256;

/** How the bucket keeps samples, and what time it is. */
export interface SeriesWriter {
  readonly append: boolean;
  readonly now: () => number;
}

/**
 * Records one minute's samples: exactly one line per pool and minute, whatever is retried, lost or late. A minute older than the pool's last one is
 * not added, so that each pool's lines stay sorted; a gap stays a gap. Where a line is ahead of the clock, or the lines have other columns (an upgrade, or a
 * way back), the day goes on in its next part. Returns the first line ahead of the clock, of whatever pool.
 */
export async function writeSamples(
  store: Store,
  samples: readonly Sample[],
  { append, now }: SeriesWriter,
  options: AppendOptions,
): Promise<Sample | undefined> {
  const first = samples[0];
  if (!first) return undefined;
  if (!append) {
    await store.put(rawKey(first.at), SERIES_HEADER + samples.map(sampleLine).join(''), {
      ...options,
      contentType: 'text/csv; charset=utf-8',
    });
    return undefined;
  }
  const known: Sample[] = [];
  let ahead: Sample | undefined;
  const missing = async (tail: Tail, key: string): Promise<Missing> => {
    const present = floorMinute(now());
    const isAhead = ({ at }: Sample) => at > present;
    let there = parseSamples(tail.text);
    const found = there.find(isAhead);
    // Behind such a line no order says how far back a minute could be: all of them are looked at.
    if (found) there = parseSamples((await readTail(store, key, tail.size, options)).text);
    ahead ??= found;
    known.push(...there);
    const lines = samples.filter((sample) => isMissing(sample, known, present)).map(sampleLine);
    if (lines.length === 0) return undefined;
    if (found || !endsInColumns(tail.text)) return NEXT_PART;
    return (tail.size === 0 ? SERIES_HEADER : '') + lines.join('');
  };
  await appendOnce(store, { key: dayKey(first.at), tailBytes: 4_096 + BYTES_PER_POOL * samples.length, missing }, options);
  return ahead;
}

/** Neither there, nor older than what its pool has: a line ahead of the clock makes nothing old. */
function isMissing({ at, pool }: Sample, known: readonly Sample[], present: number): boolean {
  return !known.some((line) => line.pool === pool && (line.at === at || (line.at > at && line.at <= present)));
}

/** For readers that want one number: the newest sample of each pool. Written after the series; the last writer wins. */
export async function writeLatest(store: Store, samples: readonly Sample[], alarms: readonly Alarm[], options: CallOptions): Promise<void> {
  if (samples.length === 0) return;
  const machines = samples.reduce((sum, s) => sum + s.machines, 0);
  const pools = samples.map(sampleObject);
  const raised = alarms
    .filter(({ state }) => state === 'raised')
    .map(({ kind, pool, subject, since, text }) => ({ kind, pool, subject, since: toIso(since), text }));
  const body = JSON.stringify({ version: 1, time: toIso(samples[0]?.at ?? 0), machines, pools, alarms: raised });
  await store.put(LATEST_KEY, `${body}\n`, { ...options, contentType: 'application/json' });
}
