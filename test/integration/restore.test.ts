import { expect, it } from 'vitest';
import { endControl, putControl } from '../../lib/app/controls/store.ts';
import { FAST_MACHINES, impatientServices, MINUTE, SECOND, startTestFarm, type TestFarm } from '../../testkit/test-farm.ts';

const LIMIT = 6;
const JOBS = 28;

/** Idle, booting, busy and draining workers, and more jobs than places. */
async function busyFarm(): Promise<TestFarm> {
  const pool = { limit: LIMIT, idle_count: 1, idle_time: 60, max_builds: 3, boot_timeout: 120 };
  const p = await startTestFarm({ ...FAST_MACHINES, composeServices: impatientServices(), pools: [pool] });
  let n = 0;
  const next = (): void => {
    p.push([{ durationMs: (40 + ((n * 97) % 300)) * SECOND }]);
    n += 1;
    if (n < JOBS) p.clock.after((10 + ((n * 53) % 50)) * SECOND, next);
  };
  p.clock.after(0, next);
  await p.advance(6 * MINUTE);
  return p;
}

async function wipe(p: TestFarm, prefix: string): Promise<number> {
  const keys = p.keys(prefix);
  await p.run(async ({ store }) => {
    for (const key of keys) await store.delete(key);
  });
  return keys.length;
}

it.each([
  { name: 'state/', prefix: 'state/' },
  { name: 'ledger/', prefix: 'ledger/' },
  { name: 'counts/', prefix: 'counts/' },
  { name: 'control/', prefix: 'control/' },
  { name: 'everything', prefix: '' },
])('with $name deleted, again and again, no job is killed, every job is served, and nothing is left in the end', async ({ prefix }) => {
  const p = await busyFarm();
  await p.run(({ store, clock }) => putControl(store, { kind: 'keep', target: p.vms()[0]?.name ?? '', since: clock.now() }));
  await p.run(({ store, clock }) => putControl(store, { kind: 'roll', target: 'pool0', since: clock.now(), before: clock.now() }));
  expect(p.jobs().filter((job) => job.status === 'running').length).toBeGreaterThan(1);
  let deleted = 0;
  // At no fixed place between two ticks.
  for (let i = 0; i < 6; i++) {
    deleted += await wipe(p, prefix);
    await p.advance((50 + i * 7) * SECOND);
  }
  expect(deleted).toBeGreaterThan(0);
  await p.advance(40 * MINUTE);
  expect(p.gitlab.killedJobs).toEqual([]);
  expect(p.jobs().map((job) => job.status)).toEqual(Array(JOBS).fill('success'));
  expect(p.mostMachines).toBeLessThanOrEqual(LIMIT);

  // To zero: the idle one that the pool keeps, and the one that somebody wanted kept.
  await wipe(p, 'control/');
  await p.run(({ store, clock }) => putControl(store, { kind: 'drain', target: 'pool0', since: clock.now() }));
  await p.advance(6 * MINUTE);
  expect([p.vms(), p.runners(), p.keys('handoff/')]).toEqual([[], [], []]);
  await p.run(({ store }) => endControl(store, 'drain', 'pool0'));
});

it('with a handoff deleted before it was read, the worker gives up and another one serves the job', async () => {
  const p = await startTestFarm({
    ...FAST_MACHINES,
    composeServices: impatientServices(),
    pools: [{ limit: 2, idle_time: 20, boot_timeout: 60 }],
  });
  p.push(1);
  await p.advance(2 * SECOND);
  expect(await wipe(p, 'handoff/')).toBe(1);
  await p.advance(20 * MINUTE);
  expect([p.jobs().map((job) => job.status), p.vms(), p.runners()]).toEqual([['success'], [], []]);
});
