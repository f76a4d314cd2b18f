import { describe, expect, it } from 'vitest';
import type { Worker } from '../../../lib/core/fleet/types.ts';
import { planPool } from '../../../lib/core/plan/plan.ts';
import type { Action, PlanInput } from '../../../lib/core/plan/types.ts';
import type { Pool } from '../../../lib/core/pool/pool.ts';
import { HOUR, job, jobs, MINUTE, memory, NOW, nameOf, planInput, pool, worker } from '../../../testkit/builders.ts';

const plan = (overrides: Partial<PlanInput>) => planPool(planInput({ mayLaunch: false, ...overrides }));
const drains = (actions: readonly Action[]) => actions.flatMap((a) => (a.kind === 'drain' ? [[a.runnerId, a.why]] : []));

/** Idle workers, the first the oldest, each idle for the minutes given. */
function idle(...minutes: readonly number[]): readonly Worker[] {
  return minutes.map((m, i) => worker(i + 1, 'idle', { bornAt: NOW - 10 * HOUR + i * MINUTE, idleSince: NOW - m * MINUTE }));
}

interface Row {
  readonly name: string;
  readonly workers: readonly Worker[];
  readonly pool?: Pool;
  readonly waiting?: number | 'unreadable';
  readonly unreadParts?: number;
  /** Ids and reasons of what is drained. */
  readonly expected: readonly (readonly [number, string])[];
}

const keep = (idleCount: number) => pool({ policy: { idleCount } });

const rows: readonly Row[] = [
  { name: 'idle for longer than the idle time', workers: idle(11), expected: [[1, 'idle']] },
  { name: 'idle for exactly the idle time: stays', workers: idle(10), expected: [] },
  { name: 'idle a millisecond longer: goes', workers: [worker(1, 'idle', { idleSince: NOW - 10 * MINUTE - 1 })], expected: [[1, 'idle']] },
  { name: 'idle since the future: stays', workers: idle(-11), expected: [] },
  { name: 'a job waits for it: stays', workers: idle(11), waiting: 1, expected: [] },
  { name: 'the idle target: stays', workers: idle(11), pool: keep(1), expected: [] },
  {
    name: 'beyond the idle target the newest go',
    workers: idle(11, 11, 11),
    pool: keep(1),
    expected: [
      [2, 'idle'],
      [3, 'idle'],
    ],
  },
  { name: 'beyond jobs and idle target', workers: idle(11, 11, 11, 11), pool: keep(1), waiting: 2, expected: [[4, 'idle']] },
  { name: 'the oldest stays, even when only it was idle for too long', workers: idle(11, 9), pool: keep(1), expected: [] },
  {
    name: 'one that was not idle for too long is kept, too',
    workers: idle(9, 11, 11),
    pool: keep(1),
    expected: [
      [2, 'idle'],
      [3, 'idle'],
    ],
  },
  {
    name: 'older ones on their way are kept, too',
    workers: [worker(9, 'booting', { bornAt: NOW - 11 * HOUR }), ...idle(11)],
    pool: keep(1),
    expected: [[1, 'idle']],
  },
  {
    name: 'younger ones on their way do not drive out an old one',
    workers: [...idle(11), worker(9, 'booting')],
    pool: keep(1),
    expected: [],
  },
  {
    name: 'without a factor of busy ones',
    workers: [...idle(11, 11, 11), worker(9, 'busy')],
    pool: pool({ policy: { idleCount: 5, idleScaleFactor: 2 } }),
    expected: [[3, 'idle']],
  },
  { name: 'unreadable jobs: no idle one goes', workers: idle(11, 11), waiting: 'unreadable', expected: [] },
  { name: 'jobs unreadable in part: no idle one goes', workers: idle(11, 11), waiting: 1, unreadParts: 1, expected: [] },
  { name: 'booting ones never go', workers: [worker(1, 'booting', { idleSince: NOW - HOUR })], expected: [] },
  {
    name: 'busy ones never go',
    workers: [worker(1, 'busy', { idleSince: NOW - HOUR, done: 9 })],
    pool: pool({ maxBuilds: 1, maxAgeMs: 1 }),
    expected: [],
  },
  // Its VM is not listed: leave it alone until it is.
  { name: 'an idle one without a listed VM stays', workers: idle(11, 11).map(({ server: _, ...w }) => w), expected: [] },
  // Whatever the demand.
  {
    name: 'as many builds as it may have',
    workers: [worker(1, 'idle', { done: 3 })],
    pool: pool({ maxBuilds: 3 }),
    waiting: 1,
    expected: [[1, 'max-builds']],
  },
  {
    name: 'more builds than it may have',
    workers: [worker(1, 'idle', { done: 4 })],
    pool: pool({ maxBuilds: 3 }),
    waiting: 1,
    expected: [[1, 'max-builds']],
  },
  {
    name: 'fewer builds than it may have: stays',
    workers: [worker(1, 'idle', { done: 2 })],
    pool: pool({ maxBuilds: 3 }),
    waiting: 1,
    expected: [],
  },
  { name: 'no bound of builds: stays', workers: [worker(1, 'idle', { done: 99 })], waiting: 1, expected: [] },
  { name: 'older than it may be', workers: idle(0), pool: pool({ maxAgeMs: 10 * HOUR - 1 }), waiting: 1, expected: [[1, 'max-age']] },
  { name: 'exactly as old as it may be: stays', workers: idle(0), pool: pool({ maxAgeMs: 10 * HOUR }), waiting: 1, expected: [] },
  {
    name: 'builds and age when jobs are unreadable',
    workers: idle(0),
    pool: pool({ maxAgeMs: 1 }),
    waiting: 'unreadable',
    expected: [[1, 'max-age']],
  },
  {
    name: 'one that leaves does not keep another from being needed',
    workers: [worker(1, 'idle', { bornAt: NOW - 11 * HOUR, done: 3, idleSince: 0 }), worker(2, 'idle', { idleSince: 0 })],
    pool: pool({ maxBuilds: 3, policy: { idleCount: 1 } }),
    expected: [[1, 'max-builds']],
  },
  // Over a lowered limit.
  {
    name: 'over a lowered limit the newest idle go, whatever waits',
    workers: idle(0, 0, 0),
    pool: pool({ limit: 1 }),
    waiting: 5,
    expected: [
      [2, 'surplus'],
      [3, 'surplus'],
    ],
  },
  {
    name: 'over a lowered limit with unreadable jobs',
    workers: idle(0, 11),
    pool: pool({ limit: 1 }),
    waiting: 'unreadable',
    expected: [[2, 'surplus']],
  },
  {
    name: 'busy ones hold the limit',
    workers: [...idle(0, 0), worker(8, 'busy'), worker(9, 'busy')],
    pool: pool({ limit: 3 }),
    waiting: 2,
    expected: [[2, 'surplus']],
  },
  {
    name: 'all idle ones, and no busy one',
    workers: [...idle(0), worker(8, 'busy'), worker(9, 'busy')],
    pool: pool({ limit: 1 }),
    expected: [[1, 'surplus']],
  },
  {
    name: 'booting ones hold the limit, and stay',
    workers: [worker(8, 'booting'), ...idle(0)],
    pool: pool({ limit: 1 }),
    expected: [[1, 'surplus']],
  },
  {
    name: 'those that drain already make room: the others stay',
    workers: [...idle(0, 0), worker(8, 'draining'), worker(9, 'draining')],
    pool: pool({ limit: 2 }),
    waiting: 2,
    expected: [],
  },
  { name: 'at the limit: all stay', workers: idle(0, 0), pool: pool({ limit: 2 }), waiting: 2, expected: [] },
  {
    name: 'surplus first, then idle',
    workers: idle(11, 11, 0),
    pool: pool({ limit: 2, policy: { idleCount: 1 } }),
    expected: [
      [2, 'idle'],
      [3, 'surplus'],
    ],
  },
];

describe('draining', () => {
  it.each(rows)('$name', ({ workers, pool: given = pool(), waiting = 0, unreadParts = 0, expected }) => {
    const { actions } = plan({ workers, pool: given, jobs: waiting === 'unreadable' ? undefined : jobs(waiting), unreadParts });
    expect(drains(actions)).toStrictEqual(expected);
    expect(actions).toHaveLength(expected.length);
  });

  it('names worker, runner and reason', () => {
    expect(plan({ workers: idle(11) }).actions).toStrictEqual([{ kind: 'drain', worker: nameOf(1), runnerId: 1, why: 'idle' }]);
  });

  it('does not launch for the idle target what it drains', () => {
    expect(plan({ mayLaunch: true, workers: idle(11, 11), pool: keep(1) }).actions).toStrictEqual([
      { kind: 'drain', worker: nameOf(2), runnerId: 2, why: 'idle' },
    ]);
  });
});

it('plans the same for workers in any order', () => {
  const twins = { bornAt: NOW - HOUR, idleSince: NOW - HOUR };
  const workers = [worker(2, 'idle', twins), worker(3, 'idle', twins), worker(1, 'idle', twins)];
  const planned = plan({ workers, pool: keep(1) });
  expect(drains(planned.actions)).toStrictEqual([
    [2, 'idle'],
    [3, 'idle'],
  ]);
  expect(plan({ workers: [...workers].reverse(), pool: keep(1) })).toStrictEqual(planned);
});

describe('room for a job that waits beside idle workers', () => {
  const waited = (...ids: readonly number[]) => ids.map((id) => job(id, { queuedAt: NOW - HOUR + id }));
  const full = (limit: number, idleCount = 0) => pool({ limit, policy: { idleCount, idleTimeMs: HOUR } });
  const over = memory({ passedOver: { 1: { tries: 1, lastAt: NOW } } });
  const rowsAtLimit: readonly (Partial<PlanInput> & { name: string; expected: Row['expected'] })[] = [
    { name: 'the oldest leaves', pool: full(2), workers: idle(4, 4), jobs: waited(1), expected: [[1, 'unfit']] },
    { name: 'although the idle target asks for it', pool: full(2, 2), workers: idle(4, 4), jobs: waited(1), expected: [[1, 'unfit']] },
    {
      name: 'one for each job',
      pool: full(3),
      workers: idle(4, 4, 4),
      jobs: waited(1, 2),
      expected: [
        [1, 'unfit'],
        [2, 'unfit'],
      ],
    },
    { name: 'none while part of the jobs is unread', pool: full(2), workers: idle(4, 4), jobs: waited(1), unreadParts: 1, expected: [] },
    { name: 'none while there is room', pool: full(3), workers: idle(4, 4), jobs: waited(1), expected: [] },
    { name: 'none that may still take it', pool: full(2), workers: idle(2, 2), jobs: waited(1), expected: [] },
    { name: 'none for a job that has just come', pool: full(2), workers: idle(4, 4), jobs: [job(1)], expected: [] },
    { name: 'none for a job that was passed over', pool: full(2), workers: idle(4, 4), jobs: waited(1), memory: over, expected: [] },
    {
      name: 'none more while one leaves',
      pool: full(3),
      workers: [...idle(4, 4), worker(9, 'draining')],
      jobs: waited(1),
      expected: [],
    },
    {
      name: 'none when ordering is paused as well',
      pool: full(2),
      workers: idle(4, 4),
      jobs: waited(1),
      memory: memory({ pause: { until: NOW + 1, code: 'Ecs.0042', message: 'cores' } }),
      expected: [],
    },
    { name: 'none by a pass that may only shrink', pool: full(2), workers: idle(4, 4), jobs: waited(1), mayLaunch: false, expected: [] },
    {
      name: 'what is idle for too long leaves, whatever waits that was passed over',
      pool: pool({ limit: 9, policy: { idleTimeMs: MINUTE } }),
      workers: idle(2),
      jobs: [job(1)],
      memory: over,
      mayLaunch: false,
      expected: [[1, 'idle']],
    },
    {
      name: 'what is idle for too long leaves although the job waits',
      pool: pool({ limit: 9 }),
      workers: idle(11),
      jobs: waited(1),
      mayLaunch: false,
      expected: [[1, 'idle']],
    },
  ];

  it.each(rowsAtLimit)('$name', ({ name: _, expected, ...given }) => {
    expect(drains(plan({ mayLaunch: true, ...given }).actions)).toStrictEqual(expected);
  });
});
