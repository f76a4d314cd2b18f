import { expect, it } from 'vitest';
import { HOUR, MINUTE, SECOND, START, startTestFarm, type TestFarm } from '../../testkit/test-farm.ts';

/** Jobs that GitLab gives to nobody, for a reason that its API does not show. */
function refused(p: TestFarm, count: number) {
  const project = p.gitlab.createProject('acme/closed');
  const jobs = Array.from({ length: count }, (_, i) => ({ name: `refused-${i}`, tags: ['pool0'], durationMs: MINUTE }));
  p.gitlab.createPipeline('acme/closed', jobs);
  project.buildsEnabled = false;
  return project;
}

it('one ordinary job starts one worker beside ten jobs that GitLab gives to nobody, whatever hooks come meanwhile', async () => {
  const p = await startTestFarm({ pools: [{ limit: 20 }] });
  refused(p, 10);
  await p.advance(31 * MINUTE);
  const from = p.clock.now();
  p.push(1);
  for (let i = 0; i < 8; i++) {
    p.clock.after((5 + i * 10) * SECOND, () => {
      p.gitlab.createPipeline('acme/other', [{ name: 'x', tags: ['elsewhere'], durationMs: MINUTE }]);
    });
  }
  await p.advance(5 * MINUTE);
  // One for the job, and an attempt that may have become due for the ten.
  const launches = (await p.ledger()).filter((e) => e.kind === 'launch' && e.time >= new Date(from).toISOString());
  expect(launches.filter((e) => e.jobId === p.jobs().find((job) => job.name === 'job-0')?.id)).toHaveLength(1);
  expect(launches.length).toBeLessThanOrEqual(2);
});

it('thirty jobs that nobody is given: the gap between attempts grows for the pool as a whole', async () => {
  const p = await startTestFarm({ pools: [{ limit: 20, idle_time: 60 }] });
  refused(p, 30);
  // GitLab gives up what no runner was there for in an hour.
  await p.advance(HOUR);
  const launched = p.events.filter((e) => e.kind === 'server-created').map((e) => Math.round((e.at - START) / MINUTE));
  expect(launched.filter((minute) => minute === 0)).toHaveLength(20);
  const gaps = launched.filter((minute) => minute > 0).map((minute, i, all) => minute - (all[i - 1] ?? 0));
  const due = [5, 10, 20];
  expect(gaps).toHaveLength(due.length);
  // Each at the first tick after it is due, and the tick after that while the one before is still to be judged.
  for (const [i, gap] of gaps.entries()) expect(gap - (due[i] ?? 0)).toBeOneOf([0, 1, 2]);
});

it('when the reason is gone, the first of them that an attempt is given, whichever it is, sets them all free', async () => {
  const p = await startTestFarm({ pools: [{ limit: 20, idle_time: 60 }] });
  const project = refused(p, 30);
  await p.advance(20 * MINUTE);
  project.buildsEnabled = true;
  // The attempt of minute 35 is for a job that was never tried; GitLab gives it the oldest.
  await p.advance(30 * MINUTE);
  expect(p.jobs().map((job) => job.status)).toEqual(p.jobs().map(() => 'success'));
});
