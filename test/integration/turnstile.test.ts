import { describe, expect, it } from 'vitest';
import { FAST_MACHINES, impatientServices, SECOND, startTestFarm, type TestFarm } from '../../testkit/test-farm.ts';

const HOUR_KEY = 'state/v1/turnstile/2026-11-23T08.log';

/** Ordinary objects where the hour's log and its parts would be. */
function block(p: TestFarm, parts: number): void {
  for (let part = 1; part <= parts; part++) {
    p.bucket().put(part === 1 ? HOUR_KEY : HOUR_KEY.replace('.log', `-${part}.log`), Buffer.from('made by PUT'), {});
  }
}

const appends = (p: TestFarm) => p.keys('state/v1/turnstile/').reduce((sum, key) => sum + p.text(key).split('\n').length - 1, 0);

describe('a turnstile that cannot be appended to', () => {
  it('is passed by: the hook launches', async () => {
    const p = await startTestFarm({ ...FAST_MACHINES, composeServices: impatientServices(), timer: false });
    block(p, 1);
    p.push(1);
    await p.advance(20 * SECOND);
    expect(p.vms()).toHaveLength(1);
  });

  it('in all its parts: the next tick launches, one worker for the job, and hooks leave it to that', async () => {
    const p = await startTestFarm({ ...FAST_MACHINES, composeServices: impatientServices(), timer: false });
    block(p, 9);
    p.push(1);
    await p.advance(20 * SECOND);
    expect([p.vms().length, p.logged('turnstile not passed').length]).toEqual([0, 1]);
    await p.tick();
    await p.tick();
    expect(p.count('server-created')).toBe(1);
    expect(p.series()).not.toEqual([]);
  });

  it('because the bucket cannot append at all, though the configuration says so', async () => {
    const p = await startTestFarm({ ...FAST_MACHINES, append: 'refused', composeServices: impatientServices(), timer: false });
    p.push(1);
    await p.tick();
    expect(p.count('server-created')).toBe(1);
  });
});

describe('a hook of a job that no pool can run', () => {
  it('costs one look at the job, and no append', async () => {
    const p = await startTestFarm({ ...FAST_MACHINES, composeServices: impatientServices(), timer: false });
    p.push(Array.from({ length: 30 }, () => ({ tags: ['windows'] })));
    await p.advance(20 * SECOND);
    expect([p.logged('woken').length, appends(p), p.logged('plan')]).toEqual([30, 0, []]);
    expect(p.faults.calls('gitlab.job')).toBe(30);
    p.push(1);
    await p.advance(20 * SECOND);
    expect(p.vms()).toHaveLength(1);
  });

  it('in doubt is served: GitLab does not answer about it', async () => {
    const p = await startTestFarm({ ...FAST_MACHINES, composeServices: impatientServices(300), timer: false });
    p.faults.inject({ operation: 'gitlab.job', times: 100, status: 404 });
    p.push(1);
    await p.advance(20 * SECOND);
    expect(p.vms()).toHaveLength(1);
  });
});
