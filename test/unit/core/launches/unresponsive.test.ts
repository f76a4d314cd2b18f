import { describe, expect, it } from 'vitest';
import { deriveFleet } from '../../../../lib/core/fleet/derive.ts';
import type { Worker } from '../../../../lib/core/fleet/types.ts';
import { type PoolObservation, updatePoolState } from '../../../../lib/core/launches/pool-state.ts';
import type { PoolState } from '../../../../lib/core/launches/types.ts';
import { ASKING_MS, leftBesideIdle } from '../../../../lib/core/launches/unresponsive.ts';
import { CLAIM_TIMEOUT_MS } from '../../../../lib/core/plan/coverage.ts';
import { planPool } from '../../../../lib/core/plan/plan.ts';
import {
  HOUR,
  job,
  jobs,
  liveRunner,
  MINUTE,
  memory,
  NO_OPERATIONS,
  NOW,
  nameOf,
  planInput,
  pool,
  server,
  worker,
} from '../../../../testkit/builders.ts';

const QUEUED = NOW - 2 * MINUTE;
const watching = (overrides: Partial<PoolState> = {}) => memory({ watched: { 5: { projectId: 7, queuedAt: QUEUED } }, ...overrides });
/** Job 5 has waited for more than three minutes, and job 6 was passed over. */
const longWaiting = (six: PoolState['passedOver'][string]) =>
  watching({ passedOver: { 6: six }, watched: { 5: { projectId: 7, queuedAt: NOW - CLAIM_TIMEOUT_MS - 1 } } });
/** Idle for an hour, and another that has just got the job. */
const idle = worker(1, 'idle', { idleSince: NOW - HOUR, done: 3 });
const other = worker(2, 'busy');
const taken: PoolObservation['left'] = new Map([[5, { runnerId: 2, startedAt: NOW }]]);

function learned(given: PoolState, workers: readonly Worker[], sight: Partial<PoolObservation> = {}): PoolState {
  return updatePoolState(given, { workers, failedOperations: new Map(), jobs: [], ...sight }, 10 * MINUTE, NOW);
}

describe('a worker is suspected', () => {
  const suspicion = { [nameOf(1)]: { since: NOW, jobId: 5, done: 3 } };
  const rows: readonly {
    name: string;
    given?: PoolState;
    workers?: readonly Worker[];
    left?: PoolObservation['left'];
    expected?: PoolState['suspects'];
  }[] = [
    { name: 'that was idle beside a job which another one got', expected: suspicion },
    { name: 'not when nobody was asked', left: undefined },
    { name: 'not when nobody got it', left: new Map([[5, {}]]) },
    { name: 'not when nobody knows when it began', left: new Map([[5, { runnerId: 2 }]]) },
    { name: 'not when a runner got it that is not the pool’s', left: new Map([[5, { runnerId: 3, startedAt: NOW }]]) },
    { name: 'not when it was its own', left: new Map([[5, { runnerId: 1, startedAt: NOW }]]) },
    { name: 'not by a job that nobody watched', given: memory() },
    { name: 'not when it is busy', workers: [worker(1, 'busy'), other] },
    { name: 'not when it boots', workers: [worker(1, 'booting'), other] },
    { name: 'not when it drains', workers: [worker(1, 'draining', { idleSince: NOW - HOUR }), other] },
    {
      name: 'not when it was idle just as long as a runner needs to ask',
      workers: [worker(1, 'idle', { idleSince: NOW - ASKING_MS }), other],
    },
    {
      name: 'a millisecond longer is enough',
      workers: [worker(1, 'idle', { idleSince: NOW - ASKING_MS - 1, done: 3 }), other],
      expected: suspicion,
    },
    { name: 'not when the job waited just as long', left: new Map([[5, { runnerId: 2, startedAt: QUEUED + ASKING_MS }]]) },
    {
      name: 'a millisecond longer is enough (2)',
      left: new Map([[5, { runnerId: 2, startedAt: QUEUED + ASKING_MS + 1 }]]),
      expected: suspicion,
    },
    {
      name: 'not by a clock that runs ahead',
      workers: [worker(1, 'idle', { idleSince: NOW - ASKING_MS }), other],
      left: new Map([[5, { runnerId: 2, startedAt: NOW + HOUR }]]),
    },
    { name: 'not by a job that was passed over before', given: watching({ passedOver: { 5: { tries: 1, lastAt: 1 } } }) },
    {
      name: 'by one that has just come, although others were passed over',
      given: watching({ passedOver: { 6: { tries: 1, lastAt: 1 } } }),
      expected: suspicion,
    },
    {
      name: 'not by one that waited long while others of its project were passed over',
      given: longWaiting({ tries: 1, lastAt: 1, projectId: 7 }),
    },
    { name: 'not while others were, of a project that an older release did not note', given: longWaiting({ tries: 1, lastAt: 1 }) },
    {
      name: 'by one that waited long while those of another project were',
      given: longWaiting({ tries: 1, lastAt: 1, projectId: 8 }),
      expected: suspicion,
    },
    {
      name: 'by one that waited long where none was',
      given: watching({ watched: { 5: { projectId: 7, queuedAt: NOW - CLAIM_TIMEOUT_MS - 1 } } }),
      expected: suspicion,
    },
    {
      name: 'as long as it does nothing',
      given: watching({ watched: {}, suspects: { [nameOf(1)]: { since: 1, jobId: 4, done: 3 } } }),
      expected: { [nameOf(1)]: { since: 1, jobId: 4, done: 3 } },
    },
    {
      name: 'and since it first was',
      given: watching({ suspects: { [nameOf(1)]: { since: 1, jobId: 4, done: 3 } } }),
      expected: { [nameOf(1)]: { since: 1, jobId: 4, done: 3 } },
    },
    { name: 'no more when it takes a job', given: memory({ suspects: suspicion }), workers: [worker(1, 'busy', { done: 3 })] },
    { name: 'no more when it has done one', given: memory({ suspects: suspicion }), workers: [worker(1, 'idle', { done: 4 })] },
    { name: 'no more when its VM is gone', given: memory({ suspects: suspicion }), workers: [worker(1, 'gone', { done: 3 })] },
    { name: 'no more when it is not listed', given: memory({ suspects: suspicion }), workers: [] },
    { name: 'while it drains', given: memory({ suspects: suspicion }), workers: [worker(1, 'draining', { done: 3 })], expected: suspicion },
  ];

  it.each(rows)('$name', ({ given = watching(), workers = [idle, other], expected = {}, ...row }) => {
    const left = 'left' in row ? row.left : taken;
    expect(learned(given, workers, left ? { left } : {}).suspects).toStrictEqual(expected);
  });

  it('and so are all that were idle beside it', () => {
    const both = [idle, worker(3, 'idle', { idleSince: NOW - HOUR }), other];
    expect(Object.keys(learned(watching(), both, { left: taken }).suspects)).toStrictEqual([nameOf(1), nameOf(3)]);
  });
});

describe('jobs that are watched', () => {
  it('are those that wait while a worker is idle', () => {
    const waiting = [job(5), job(6, { projectId: 8 })];
    expect(learned(memory(), [idle], { jobs: waiting }).watched).toStrictEqual({
      5: { projectId: 7, queuedAt: job(5).queuedAt },
      6: { projectId: 8, queuedAt: job(6).queuedAt },
    });
    expect(learned(watching(), [other, worker(3, 'booting')], { jobs: waiting }).watched).toStrictEqual({});
  });

  it('are at most a hundred, the oldest', () => {
    const kept = Object.keys(learned(memory(), [idle], { jobs: [...jobs(150)].reverse() }).watched);
    expect([kept.length, kept.at(-1)]).toStrictEqual([100, '100']);
  });

  it('stay while the waiting jobs cannot be read', () => {
    expect(learned(watching(), [idle], { jobs: undefined }).watched).toStrictEqual(watching().watched);
  });

  it('are, of those that cannot all be read, the ones that were; a job that is not among them is asked for like any other', () => {
    expect(Object.keys(learned(watching(), [idle], { jobs: [job(6)], partial: true }).watched)).toStrictEqual(['6']);
    expect(leftBesideIdle(watching(), { workers: [idle], jobs: [] }, NOW)).toStrictEqual([{ id: 5, projectId: 7 }]);
    expect(Object.keys(learned(watching(), [idle, other], { partial: true, left: taken ?? new Map() }).suspects)).toStrictEqual([
      nameOf(1),
    ]);
  });

  const rows: readonly { name: string; given?: PoolState; workers?: readonly Worker[]; jobs?: PoolObservation['jobs']; asked: boolean }[] =
    [
      { name: 'asked for when one has left beside an idle worker', asked: true },
      { name: 'not while it waits', jobs: [job(5)], asked: false },
      { name: 'not when no worker is idle any more', workers: [other], asked: false },
      { name: 'not when none could have asked in that time', workers: [worker(1, 'idle', { idleSince: NOW - ASKING_MS })], asked: false },
      { name: 'not when it was passed over', given: watching({ passedOver: { 5: { tries: 1, lastAt: 1 } } }), asked: false },
      { name: 'not while the waiting jobs cannot be read', jobs: undefined, asked: false },
    ];

  it.each(rows)('are $name', ({ given = watching(), workers = [idle], asked, ...row }) => {
    const seen = { workers, jobs: 'jobs' in row ? row.jobs : [] };
    expect(leftBesideIdle(given, seen, NOW)).toStrictEqual(asked ? [{ id: 5, projectId: 7 }] : []);
  });
});

describe('a suspected worker', () => {
  const suspects = { [nameOf(1)]: { since: NOW - MINUTE, jobId: 5, done: 3 } };
  const fleet = (overrides: Parameters<typeof liveRunner>[1]) =>
    deriveFleet({
      pool: pool(),
      servers: [server(1)],
      runners: [liveRunner(1, { done: 3, ...overrides })],
      memory: memory({ suspects }),
      ...NO_OPERATIONS,
      now: NOW,
    });

  it('counts as failed, until it has a job', () => {
    expect(fleet({})).toMatchObject([{ phase: 'failed', failure: 'unresponsive' }]);
    expect(fleet({ busy: 1 })).toMatchObject([{ phase: 'busy' }]);
    expect(fleet({ done: 4 })).toMatchObject([{ phase: 'idle' }]);
    expect(fleet({ paused: true })).toMatchObject([{ phase: 'draining' }]);
  });

  it('is drained, covers no job and is none of the idle workers that are kept', () => {
    const given = { pool: pool({ policy: { idleCount: 1 } }), workers: fleet({}) };
    expect(planPool(planInput(given)).actions).toStrictEqual([
      { kind: 'launch', why: 'idle-target' },
      { kind: 'drain', worker: nameOf(1), runnerId: 1, why: 'unresponsive' },
    ]);
    expect(planPool(planInput({ ...given, jobs: [job(9)], mayRemove: false })).actions).toStrictEqual([
      { kind: 'launch', why: 'demand', jobId: 9 },
      { kind: 'launch', why: 'idle-target' },
    ]);
  });

  it('leaves a healthy one in its place, however young', () => {
    const workers = [...fleet({}), worker(2, 'idle', { idleSince: NOW - HOUR })];
    expect(planPool(planInput({ pool: pool({ policy: { idleCount: 1 } }), workers })).actions).toStrictEqual([
      { kind: 'drain', worker: nameOf(1), runnerId: 1, why: 'unresponsive' },
    ]);
  });
});
