import { describe, expect, it } from 'vitest';
import type { Worker } from '../../../../lib/core/fleet/types.ts';
import { pauseBound, refuse, stillPaused, throttle } from '../../../../lib/core/launches/pause.ts';
import type { Pause, Refused } from '../../../../lib/core/launches/types.ts';
import { HOUR, launch, MINUTE, NOW, nameOf, server, worker } from '../../../../testkit/builders.ts';

const refused = (overrides: Partial<Refused> = {}): Refused => ({ kind: 'setting', at: NOW - MINUTE, tries: 1, machines: 3, ...overrides });
const pause = (until: number, overrides?: Partial<Refused>): Pause => ({
  until,
  code: 'image-missing',
  message: 'gone',
  refused: refused(overrides),
});
const FAILED: Worker = { ...worker(2, 'booting'), phase: 'failed' };
const throttled: Pause = { until: NOW + 1, code: 'Common.0024', message: 'slow down' };

describe('the gap', () => {
  it('doubles with each refusal in a row, from two minutes to thirty', () => {
    const gaps: number[] = [];
    let last: Pause | undefined;
    for (let i = 0; i < 7; i += 1) {
      last = refuse(last, { kind: 'quota', code: 'Ecs.0001', message: 'cores', at: NOW, machines: 0 }, NOW);
      gaps.push((last.until - NOW) / MINUTE);
    }
    expect(gaps).toEqual([2, 4, 8, 16, 30, 30, 30]);
    expect(last?.refused?.tries).toBe(7);
  });

  it('ends when something may have changed, where that is known', () => {
    const given = { kind: 'sold-out', code: 'sold-out', message: 'no capacity', at: NOW, machines: 0, until: NOW + 7 } as const;
    expect(refuse(pause(NOW, { tries: 9 }), given, NOW)).toMatchObject({ until: NOW + 7, refused: { kind: 'sold-out', tries: 10 } });
  });

  it('is not forgotten over a throttle', () => {
    expect(throttle(pause(NOW), { code: 'Common.0024', message: 'slow down' }, NOW + 5)).toStrictEqual({
      until: NOW + 5,
      code: 'Common.0024',
      message: 'slow down',
      refused: refused(),
    });
    expect(throttle(undefined, throttled, NOW + 1)).toStrictEqual(throttled);
  });
});

describe('how many launches are allowed', () => {
  const since = launch(1, { at: NOW - MINUTE + 1 });
  const rows = [
    { name: 'throttled: none before the time', given: throttled, expected: { most: 0, until: NOW + 1 } },
    { name: 'throttled: no bound after it', given: { ...throttled, until: NOW }, expected: undefined },
    { name: 'refused: none before the time', given: pause(NOW + 1), expected: { most: 0, until: NOW + 1 } },
    { name: 'refused: one at the time', given: pause(NOW), expected: { most: 1 } },
    { name: 'refused: none while the attempt is on its way', given: pause(NOW), launches: [since], expected: { most: 0 } },
    { name: 'a launch of the refused wave is no attempt', given: pause(NOW), launches: [launch(1)], expected: { most: 1 } },
    {
      name: 'a settled launch is not on its way',
      given: pause(NOW),
      launches: [{ ...since, outcome: 'failed' as const }],
      expected: { most: 1 },
    },
    { name: 'a setting: machines that are gone change nothing', given: pause(NOW + 1), machines: 1, expected: { most: 0, until: NOW + 1 } },
    {
      name: 'a quota: what is gone may be replaced at any time',
      given: pause(NOW + 1, { kind: 'quota' }),
      machines: 1,
      expected: { most: 2, until: NOW + 1 },
    },
    { name: 'a quota: and one more at the time', given: pause(NOW, { kind: 'quota' }), machines: 1, expected: { most: 3 } },
    {
      name: 'a quota: beside an attempt, too',
      given: pause(NOW, { kind: 'quota' }),
      launches: [since],
      machines: 1,
      expected: { most: 2 },
    },
    { name: 'a quota: more machines than then are no debt', given: pause(NOW, { kind: 'quota' }), machines: 5, expected: { most: 1 } },
  ];
  it.each(rows)('$name', ({ given, launches = [], machines = 3, expected }) => {
    expect(pauseBound(given, launches, machines, NOW)).toStrictEqual(expected);
  });
});

describe('the end', () => {
  const after = launch(1, { at: NOW - 1 });
  const running = worker(1, 'booting', { server: server(1) });
  const rows = [
    { name: 'a throttle ends at its time', given: { ...throttled, until: NOW }, over: true },
    { name: 'a time beyond any pause is none of ours', given: pause(NOW + HOUR + 1), over: true },
    { name: 'a throttle of an hour is', given: { ...throttled, until: NOW + HOUR }, over: false },
    { name: 'a refusal outlives its time', given: pause(NOW - HOUR), over: false },
    { name: 'and is forgotten when nobody has tried for an hour', given: pause(NOW - HOUR - 1), over: true },
    { name: 'an attempt that is accepted but not running', given: pause(NOW), launches: [after], over: false },
    {
      name: 'an attempt that is listed but not running',
      given: pause(NOW),
      launches: [after],
      workers: [worker(1, 'booting', { server: server(1, { status: 'building' }) })],
      over: false,
    },
    { name: 'an attempt that runs', given: pause(NOW), launches: [after], workers: [running], over: true },
    { name: 'an attempt that booted and is gone', given: pause(NOW), launches: [{ ...after, outcome: 'booted' as const }], over: true },
    { name: 'a machine of the refused wave runs', given: pause(NOW), launches: [launch(1)], workers: [running], over: false },
    { name: 'another machine runs', given: pause(NOW), launches: [after], workers: [worker(2, 'busy')], over: false },
    {
      name: 'a quota: as many as before are no proof',
      given: pause(NOW, { kind: 'quota', machines: 1 }),
      launches: [after],
      workers: [running],
      over: false,
    },
    {
      name: 'a quota: one more than before is',
      given: pause(NOW, { kind: 'quota', machines: 1 }),
      launches: [after],
      workers: [running, worker(2, 'busy')],
      over: true,
    },
    {
      name: 'a quota: one in error is not',
      given: pause(NOW, { kind: 'quota', machines: 1 }),
      launches: [after],
      workers: [running, FAILED, worker(3, 'gone')],
      over: false,
    },
  ];
  it.each(rows)('$name', ({ given, launches = [], workers = [], over }) => {
    expect(stillPaused(given, launches, workers, NOW)).toStrictEqual(over ? undefined : given);
  });

  it('is nothing where there was no pause', () => {
    expect(stillPaused(undefined, [after], [running], NOW)).toBeUndefined();
    expect(nameOf(1)).toBe(running.name);
  });
});
