import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { parseFarm, stateOf } from '../../../dashboard/model/farm.ts';
import { duration, hashOf, isStale, machinesNote, pollEvery, spanOf, viewOf } from '../../../dashboard/model/view.ts';
import { clockSeconds, dayTime, startOfDay, startOfMonth } from '../../../lib/core/chart/zone.ts';
import { buildDashboard, compressedSize, DASHBOARD_KB } from '../../../scripts/dashboard.ts';

describe('the address of a view', () => {
  it.each([
    ['', { span: 'day' }],
    ['#span=week', { span: 'week' }],
    ['#span=year&pool=bit%26bake', { span: 'day', pool: 'bit&bake' }],
  ] as const)('%s', (hash, view) => expect(viewOf(hash)).toEqual(view));

  it('comes back as it was', () => {
    const view = { span: 'month', pool: 'a & b' } as const;
    expect(viewOf(hashOf(view))).toEqual(view);
  });
});

it.each([
  [{ limit: 3, coming: 1 }, 'of at most 3, 1 on its way'],
  [{ limit: 3, coming: 2 }, 'of at most 3, 2 on their way'],
  [{ coming: 1.5 }, '1.5 on their way'],
  [{ limit: 3, coming: 0 }, 'of at most 3'],
  [undefined, ''],
])('notes below the machines of %j: %s', (point, note) => expect(machinesNote(point)).toBe(note));

it.each([Number.NaN, 9e15, Number.POSITIVE_INFINITY])('shows a dash for %d, which is no time', (at) => {
  expect([dayTime(at, 'Europe/Berlin'), clockSeconds(at, 'UTC')]).toEqual(['–', '–']);
});

it.each(['x', '2026-13-01T00:00:00Z', undefined, 7])('takes a farm whose own time is %s', (time) => {
  expect(parseFarm(JSON.stringify({ time, workers: [{ name: 'w', pool: 'p', phase: 'busy', since: 'x' }] }))?.workers).toHaveLength(1);
});

it('shows a worker whose VM is ordered and not there yet as ordered, not as booting', () => {
  const base = { name: 'w', pool: 'p', since: '2026-11-23T08:00:00Z' };
  const workers = [
    { ...base, phase: 'booting', coming: true },
    { ...base, phase: 'booting', coming: 'x' },
    { ...base, phase: 'idle', coming: true },
  ];
  expect(parseFarm(JSON.stringify({ workers }))?.workers.map(stateOf)).toEqual(['ordered', 'booting', 'idle']);
});

it.each(['', '[]', '{}', 'null', '{"time":"2026-11-23T08:00:00Z"}'])('takes %s for no farm', (text) => {
  expect(parseFarm(text)).toBeUndefined();
});

it.each([
  ['', 60_000],
  ['?every=5', 5_000],
  ['?every=0', 60_000],
  ['?every=x', 60_000],
])('looks again after the time of %s', (search, ms) => expect(pollEvery(search)).toBe(ms));

it('ends a span with the step that is now', () => {
  const now = Date.UTC(2026, 10, 24, 10, 30, 30);
  expect(spanOf('day', now)).toEqual({ from: Date.UTC(2026, 10, 23, 10, 31), to: Date.UTC(2026, 10, 24, 10, 31) });
  expect(spanOf('week', now).to).toBe(Date.UTC(2026, 10, 24, 11));
});

it.each([
  [59_000, '59 s'],
  [119_000, '119 s'],
  [120_000, '2 min'],
  [7_200_000, '2 h'],
  [172_800_000, '2 d'],
  [-5, '0 s'],
  [Number.NaN, '–'],
])('says %i ms as %s', (ms, words) => expect(duration(ms)).toBe(words));

it('takes numbers for old after three minutes', () => expect([isStale(180_000), isStale(180_001)]).toEqual([false, true]));

describe('days of a zone', () => {
  it.each([
    ['a plain day', '2026-11-24T10:00:00Z', '2026-11-23T23:00:00Z'],
    ['the day on which summer time begins', '2026-03-29T12:00:00Z', '2026-03-28T23:00:00Z'],
    ['the day on which it ends', '2026-10-25T12:00:00Z', '2026-10-24T22:00:00Z'],
    ['right after midnight', '2026-10-25T22:59:59Z', '2026-10-24T22:00:00Z'],
  ])('%s', (_name, at, start) => {
    expect(new Date(startOfDay(Date.parse(at), 'Europe/Berlin')).toISOString()).toBe(start.replace('Z', '.000Z'));
  });

  it('a month begins at its first midnight, whatever the clocks did since', () => {
    expect(new Date(startOfMonth(Date.parse('2026-10-31T12:00:00Z'), 'Europe/Berlin')).toISOString()).toBe('2026-09-30T22:00:00.000Z');
    expect(new Date(startOfMonth(Date.parse('2026-11-01T00:30:00Z'), 'UTC')).toISOString()).toBe('2026-11-01T00:00:00.000Z');
  });

  it('times are those of the zone', () => expect(dayTime(Date.parse('2026-11-24T23:05:00Z'), 'Europe/Berlin')).toBe('Wed 25 Nov, 00:05'));
});

describe('the built page', async () => {
  const files = await buildDashboard();

  it('is at most 60 kB compressed', () => {
    expect(DASHBOARD_KB).toBe(60);
    expect(compressedSize(files)).toBeLessThanOrEqual(60_000);
  });

  it('names its assets by their content, and no address of anybody else', () => {
    const html = Buffer.from(files.at(-1)?.contents ?? []).toString();
    for (const { path } of files.slice(0, -1)) expect(html).toContain(path);
    expect(html).not.toMatch(/(src|href)="(https?:)?\/\//);
    expect(html).toContain("default-src 'none'");
  });
});

it('names every part of the page once: what fills one part must never empty another', () => {
  const html = readFileSync(new URL('../../../dashboard/index.html', import.meta.url), 'utf8');
  const ids = [...html.matchAll(/ id="([^"]+)"/g)].map(([, id]) => id);
  expect(ids.length).toBeGreaterThan(10);
  expect(ids).toEqual([...new Set(ids)]);
});
