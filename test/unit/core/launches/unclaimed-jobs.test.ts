import { describe, expect, it } from 'vitest';
import type { Worker } from '../../../../lib/core/fleet/types.ts';
import { type PoolObservation, updatePoolState } from '../../../../lib/core/launches/pool-state.ts';
import type { Launch, PoolState } from '../../../../lib/core/launches/types.ts';
import { leftWhileTried } from '../../../../lib/core/launches/unclaimed-jobs.ts';
import { CLAIM_TIMEOUT_MS } from '../../../../lib/core/plan/coverage.ts';
import { HOUR, job, jobs, launch, MINUTE, memory, NOW, worker } from '../../../../testkit/builders.ts';

const booted = (n: number, overrides: Partial<Launch> = {}) =>
  launch(n, { outcome: 'booted', listed: true, settledAt: NOW - CLAIM_TIMEOUT_MS, jobId: n, at: NOW - HOUR, ...overrides });

function learned(
  given: PoolState,
  workers: readonly Worker[],
  waiting: PoolObservation['jobs'] = [job(1)],
  left?: PoolObservation['left'],
): PoolState {
  return updatePoolState(given, { workers, failedOperations: new Map(), jobs: waiting, ...(left && { left }) }, 10 * MINUTE, NOW);
}

describe('what a booted launch was good for', () => {
  const rows: readonly {
    name: string;
    given?: Partial<Launch>;
    workers?: readonly Worker[];
    jobs?: PoolObservation['jobs'];
    use?: Launch['use'];
  }[] = [
    { name: 'it has a job', workers: [worker(1, 'busy')], use: 'job' },
    { name: 'it had one', workers: [worker(1, 'idle', { done: 1 })], use: 'job' },
    { name: 'it had one and is on its way out', workers: [worker(1, 'draining', { done: 1 })], use: 'job' },
    { name: 'it was idle for too long, and its job waits', workers: [worker(1, 'idle')], use: 'passed-over' },
    { name: 'it left, and its job waits', given: { settledAt: NOW - 1 }, use: 'passed-over' },
    { name: 'it is leaving, and its job waits', given: { settledAt: NOW - 1 }, workers: [worker(1, 'draining')], use: 'passed-over' },
    { name: 'it left, and its job does not wait any more', jobs: [job(2)], use: 'none' },
    { name: 'it was for no job', given: { jobId: 99 }, workers: [worker(1, 'idle')], use: 'none' },
    { name: 'it has not been idle for long', given: { settledAt: NOW - CLAIM_TIMEOUT_MS + 1 }, workers: [worker(1, 'idle')] },
    { name: 'it has just called', given: { outcome: 'pending' }, workers: [worker(1, 'idle')] },
    { name: 'it boots', given: { outcome: 'pending' }, workers: [worker(1, 'booting')] },
    { name: 'it did not boot', given: { outcome: 'failed', why: 'never-booted' } },
    { name: 'what was known stays', given: { use: 'none' }, workers: [worker(1, 'busy')], use: 'none' },
  ];

  it.each(rows)('$name', ({ given, workers = [], use, ...row }) => {
    const [found] = learned(memory({ launches: [booted(1, given)] }), workers, row.jobs ?? [job(1)]).launches;
    expect(found?.use).toBe(use);
  });

  it('is not known while the waiting jobs cannot be read', () => {
    const before = memory({ launches: [booted(1)], passedOver: { 5: { tries: 1, lastAt: 3 } } });
    const after = updatePoolState(before, { workers: [], failedOperations: new Map(), jobs: undefined }, 10 * MINUTE, NOW);
    expect([after.launches[0]?.use, after.passedOver]).toStrictEqual([undefined, before.passedOver]);
  });

  it('is not known of a job that may be among those that could not be read', () => {
    const known = { 1: { tries: 1, lastAt: 3 }, 5: { tries: 1, lastAt: 3 } };
    const learnedOf = (given: Partial<Launch>, more: Partial<PoolObservation> = { partial: true }) => {
      const sight = { workers: [], failedOperations: new Map(), jobs: [job(2)], ...more };
      return updatePoolState(memory({ launches: [booted(1, given)], passedOver: known }), sight, 10 * MINUTE, NOW);
    };
    expect([learnedOf({}).launches[0], learnedOf({}).passedOver]).toStrictEqual([booted(1), known]);
    // That it waits is known, that it does not is not.
    expect(learnedOf({ jobId: 2 }).launches[0]?.use).toBe('passed-over');
    expect(learnedOf({ use: 'job' }).passedOver).toStrictEqual(known);
    expect(learnedOf({}, {})).toMatchObject({ passedOver: {} });
  });

  it('is settled after ten minutes, or by GitLab’s answer, where its job may be among those that could not be read', () => {
    const useOf = (given: Partial<Launch>, left?: PoolObservation['left']) => {
      const sight = { workers: [], failedOperations: new Map(), jobs: [job(2)], partial: true as const, ...(left && { left }) };
      return updatePoolState(memory({ launches: [booted(1, given)] }), sight, 10 * MINUTE, NOW).launches[0]?.use;
    };
    expect(useOf({ settledAt: NOW - 10 * MINUTE })).toBe(undefined);
    expect(useOf({ settledAt: NOW - 10 * MINUTE - 1 })).toBe('none');
    // An attempt stood for every job that is held, and was given none of them.
    expect(useOf({ settledAt: NOW - 10 * MINUTE - 1, retry: true })).toBe('passed-over');
    expect(useOf({}, new Map([[1, {}]]))).toBe('none');
    expect(useOf({ retry: true }, new Map([[1, { runnerId: 99 }]]))).toBe('none');
  });

  it('is waited for, however many are settled at once', () => {
    const wave = Array.from({ length: 50 }, (_, i) => booted(i + 1, { settledAt: NOW - 1 }));
    const idle = wave.map((_, i) => worker(i + 1, 'idle'));
    expect(learned(memory({ launches: wave }), idle).launches).toHaveLength(50);
  });

  it('is not waited for longer than that', () => {
    const wave = Array.from({ length: 50 }, (_, i) => booted(i + 1, { settledAt: NOW - HOUR }));
    expect(
      updatePoolState(memory({ launches: wave }), { workers: [], failedOperations: new Map(), jobs: undefined }, 10 * MINUTE, NOW).launches,
    ).toHaveLength(20);
  });
});

describe('the jobs passed over', () => {
  const over = (tries: number, lastAt: number) => ({ tries, lastAt, projectId: 7 });

  it('are counted once for each launch in vain', () => {
    const once = learned(memory({ launches: [booted(1, { at: 7 })] }), []);
    expect(once.passedOver).toStrictEqual({ 1: over(1, 7) });
    expect(learned(once, []).passedOver).toStrictEqual(once.passedOver);
    const again = learned({ ...once, launches: [...once.launches, booted(2, { jobId: 1, at: 9 })] }, []);
    expect(again.passedOver).toStrictEqual({ 1: over(2, 9) });
  });

  it('are forgotten when they do not wait any more', () => {
    const attempts = { inVain: 2, lastAt: 5 };
    const known = memory({ passedOver: { 1: over(3, 5), 2: over(1, 6) }, attempts });
    expect(learned(known, [])).toMatchObject({ passedOver: { 1: over(3, 5) }, attempts });
    expect(learned(known, [], [job(3)])).toStrictEqual(memory());
  });

  const known = memory({
    launches: [booted(9, { jobId: 1 })],
    passedOver: { 1: over(3, 5), 2: over(1, 6) },
    attempts: { inVain: 2, lastAt: 6 },
  });
  const recent = memory({ ...known, launches: [booted(9, { jobId: 1, settledAt: NOW })] });
  const idle = worker(9, 'idle', { idleSince: NOW });

  it('begin afresh when one of them was given to a worker of the pool, whichever it was started for', () => {
    const jobs = [job(1)];
    expect(learned(recent, [idle], jobs, new Map([[2, { runnerId: 9 }]]))).toMatchObject({ passedOver: {} });
    expect(learned(recent, [idle], jobs, new Map([[2, { runnerId: 9 }]]))).not.toHaveProperty('attempts');
    // A runner that is not the pool's, and nobody.
    for (const job of [{ runnerId: 8 }, {}]) {
      expect(learned(recent, [idle], jobs, new Map([[2, job]]))).toMatchObject({ passedOver: { 1: over(3, 5) }, attempts: known.attempts });
    }
    // It waits again, as a list that is read in parts may show it.
    expect(learned(recent, [idle], [job(1), job(2)], new Map([[2, { runnerId: 9 }]])).passedOver).toStrictEqual(known.passedOver);
  });

  it('begin afresh, as far as GitLab has not answered, when one left with a worker that was started for it', () => {
    expect(learned(known, [worker(9, 'idle', { idleSince: NOW })], [job(2)]).passedOver).toStrictEqual({ 2: over(1, 6) });
    const seenLate = learned(recent, [worker(9, 'idle')], [job(2)]);
    expect(seenLate.passedOver).toStrictEqual(known.passedOver);
    expect(learned(seenLate, [worker(9, 'busy')], [job(2)])).toStrictEqual({
      ...memory(),
      launches: [{ ...recent.launches[0], use: 'job' }],
    });
  });

  it('do not, when GitLab has answered that it was given to nobody', () => {
    const cancelled = new Map([[1, {}]]);
    expect(learned(recent, [worker(9, 'idle')], [job(2)], cancelled).passedOver).toStrictEqual({ 2: over(1, 6) });
    expect(learned(recent, [worker(9, 'busy')], [job(2)], cancelled).passedOver).toStrictEqual({ 2: over(1, 6) });
  });

  it('are those that may wait unseen and those that left as far as GitLab has answered, while not all can be read', () => {
    const sight = { workers: [idle], failedOperations: new Map(), jobs: [], partial: true as const };
    const cancelled = updatePoolState(recent, { ...sight, left: new Map([[2, {}]]) }, 10 * MINUTE, NOW);
    expect(cancelled).toMatchObject({ passedOver: { 1: over(3, 5) }, attempts: known.attempts });
    expect(Object.keys(cancelled.passedOver)).toStrictEqual(['1']);
    expect(updatePoolState(recent, { ...sight, left: new Map([[2, { runnerId: 9 }]]) }, 10 * MINUTE, NOW).passedOver).toStrictEqual({});
    expect(leftWhileTried(recent, { jobs: [job(1)] })).toStrictEqual([{ id: 2, projectId: 7 }]);
  });

  it('keep their project when they are passed over once more unseen', () => {
    const attempt = booted(9, { jobId: 1, retry: true, settledAt: NOW - HOUR });
    const sight = { workers: [], failedOperations: new Map(), jobs: [], partial: true as const };
    const after = updatePoolState({ ...known, launches: [attempt] }, sight, 10 * MINUTE, NOW);
    expect(after.passedOver).toMatchObject({ 1: { tries: 4, lastAt: NOW - HOUR, projectId: 7 } });
    expect(after.attempts).toStrictEqual({ inVain: 3, lastAt: NOW - HOUR });
  });

  it('stay when the worker took another job', () => {
    const before = memory({ launches: [booted(9, { jobId: 1 })], passedOver: { 1: over(3, 5) } });
    expect(learned(before, [worker(9, 'busy')]).passedOver).toStrictEqual(before.passedOver);
  });

  it('are at most 500, the last ones tried', () => {
    const many = Object.fromEntries(Array.from({ length: 600 }, (_, i) => [String(i + 1), { tries: 1, lastAt: i }]));
    const kept = Object.values(learned(memory({ passedOver: many }), [], jobs(600)).passedOver).map((p) => p.lastAt);
    expect([kept.length, Math.min(...kept)]).toStrictEqual([500, 100]);
  });
});

describe('attempts in vain', () => {
  const attempts = (given: Partial<PoolState>) => learned(memory(given), []).attempts;
  const before = { inVain: 3, lastAt: NOW - 2 * HOUR };

  it('are counted for the pool, whatever job they were for', () => {
    expect(attempts({ launches: [booted(1, { retry: true })] })).toStrictEqual({ inVain: 1, lastAt: NOW - HOUR });
    expect(attempts({ launches: [booted(1, { retry: true })], attempts: before })).toStrictEqual({ inVain: 4, lastAt: NOW - HOUR });
  });

  it('are not the first workers of new jobs, which only put the next one off', () => {
    expect(attempts({ launches: [booted(1)], attempts: before })).toStrictEqual({ inVain: 3, lastAt: NOW - HOUR });
    const earlier = [booted(1, { at: NOW - 3 * HOUR })];
    expect(attempts({ launches: earlier, attempts: before })).toStrictEqual({ inVain: 3, lastAt: NOW - 2 * HOUR });
  });

  it('are not those whose job left, or that had one', () => {
    const passedOver = { 1: { tries: 1, lastAt: 5 } };
    const launches = [booted(2, { retry: true }), booted(3, { retry: true })];
    expect(learned(memory({ launches, passedOver, attempts: before }), [worker(3, 'busy')]).attempts).toStrictEqual(before);
    expect(learned(memory({ launches, passedOver }), [worker(3, 'busy')])).not.toHaveProperty('attempts');
  });
});

describe('a worker whose own job has left with another', () => {
  const jobOf = (
    given: Partial<Launch>,
    waiting: PoolObservation['jobs'],
    others: readonly Launch[] = [],
    workers: readonly Worker[] = [],
  ) =>
    updatePoolState(
      memory({ launches: [launch(1, { jobId: 99, ...given }), ...others] }),
      { workers, failedOperations: new Map(), jobs: waiting },
      10 * MINUTE,
      NOW,
    ).launches[0]?.jobId;
  const idle = [worker(1, 'idle')];
  const settledAt = NOW - MINUTE;
  const rows: readonly {
    name: string;
    given?: Partial<Launch>;
    waiting: PoolObservation['jobs'];
    others?: readonly Launch[];
    expected: number | undefined;
  }[] = [
    { name: 'stands for the oldest job that waits', waiting: [job(7), job(3), job(5)], expected: 3 },
    { name: 'of equally old ones for that of the lowest id', waiting: [job(7, { queuedAt: 1 }), job(5, { queuedAt: 1 })], expected: 5 },
    { name: 'not for one that has a worker of its own', waiting: [job(3), job(5)], others: [launch(2, { jobId: 3 })], expected: 5 },
    { name: 'for one whose worker has another', waiting: [job(3)], others: [booted(2, { jobId: 3, use: 'job' })], expected: 3 },
    { name: 'not while its own waits', waiting: [job(3), job(99)], expected: 99 },
    { name: 'not when nothing waits', waiting: [], expected: 99 },
    { name: 'not when it was started for none', given: { jobId: undefined as unknown as number }, waiting: [job(3)], expected: undefined },
    { name: 'not when it is decided', given: booted(1, { use: 'none', jobId: 99 }), waiting: [job(3)], expected: 99 },
    {
      name: 'once it has come, for one that waited then',
      given: booted(1, { jobId: 99, settledAt }),
      waiting: [job(3, { queuedAt: settledAt })],
      expected: 3,
    },
    {
      name: 'not for one that came later, which its silence says nothing about',
      given: booted(1, { jobId: 99, settledAt }),
      waiting: [job(3, { queuedAt: settledAt + 1 })],
      expected: 99,
    },
    {
      name: 'not while GitLab may not count yet that it has its own',
      given: booted(1, { jobId: 99, settledAt: settledAt + 1 }),
      waiting: [job(3, { queuedAt: 0 })],
      expected: 99,
    },
    { name: 'not while the waiting jobs cannot be read', waiting: undefined, expected: 99 },
  ];

  it.each(rows)('$name', ({ given = {}, waiting, others = [], expected }) => {
    expect(jobOf(given, waiting, others, given.outcome === 'booted' && given.use === undefined ? idle : [])).toBe(expected);
  });

  it('two of them stand for two jobs', () => {
    const launches = [launch(1, { jobId: 98 }), launch(2, { jobId: 99 })];
    expect(learned(memory({ launches }), [], [job(3), job(5)]).launches.map((l) => l.jobId)).toStrictEqual([3, 5]);
  });
});
