import { describe, expect, it } from 'vitest';
import { breaker } from '../../../../lib/core/launches/circuit-breaker.ts';
import type { Launch } from '../../../../lib/core/launches/types.ts';
import { HOUR, launch, MINUTE, NOW } from '../../../../testkit/builders.ts';

const CLOSED = { open: false, allowed: Number.POSITIVE_INFINITY };

/** Settled launches, oldest first, a minute apart up to NOW: `b`ooted or `f`ailed. All of one wave. */
function history(outcomes: string): readonly Launch[] {
  return [...outcomes].map((letter, i) =>
    launch(i + 1, {
      at: NOW - 60 * MINUTE,
      outcome: letter === 'b' ? 'booted' : 'failed',
      settledAt: NOW - (outcomes.length - 1 - i) * MINUTE,
    }),
  );
}

describe('the breaker opens', () => {
  const rows = [
    { outcomes: '', open: false },
    { outcomes: 'b', open: false },
    { outcomes: 'f', open: true },
    { outcomes: 'bf', open: true },
    { outcomes: 'fb', open: false },
    { outcomes: 'bbf', open: false },
    { outcomes: 'bff', open: true },
    { outcomes: 'bbbf', open: false },
    { outcomes: 'bbff', open: true },
    { outcomes: 'bfbf', open: true },
    { outcomes: 'fffb', open: false },
    { outcomes: 'ffbbbf', open: false },
    { outcomes: 'bbbbbbff', open: true },
    { outcomes: 'ffffbbbbf', open: false },
    { outcomes: 'fffffffb', open: false },
  ];
  it.each(rows)('after "$outcomes": $open', ({ outcomes, open }) => {
    expect(breaker(history(outcomes), NOW).open).toBe(open);
  });

  it('not on launches that are under way or were refused', () => {
    const refused = launch(1, { outcome: 'failed', settledAt: NOW, why: 'refused' });
    expect(breaker([launch(2), launch(3), refused], NOW)).toStrictEqual(CLOSED);
  });

  it('whatever the order of the launches', () => {
    const launches = history('ffb');
    expect(breaker([...launches].reverse(), NOW)).toStrictEqual(CLOSED);
  });
});

describe('an open breaker', () => {
  it('lets a probe through a minute after the last failure, not before', () => {
    const launches = history('fff');
    expect(breaker(launches, NOW + MINUTE - 1)).toStrictEqual({ open: true, allowed: 0, nextProbeAt: NOW + MINUTE });
    expect(breaker(launches, NOW + MINUTE)).toStrictEqual({ open: true, allowed: 1, nextProbeAt: NOW + MINUTE });
  });

  it('lets nothing through while a probe is under way', () => {
    expect(breaker([...history('ff'), launch(9, { at: NOW + MINUTE })], NOW + HOUR)).toStrictEqual({ open: true, allowed: 0 });
  });

  it('takes only what was launched after it opened for a probe', () => {
    const opened = NOW - MINUTE;
    const earlier = launch(9, { at: opened });
    expect(breaker([...history('ff'), earlier], NOW + MINUTE)).toMatchObject({ allowed: 1 });
    expect(breaker([...history('ff'), { ...earlier, at: opened + 1 }], NOW + MINUTE)).toStrictEqual({ open: true, allowed: 0 });
  });

  it('doubles the gap with each probe that fails, up to 16 minutes', () => {
    const gaps: number[] = [];
    let launches = history('ffff');
    let now = NOW;
    for (let probe = 0; probe < 8; probe++) {
      const { nextProbeAt = 0 } = breaker(launches, now);
      gaps.push((nextProbeAt - now) / MINUTE);
      now = nextProbeAt + 10 * MINUTE;
      launches = [...launches, launch(100 + probe, { at: nextProbeAt, outcome: 'failed', settledAt: now })];
    }
    expect(gaps).toStrictEqual([1, 2, 4, 8, 16, 16, 16, 16]);
  });

  it('does not count what was under way when it opened', () => {
    const early = [1, 2, 3, 4].map((n) => launch(n, { at: NOW - (20 - n) * MINUTE, outcome: 'failed', settledAt: NOW - (4 - n) * MINUTE }));
    expect(breaker(early, NOW).nextProbeAt).toBe(NOW + MINUTE);
  });

  it('does not take one for a probe that was launched just when the first failure was seen', () => {
    const same = launch(9, { at: NOW, outcome: 'failed', settledAt: NOW + MINUTE });
    expect(breaker([...history('f'), same], NOW + MINUTE).nextProbeAt).toBe(NOW + 2 * MINUTE);
  });

  it('counts probes of one reconcile once', () => {
    const probes = [8, 9].map((n) => launch(n, { at: NOW + MINUTE, outcome: 'failed', settledAt: NOW + 2 * MINUTE }));
    expect(breaker([...history('ff'), ...probes], NOW).nextProbeAt).toBe(NOW + 4 * MINUTE);
  });

  it('closes with a boot, and starts from the shortest gap after it', () => {
    const booted = launch(50, { at: NOW + MINUTE, outcome: 'booted', settledAt: NOW + 2 * MINUTE });
    const again = launch(51, { at: NOW + 3 * MINUTE, outcome: 'failed', settledAt: NOW + 4 * MINUTE });
    expect(breaker([...history('ffff'), booted], NOW + 2 * MINUTE)).toStrictEqual(CLOSED);
    expect(breaker([...history('ffff'), booted, again], NOW + 4 * MINUTE).nextProbeAt).toBe(NOW + 5 * MINUTE);
  });

  it('takes a launch without a time for an old one', () => {
    expect(breaker([launch(1, { outcome: 'failed' })], 0)).toStrictEqual({ open: true, allowed: 0, nextProbeAt: 2 * MINUTE });
  });
});
