import { describe, expect, it } from 'vitest';
import type { PendingJob } from '../../../../lib/core/fleet/types.ts';
import { updatePoolState } from '../../../../lib/core/launches/pool-state.ts';
import { nextAttempt, splitHeld } from '../../../../lib/core/launches/retry-backoff.ts';
import type { Launch, PoolState } from '../../../../lib/core/launches/types.ts';
import { CLAIM_TIMEOUT_MS } from '../../../../lib/core/plan/coverage.ts';
import { HOUR, job, jobs, launch, MINUTE, memory, NOW } from '../../../../testkit/builders.ts';

const booted = (n: number, overrides: Partial<Launch> = {}) =>
  launch(n, { outcome: 'booted', listed: true, settledAt: NOW - CLAIM_TIMEOUT_MS, jobId: n, at: NOW - HOUR, ...overrides });
const inVain = (n: number) => booted(n, { use: 'passed-over', settledAt: NOW - n });
const four = [4, 3, 2, 1].map(inVain);
const old = (id: number) => job(id, { queuedAt: NOW - HOUR + id });
const over = (tries: number, lastAt: number, ...jobIds: readonly number[]) =>
  Object.fromEntries(jobIds.map((id) => [String(id), { tries, lastAt }]));

describe('jobs that are held', () => {
  const rows: readonly {
    name: string;
    memory: PoolState;
    jobs?: readonly PendingJob[];
    ordinary: readonly number[];
    held: readonly number[];
  }[] = [
    { name: 'none when nothing was passed over', memory: memory({ launches: four }), jobs: [old(1)], ordinary: [1], held: [] },
    { name: 'those that were passed over', memory: memory({ passedOver: over(1, NOW, 1) }), ordinary: [2], held: [1] },
    {
      name: 'not while their own worker is on its way',
      memory: memory({ launches: [launch(9, { jobId: 1 })], passedOver: over(1, NOW, 1, 2) }),
      ordinary: [1],
      held: [2],
    },
    {
      name: 'not while it may still be given it',
      memory: memory({ launches: [booted(9, { jobId: 1 })], passedOver: over(1, NOW, 1) }),
      ordinary: [1, 2],
      held: [],
    },
    {
      name: 'again when that had another one',
      memory: memory({ launches: [booted(9, { jobId: 1, use: 'job' })], passedOver: over(1, NOW, 1) }),
      ordinary: [2],
      held: [1],
    },
    {
      name: 'four in vain in a row: whatever waits long',
      memory: memory({ launches: four, passedOver: over(1, NOW, 7) }),
      jobs: [old(1), job(2), job(3, { queuedAt: NOW - CLAIM_TIMEOUT_MS })],
      ordinary: [2, 3],
      held: [1],
    },
    {
      name: 'four in vain in a row: not what came after the last of them was there, however long it waits',
      memory: memory({ launches: four.map((l) => ({ ...l, settledAt: NOW - 2 * HOUR })), passedOver: over(1, NOW, 7) }),
      jobs: [old(1), job(2, { queuedAt: NOW - 2 * HOUR }), job(3, { queuedAt: NOW - 2 * HOUR + 1 })],
      ordinary: [1, 3],
      held: [2],
    },
    {
      name: 'three in vain in a row: only those that were tried',
      memory: memory({ launches: four.slice(1), passedOver: over(1, NOW, 7) }),
      jobs: [old(1)],
      ordinary: [1],
      held: [],
    },
    {
      name: 'one of the last four had a job: only those that were tried',
      memory: memory({
        launches: [inVain(5), ...four.slice(0, 3), booted(1, { use: 'job', settledAt: NOW })],
        passedOver: over(1, NOW, 7),
      }),
      jobs: [old(1)],
      ordinary: [1],
      held: [],
    },
  ];

  it.each(rows)('$name', (row) => {
    const { ordinary, held } = splitHeld(row.jobs ?? jobs(2), row.memory, NOW);
    expect({ ordinary: ordinary.map((j) => j.id), held: held.map((j) => j.id) }).toStrictEqual({ ordinary: row.ordinary, held: row.held });
  });
});

describe('the next attempt', () => {
  const tried = (inVain: number, lastAt: number) => ({ passedOver: over(1, lastAt, 1, 2), attempts: { inVain, lastAt } });
  const rows: readonly { name: string; memory: PoolState; jobs?: readonly PendingJob[]; job?: number; nextAt?: number }[] = [
    { name: 'none when nothing is held', memory: memory({ passedOver: over(1, NOW - HOUR, 9) }), jobs: [] },
    { name: 'five minutes after the first launch in vain', memory: memory(tried(0, NOW - 5 * MINUTE)), job: 1, nextAt: NOW },
    { name: 'not before', memory: memory(tried(0, NOW - 5 * MINUTE + 1)), nextAt: NOW + 1 },
    { name: 'ten after the first attempt', memory: memory(tried(1, NOW)), nextAt: NOW + 10 * MINUTE },
    { name: 'then twenty', memory: memory(tried(2, NOW)), nextAt: NOW + 20 * MINUTE },
    { name: 'then forty', memory: memory(tried(3, NOW)), nextAt: NOW + 40 * MINUTE },
    { name: 'then an hour', memory: memory(tried(4, NOW)), nextAt: NOW + HOUR },
    { name: 'an hour at most', memory: memory(tried(99, NOW)), nextAt: NOW + HOUR },
    {
      name: 'what was tried before an upgrade counts by its time',
      memory: memory({ passedOver: { ...over(3, NOW - HOUR, 1), ...over(1, NOW, 2) } }),
      nextAt: NOW + 5 * MINUTE,
    },
    {
      name: 'the last attempt counts, although its job has left',
      memory: memory({ passedOver: over(1, NOW - HOUR, 1), attempts: { inVain: 1, lastAt: NOW } }),
      nextAt: NOW + 10 * MINUTE,
    },
    {
      name: 'for the job that was tried least',
      memory: memory({ passedOver: { ...over(2, NOW - HOUR, 1), ...over(1, NOW - HOUR, 2) } }),
      job: 2,
      nextAt: NOW - 55 * MINUTE,
    },
    { name: 'or not at all', memory: memory({ passedOver: over(1, NOW - HOUR, 1, 9) }), job: 2, nextAt: NOW - 55 * MINUTE },
    {
      name: 'of those the oldest',
      memory: memory({ passedOver: over(1, NOW - HOUR, 9) }),
      jobs: [job(1), old(2)],
      job: 2,
      nextAt: NOW - 55 * MINUTE,
    },
    {
      name: 'of equally old ones that of the lowest id',
      memory: memory({ passedOver: over(1, NOW - HOUR, 9) }),
      jobs: [job(4, { queuedAt: 1 }), job(3, { queuedAt: 1 })],
      job: 3,
      nextAt: NOW - 55 * MINUTE,
    },
    {
      name: 'none beside the one on its way',
      memory: memory({ launches: [launch(9, { jobId: 1 })], passedOver: over(1, NOW - HOUR, 1, 2) }),
    },
    {
      name: 'nor while its worker may still take it',
      memory: memory({ launches: [booted(9, { jobId: 1 })], passedOver: over(1, NOW - HOUR, 1, 2) }),
    },
    {
      name: 'a launch for another job is in nobody’s way',
      memory: memory({ launches: [launch(9, { jobId: 8 })], passedOver: over(1, NOW - HOUR, 1, 2) }),
      job: 1,
      nextAt: NOW - 55 * MINUTE,
    },
    {
      name: 'four in vain in a row: any launch for a job is the attempt',
      memory: memory({ launches: [...four, launch(9, { jobId: 99 })], passedOver: over(1, NOW - HOUR, 7, 8) }),
    },
    {
      name: 'one for the idle target is not',
      memory: memory({ launches: [...four, launch(9)], passedOver: over(1, NOW - HOUR, 1, 2) }),
      job: 1,
      nextAt: NOW - 55 * MINUTE,
    },
  ];

  it.each(rows)('$name', (row) => {
    const { job: chosen, ...rest } = nextAttempt(row.jobs ?? jobs(2), row.memory, NOW);
    expect({ job: chosen?.id, ...rest }).toStrictEqual({ job: row.job, ...(row.nextAt === undefined ? {} : { nextAt: row.nextAt }) });
  });
});

it('attempts go on, and their gap grows, while part of the demand cannot be read for hours', () => {
  // Job 1 has left; nobody knows, because its project cannot be read.
  const held = jobs(3, 2);
  let known = memory({ launches: [launch(1, { jobId: 1, at: NOW })], passedOver: over(1, NOW - HOUR, 1, 2, 3, 4) });
  const attempts: number[] = [];
  for (let now = NOW; now < NOW + 12 * HOUR; now += MINUTE) {
    const up = known.launches.filter((l) => l.outcome === 'pending' && now - l.at > 2 * MINUTE).map((l) => l.name);
    const launches = known.launches.map(
      (l): Launch => (up.includes(l.name) ? { ...l, outcome: 'booted', listed: true, settledAt: now } : l),
    );
    const sight = { workers: [], failedOperations: new Map(), jobs: held, partial: true as const };
    known = updatePoolState({ ...known, launches }, sight, 10 * MINUTE, now);
    const { job: next } = nextAttempt(splitHeld(held, known, now).held, known, now);
    if (!next) continue;
    attempts.push((now - NOW) / MINUTE);
    const attempt = launch(100 + attempts.length, { at: now, jobId: next.id, retry: true });
    known = { ...known, launches: [...known.launches, attempt] };
  }
  const gaps = attempts.slice(1).map((at, i) => at - (attempts[i] ?? 0));
  expect(attempts[0]).toBeLessThan(20);
  expect(gaps.slice(0, 6)).toStrictEqual([10, 20, 40, 60, 60, 60]);
});
