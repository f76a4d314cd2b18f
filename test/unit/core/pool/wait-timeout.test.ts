import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { idleLimitMs, leavesAfter, waitTimeoutFor, waitTimeoutSeconds } from '../../../../lib/core/pool/wait-timeout.ts';
import { HOUR, MINUTE, period, pool, SECOND } from '../../../../testkit/builders.ts';

/** gitlab-runner's own loop (commands/single.go): asks, waits 3 s, looks at the timeout in whole seconds. The first request is answered at once. */
function runSingle(waitTimeout: number, heldSeconds: number, latencySeconds = 0): number {
  for (let now = 0, held = 0; ; held = heldSeconds) {
    now += latencySeconds + held + 3;
    if (Math.trunc(now) > waitTimeout) return now;
  }
}

const seconds = Array.from({ length: 4000 }, (_, i) => i);

describe('the wait timeout of an idle time', () => {
  it.each([
    { idle: 0, timeout: 1, held: 3, polled: 3 },
    { idle: 15, timeout: 11, held: 56, polled: 12 },
    { idle: 30, timeout: 26, held: 56, polled: 27 },
    { idle: 56, timeout: 52, held: 56, polled: 54 },
    { idle: 60, timeout: 55, held: 56, polled: 57 },
    { idle: 109, timeout: 105, held: 109, polled: 108 },
    { idle: 120, timeout: 108, held: 109, polled: 111 },
    { idle: 600, timeout: 585, held: 586, polled: 588 },
    { idle: 1800, timeout: 1751, held: 1752, polled: 1752 },
  ])('$idle s: --wait-timeout $timeout, gone after $held s, or $polled where requests are not held', ({ idle, timeout, held, polled }) => {
    expect(waitTimeoutFor(idle * SECOND)).toBe(timeout);
    expect([runSingle(timeout, 50), runSingle(timeout, 0)]).toEqual([held, polled]);
  });

  it('lets no worker stay longer than that, where requests are held and where they are not', () => {
    const late = seconds.filter((s) => s >= 56).filter((s) => [50, 0].some((held) => runSingle(waitTimeoutFor(s * SECOND), held) > s));
    expect(late).toEqual([]);
  });

  it('wastes no look: with held requests the worker leaves at the last one that is in time', () => {
    const early = seconds.filter((s) => s >= 56).filter((s) => s - runSingle(waitTimeoutFor(s * SECOND), 50) >= 53);
    expect(early).toEqual([]);
  });

  it('is the second look where the first would come after a single request and the second is too late', () => {
    const between = seconds.filter((s) => s >= 3 && s < 56);
    expect(new Set(between.map((s) => runSingle(waitTimeoutFor(s * SECOND), 50)))).toEqual(new Set([56]));
    expect(between.filter((s) => s >= 8).filter((s) => runSingle(waitTimeoutFor(s * SECOND), 0) > s)).toEqual([]);
  });

  it('holds at the same look when answers take a tenth of a second', () => {
    const moved = seconds.filter((s) => {
      const timeout = waitTimeoutFor(s * SECOND);
      return runSingle(timeout, 50, 0.1) - runSingle(timeout, 50) >= 40;
    });
    expect(moved).toEqual([]);
  });

  it('is never 0, because that is for ever', () => {
    expect(seconds.filter((s) => waitTimeoutFor(s * SECOND) < 1)).toEqual([]);
  });

  it('and the moment at which it ends a worker agree', () => {
    const timeouts = seconds.filter((s) => s >= 1);
    expect(timeouts.filter((s) => leavesAfter(s) !== runSingle(s, 50))).toEqual([]);
  });
});

describe('the table of docs/cost.md', () => {
  const page = readFileSync(new URL('../../../../docs/cost.md', import.meta.url), 'utf8');
  const rows = [...page.matchAll(/^\| (\d+)( s| min)? \| (\d+) \| (\d+) s \| (\d+) s \|$/gm)].map(([, idle, unit, ...figures]) => ({
    idle: Number(idle) * (unit === ' min' ? MINUTE : SECOND),
    figures: figures.map(Number),
  }));

  it('has rows', () => {
    expect(rows.length).toBeGreaterThan(6);
  });

  it.each(rows)('is true for $idle ms', ({ idle, figures }) => {
    const timeout = waitTimeoutFor(idle);
    expect([timeout, runSingle(timeout, 50), runSingle(timeout, 0)]).toEqual(figures);
  });
});

describe('the wait timeout of a pool', () => {
  const rows = [
    { name: 'no idle workers are kept: the idle time', pool: pool({ policy: { idleTimeMs: 20 * MINUTE } }), expected: 1168 },
    {
      name: 'no idle workers in any period: the longest idle time',
      pool: pool({ periods: [period(['x'], { idleTimeMs: 30 * MINUTE }), period(['x'], { idleTimeMs: MINUTE })] }),
      expected: 1751,
    },
    { name: 'idle workers are kept: the age', pool: pool({ policy: { idleCount: 1 }, maxAgeMs: 2 * HOUR }), expected: 7157 },
    {
      name: 'idle workers are kept in one period: the age',
      pool: pool({ periods: [period(['x']), period(['x'], { idleCount: 1 })], maxAgeMs: 2 * HOUR }),
      expected: 7157,
    },
  ];
  it.each(rows)('$name', ({ pool: given, expected }) => {
    expect(waitTimeoutSeconds(given)).toBe(expected);
  });
});

describe('the idle time after which the scaler drains', () => {
  it('is never before a worker that leaves by itself should be off', () => {
    const soon = seconds.filter((s) => {
      const given = pool({ policy: { idleTimeMs: s * SECOND } });
      return idleLimitMs(given, given.policy) < (runSingle(waitTimeoutSeconds(given), 50) + 10) * SECOND;
    });
    expect(soon).toEqual([]);
  });

  it.each([
    { name: 'just before the worker leaves: some seconds later', idle: 60, kept: 0, limit: 66 },
    { name: 'long after it: itself', idle: 100, kept: 0, limit: 100 },
    { name: 'shorter than two looks: after the second', idle: 10, kept: 0, limit: 66 },
    { name: 'where idle workers are kept: itself', idle: 60, kept: 1, limit: 60 },
  ])('$name', ({ idle, kept, limit }) => {
    const given = pool({ policy: { idleTimeMs: idle * SECOND, idleCount: kept } });
    expect(idleLimitMs(given, given.policy)).toBe(limit * SECOND);
  });

  it('is that of the period that holds, where another one lets workers stay longer', () => {
    const long = period(['x'], { idleTimeMs: HOUR });
    const given = pool({ policy: { idleTimeMs: MINUTE }, periods: [long] });
    expect([idleLimitMs(given, given.policy), idleLimitMs(given, long.policy)]).toEqual([66 * SECOND, HOUR]);
  });
});
