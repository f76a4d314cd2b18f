import { describe, expect, it } from 'vitest';
import { bitbakeDays, playWorkload } from '../../../sandbox/workload.ts';
import { bench, HOUR } from './server.ts';

const DAY = Date.parse('2026-03-03T00:00:00Z');

describe('a day of bitbake', () => {
  it('is the same for the same seed, and another one for another', () => {
    const day = (seed: number) => bitbakeDays({ seed, from: DAY, to: DAY + 24 * HOUR });
    expect(day(1)).toEqual(day(1));
    expect(day(1)).not.toEqual(day(2));
  });

  it('does not depend on the window that it is looked at through', () => {
    const all = bitbakeDays({ seed: 5, from: DAY, to: DAY + 48 * HOUR });
    const part = bitbakeDays({ seed: 5, from: DAY + 9 * HOUR, to: DAY + 30 * HOUR });
    expect(part).toEqual(all.filter(({ at }) => at >= DAY + 9 * HOUR && at < DAY + 30 * HOUR));
  });

  it('has a nightly build at two, merge requests at work, one cancel and one retry', () => {
    const steps = bitbakeDays({ seed: 1, from: DAY, to: DAY + 24 * HOUR });
    expect(steps[0]).toMatchObject({ kind: 'pipeline', at: DAY + 2 * HOUR, source: 'schedule' });
    const requests = steps.filter((step) => step.kind === 'pipeline' && step.source === 'merge_request_event');
    expect(requests.length).toBeGreaterThanOrEqual(18);
    expect(requests.every(({ at }) => at >= DAY + 8 * HOUR && at < DAY + 17 * HOUR)).toBe(true);
    expect(
      steps
        .filter(({ kind }) => kind !== 'pipeline')
        .map(({ kind }) => kind)
        .sort(),
    ).toEqual(['cancel', 'retry']);
  });

  it('happens on the clock, from now on, until it is called off', async () => {
    const b = await bench();
    const stop = playWorkload(b.gitlab, b.ctx, { seed: 1, from: DAY - 24 * HOUR, to: DAY + 24 * HOUR, tags: ['big'] });
    const before = b.gitlab.jobs.pipelines.size;
    await b.clock.advance(DAY + 2 * HOUR - b.clock.now());
    const nightly = [...b.gitlab.jobs.pipelines.values()].find(({ source }) => source === 'schedule');
    expect([before, nightly?.jobs.length, nightly?.jobs[0]?.tags, nightly?.jobs[0]?.status]).toEqual([0, 29, ['big'], 'pending']);
    stop();
    const then = b.gitlab.jobs.pipelines.size;
    await b.clock.advance(20 * HOUR);
    expect(b.gitlab.jobs.pipelines.size).toBe(then);
  });

  it('cancels one merge request and retries what failed at night', async () => {
    const b = await bench();
    playWorkload(b.gitlab, b.ctx, { seed: 1, from: DAY, to: DAY + 24 * HOUR });
    await b.clock.advance(DAY + 24 * HOUR - b.clock.now());
    const pipelines = [...b.gitlab.jobs.pipelines.values()];
    // Nobody works here, so everything else has failed for want of a runner.
    expect(pipelines.filter(({ status }) => status === 'canceled')).toHaveLength(1);
    expect([...b.gitlab.jobs.all.values()].filter(({ retries }) => retries > 0).map(({ name }) => name)).toEqual(['parse']);
  });
});
