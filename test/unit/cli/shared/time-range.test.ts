import { describe, expect, it } from 'vitest';
import { parseSpan } from '../../../../cli/shared/time-range.ts';
import { localText } from '../../../../lib/core/chart/zone.ts';

const NOW = Date.parse('2026-11-24T12:34:56Z');
const ZONE = 'Europe/Berlin';

function parsed(from: string, to: string, timezone = ZONE): readonly string[] {
  const span = parseSpan({ from, to, timezone }, NOW);
  return [span.from, span.to].map((at) => new Date(at).toISOString());
}

describe('a span', () => {
  it.each([
    { from: 'today', to: 'now', at: ['2026-11-23T23:00:00.000Z', '2026-11-24T12:34:56.000Z'] },
    { from: 'yesterday', to: 'yesterday', at: ['2026-11-22T23:00:00.000Z', '2026-11-23T23:00:00.000Z'] },
    { from: '2026-11-01', to: '2026-11-30', at: ['2026-10-31T23:00:00.000Z', '2026-11-30T23:00:00.000Z'] },
    { from: '2026-11-24T08:15', to: '2026-11-24T09:00', at: ['2026-11-24T07:15:00.000Z', '2026-11-24T08:00:00.000Z'] },
    { from: '2026-11-24T08:15:30Z', to: '2026-11-24T10:00+01:00', at: ['2026-11-24T08:15:30.000Z', '2026-11-24T09:00:00.000Z'] },
    { from: '-90m', to: '-1h', at: ['2026-11-24T11:04:56.000Z', '2026-11-24T11:34:56.000Z'] },
    { from: '-2w', to: '-7d', at: ['2026-11-10T12:34:56.000Z', '2026-11-17T12:34:56.000Z'] },
    // Summer time ends on the 25th of October at 3:00, and begins on the 29th of March at 2:00.
    { from: '2026-10-25', to: '2026-10-25', at: ['2026-10-24T22:00:00.000Z', '2026-10-25T23:00:00.000Z'] },
    { from: '2026-10-25T02:30', to: '2026-10-25T03:00', at: ['2026-10-25T00:30:00.000Z', '2026-10-25T02:00:00.000Z'] },
    { from: '2026-03-29T02:30', to: '2026-03-29T04:00', at: ['2026-03-29T01:30:00.000Z', '2026-03-29T02:00:00.000Z'] },
  ])('from $from to $to', ({ from, to, at }) => {
    expect(parsed(from, to)).toEqual(at);
  });

  it('is of UTC where that is the zone', () => {
    expect(parsed('2026-11-24', '2026-11-24', 'UTC')).toEqual(['2026-11-24T00:00:00.000Z', '2026-11-25T00:00:00.000Z']);
  });

  it.each([
    { name: 'the wrong way round', from: '2026-11-24', to: '2026-11-01', says: 'is not before' },
    { name: 'no time', from: 'monday', to: 'now', says: '--from monday: write a day' },
    { name: 'no day', from: '2026-02-30', to: 'now', says: '--from 2026-02-30' },
    { name: 'no month', from: 'today', to: '2026-13-01', says: '--to 2026-13-01' },
    { name: 'an empty text', from: '', to: 'now', says: '--from' },
  ])('that is $name is told', ({ from, to, says }) => {
    expect(() => parsed(from, to)).toThrow(says);
  });

  it('of no zone is told', () => {
    expect(() => parsed('today', 'now', 'Europe/Bonn')).toThrow('there is no such zone');
  });
});

it('a local time is written with its day', () => {
  expect(localText(NOW, ZONE)).toBe('2026-11-24 13:34');
});
