import type { FarmStatus } from '../../lib/app/status/schema.ts';
import { dayKey } from '../../lib/core/keys.ts';
import { ROLLUP_HEADER, rollUp, rollupLine } from '../../lib/core/metrics/rollup.ts';
import { type Sample, SERIES_HEADER, sampleLine } from '../../lib/core/metrics/sample.ts';
import { DAY, dayOf, HOUR, MINUTE, toIso } from '../../lib/core/time.ts';
import { seeded } from './radosgw.ts';

export interface Told {
  /** What nobody recorded, in minutes before now. */
  readonly gap?: { readonly from: number; readonly to: number };
  readonly workers?: number;
  readonly days?: number;
  /** Columns that the lines have after time and pool. */
  readonly columns?: number;
}

/** The objects below `counts/` of a farm with two pools that builds at night and by day: by key. */
export function farmObjects(now: number, { gap, workers, days = 45, columns }: Told = {}): ReadonlyMap<string, string> {
  const objects = new Map<string, string>();
  const today = Math.floor(now / DAY) * DAY;
  const random = seeded(5);
  const rolled: Sample[] = [];
  let newest: Sample | undefined;
  for (let day = today - days * DAY; day <= today; day += DAY) {
    const samples = dayOfSamples(day, Math.min(day + DAY, now), random).filter(
      ({ at }) => !gap || at < now - gap.from * MINUTE || at >= now - gap.to * MINUTE,
    );
    newest = samples.findLast(({ pool }) => pool === 'bitbake') ?? newest;
    if (day < today) rolled.push(...samples);
    const cut = (text: string) => text.split(',').slice(0, columns === undefined ? undefined : columns + 2);
    const lines = samples.map((sample) => `${cut(sampleLine(sample).trim()).join()}\n`).join('');
    if (day >= today - 2 * DAY) objects.set(dayKey(day), `${cut(SERIES_HEADER.trim()).join()}\n${lines}`);
  }
  const hours = rollUp(rolled, '1h');
  const months = [...new Set(hours.map(({ at }) => dayOf(at).slice(0, 7)))];
  for (const month of months) {
    const rows = hours.filter(({ at }) => dayOf(at).startsWith(month));
    objects.set(`counts/v1/month/${month}.csv`, ROLLUP_HEADER + rows.map(rollupLine).join(''));
  }
  const index = { version: 1, first: dayOf(today - days * DAY), through: dayOf(today - DAY), columns: [], months: [], years: [] };
  objects.set('counts/v1/index.json', JSON.stringify(index));
  objects.set('counts/v1/farm.json', JSON.stringify(farmView(now, newest, workers)));
  return objects;
}

/** A hump of demand at night, and one by day, lower at weekends. */
function dayOfSamples(day: number, to: number, random: () => number): readonly Sample[] {
  const weekend = [0, 6].includes(new Date(day).getUTCDay());
  const peak = 12 + Math.floor(random() * 8);
  const samples: Sample[] = [];
  for (let at = day; at < to; at += MINUTE) {
    const hour = (at - day) / HOUR;
    const night = hump(hour, 2.6, 1.4) * peak;
    const office = (weekend ? 0.6 : 1) * (hump(hour, 9.5, 1.6) * 0.8 + hump(hour, 14, 2.2)) * peak;
    const wanted = Math.max(0, night + office + Math.sin(hour * 9) * 0.9 - 0.8);
    samples.push(sample(at, 'bitbake', 19, wanted, 0.6124), sample(at, 'tests', 8, wanted / 4, 0.2051));
  }
  return samples;
}

function hump(hour: number, middle: number, width: number): number {
  return Math.exp(-(((hour - middle) / width) ** 2));
}

function sample(at: number, pool: string, limit: number, wanted: number, price: number): Sample {
  const busy = Math.min(limit - 1, Math.floor(wanted));
  const booting = Math.min(limit - busy, Math.round((wanted % 1) * 2));
  const idle = Math.min(limit - busy - booting, busy > 1 ? 2 : 0);
  const draining = busy > 3 && Math.floor(at / MINUTE) % 17 < 3 && busy + booting + idle < limit ? 1 : 0;
  const failed = Math.floor(at / MINUTE) % 211 < 4 && busy + booting + idle + draining < limit ? 1 : 0;
  const machines = busy + booting + idle + draining + failed;
  const unmet = Math.max(0, Math.round(wanted) - limit + 1);
  const pending = booting + unmet;
  const oldestWait = pending === 0 ? 0 : 40 + unmet * 90 + (Math.floor(at / MINUTE) % 5) * 15;
  const coming = Math.min(booting, Math.floor(at / MINUTE) % 3);
  const waits = { pending, unmet, oldestWait, coming };
  return { at, pool, machines, booting, idle, busy, draining, failed, limit, ...waits, hourlyCost: machines * price };
}

const NAMES = ['01k9p3v8qz', '01k9p4c2ma', '01k9p5dd7w', '01k9p6yx0t', '01k9p7h4en', '01k9p8r9ks', '01k9p9b1gj', '01k9paf6cd'];

/** Says the same as the newest counts, where they say the same thing. */
function farmView(now: number, newest: Sample | undefined, workers = 8): FarmStatus {
  const ago = (minutes: number) => toIso(now - minutes * MINUTE);
  const phases = ['busy', 'busy', 'busy', 'idle', 'booting', 'busy', 'draining', 'failed'];
  const flavor = { flavor: 's3.4xlarge.4', zone: 'eu-de-02' };
  return {
    version: 1,
    time: toIso(now - 12_000),
    installation: 'acme builds',
    currency: 'EUR',
    pools: [
      { name: 'bitbake', tags: ['bitbake'], limit: 19, flavors: ['s3.4xlarge.4'] },
      { name: 'tests', tags: ['tests'], limit: 8, flavors: ['s3.large.4'] },
    ],
    workers: Array.from({ length: workers }, (_, i) => {
      const phase = phases[i % phases.length] ?? 'busy';
      const pool = i % 4 === 3 ? 'tests' : 'bitbake';
      const why = { draining: 'idle', failed: 'never-booted' }[phase];
      const name = `${pool}-${NAMES[i % NAMES.length]}${String(i).padStart(3, '0')}r7vbn5c2x1`;
      return { name, pool, phase, since: ago(3 + i * 7), ...(why && { why }), ...flavor, costPerHour: pool === 'tests' ? 0.2051 : 0.6124 };
    }),
    waiting: Array.from({ length: newest?.pending ?? 0 }, (_, i) => {
      return { pool: 'bitbake', jobId: 48_211 + i, since: toIso(now - ((newest?.oldestWait ?? 0) * 1000) / (i + 1)) };
    }),
    actions: Array.from({ length: 14 }, (_, i) => {
      const kinds = ['launch', 'drain', 'reap', 'launch', 'forget'] as const;
      const whys = ['demand', 'idle', 'drained', 'demand', 'vm-gone'];
      const failed = i === 3 && { outcome: 'failed', code: 'Ecs.0319' };
      const worker = `bitbake-${NAMES[i % NAMES.length]}${i}h3k8w2m6q4`;
      return {
        time: ago(1 + i * 4),
        kind: kinds[i % 5] ?? 'launch',
        pool: 'bitbake',
        worker,
        why: whys[i % 5] ?? '',
        outcome: 'done',
        ...failed,
      };
    }),
    alarms: [
      {
        kind: 'hook',
        text: 'GitLab has disabled the hook (temporarily_disabled): jobs wait up to a minute longer',
        since: now - 4 * MINUTE,
        seen: now,
        state: 'raised',
      },
    ],
    managers: [{ name: 'caches-1', time: ago(2), phase: 'serving', problems: [] }],
  };
}
