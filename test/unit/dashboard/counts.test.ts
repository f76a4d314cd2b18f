import { describe, expect, it } from 'vitest';
import { type Answer, Counts } from '../../../dashboard/model/counts.ts';
import { dayKey } from '../../../lib/core/keys.ts';
import { farmObjects } from '../../real/dashboard-data.ts';

const MINUTE = 60_000;
const DAY = 1440 * MINUTE;
const NOON = Date.UTC(2026, 10, 24, 12);
/** 45 days, made once. */
const FARM = farmObjects(NOON);

/** A bucket that answers ranges, or not. */
function bucket(objects: Map<string, string>, ranges = true) {
  const asked: string[] = [];
  const read = (key: string, from?: number): Promise<Answer> => {
    asked.push(from === undefined ? key : `${key} from ${from}`);
    const text = objects.get(key);
    if (text === undefined) return Promise.resolve({ status: 404, body: new Uint8Array() });
    const body = Buffer.from(text);
    if (from === undefined || !ranges) return Promise.resolve({ status: 200, body });
    if (from >= body.length) return Promise.resolve({ status: 416, body: new Uint8Array(), range: `bytes */${body.length}` });
    return Promise.resolve({ status: 206, body: body.subarray(from), range: `bytes ${from}-${body.length - 1}/${body.length}` });
  };
  return { read, asked };
}

const grow = (objects: Map<string, string>, more: string) => objects.set(dayKey(NOON), `${objects.get(dayKey(NOON)) ?? ''}${more}`);
const day = { from: NOON - DAY, to: NOON + 2 * MINUTE };
const newLine = (objects: ReadonlyMap<string, string>) => {
  const last = (objects.get(dayKey(NOON)) ?? '').trim().split('\n').at(-1) ?? '';
  return `${last.replace(/^[^,]+/, new Date(NOON + MINUTE).toISOString().replace('.000', ''))}\n`;
};

describe('the series as the page reads it', () => {
  it.each([
    ['only what is new, by range', true],
    ['whole again from a server without ranges', false],
  ])('%s', async (_name, ranges) => {
    const objects = new Map(FARM);
    const { read, asked } = bucket(objects, ranges);
    const counts = new Counts(read);
    await counts.refresh(day, NOON, NOON);
    const before = counts.minutes(day).length;
    grow(objects, newLine(objects));
    asked.length = 0;
    await counts.refresh(day, NOON + MINUTE, NOON + MINUTE);
    expect(counts.minutes(day)).toHaveLength(before + 1);
    expect(asked.filter((key) => key.startsWith(dayKey(NOON)))).toEqual([expect.stringContaining(' from ')]);
  });

  it('does not take half a line', async () => {
    const objects = new Map(FARM);
    const whole = newLine(objects);
    const counts = new Counts(bucket(objects).read);
    grow(objects, whole.slice(0, 30));
    await counts.refresh(day, NOON, NOON);
    const before = counts.minutes(day).length;
    grow(objects, whole.slice(30));
    await counts.refresh(day, NOON + MINUTE, NOON + MINUTE);
    expect(counts.minutes(day)).toHaveLength(before + 1);
  });

  it('reads lines of an older farm, which have fewer columns', async () => {
    const counts = new Counts(bucket(new Map(farmObjects(NOON, { columns: 9 }))).read);
    await counts.refresh(day, NOON, NOON);
    const [first] = counts.minutes(day);
    expect([typeof first?.machines, first?.oldestWait, first?.hourlyCost]).toEqual(['number', undefined, undefined]);
  });

  it.each([
    ['a line ahead of the clock', (line: string) => [line.replace(/T[\d:]+/, 'T20:00:00')], (text: string) => text],
    ['an upgrade to more columns', () => [], (text: string) => text.replaceAll(/(,[^,\n]*){2}\n/g, '\n')],
  ])('goes on in the next part of a day after %s', async (_name, more, older) => {
    const objects = new Map(FARM);
    const lines = (objects.get(dayKey(NOON)) ?? '').trim().split('\n');
    const [header = ''] = lines;
    const later = lines.filter((line) => line >= '2026-11-24T10:00' && line !== header);
    const whole = new Counts(bucket(objects).read);
    await whole.refresh(day, NOON, NOON);
    const expected = whole.minutes(day).map(({ at, pool }) => `${at} ${pool}`);

    const first = lines.filter((line) => !later.includes(line));
    objects.set(dayKey(NOON), older(`${[...first, ...more(later[0] ?? '')].join('\n')}\n`));
    objects.set(dayKey(NOON).replace('.csv', '-2.csv'), `${[header, ...later].join('\n')}\n`);
    const { read, asked } = bucket(objects);
    const counts = new Counts(read);
    await counts.refresh(day, NOON, NOON);
    expect(counts.minutes({ from: day.from, to: NOON }).map(({ at, pool }) => `${at} ${pool}`)).toEqual(expected);
    asked.length = 0;
    await counts.refresh(day, NOON + MINUTE, NOON + MINUTE);
    expect(asked.filter((key) => key.startsWith('counts/v1/day'))).toHaveLength(2);
  });

  it('does not believe an index that has days of the future', async () => {
    const objects = new Map(FARM);
    objects.set('counts/v1/index.json', '{"version":1,"through":"9999-12-31"}');
    const counts = new Counts(bucket(objects).read);
    const span = { from: NOON - DAY, to: NOON };
    await counts.refresh(span, NOON, NOON);
    expect(counts.hours(span).length).toBeGreaterThan(2 * 23);
  });

  it('takes a month of closed days from its rollup, in a handful of requests', async () => {
    const { read, asked } = bucket(new Map(FARM));
    const counts = new Counts(read);
    const month = { from: NOON - 31 * DAY, to: NOON };
    await counts.refresh(month, NOON, NOON);
    expect(counts.hours(month).length).toBeGreaterThan(31 * 24 * 2 - 60);
    expect(asked.length).toBeLessThanOrEqual(10);
  });

  it('is empty where nothing is, and fails where the server does', async () => {
    const counts = new Counts(bucket(new Map()).read);
    await counts.refresh(day, undefined, NOON);
    expect(counts.minutes(day)).toEqual([]);
    const broken = new Counts(() => Promise.resolve({ status: 500, body: new Uint8Array() }));
    await expect(broken.refresh(day, NOON, NOON)).rejects.toThrow('HTTP 500');
  });
});
