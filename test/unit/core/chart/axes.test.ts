import { describe, expect, it } from 'vitest';
import { shortDay, tickLabel, timeTicks, valueAxis } from '../../../../lib/core/chart/axes.ts';
import { HOUR, MINUTE } from '../../../../lib/core/time.ts';

const DAY = Date.UTC(2026, 10, 23);
const labels = (span: { from: number; to: number; timezone: string }, most: number) =>
  timeTicks(span, most).map((at) => tickLabel(at, span.timezone, shortDay));

describe('the values of an axis', () => {
  it.each([
    { most: 0, ticks: [0, 1], top: 1 },
    { most: 3, ticks: [0, 1, 2, 3], top: 3 * 1.05 },
    { most: 5, ticks: [0, 2, 4, 6], top: 6 },
    { most: 19, ticks: [0, 5, 10, 15, 20], top: 20 },
    { most: 4100, ticks: [0, 2000, 4000, 6000], top: 6000 },
  ])('are whole numbers with space above $most', ({ most, ticks, top }) => {
    expect(valueAxis(most)).toEqual({ ticks, top });
  });

  it('may have fractions', () => {
    expect(valueAxis(0.35, true).ticks).toEqual([0, 0.1, 0.2, 0.3, 0.4]);
  });
});

describe('the times of an axis', () => {
  it.each([
    {
      from: DAY,
      to: DAY + 24 * HOUR,
      most: 8,
      expected: ['11-23', '03:00', '06:00', '09:00', '12:00', '15:00', '18:00', '21:00', '11-24'],
    },
    { from: DAY + 5 * MINUTE, to: DAY + 2 * HOUR, most: 4, expected: ['00:30', '01:00', '01:30', '02:00'] },
    { from: DAY, to: DAY + 3 * 24 * HOUR, most: 3, expected: ['11-23', '11-24', '11-25', '11-26'] },
  ])('are round: $expected', ({ expected, most, from, to }) => {
    expect(labels({ from, to, timezone: 'UTC' }, most)).toEqual(expected);
  });

  it('are round in their zone, through a change of summer time', () => {
    const from = Date.UTC(2026, 9, 24, 22);
    const span = { from, to: from + 25 * HOUR, timezone: 'Europe/Berlin' };
    expect(labels(span, 5)).toEqual(['10-25', '06:00', '12:00', '18:00', '10-26']);
  });
});
