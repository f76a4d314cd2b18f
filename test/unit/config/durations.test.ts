import { describe, expect, it } from 'vitest';
import { formatDuration, parseDuration } from '../../../lib/config/durations.ts';

describe('parseDuration', () => {
  it.each<readonly [string, unknown, number | undefined]>([
    ["seconds, as docker+machine's IdleTime", 60, 60_000],
    ['zero', 0, 0],
    ['a fraction of a second', 0.5, 500],
    ['seconds as text', '60', 60_000],
    ['seconds', '90s', 90_000],
    ['minutes', '10m', 600_000],
    ['hours', '24h', 86_400_000],
    ['days', '7d', 604_800_000],
    ['several units', '1h30m', 5_400_000],
    ['a fraction', '1.5h', 5_400_000],
    ['spaces around', ' 10m ', 600_000],
    ['a unit alone', 'm', undefined],
    ['a word', '10 minutes', undefined],
    ['capitals', '10M', undefined],
    ['a sign', '-10m', undefined],
    ['a negative number', -1, undefined],
    ['infinity', Number.POSITIVE_INFINITY, undefined],
    ['empty', '', undefined],
    ['nothing', null, undefined],
    ['true', true, undefined],
  ])('%s', (_name, value, expected) => {
    expect(parseDuration(value)).toBe(expected);
  });
});

describe('formatDuration', () => {
  it.each([
    [86_400_000, '1d'],
    [90_000, '90s'],
    [5_400_000, '90m'],
    [0, '0s'],
  ])('%i', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
    expect(parseDuration(text)).toBe(ms);
  });
});
