import { describe, expect, it } from 'vitest';
import { explainJob } from '../../lib/app/ledger/explain.ts';
import { HOUR, MINUTE, SECOND, START, startTestFarm, type TestFarm } from '../../testkit/test-farm.ts';

/** Minutes after the start at which servers were ordered, with how many each time. */
function waves(p: TestFarm): readonly (readonly [minute: number, servers: number])[] {
  const minutes = p.events.filter((e) => e.kind === 'server-created').map((e) => Math.round((e.at - START) / MINUTE));
  return [...new Set(minutes)].map((minute) => [minute, minutes.filter((m) => m === minute).length]);
}

const pools = [{ limit: 8, boot_timeout: 180 }];

/** Ways in which a machine that was ordered does not become a worker, and how long one takes to show it. */
const ways = [
  {
    way: 'never contacts GitLab',
    options: { worker: { mode: 'broken-boot' } },
    why: 'never-booted',
    probes: [5, 11, 19, 31, 51, 71, 91, 111],
  },
  {
    way: 'powers off before its first contact',
    options: { worker: { mode: 'cache-missing' } },
    why: 'off-before-contact',
    probes: [4, 9, 16, 27, 46, 65, 84, 103],
  },
  { way: 'ends in ERROR', options: {}, errors: true, why: 'error', probes: [2, 5, 10, 19, 36, 53, 70, 87, 104] },
] as const;

describe.each(ways)('a pool whose every machine $way', ({ options, why, probes, ...more }) => {
  it('orders one wave, then probes one at a time with a doubling gap', async () => {
    const p = await startTestFarm({ pools, ...options });
    if ('errors' in more) p.sandbox.ecs.errorBoots('all');
    p.push(6);
    // GitLab gives up jobs for which it sees no runner in an hour; others come.
    p.clock.after(HOUR, () => void p.push(6));
    await p.advance(2 * HOUR);
    // One wave of six, then probes 1, 2, 4, 8 and from then on 16 minutes after the last one has failed, which takes its own minutes: eight or nine in two hours.
    expect(waves(p)).toEqual([[0, 6], ...probes.map((minute) => [minute, 1])]);
    const failed = (await p.ledger()).filter((e) => e.kind === 'boot-failed');
    expect(new Set(failed.map((e) => e.why))).toEqual(new Set([why]));
  });

  it('keeps no failed machine, and serves all jobs once machines boot again', async () => {
    const broken = { now: true };
    const mode = 'worker' in options ? options.worker.mode : 'normal';
    const p = await startTestFarm({ pools, worker: { mode: () => (broken.now ? mode : 'normal') } });
    if ('errors' in more) p.sandbox.ecs.errorBoots('all');
    p.push(6);
    await p.advance(30 * MINUTE);
    // A probe at most is there: the others were removed, and their runners with them.
    expect(p.vms().length).toBeLessThanOrEqual(1);
    expect(p.runners().length).toBeLessThanOrEqual(2);
    broken.now = false;
    p.sandbox.ecs.errorBoots(0);
    await p.advance(50 * MINUTE);
    expect(p.jobs().map((j) => j.status)).toEqual(Array(6).fill('success'));
    expect([p.vms().length, p.runners().length, p.keys('handoff/')]).toEqual([0, 0, []]);
  });
});

it('the ledger says why a job waits: machines did not boot, and when the next probe is due', async () => {
  const p = await startTestFarm({ pools, worker: { mode: 'broken-boot' } });
  const [job] = p.push(3).jobs;
  await p.advance(20 * MINUTE);
  const told = explainJob(await p.ledger(), job?.id ?? 0).lines.map((l) => l.text);
  expect(told.find((text) => /did not boot: never-booted/.test(text))).toBeDefined();
  expect(
    told.find((text) => /earlier machines did not boot: one probe at a time, the next at 2026-11-23T08:\d\d:\d\dZ/.test(text)),
  ).toBeDefined();
  expect(told.find((text) => /launch of pool0-\w+ \(probe,/.test(text))).toBeDefined();
});

it('a bad machine among good ones does not hold the pool back', async () => {
  let n = 0;
  // Every third machine is broken.
  const p = await startTestFarm({ pools, worker: { mode: () => (n++ % 3 === 0 ? 'broken-boot' : 'normal') } });
  p.push(8);
  await p.advance(30 * MINUTE);
  expect(p.jobs().map((j) => j.status)).toEqual(Array(8).fill('success'));
  expect([p.vms().length, p.runners().length]).toEqual([0, 0]);
});

it('a lost memory costs one more wave, not the breaker', async () => {
  const p = await startTestFarm({ pools, worker: { mode: 'broken-boot' } });
  p.push(6);
  await p.advance(20 * MINUTE);
  p.bucket().delete('state/v1/pools/pool0.json');
  await p.advance(40 * MINUTE + SECOND);
  const big = waves(p).filter(([, servers]) => servers > 1);
  expect(big.length).toBeLessThanOrEqual(2);
  expect(p.count('server-created')).toBeLessThanOrEqual(6 + 6 + 10);
});
