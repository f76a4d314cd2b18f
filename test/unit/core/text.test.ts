import { describe, expect, it } from 'vitest';
import { drainedSince, drainNote } from '../../../lib/core/fleet/drain-note.ts';
import { isWorkerOf, workerName } from '../../../lib/core/fleet/names.ts';
import { dayOf, floorMinute, fromIso, toDate, toIso } from '../../../lib/core/time.ts';
import { NOW, pool } from '../../../testkit/builders.ts';

const ULID = '01JDBKXG4T9Z8QWERTYASDFGH0';

describe('workerName', () => {
  it('is the pool and the ulid in lower case', () => {
    expect(workerName('bake-big', ULID)).toBe('bake-big-01jdbkxg4t9z8qwertyasdfgh0');
  });

  it('of the longest pool name has 59 characters', () => {
    expect(workerName('p'.repeat(32), ULID)).toHaveLength(59);
  });
});

describe('isWorkerOf', () => {
  const name = workerName('bake', ULID);
  const rows = [
    { name: 'its own', text: name, expected: true },
    { name: 'a pool whose name begins with ours', text: workerName('bake-big', ULID), expected: false },
    { name: 'a pool whose name ends in ours', text: workerName('big-bake', ULID), expected: false },
    { name: 'something before', text: `x${name}`, expected: false },
    { name: 'something after', text: `${name}0`, expected: false },
    { name: 'a line after', text: `${name}\n`, expected: false },
    { name: 'a line before', text: `x\n${name}`, expected: false },
    { name: 'upper case', text: `bake-${ULID}`, expected: false },
    { name: 'a character that no ulid has', text: name.replace('x', 'u'), expected: false },
    { name: 'a number that no ulid reaches', text: name.replace('-0', '-8'), expected: false },
    { name: 'too short', text: name.slice(0, -1), expected: false },
    { name: "the manager's name", text: 'bake-manager', expected: false },
    { name: 'nothing', text: '', expected: false },
  ];
  it.each(rows)('$name: $expected', ({ text, expected }) => {
    expect(isWorkerOf(pool({ name: 'bake' }), text)).toBe(expected);
  });
});

describe('the note of a drain', () => {
  it('is for people, too', () => {
    expect(drainNote(NOW, 'max-age')).toBe('draining since 2026-11-23T12:00:00Z: max-age');
  });

  it('says when the drain began, in whole seconds', () => {
    expect(drainedSince(drainNote(NOW + 999, 'idle'))).toBe(NOW);
  });

  const unreadable = [
    { name: 'no note', note: undefined },
    { name: 'an empty note', note: '' },
    { name: "a person's note", note: 'please do not touch, Ada' },
    { name: 'something before', note: `NB ${drainNote(NOW, 'idle')}` },
    { name: 'no reason', note: 'draining since 2026-11-23T12:00:00Z: ' },
    { name: 'lines after', note: `${drainNote(NOW, 'idle')}\nkept for Ada` },
    { name: 'no time', note: 'draining since yesterday: idle' },
    { name: 'a time without zone', note: 'draining since 2026-11-23T12:00:00: idle' },
  ];
  it.each(unreadable)('$name: says nothing', ({ note }) => {
    expect(drainedSince(note)).toBeUndefined();
  });
});

describe('time', () => {
  const rows = [
    { text: '2026-11-23T12:00:00Z', expected: NOW },
    { text: '2026-11-23T12:00:00.250Z', expected: NOW + 250 },
    { text: '2026-11-23T12:00:00.123456Z', expected: NOW + 123 },
    { text: '2026-11-23T13:00:00+01:00', expected: NOW },
    { text: '2026-11-23T06:30:00-05:30', expected: NOW },
    { text: '2026-11-23 12:00:00Z', expected: undefined },
    { text: '2026-11-23T12:00:00', expected: undefined },
    { text: '2026-11-23', expected: undefined },
    { text: '26-11-23T12:00:00Z', expected: undefined },
    { text: '12026-11-23T12:00:00Z', expected: undefined },
    { text: '2026-11-23T12:00:00ZZ', expected: undefined },
    { text: '2026-11-23T12:00:00.Z', expected: undefined },
    { text: '2026-13-23T12:00:00Z', expected: undefined },
    { text: '2026-11-23T25:00:00Z', expected: undefined },
    { text: '', expected: undefined },
  ];
  it.each(rows)('"$text" is $expected', ({ text, expected }) => {
    expect(fromIso(text)).toBe(expected);
  });

  it('is written in whole seconds of UTC', () => {
    expect(toIso(NOW + 9_999)).toBe('2026-11-23T12:00:09Z');
  });

  it('has minutes, days and dates', () => {
    expect([floorMinute(NOW + 59_999), floorMinute(NOW - 1), dayOf(Date.UTC(2026, 10, 23, 23, 59, 59, 999))]).toStrictEqual([
      NOW,
      NOW - 60_000,
      '2026-11-23',
    ]);
    expect(toDate(NOW).getTime()).toBe(NOW);
  });
});
