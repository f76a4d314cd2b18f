import { describe, expect, it } from 'vitest';
import type { Worker } from '../../../lib/core/fleet/types.ts';
import { CLAIM_TIMEOUT_MS } from '../../../lib/core/plan/coverage.ts';
import { planPool } from '../../../lib/core/plan/plan.ts';
import { count } from '../../../lib/core/plan/scale-up.ts';
import type { Action, LaunchLimit, PlanInput } from '../../../lib/core/plan/types.ts';
import { HOUR, job, jobs, launch, MINUTE, memory, NOW, period, planInput, pool, worker } from '../../../testkit/builders.ts';

const plan = (overrides: Partial<PlanInput>) => planPool(planInput(overrides));
const many = (n: number, phase: Parameters<typeof worker>[1], from = 1): readonly Worker[] =>
  Array.from({ length: n }, (_, i) => worker(from + i, phase));
const forJobs = (...ids: readonly number[]): readonly Action[] => ids.map((jobId) => ({ kind: 'launch', why: 'demand', jobId }));
const forIdle = (n: number): readonly Action[] => Array.from({ length: n }, () => ({ kind: 'launch', why: 'idle-target' }));

const longWaiting = (id: number) => job(id, { queuedAt: NOW - HOUR + id });
const passive = (n: number) => worker(n, 'idle', { idleSince: NOW - CLAIM_TIMEOUT_MS - 1 });

const failedAt = NOW - 30_000;
const broken = memory({ launches: [launch(90, { at: NOW - HOUR, outcome: 'failed', settledAt: failedAt })] });
const brokenLong = memory({ launches: [launch(90, { at: NOW - HOUR, outcome: 'failed', settledAt: NOW - MINUTE })] });
const probing = memory({ launches: [...broken.launches, launch(91, { at: NOW - 1 })] });
const over = (lastAt: number, ...ids: readonly number[]) => Object.fromEntries(ids.map((id) => [String(id), { tries: 1, lastAt }]));
const held = (...ids: readonly number[]) => memory({ passedOver: over(NOW - 1, ...ids) });
const paused = (until: number) => memory({ pause: { until, code: 'Ecs.0042', message: 'cores' } });

interface Row {
  readonly name: string;
  readonly given: Partial<PlanInput>;
  readonly expected: readonly Action[];
  readonly unmet?: number;
  readonly brakes?: readonly LaunchLimit[];
}

const rows: readonly Row[] = [
  { name: 'nothing waits: nothing', given: {}, expected: [] },
  { name: 'one for each waiting job', given: { jobs: jobs(3) }, expected: forJobs(1, 2, 3) },
  { name: 'idle workers take the oldest jobs', given: { jobs: jobs(3), workers: many(2, 'idle') }, expected: forJobs(3) },
  { name: 'so do those on their way', given: { jobs: jobs(3), workers: many(2, 'booting') }, expected: forJobs(3) },
  { name: 'as many free as wait: nothing', given: { jobs: jobs(3), workers: many(3, 'idle') }, expected: [] },
  { name: 'more free than wait: nothing', given: { jobs: jobs(1), workers: many(3, 'idle') }, expected: [] },
  { name: 'busy ones take none', given: { jobs: jobs(1), workers: many(3, 'busy') }, expected: forJobs(1) },
  { name: 'draining ones take none', given: { jobs: jobs(1), workers: many(3, 'draining') }, expected: forJobs(1) },
  { name: 'those that are gone take none', given: { jobs: jobs(1), workers: many(3, 'gone') }, expected: forJobs(1) },
  {
    name: 'one that leaves for its age takes none',
    given: { jobs: jobs(1), workers: many(1, 'idle'), pool: pool({ maxAgeMs: MINUTE }), mayRemove: false },
    expected: forJobs(1),
  },
  {
    name: 'one that leaves after its builds takes none',
    given: { jobs: jobs(1), workers: [worker(1, 'idle', { done: 2 })], pool: pool({ maxBuilds: 2 }), mayRemove: false },
    expected: forJobs(1),
  },
  { name: 'keeps idle workers ready', given: { pool: pool({ policy: { idleCount: 2 } }) }, expected: forIdle(2) },
  {
    name: 'keeps idle workers besides those for the jobs',
    given: { pool: pool({ policy: { idleCount: 2 } }), jobs: jobs(1), workers: many(1, 'booting') },
    expected: forIdle(2),
  },
  {
    name: 'jobs come first',
    given: { pool: pool({ policy: { idleCount: 1 } }), jobs: jobs(2) },
    expected: [...forJobs(1, 2), ...forIdle(1)],
  },
  {
    name: 'keeps idle workers by the factor of busy ones',
    given: { pool: pool({ policy: { idleCount: 9, idleScaleFactor: 0.5 } }), workers: many(4, 'busy') },
    expected: forIdle(2),
  },
  {
    name: 'keeps what the period says',
    given: { pool: pool({ policy: { idleCount: 5 }, periods: [period(['* * 13 * * * *'], { idleCount: 1 })] }) },
    expected: forIdle(1),
  },
  // Bounds.
  {
    name: 'not above the limit',
    given: { pool: pool({ limit: 5 }), jobs: jobs(7), workers: many(2, 'busy') },
    expected: forJobs(1, 2, 3),
    unmet: 4,
    brakes: [{ why: 'limit' }],
  },
  {
    name: 'exactly the limit is no brake',
    given: { pool: pool({ limit: 5 }), jobs: jobs(3), workers: many(2, 'busy') },
    expected: forJobs(1, 2, 3),
  },
  {
    name: 'VMs that are being removed still count against the limit',
    given: { pool: pool({ limit: 3 }), jobs: jobs(2), workers: [...many(2, 'draining'), worker(3, 'busy')] },
    expected: [],
    unmet: 2,
    brakes: [{ why: 'limit' }],
  },
  {
    name: 'failed VMs still count against the limit',
    given: {
      pool: pool({ limit: 1 }),
      jobs: jobs(1),
      workers: [{ ...worker(1, 'busy'), phase: 'failed', failure: 'error' }],
      mayRemove: false,
    },
    expected: [],
    unmet: 1,
    brakes: [{ why: 'limit' }],
  },
  {
    name: 'those that are gone do not count against the limit',
    given: { pool: pool({ limit: 1 }), jobs: jobs(1), workers: many(3, 'gone') },
    expected: forJobs(1),
  },
  {
    name: 'over a lowered limit: nothing, and it is said',
    given: { pool: pool({ limit: 1 }), jobs: jobs(1), workers: many(3, 'busy') },
    expected: [],
    unmet: 1,
    brakes: [{ why: 'limit' }],
  },
  {
    name: 'over a lowered limit with nothing wanted: no brake',
    given: { pool: pool({ limit: 1 }), workers: many(3, 'busy') },
    expected: [],
  },
  {
    name: 'not more booting than the growth rate',
    given: { pool: pool({ maxGrowthRate: 3 }), jobs: jobs(9), workers: many(1, 'booting') },
    expected: forJobs(2, 3),
    unmet: 6,
    brakes: [{ why: 'max-growth-rate' }],
  },
  {
    name: 'idle and busy ones do not count against the growth rate',
    given: { pool: pool({ maxGrowthRate: 1 }), jobs: jobs(2), workers: [worker(1, 'idle'), worker(2, 'busy')] },
    expected: forJobs(2),
  },
  {
    name: 'more booting than a lowered growth rate: nothing',
    given: { pool: pool({ maxGrowthRate: 1 }), jobs: jobs(3), workers: many(2, 'booting') },
    expected: [],
    unmet: 1,
    brakes: [{ why: 'max-growth-rate' }],
  },
  {
    name: 'the narrowest bound counts, all are named',
    given: { pool: pool({ limit: 3, maxGrowthRate: 2 }), jobs: jobs(9) },
    expected: forJobs(1, 2),
    unmet: 7,
    brakes: [{ why: 'limit' }, { why: 'max-growth-rate' }],
  },
  {
    name: 'machines do not boot: nothing until the probe is due',
    given: { jobs: jobs(3), memory: broken },
    expected: [],
    unmet: 3,
    brakes: [{ why: 'breaker', until: failedAt + MINUTE }],
  },
  {
    name: 'machines do not boot: one probe for the oldest job',
    given: { jobs: jobs(3), memory: brokenLong },
    expected: [{ kind: 'launch', why: 'probe', jobId: 1 }],
    unmet: 2,
    brakes: [{ why: 'breaker', until: NOW }],
  },
  {
    name: 'machines do not boot: one probe for idle workers',
    given: { pool: pool({ policy: { idleCount: 2 } }), memory: brokenLong },
    expected: [{ kind: 'launch', why: 'probe' }],
    brakes: [{ why: 'breaker', until: NOW }],
  },
  {
    name: 'machines do not boot: no second probe beside the first',
    given: { jobs: jobs(3), memory: probing },
    expected: [],
    unmet: 3,
    brakes: [{ why: 'breaker' }],
  },
  {
    name: 'after a refusal that repeating cannot cure: nothing until its time',
    given: { jobs: jobs(1), memory: paused(NOW + 1) },
    expected: [],
    unmet: 1,
    brakes: [{ why: 'paused', until: NOW + 1, code: 'Ecs.0042' }],
  },
  { name: 'after its time: launches again', given: { jobs: jobs(1), memory: paused(NOW) }, expected: forJobs(1) },
  { name: 'a pause with nothing wanted is no brake', given: { memory: paused(NOW + 1) }, expected: [] },
  // Workers that do not take the job.
  {
    name: 'an idle worker beside which a job waits for too long does not count for it',
    given: { jobs: [longWaiting(1)], workers: [passive(1)] },
    expected: forJobs(1),
  },
  {
    name: 'it still counts for a job that has just come',
    given: { jobs: [longWaiting(1), job(2)], workers: [passive(1)] },
    expected: forJobs(1),
  },
  {
    name: 'one that is idle only now counts for a job that has waited long',
    given: { jobs: [longWaiting(1)], workers: many(1, 'idle') },
    expected: [],
  },
  {
    name: 'so does one that boots, and the rest is for what has just come',
    given: { jobs: [longWaiting(1), longWaiting(2), job(3), job(4)], workers: [passive(1), ...many(2, 'booting', 2)] },
    expected: forJobs(4),
  },
  {
    name: 'exactly as long as is waited is not too long',
    given: { jobs: [job(1, { queuedAt: NOW - CLAIM_TIMEOUT_MS })], workers: [passive(1)] },
    expected: [],
  },
  {
    name: 'exactly as long idle as is waited is not too long',
    given: { jobs: [longWaiting(1)], workers: [worker(1, 'idle', { idleSince: NOW - CLAIM_TIMEOUT_MS })] },
    expected: [],
  },
  {
    name: 'it stays one of the idle workers that are kept',
    given: { jobs: [longWaiting(1)], workers: [passive(1)], pool: pool({ policy: { idleCount: 1 } }) },
    expected: forJobs(1),
  },
  {
    name: 'a job that was passed over waits for its next attempt, others do not',
    given: { jobs: jobs(2), memory: memory({ passedOver: { 1: { tries: 1, lastAt: NOW - 1 } } }) },
    expected: forJobs(2),
    unmet: 1,
    brakes: [{ why: 'passed-over', until: NOW - 1 + 5 * MINUTE }],
  },
  {
    name: 'nor do these take a worker from them that boots, idles or has come long ago',
    given: {
      jobs: [longWaiting(1), longWaiting(2), longWaiting(3), job(4), job(5), job(6)],
      workers: [worker(7, 'idle'), passive(8), worker(9, 'booting')],
      memory: held(1, 2, 3),
    },
    expected: [],
    unmet: 3,
    brakes: [{ why: 'passed-over', until: NOW - 1 + 5 * MINUTE }],
  },
  {
    name: 'nor does the worker on its way for one of them stand for another job, and the idle target is not refilled for it',
    given: {
      jobs: [longWaiting(1), job(4)],
      workers: [worker(7, 'idle'), worker(8, 'booting')],
      memory: { ...held(1), launches: [launch(8, { jobId: 1 })] },
      pool: pool({ policy: { idleCount: 1 } }),
    },
    expected: forIdle(1),
  },
  {
    name: 'nor is the idle target refilled for them',
    given: { jobs: [longWaiting(1)], workers: [worker(7, 'idle')], memory: held(1), pool: pool({ policy: { idleCount: 1 } }) },
    expected: [],
    unmet: 1,
    brakes: [{ why: 'passed-over', until: NOW - 1 + 5 * MINUTE }],
  },
  {
    name: 'an attempt for one of them, after the others, and before the idle target',
    given: {
      jobs: [longWaiting(1), longWaiting(2), job(4)],
      memory: { ...held(1, 2), attempts: { inVain: 1, lastAt: NOW - 10 * MINUTE }, passedOver: over(NOW - 10 * MINUTE, 1, 2) },
      pool: pool({ policy: { idleCount: 1 } }),
    },
    expected: [...forJobs(4), { kind: 'launch', why: 'demand', jobId: 1, retry: true }, ...forIdle(1)],
    unmet: 1,
    brakes: [{ why: 'passed-over', until: NOW }],
  },
  {
    name: 'the last place below the limit is for a job that was not passed over',
    given: { jobs: [longWaiting(1), job(4)], memory: memory({ passedOver: over(NOW - HOUR, 1) }), pool: pool({ limit: 1 }) },
    expected: forJobs(4),
    unmet: 1,
    brakes: [{ why: 'limit' }],
  },
  // What may not be done.
  { name: 'shrink only: nothing is launched', given: { jobs: jobs(2), mayLaunch: false }, expected: [], unmet: 2 },
  {
    name: 'unreadable jobs: nothing is launched, not even idle workers',
    given: { jobs: undefined, pool: pool({ policy: { idleCount: 2 } }) },
    expected: [],
  },
];

describe('growing', () => {
  it.each(rows)('$name', ({ given, expected, unmet = 0, brakes = [] }) => {
    const { actions, numbers, ...rest } = plan(given);
    expect(actions.filter((a) => a.kind === 'launch')).toStrictEqual(expected);
    expect({ unmet: numbers.unmet, brakes: rest.brakes }).toStrictEqual({ unmet, brakes });
  });

  it('covers the jobs in the order given', () => {
    const waiting = [job(9), job(4), job(7)];
    expect(plan({ jobs: waiting, workers: many(1, 'idle') }).actions).toStrictEqual(forJobs(4, 7));
  });

  it('touches nothing when it may only grow', () => {
    const workers = [...many(3, 'idle'), worker(4, 'draining', { drainingSince: NOW - HOUR }), worker(5, 'gone')];
    expect(plan({ workers, mayRemove: false, pool: pool({ limit: 1 }) })).toMatchObject({ actions: [], held: [] });
  });
});

describe('the numbers of a plan', () => {
  const workers = [
    ...many(1, 'booting'),
    ...many(2, 'idle', 11),
    ...many(3, 'busy', 21),
    ...many(4, 'draining', 31),
    ...many(5, 'gone', 41),
    { ...worker(51, 'busy', { busy: 0 }), phase: 'failed' as const, failure: 'orphan' as const },
  ];

  it('count the workers by phase', () => {
    expect(count(workers)).toStrictEqual({ machines: 11, booting: 1, idle: 2, busy: 3, draining: 4, failed: 1 });
  });

  it('are those that it was made on', () => {
    const given = pool({ limit: 12, periods: [period(['* * * * * * *'], { idleCount: 3 })] });
    expect(plan({ workers, pool: given, jobs: jobs(9) })).toMatchObject({
      pool: 'bake',
      numbers: {
        demand: 9,
        machines: 11,
        booting: 1,
        idle: 2,
        busy: 3,
        draining: 4,
        failed: 1,
        limit: 12,
        idleTarget: 3,
        period: 0,
        unmet: 5,
      },
    });
  });

  it('do not say what was not read, or which period when none holds', () => {
    const { numbers } = plan({ jobs: undefined });
    expect(numbers).not.toHaveProperty('demand');
    expect(numbers).not.toHaveProperty('period');
  });

  it('do not take a launch for the idle target for one that serves a job', () => {
    expect(plan({ pool: pool({ policy: { idleCount: 3 } }), jobs: jobs(1), workers: many(2, 'idle') }).numbers.unmet).toBe(0);
  });
});
