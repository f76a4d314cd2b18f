import { describe, expect, it } from 'vitest';
import { askedWaitMs, encode } from '../../../lib/http/headers.ts';

const NOW = Date.parse('2026-11-23T16:00:00Z');
const inAMinute = 'Mon, 23 Nov 2026 16:01:00 GMT';

describe('Retry-After', () => {
  it.each([
    { name: 'none', headers: {}, ms: undefined },
    { name: 'seconds', headers: { 'retry-after': ' 7 ' }, ms: 7_000 },
    { name: 'less than nothing', headers: { 'retry-after': '-30' }, ms: 1_000 },
    { name: 'a day', headers: { 'retry-after': '86400' }, ms: 3_600_000 },
    { name: 'a date, by our clock', headers: { 'retry-after': inAMinute }, ms: 60_000 },
    { name: 'a date beside another clock', headers: { 'retry-after': inAMinute, date: 'Mon, 23 Nov 2026 16:00:20 GMT' }, ms: 60_000 },
    { name: 'words', headers: { 'retry-after': 'soon' }, ms: undefined },
  ])('$name', ({ headers, ms }) => {
    expect(askedWaitMs(headers, NOW)).toBe(ms);
  });

  it.each([
    { name: 'the clock of a server that is 20 s ahead', date: 'Mon, 23 Nov 2026 16:00:20 GMT', ms: 40_000 },
    { name: 'no date', date: 'today', ms: undefined },
    { name: 'nothing', date: undefined, ms: undefined },
  ])('a date beside $name, without a clock of ours', ({ date, ms }) => {
    expect(askedWaitMs({ 'retry-after': inAMinute, date })).toBe(ms);
  });
});

it('encodes all but unreserved characters', () => {
  expect(encode("aZ09-._~ /!'()*ä")).toBe('aZ09-._~%20%2F%21%27%28%29%2A%C3%A4');
});
