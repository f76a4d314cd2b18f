import { describe, expect, it } from 'vitest';
import { type BootFact, type JobFact, STEPS, timeline, type WaitFact } from '../../../../lib/core/report/timeline.ts';
import { quantile, spread } from '../../../../lib/core/statistics.ts';

const T = Date.UTC(2026, 10, 23, 12);
const JOB = { id: 9, project: 'acme/product', pool: 'bake', worker: 'bake-1', status: 'success' } satisfies JobFact;

function steps(job: Partial<JobFact> & { readonly startedAt: number }, wait?: WaitFact, boot?: BootFact) {
  return timeline({ ...JOB, ...job }, wait, boot);
}

const WHOLE = { createdAt: T, queuedAt: T + 1_000, startedAt: T + 200_000, finishedAt: T + 300_000 };
const BOOT: BootFact = { launchedAt: T + 4_000, acceptedAt: T + 7_000, activeAt: T + 49_000, onlineAt: T + 139_000 };

describe('the way of a job', () => {
  it('on a worker that was started for it has all steps, which add up to the wait', () => {
    const { fresh, steps: found, ...times } = steps(WHOLE, { noticedAt: T + 4_000, hookAt: T + 2_000 }, BOOT);
    expect(fresh).toBe(true);
    expect(found).toEqual({
      ...{ 'created-pending': 1_000, 'pending-hook': 1_000, 'hook-noticed': 2_000, 'pending-noticed': 3_000 },
      ...{ 'noticed-accepted': 3_000, 'accepted-active': 42_000, 'active-online': 90_000, 'online-running': 61_000 },
      'pending-running': 199_000,
    });
    expect(times).toMatchObject({ hookAt: T + 2_000, noticedAt: T + 4_000, acceptedAt: T + 7_000, onlineAt: T + 139_000 });
  });

  it.each<{ name: string; unqueued?: true; wait?: WaitFact; boot?: BootFact; fresh: boolean; has: Record<string, number> }>([
    {
      name: 'on a worker that was launched before it was noticed: the boot is not its own',
      wait: { noticedAt: T + 5_000 },
      boot: BOOT,
      fresh: false,
      has: { 'created-pending': 1_000, 'pending-noticed': 4_000, 'ready-running': 195_000, 'pending-running': 199_000 },
    },
    {
      name: 'that was taken before any plan saw it',
      boot: BOOT,
      fresh: false,
      has: { 'created-pending': 1_000, 'ready-running': 199_000, 'pending-running': 199_000 },
    },
    {
      name: 'whose worker is not in the ledger',
      wait: { noticedAt: T + 4_000 },
      fresh: false,
      has: { 'created-pending': 1_000, 'pending-noticed': 3_000, 'ready-running': 196_000, 'pending-running': 199_000 },
    },
    {
      name: 'whose launch is not in the ledger: the order tells',
      wait: { noticedAt: T + 4_000 },
      boot: { acceptedAt: T + 4_000 },
      fresh: true,
      has: { 'created-pending': 1_000, 'pending-noticed': 3_000, 'noticed-accepted': 0, 'pending-running': 199_000 },
    },
    {
      name: 'whose console was not read: no step around the missing time',
      wait: { noticedAt: T + 4_000 },
      boot: { launchedAt: T + 4_000, acceptedAt: T + 7_000, activeAt: T + 49_000 },
      fresh: true,
      has: {
        ...{ 'created-pending': 1_000, 'pending-noticed': 3_000, 'noticed-accepted': 3_000, 'accepted-active': 42_000 },
        'pending-running': 199_000,
      },
    },
    {
      name: 'of which GitLab does not tell when it was queued',
      unqueued: true,
      wait: { noticedAt: T + 4_000 },
      fresh: false,
      has: { 'ready-running': 196_000 },
    },
  ])('$name', ({ unqueued, wait, boot, fresh, has }) => {
    const { queuedAt, ...rest } = WHOLE;
    const found = steps(unqueued ? rest : { ...rest, queuedAt }, wait, boot);
    expect([found.fresh, found.steps]).toEqual([fresh, has]);
  });

  it('is in order although three clocks tell it: nothing is negative and nothing is longer than the wait', () => {
    const skewed = steps(
      { ...WHOLE, createdAt: T + 3_000 },
      { noticedAt: T + 2_000, hookAt: T + 9_000 },
      { launchedAt: T + 2_000, acceptedAt: T, activeAt: T + 900_000, onlineAt: T + 10_000 },
    );
    expect(skewed.steps).toEqual({
      ...{ 'created-pending': 0, 'pending-hook': 6_000, 'hook-noticed': 0, 'pending-noticed': 6_000, 'noticed-accepted': 0 },
      ...{ 'accepted-active': 191_000, 'active-online': 0, 'online-running': 0, 'pending-running': 197_000 },
    });
  });

  it('has no step that is not listed', () => {
    const found = steps(WHOLE, { noticedAt: T + 4_000, hookAt: T + 2_000 }, BOOT).steps;
    expect(Object.keys(found).filter((step) => !(STEPS as readonly string[]).includes(step))).toEqual([]);
  });
});

describe('a spread', () => {
  it.each([
    { values: [], share: 0.5, is: undefined },
    { values: [7], share: 0.5, is: 7 },
    { values: [7], share: 0.95, is: 7 },
    { values: [1, 2], share: 0.5, is: 1 },
    { values: [1, 2, 3], share: 0.5, is: 2 },
    { values: [1, 2, 3, 4], share: 0.5, is: 2 },
    { values: Array.from({ length: 20 }, (_, i) => i + 1), share: 0.95, is: 19 },
    { values: Array.from({ length: 21 }, (_, i) => i + 1), share: 0.95, is: 20 },
    { values: Array.from({ length: 100 }, (_, i) => i + 1), share: 0.95, is: 95 },
  ])('has the nearest rank: $share of $values.length values', ({ values, share, is }) => {
    expect(quantile(values, share)).toBe(is);
  });

  it('sorts by size and not by spelling, and leaves its input alone', () => {
    const values = Object.freeze([100, 9, 30]);
    expect(spread(values)).toEqual({ n: 3, p50: 30, p95: 100, max: 100 });
    expect(spread([])).toEqual({ n: 0 });
  });
});
