import type { Alarm } from '../core/alarms.ts';
import { dayKey, parseSamples, type Sample, SERIES_HEADER, sampleLine, sampleObject } from '../core/series.ts';
import { toIso } from '../core/time.ts';
import { appendOnce } from './append.ts';
import type { CallOptions, Store } from './ports.ts';
import { rawKey } from './series-read.ts';

/** A line is about 80 bytes; what is looked at must hold the last minute of all pools. */
const BYTES_PER_POOL = 256;

/**
 * Records one minute's samples: exactly one line per pool and minute, whatever is retried, lost or late. A minute older than the last one
 * there is not added, so that the day stays sorted; a gap stays a gap.
 */
export async function writeSamples(store: Store, samples: readonly Sample[], append: boolean, options: CallOptions): Promise<void> {
  const first = samples[0];
  if (!first) return;
  if (!append) {
    await store.put(rawKey(first.at), SERIES_HEADER + samples.map(sampleLine).join(''), {
      ...options,
      contentType: 'text/csv; charset=utf-8',
    });
    return;
  }
  const missing = (tail: { size: number; text: string }) => {
    const there = parseSamples(tail.text);
    const latest = there.at(-1)?.at ?? Number.NEGATIVE_INFINITY;
    const lines = samples.filter((s) => s.at >= latest && !there.some((t) => t.at === s.at && t.pool === s.pool)).map(sampleLine);
    if (lines.length === 0) return undefined;
    return (tail.size === 0 ? SERIES_HEADER : '') + lines.join('');
  };
  await appendOnce(store, { key: dayKey(first.at), tailBytes: 4_096 + BYTES_PER_POOL * samples.length, missing }, options);
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
  await store.put('counts/v1/latest.json', `${body}\n`, { ...options, contentType: 'application/json' });
}
