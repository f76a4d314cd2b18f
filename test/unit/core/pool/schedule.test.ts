import { describe, expect, it } from 'vitest';
import type { Policy } from '../../../../lib/core/pool/pool.ts';
import { activePolicy, idleTarget, inPeriod } from '../../../../lib/core/pool/schedule.ts';
import { HOUR, NOW, period, policy, pool } from '../../../../testkit/builders.ts';

const BERLIN = 'Europe/Berlin';
const WORK = '* * 9-17 * * mon-fri *';

interface Moment {
  readonly name: string;
  readonly expression: string;
  readonly zone?: string;
  readonly at: string;
  readonly inside: boolean;
}

const moments: readonly Moment[] = [
  // gitlab-runner asks whether the next match, strictly later, is at most a second away.
  { name: 'half a second before nine is inside already', expression: WORK, at: '2026-11-23T08:59:59.500+01:00', inside: true },
  { name: 'a full second before nine is inside already', expression: WORK, at: '2026-11-23T08:59:59+01:00', inside: true },
  { name: 'more than a second before nine is outside', expression: WORK, at: '2026-11-23T08:59:58.999+01:00', inside: false },
  { name: 'nine is inside', expression: WORK, at: '2026-11-23T09:00:00+01:00', inside: true },
  { name: 'the last second but one is inside', expression: WORK, at: '2026-11-23T17:59:58.999+01:00', inside: true },
  { name: 'the last second is outside already', expression: WORK, at: '2026-11-23T17:59:59+01:00', inside: false },
  { name: 'the end of the last second is outside', expression: WORK, at: '2026-11-23T17:59:59.500+01:00', inside: false },
  { name: 'Saturday is outside', expression: WORK, at: '2026-11-28T12:00:00+01:00', inside: false },
  { name: 'the zone decides: 08:30 UTC is 09:30 in Berlin', expression: WORK, at: '2026-11-23T08:30:00Z', inside: true },
  { name: 'the zone decides: 08:30 UTC is 08:30 in UTC', expression: WORK, zone: 'UTC', at: '2026-11-23T08:30:00Z', inside: false },
  { name: 'second 0 is a period of a second a minute: at it', expression: '0 * 9-17 * * * *', at: '2026-11-23T08:59:59.2Z', inside: true },
  {
    name: 'second 0 is a period of a second a minute: after it',
    expression: '0 * 9-17 * * * *',
    at: '2026-11-23T10:00:00Z',
    inside: false,
  },
  { name: 'a year that is not now', expression: '* * * * * * 2025', at: '2026-11-23T12:00:00Z', inside: false },
  { name: 'the year of now', expression: '* * * * * * 2026', at: '2026-11-23T12:00:00Z', inside: true },
  // Both days restricted: one of them is enough, as in cron.
  { name: 'day of month or day of week: the week day', expression: '* * * 1 * mon *', at: '2026-11-23T12:00:00Z', inside: true },
  { name: 'day of month or day of week: the month day', expression: '* * * 1 * mon *', at: '2026-11-01T12:00:00Z', inside: true },
  { name: 'day of month or day of week: neither', expression: '* * * 1 * mon *', at: '2026-11-24T12:00:00Z', inside: false },
  // Clocks go forward on 2026-03-29 at 02:00 and back on 2026-10-25 at 03:00.
  { name: 'the hour that does not exist: just before', expression: '* * 2 * * * *', at: '2026-03-29T01:30:00+01:00', inside: false },
  { name: 'the hour that does not exist: just after', expression: '* * 2 * * * *', at: '2026-03-29T03:30:00+02:00', inside: false },
  { name: 'nine on the day of the change is nine of summer time', expression: WORK, at: '2026-03-30T07:00:00Z', inside: true },
  { name: 'half past eight UTC is nine of winter time no more', expression: WORK, at: '2026-03-27T07:59:00Z', inside: false },
  { name: 'the hour that comes twice: the first time', expression: '* * 2 * * * *', at: '2026-10-25T02:30:00+02:00', inside: true },
  { name: 'the hour that comes twice: the second time', expression: '* * 2 * * * *', at: '2026-10-25T02:30:00+01:00', inside: true },
  { name: 'the hour that comes twice: after it', expression: '* * 2 * * * *', at: '2026-10-25T03:30:00+01:00', inside: false },
];

describe('inPeriod', () => {
  it.each(moments)('$name', ({ expression, zone = BERLIN, at, inside }) => {
    expect(inPeriod(expression, zone, Date.parse(at))).toBe(inside);
  });

  it('keeps expressions of different zones apart', () => {
    const at = Date.parse('2026-11-23T08:30:00Z');
    const asked = ['UTC', BERLIN, 'UTC', BERLIN].map((zone) => inPeriod('* * 9 * * * *', zone, at));
    expect(asked).toStrictEqual([false, true, false, true]);
  });

  it.each(['* * * * *', '* * * * * *', '* * 9-17 * * mon-fri'])('refuses what has not seven fields: %s', (expression) => {
    expect(() => inPeriod(expression, 'UTC', NOW)).toThrow();
  });
});

describe('activePolicy', () => {
  it.each([
    { name: 'a zone that this Node does not know', broken: { timezone: 'Mars/Olympus' } },
    { name: 'an expression that no cron library takes', broken: { periods: ['nonsense'] } },
  ])('$name costs the pool its periods and nothing else', ({ broken }) => {
    const own = policy({ idleCount: 3 });
    const periods = [period(['* * * * * * *'], { idleCount: 9 }), { ...period(['* * * * * * *'], { idleCount: 7 }), ...broken }];
    const { timezone } = periods[1] ?? {};
    expect(activePolicy(pool({ policy: own, periods }), NOW)).toStrictEqual({ policy: policy({ idleCount: 3 }), brokenZone: timezone });
  });

  const always = '* * * * * * *';
  const never = '* * * * * * 2020';

  it("is the pool's own without a period", () => {
    expect(activePolicy(pool({ policy: { idleCount: 3 } }), NOW)).toStrictEqual({ policy: policy({ idleCount: 3 }) });
  });

  it("is the pool's own when no period matches", () => {
    const periods = [period([never], { idleCount: 1 }), period([never], { idleCount: 2 })];
    expect(activePolicy(pool({ policy: { idleCount: 3 }, periods }), NOW)).toStrictEqual({ policy: policy({ idleCount: 3 }) });
  });

  it('is the last period that matches', () => {
    const periods = [period([always], { idleCount: 1 }), period([always], { idleCount: 2 }), period([never], { idleCount: 3 })];
    expect(activePolicy(pool({ periods }), NOW)).toStrictEqual({ policy: policy({ idleCount: 2 }), period: 1 });
  });

  it('looks at the first period, too', () => {
    const periods = [period([always], { idleCount: 1 }), period([never], { idleCount: 2 })];
    expect(activePolicy(pool({ periods }), NOW)).toStrictEqual({ policy: policy({ idleCount: 1 }), period: 0 });
  });

  it('replaces all four values, inheriting none', () => {
    const own = { idleCount: 9, idleScaleFactor: 1.5, idleCountMin: 4, idleTimeMs: HOUR };
    const bare: Policy = { idleCount: 2, idleScaleFactor: 0, idleCountMin: 0, idleTimeMs: 0 };
    const periods = [{ periods: [always], timezone: 'UTC', policy: bare }];
    expect(activePolicy(pool({ policy: own, periods }), NOW).policy).toStrictEqual(bare);
  });

  it('takes one matching expression of several', () => {
    expect(activePolicy(pool({ periods: [period([never, always, never])] }), NOW).period).toBe(0);
  });

  it('takes the time zone of the period', () => {
    const periods = [period(['* * 13 * * * *'], { idleCount: 1 }), period(['* * 13 * * * *'], { idleCount: 2 }, 'UTC')];
    expect(activePolicy(pool({ periods }), NOW).policy.idleCount).toBe(1);
  });
});

interface Target {
  readonly name: string;
  readonly policy: Partial<Policy>;
  readonly busy: number;
  readonly expected: number;
}

const targets: readonly Target[] = [
  { name: 'no factor: the count, whatever is busy', policy: { idleCount: 5 }, busy: 100, expected: 5 },
  { name: 'no factor: the minimum has no meaning', policy: { idleCount: 5, idleCountMin: 9 }, busy: 0, expected: 5 },
  { name: 'a negative factor is none', policy: { idleCount: 5, idleScaleFactor: -1 }, busy: 3, expected: 5 },
  { name: 'factor: cut to a whole number', policy: { idleCount: 100, idleScaleFactor: 1.1 }, busy: 19, expected: 20 },
  { name: 'factor: not rounded up', policy: { idleCount: 100, idleScaleFactor: 0.5 }, busy: 5, expected: 2 },
  { name: 'factor: the count is the most', policy: { idleCount: 10, idleScaleFactor: 2 }, busy: 50, expected: 10 },
  { name: 'factor with nothing busy keeps one', policy: { idleCount: 10, idleScaleFactor: 1 }, busy: 0, expected: 1 },
  { name: 'a minimum of one is one', policy: { idleCount: 10, idleScaleFactor: 1, idleCountMin: 1 }, busy: 0, expected: 1 },
  {
    name: 'factor with nothing busy keeps the minimum',
    policy: { idleCount: 10, idleScaleFactor: 1, idleCountMin: 4 },
    busy: 2,
    expected: 4,
  },
  { name: 'the minimum does not exceed the count', policy: { idleCount: 3, idleScaleFactor: 1, idleCountMin: 8 }, busy: 0, expected: 3 },
  { name: 'factor without a count keeps none', policy: { idleCount: 0, idleScaleFactor: 1 }, busy: 7, expected: 0 },
];

describe('idleTarget', () => {
  it.each(targets)('$name', ({ policy: values, busy, expected }) => {
    expect(idleTarget(policy(values), busy)).toBe(expected);
  });
});
