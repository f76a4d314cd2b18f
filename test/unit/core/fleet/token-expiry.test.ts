import { describe, expect, it } from 'vitest';
import { lifeOf, tokenUsableUntil } from '../../../../lib/core/fleet/token-expiry.ts';
import type { Worker } from '../../../../lib/core/fleet/types.ts';
import { planPool } from '../../../../lib/core/plan/plan.ts';
import { HOUR, job, MINUTE, NOW, planInput, pool, runner, worker } from '../../../../testkit/builders.ts';

describe('a token is usable until', () => {
  it.each([
    { name: 'ten minutes before its end', life: 2 * HOUR, expected: 2 * HOUR - 10 * MINUTE },
    { name: 'a quarter of its life before its end, when it is short', life: 20 * MINUTE, expected: 15 * MINUTE },
    { name: 'its end, when it has ended before', life: -MINUTE, expected: -MINUTE },
  ])('$name', ({ life, expected }) => {
    expect(tokenUsableUntil(NOW, NOW + life)).toBe(NOW + expected);
  });
});

describe('a worker is launched', () => {
  it.each([
    { name: 'for max_age without an end', expiresAt: undefined, expected: 12 * HOUR },
    { name: 'for max_age when its token ends later', expiresAt: NOW + 13 * HOUR, expected: 12 * HOUR },
    { name: 'for less when its token ends before', expiresAt: NOW + 2 * HOUR, expected: 2 * HOUR - 10 * MINUTE },
    { name: 'for nothing when it has ended', expiresAt: NOW - 1, expected: 0 },
  ])('$name', ({ expiresAt, expected }) => {
    expect(lifeOf(12 * HOUR, NOW, expiresAt)).toBe(expected);
  });
});

describe('a worker whose token ends', () => {
  const ending = (phase: 'idle' | 'busy' | 'booting', tokenExpiresAt: number): Worker => {
    const { runner: of = runner(1), ...rest } = worker(1, phase, { bornAt: NOW - HOUR });
    return { ...rest, runner: { ...of, tokenExpiresAt } };
  };
  const rows = [
    { name: 'is drained', worker: ending('idle', NOW + 10 * MINUTE - 1), drained: true },
    { name: 'not before', worker: ending('idle', NOW + 10 * MINUTE), drained: false },
    { name: 'is drained after its end', worker: ending('idle', NOW - 1), drained: true },
    { name: 'finishes its job', worker: ending('busy', NOW - 1), drained: false },
    { name: 'is left alone while it boots', worker: ending('booting', NOW + 1), drained: false },
  ];

  it.each(rows)('$name', ({ worker: given, drained }) => {
    const { actions } = planPool(planInput({ workers: [given], pool: pool({ maxAgeMs: 12 * HOUR }), jobs: [job(1)], mayLaunch: false }));
    expect(actions.map((a) => [a.kind, a.why])).toEqual(drained ? [['drain', 'token-expires']] : []);
  });

  it('covers no job any more', () => {
    const given = { workers: [ending('idle', NOW)], jobs: [job(1)], mayRemove: false };
    expect(planPool(planInput(given)).actions).toStrictEqual([{ kind: 'launch', why: 'demand', jobId: 1 }]);
  });
});
