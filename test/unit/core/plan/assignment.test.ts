import { describe, expect, it } from 'vitest';
import { NO_CONTROLS, poolControls } from '../../../../lib/core/controls.ts';
import type { PendingJob } from '../../../../lib/core/fleet/types.ts';
import { EMPTY_POOL_STATE } from '../../../../lib/core/launches/types.ts';
import { assignJobs, canRun, type PoolQueue } from '../../../../lib/core/plan/assignment.ts';
import type { Pool } from '../../../../lib/core/pool/pool.ts';
import { job, jobs, launch, memory, NOW, pool, worker } from '../../../../testkit/builders.ts';

const rows = [
  { name: 'all tags', tags: ['bake', 'docker'], expected: true },
  { name: 'some of the tags', tags: ['docker'], expected: true },
  { name: 'one tag too many', tags: ['bake', 'arm'], expected: false },
  { name: 'a stranger tag', tags: ['arm'], expected: false },
  { name: 'another case', tags: ['Bake'], expected: false },
  { name: 'the start of a tag', tags: ['bak'], expected: false },
  { name: 'blanks around it', tags: [' bake'], expected: false },
  { name: 'no tags, and the pool does not take them', tags: [], expected: false },
  { name: 'no tags, and the pool takes them', tags: [], untagged: true, expected: true },
  { name: 'the pool takes untagged jobs, and this one has a stranger tag', tags: ['arm'], untagged: true, expected: false },
];

describe('canRun', () => {
  it.each(rows)('$name', ({ tags, untagged = false, expected }) => {
    expect(canRun(pool({ runUntagged: untagged }), { tags })).toBe(expected);
  });

  it('needs a pool with tags for a job with tags', () => {
    expect(canRun(pool({ tags: [] }), { tags: ['bake'] })).toBe(false);
  });
});

describe('assignJobs', () => {
  const big = pool({ name: 'big', tags: ['bake', 'big'] });
  const small = pool({ name: 'small', tags: ['bake'] });
  const queue = (of: Pool, waiting: readonly PendingJob[], rest: Partial<PoolQueue> = {}): PoolQueue => ({
    pool: of,
    jobs: waiting,
    workers: [],
    memory: EMPTY_POOL_STATE,
    controls: NO_CONTROLS,
    ...rest,
  });
  const ids = (queues: readonly PoolQueue[]) =>
    Object.fromEntries([...assignJobs(queues, NOW)].map(([name, waiting]) => [name, waiting.map((j) => j.id)]));

  const three = jobs(3);
  const by = (kind: 'pause' | 'drain') => poolControls('small', [{ kind, target: 'small', since: NOW }], NOW);
  const pause = memory({ pause: { until: NOW + 1, code: 'Ecs.0042', message: 'cores' } });
  const broken = memory({ launches: [launch(90, { outcome: 'failed', settledAt: NOW - 1 })] });
  const overBefore = memory({ passedOver: { 1: { tries: 1, lastAt: NOW } } });
  const rows: readonly { name: string; queues: readonly PoolQueue[]; expected: Record<string, readonly number[]> }[] = [
    {
      name: 'what two pools can run goes to the first alone',
      queues: [
        queue(small, [job(1), job(2, { tags: ['big'] }), job(3, { tags: ['arm'] })]),
        queue(big, [job(1), job(2, { tags: ['big'] })]),
      ],
      expected: { small: [1], big: [2] },
    },
    {
      name: 'what the first does not see goes to a later one',
      queues: [queue(big, [job(1)]), queue(small, [job(1), job(2)])],
      expected: { big: [1], small: [2] },
    },
    { name: 'what is listed twice counts once', queues: [queue(big, [job(1), job(1), job(2)])], expected: { big: [1, 2] } },
    {
      name: 'the oldest come first, and of equally old ones the lowest id',
      queues: [queue(big, [job(4, { queuedAt: NOW }), job(9, { queuedAt: NOW - 1 }), job(3, { queuedAt: NOW })])],
      expected: { big: [9, 3, 4] },
    },
    { name: 'every pool is named, with or without jobs', queues: [queue(big, [])], expected: { big: [] } },
    {
      name: 'a free worker of a later pool comes before a launch in the first',
      queues: [queue(small, three), queue(big, three, { workers: [worker(1, 'idle')] })],
      expected: { small: [2, 3], big: [1] },
    },
    {
      name: 'what the first may not launch for in this pass goes to the next, beside what its own workers serve',
      queues: [queue(small, three, { mayLaunch: false, workers: [worker(1, 'idle')] }), queue(big, three)],
      expected: { small: [1], big: [2, 3] },
    },
    {
      name: 'what nobody may launch for stays with the first',
      queues: [queue(small, three, { mayLaunch: false }), queue(big, three, { mayLaunch: false })],
      expected: { small: [1, 2, 3], big: [] },
    },
    {
      name: 'what the limit of the first leaves over goes to the next',
      queues: [queue({ ...small, limit: 2 }, three, { workers: [worker(1, 'busy')] }), queue(big, three)],
      expected: { small: [1], big: [2, 3] },
    },
    {
      name: 'nothing goes to a pool whose ordering is paused, as long as another can serve it',
      queues: [queue(small, three, { memory: pause }), queue(big, three)],
      expected: { small: [], big: [1, 2, 3] },
    },
    {
      name: 'nothing goes to a pool that people have paused, but to its free workers',
      queues: [queue(small, three, { workers: [worker(1, 'idle')], controls: by('pause') }), queue(big, three)],
      expected: { small: [1], big: [2, 3] },
    },
    {
      name: 'nothing goes to a pool that people drain, nor to its free workers, which go',
      queues: [queue(small, three, { workers: [worker(1, 'idle')], controls: by('drain') }), queue(big, three)],
      expected: { small: [], big: [1, 2, 3] },
    },
    {
      name: 'nothing goes to a pool whose machines do not boot',
      queues: [queue(small, three, { memory: broken }), queue(big, three)],
      expected: { small: [], big: [1, 2, 3] },
    },
    {
      name: 'what GitLab did not give to the workers of the first goes to the next',
      queues: [queue(small, three, { memory: overBefore }), queue(big, three)],
      expected: { small: [2, 3], big: [1] },
    },
    {
      name: 'no worker of the first is taken by it from what has just come',
      queues: [queue(small, three, { workers: [worker(1, 'booting'), worker(2, 'idle')], memory: overBefore }), queue(big, three)],
      expected: { small: [2, 3], big: [1] },
    },
    {
      name: 'it stays with the first while a worker for it is on its way',
      queues: [
        queue(small, [job(1)], { workers: [worker(1, 'booting')], memory: memory({ ...overBefore, launches: [launch(1, { jobId: 1 })] }) }),
        queue(big, [job(1)]),
      ],
      expected: { small: [1], big: [] },
    },
    {
      name: 'an attempt that is due comes after what has just come, as far as the limit allows',
      queues: [
        queue({ ...small, limit: 1 }, [job(1), job(2)], { memory: memory({ passedOver: { 1: { tries: 1, lastAt: 0 } } }) }),
        queue(big, [job(1), job(2)]),
      ],
      expected: { small: [2], big: [1] },
    },
    {
      name: 'what nobody can serve now waits for the first',
      queues: [queue({ ...small, limit: 1 }, three, { workers: [worker(1, 'busy')] }), queue({ ...big, limit: 1 }, three)],
      expected: { small: [2, 3], big: [1] },
    },
    {
      name: 'a pool that cannot be seen keeps its jobs',
      queues: [{ pool: small, jobs: three, memory: EMPTY_POOL_STATE, controls: NO_CONTROLS }, queue(big, three)],
      expected: { small: [1, 2, 3], big: [] },
    },
    {
      name: 'a worker that is about to leave takes none',
      queues: [queue({ ...small, limit: 1, maxBuilds: 1 }, three, { workers: [worker(1, 'idle', { done: 1 })] }), queue(big, three)],
      expected: { small: [], big: [1, 2, 3] },
    },
  ];

  it.each(rows)('$name', ({ queues, expected }) => {
    expect(ids(queues)).toStrictEqual(expected);
  });
});
