import { describe, expect, it } from 'vitest';
import { type BootFact, timeline, type WaitFact } from '../../../lib/core/job-steps.ts';

const S = 1000;
const job = {
  id: 1,
  project: 'acme/a',
  pool: 'bake',
  worker: 'bake-1',
  status: 'success',
  createdAt: 0,
  queuedAt: 10 * S,
  startedAt: 200 * S,
};
const boot: BootFact = { launchedAt: 13 * S, acceptedAt: 14 * S, activeAt: 60 * S, onlineAt: 150 * S };

describe('timeline', () => {
  it.each<{ name: string; wait?: WaitFact; boot?: BootFact; fresh: boolean; steps: Record<string, number> }>([
    {
      name: 'a job that a worker was launched for',
      wait: { hookAt: 11 * S, noticedAt: 13 * S },
      boot,
      fresh: true,
      steps: {
        'created-pending': 10,
        'pending-hook': 1,
        'hook-noticed': 2,
        'pending-noticed': 3,
        'noticed-accepted': 1,
        'accepted-active': 46,
        'active-online': 90,
        'online-running': 50,
        'pending-running': 190,
      },
    },
    {
      name: 'a job that a worker was there for',
      wait: { noticedAt: 190 * S },
      boot,
      fresh: false,
      steps: { 'created-pending': 10, 'pending-noticed': 180, 'ready-running': 10, 'pending-running': 190 },
    },
    {
      name: 'a job that began before any plan saw it',
      boot,
      fresh: false,
      steps: { 'created-pending': 10, 'ready-running': 190, 'pending-running': 190 },
    },
    {
      name: 'clocks that disagree: no step is negative, and the sum stays the whole wait',
      wait: { hookAt: 8 * S, noticedAt: 9 * S },
      boot: { launchedAt: 9 * S, acceptedAt: 5 * S, activeAt: 300 * S },
      fresh: true,
      steps: {
        'created-pending': 10,
        'pending-hook': 0,
        'hook-noticed': 0,
        'pending-noticed': 0,
        'noticed-accepted': 0,
        'accepted-active': 190,
        'pending-running': 190,
      },
    },
  ])('$name', ({ wait, boot: own, fresh, steps }) => {
    const made = timeline(job, wait, own);
    expect(made.fresh).toBe(fresh);
    expect(made.steps).toEqual(Object.fromEntries(Object.entries(steps).map(([step, seconds]) => [step, seconds * S])));
  });
});
