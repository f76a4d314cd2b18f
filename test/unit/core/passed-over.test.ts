import { describe, expect, it } from 'vitest';
import { PATIENCE_MS } from '../../../lib/core/cover.ts';
import { type Launch, learn, type PoolMemory } from '../../../lib/core/memory.ts';
import { type Retries, retries } from '../../../lib/core/retries.ts';
import type { Worker } from '../../../lib/core/worker.ts';
import { HOUR, job, jobs, launch, MINUTE, memory, NOW, worker } from '../../builders.ts';

const booted = (n: number, overrides: Partial<Launch> = {}) =>
  launch(n, { outcome: 'booted', listed: true, settledAt: NOW - PATIENCE_MS, jobId: n, at: NOW - HOUR, ...overrides });

function learned(given: PoolMemory, workers: readonly Worker[], waiting: Parameters<typeof learn>[3] = [job(1)]): PoolMemory {
  return learn(given, workers, new Map(), waiting, 10 * MINUTE, NOW);
}

describe('what a booted launch was good for', () => {
  const rows: readonly {
    name: string;
    given?: Partial<Launch>;
    workers?: readonly Worker[];
    jobs?: Parameters<typeof learn>[3];
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
    { name: 'it has not been idle for long', given: { settledAt: NOW - PATIENCE_MS + 1 }, workers: [worker(1, 'idle')] },
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
    const after = learn(before, [], new Map(), undefined, 10 * MINUTE, NOW);
    expect([after.launches[0]?.use, after.passedOver]).toStrictEqual([undefined, before.passedOver]);
  });

  it('is waited for, however many are settled at once', () => {
    const wave = Array.from({ length: 50 }, (_, i) => booted(i + 1, { settledAt: NOW - 1 }));
    const idle = wave.map((_, i) => worker(i + 1, 'idle'));
    expect(learned(memory({ launches: wave }), idle).launches).toHaveLength(50);
  });

  it('is not waited for longer than that', () => {
    const wave = Array.from({ length: 50 }, (_, i) => booted(i + 1, { settledAt: NOW - HOUR }));
    expect(learn(memory({ launches: wave }), [], new Map(), undefined, 10 * MINUTE, NOW).launches).toHaveLength(20);
  });
});

describe('the jobs passed over', () => {
  it('are counted once for each launch in vain', () => {
    const once = learned(memory({ launches: [booted(1, { at: 7 })] }), []);
    expect(once.passedOver).toStrictEqual({ 1: { tries: 1, lastAt: 7 } });
    expect(learned(once, []).passedOver).toStrictEqual(once.passedOver);
    const again = learned({ ...once, launches: [...once.launches, booted(2, { jobId: 1, at: 9 })] }, []);
    expect(again.passedOver).toStrictEqual({ 1: { tries: 2, lastAt: 9 } });
  });

  it('are forgotten when they do not wait any more', () => {
    expect(learned(memory({ passedOver: { 1: { tries: 3, lastAt: 5 }, 2: { tries: 1, lastAt: 6 } } }), []).passedOver).toStrictEqual({
      1: { tries: 3, lastAt: 5 },
    });
  });

  it('begin afresh when one of them left with a worker that was started for it', () => {
    const before = memory({ launches: [booted(9, { jobId: 1 })], passedOver: { 1: { tries: 3, lastAt: 5 }, 2: { tries: 1, lastAt: 6 } } });
    const left = learned(before, [worker(9, 'idle', { idleSince: NOW })], [job(2)]);
    expect(left.passedOver).toStrictEqual({ 2: { tries: 1, lastAt: 6 } });
    const recent = memory({ ...before, launches: [booted(9, { jobId: 1, settledAt: NOW })] });
    const seenLate = learned(recent, [worker(9, 'idle')], [job(2)]);
    expect(seenLate.passedOver).toStrictEqual(before.passedOver);
    expect(learned(seenLate, [worker(9, 'busy')], [job(2)]).passedOver).toStrictEqual({});
  });

  it('stay when the worker took another job', () => {
    const before = memory({ launches: [booted(9, { jobId: 1 })], passedOver: { 1: { tries: 3, lastAt: 5 } } });
    expect(learned(before, [worker(9, 'busy')]).passedOver).toStrictEqual(before.passedOver);
  });

  it('are at most 500, the last ones tried', () => {
    const many = Object.fromEntries(Array.from({ length: 600 }, (_, i) => [String(i + 1), { tries: 1, lastAt: i }]));
    const kept = Object.values(learned(memory({ passedOver: many }), [], jobs(600)).passedOver).map((p) => p.lastAt);
    expect([kept.length, Math.min(...kept)]).toStrictEqual([500, 100]);
  });
});

describe('the next attempt', () => {
  const ids = ({ due, ...rest }: Retries) => ({ due: due.map((j) => j.id), ...rest });
  const old = (id: number) => job(id, { queuedAt: NOW - HOUR + id });
  const over = (tries: number, lastAt: number, ...jobIds: readonly number[]) =>
    Object.fromEntries(jobIds.map((id) => [String(id), { tries, lastAt }]));
  const inVain = (n: number) => booted(n, { use: 'passed-over', settledAt: NOW - n });
  const four = [4, 3, 2, 1].map(inVain);

  const rows: readonly { name: string; memory: PoolMemory; jobs?: ReturnType<typeof jobs>; expected: ReturnType<typeof ids> }[] = [
    { name: 'nothing was passed over: all are due', memory: memory(), expected: { due: [1, 2], held: 0 } },
    {
      name: 'five minutes after the first launch in vain',
      memory: memory({ passedOver: over(1, NOW - 5 * MINUTE, 1) }),
      expected: { due: [1, 2], held: 0, nextAt: NOW },
    },
    {
      name: 'not before',
      memory: memory({ passedOver: over(1, NOW - 5 * MINUTE + 1, 1) }),
      expected: { due: [2], held: 1, nextAt: NOW + 1 },
    },
    {
      name: 'twice as long after the second',
      memory: memory({ passedOver: over(2, NOW, 1) }),
      expected: { due: [2], held: 1, nextAt: NOW + 10 * MINUTE },
    },
    { name: 'an hour at most', memory: memory({ passedOver: over(30, NOW, 1) }), expected: { due: [2], held: 1, nextAt: NOW + HOUR } },
    {
      name: 'one for all of them, the one tried least',
      memory: memory({ passedOver: { ...over(2, NOW - HOUR, 1), ...over(1, NOW - HOUR, 2) } }),
      expected: { due: [2], held: 1, nextAt: NOW - 50 * MINUTE },
    },
    {
      name: 'all that was tried again makes the gap longer, whichever job it was for',
      memory: memory({ passedOver: over(2, NOW, 1, 2, 3) }),
      expected: { due: [], held: 2, nextAt: NOW + 40 * MINUTE },
    },
    {
      name: 'the last launch for any of them counts',
      memory: memory({ passedOver: { ...over(1, NOW - HOUR, 1), ...over(1, NOW, 2) } }),
      expected: { due: [], held: 2, nextAt: NOW + 5 * MINUTE },
    },
    {
      name: 'none beside the one on its way',
      memory: memory({ launches: [launch(9, { jobId: 1 })], passedOver: over(1, NOW - HOUR, 1) }),
      expected: { due: [2], held: 1 },
    },
    {
      name: 'nor while its worker may still take it',
      memory: memory({ launches: [booted(9, { jobId: 1 })], passedOver: over(1, NOW - HOUR, 1) }),
      expected: { due: [2], held: 1 },
    },
    {
      name: 'a launch for another job is in nobody’s way',
      memory: memory({ launches: [launch(9, { jobId: 2 })], passedOver: over(1, NOW - HOUR, 1) }),
      expected: { due: [1, 2], held: 0, nextAt: NOW - 55 * MINUTE },
    },
    {
      name: 'four in vain in a row: whatever waits long is held',
      memory: memory({ launches: four, passedOver: over(1, NOW, 7, 8) }),
      jobs: [old(1), job(2)],
      expected: { due: [2], held: 1, nextAt: NOW + 5 * MINUTE },
    },
    {
      name: 'four in vain in a row: any launch on its way is the attempt',
      memory: memory({ launches: [...four, launch(9, { jobId: 99 })], passedOver: over(1, NOW - HOUR, 7, 8) }),
      jobs: [old(1)],
      expected: { due: [], held: 1 },
    },
    {
      name: 'three in vain in a row: only those that were tried are held',
      memory: memory({ launches: four.slice(1), passedOver: over(1, NOW, 7, 8) }),
      jobs: [old(1)],
      expected: { due: [1], held: 0 },
    },
    {
      name: 'one of the last four had a job: only those that were tried are held',
      memory: memory({
        launches: [inVain(5), ...four.slice(0, 3), booted(1, { use: 'job', settledAt: NOW })],
        passedOver: over(1, NOW, 7),
      }),
      jobs: [old(1)],
      expected: { due: [1], held: 0 },
    },
  ];

  it.each(rows)('$name', (row) => {
    expect(ids(retries(row.jobs ?? jobs(2), row.memory, NOW))).toStrictEqual(row.expected);
  });
});
