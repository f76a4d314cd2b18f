import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ALARM_KINDS, type Alarm, type AlarmKind, type Condition, stepAlarms } from '../../../lib/core/alarms.ts';
import { hourlyCost } from '../../../lib/core/costs.ts';

const MINUTE = 60_000;
const NONE: ReadonlySet<AlarmKind> = new Set();
const of = (kind: AlarmKind, more: Partial<Condition> = {}): Condition => ({ kind, pool: 'bake', text: 'so it is', ...more });

/** Steps through minutes; each minute's message is told at once. Gives what was told, by minute. */
function play(minutes: readonly (readonly Condition[] | 'unlooked')[], kinds: readonly AlarmKind[] = ALARM_KINDS): readonly string[] {
  let alarms: readonly Alarm[] = [];
  const told: string[] = [];
  minutes.forEach((conditions, minute) => {
    const looked = conditions !== 'unlooked';
    alarms = stepAlarms(alarms, looked ? conditions : [], looked ? NONE : new Set(kinds), minute * MINUTE).map(({ untold, ...alarm }) => {
      if (untold) told.push(`${minute} ${alarm.state} ${alarm.kind}${alarm.subject === undefined ? '' : ` ${alarm.subject}`}`);
      return alarm;
    });
  });
  return told;
}

const times = (n: number, what: readonly Condition[] | 'unlooked') => Array.from({ length: n }, () => what);

describe('an alarm', () => {
  const waits = [of('oldest-pending')];
  const soldOut = [of('sold-out')];

  it.each<{ name: string; minutes: readonly (readonly Condition[] | 'unlooked')[]; told: readonly string[] }>([
    {
      name: 'is told once when it comes and once when it is over',
      minutes: [[], ...times(5, waits), ...times(9, [])],
      told: ['1 raised oldest-pending', '7 cleared oldest-pending'],
    },
    { name: 'is not told of a condition that flickers', minutes: [soldOut, [], soldOut, soldOut, [], soldOut, ...times(20, [])], told: [] },
    {
      name: 'is told of one that holds',
      minutes: [...times(4, soldOut), ...times(20, [])],
      told: ['3 raised sold-out', '13 cleared sold-out'],
    },
    {
      name: 'is not over for a short pause',
      minutes: [...times(4, soldOut), ...times(5, []), soldOut, ...times(20, [])],
      told: ['3 raised sold-out', '19 cleared sold-out'],
    },
    {
      name: 'comes again when it comes again',
      minutes: [[of('hook')], [], [of('hook')], []],
      told: ['0 raised hook', '1 cleared hook', '2 raised hook', '3 cleared hook'],
    },
    {
      name: 'stays as it is while nobody can look',
      minutes: [waits, ...times(30, 'unlooked'), waits, [], [], []],
      told: ['0 raised oldest-pending', '33 cleared oldest-pending'],
    },
    {
      name: 'of two pools and two workers is two',
      minutes: [[of('hook'), of('hook', { pool: 'small' }), of('hook', { subject: 'w' })]],
      told: ['0 raised hook', '0 raised hook w', '0 raised hook'],
    },
    {
      name: 'lost is told at once and forgotten after an hour',
      minutes: [[of('job-lost', { subject: 'w' })], ...times(70, [])],
      told: ['0 raised job-lost w', '60 cleared job-lost w'],
    },
  ])('$name', ({ minutes, told }) => {
    expect(play(minutes)).toEqual(told);
  });

  it('carries the newest text and the first time', () => {
    const first = stepAlarms([], [of('hook', { text: 'one' })], NONE, 0);
    expect(stepAlarms(first, [of('hook', { text: 'two' })], NONE, MINUTE)).toEqual([
      { kind: 'hook', pool: 'bake', text: 'two', since: 0, seen: MINUTE, state: 'raised', untold: true },
    ]);
  });

  it('that nobody could be told of is not told when it is over', () => {
    const raised = stepAlarms([], [of('hook')], NONE, 0);
    expect(stepAlarms(raised, [], NONE, MINUTE)).toEqual([]);
  });

  it('is told as over until it is told', () => {
    const told = stepAlarms([], [of('hook')], NONE, 0).map(({ untold: _, ...alarm }) => alarm);
    const over = stepAlarms(told, [], NONE, MINUTE);
    expect(over).toMatchObject([{ state: 'cleared', untold: true }]);
    expect(stepAlarms(over, [], NONE, 2 * MINUTE)).toEqual(over);
    expect(
      stepAlarms(
        over.map(({ untold: _, ...alarm }) => alarm),
        [],
        NONE,
        3 * MINUTE,
      ),
    ).toEqual([]);
  });

  it('is raised and cleared in turn, whatever comes and goes', () => {
    const minute = fc.oneof(
      { arbitrary: fc.subarray([...ALARM_KINDS]).map((kinds) => kinds.map((kind) => of(kind))), weight: 4 },
      { arbitrary: fc.constant('unlooked' as const), weight: 1 },
    );
    fc.assert(
      fc.property(fc.array(minute, { maxLength: 90 }), (minutes) => {
        const told = play(minutes);
        for (const kind of ALARM_KINDS) {
          const states = told.filter((line) => line.endsWith(` ${kind}`)).map((line) => line.split(' ')[1]);
          expect(states).toEqual(states.map((_, i) => (i % 2 === 0 ? 'raised' : 'cleared')));
        }
      }),
    );
  });
});

describe('hourlyCost', () => {
  const costs = { currency: 'EUR', flavors: { small: 0.1, large: 0.45 } };

  it.each([
    { name: 'is the sum', machines: ['small', 'large', 'small'], expected: 0.65 },
    { name: 'is nothing for nothing', machines: [], expected: 0 },
    { name: 'is not known where one price is not', machines: ['small', 'huge'], expected: undefined },
  ])('$name', ({ machines, expected }) => {
    const cost = hourlyCost(
      machines.map((flavor) => ({ flavor })),
      costs,
    );
    if (expected === undefined) expect(cost).toBeUndefined();
    else expect(cost).toBeCloseTo(expected, 9);
  });

  it('is not known without prices', () => {
    expect(hourlyCost([], undefined)).toBeUndefined();
  });
});
