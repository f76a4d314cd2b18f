import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { HOUR, impatientServices, MINUTE, SECOND, START, startTestFarm, type TestFarm } from '../../testkit/test-farm.ts';

/*
 * What other autoscalers of CI workers got wrong, by the thread that tells it. GHA: github-aws-runners/terraform-aws-github-runner; ARC:
 * actions/actions-runner-controller; GR: gitlab-org/gitlab-runner; CO: cloudbase and cattle-ops; others in full.
 */

function statuses(p: TestFarm): readonly string[] {
  return p.jobs().map((job) => job.status);
}

describe('demand', () => {
  it('GHA#2306, ARC#911: a job that an idle worker will take starts no other one', async () => {
    const p = await startTestFarm({ pools: [{ limit: 5, idle_time: 600 }] });
    p.push(1);
    await p.advance(9 * MINUTE);
    p.push(1);
    await p.advance(7 * MINUTE);
    expect([statuses(p), p.count('server-created')]).toEqual([['success', 'success'], 1]);
  });

  it('GHA#3872, ARC#1962: jobs that come while enough workers boot start no others', async () => {
    const p = await startTestFarm({ pools: [{ limit: 10 }] });
    const first = p.push(4);
    await p.advance(30 * SECOND);
    p.gitlab.cancelPipeline(first);
    p.push(4);
    await p.advance(10 * MINUTE);
    expect([p.count('server-created'), statuses(p).slice(4)]).toEqual([4, Array(4).fill('success')]);
  });

  it('GHA#3668: jobs that may not start yet start no workers', async () => {
    const p = await startTestFarm({ pools: [{ limit: 30 }] });
    p.push([{ stage: 'build' }, { stage: 'build' }, ...Array.from({ length: 20 }, () => ({ stage: 'test' }))]);
    await p.advance(4 * MINUTE);
    expect(p.count('server-created')).toBe(2);
  });

  it('GHA#4262, GHA#2459: what a hook says about a job is not believed, GitLab is asked', async () => {
    const p = await startTestFarm({ pools: [{ limit: 5 }], timer: false });
    p.gitlab.hookFaults({ delayMs: 20 * SECOND });
    p.gitlab.cancelPipeline(p.push(3));
    await p.advance(MINUTE);
    expect(p.logged('woken').length).toBeGreaterThan(0);
    expect(p.count('server-created')).toBe(0);
  });

  it('GHA#3824: a burst is ordered in one pass, not machine by machine', async () => {
    const p = await startTestFarm({ pools: [{ limit: 60 }], timer: false });
    p.push(50);
    await p.advance(10 * SECOND);
    const launches = (await p.ledger()).filter((e) => e.kind === 'launch');
    expect(launches).toHaveLength(50);
    expect(new Set(launches.map((e) => e.pass)).size).toBe(1);
    expect(p.events.filter((e) => e.kind === 'server-created').every((e) => e.at === START)).toBe(true);
  });

  it('GHA#3105: at the limit, with an idle floor as high, nothing is ordered and nothing fails', async () => {
    const p = await startTestFarm({ pools: [{ limit: 2, idle_count: 2, idle_time: 60 }] });
    p.push(Array.from({ length: 6 }, () => ({ durationMs: 20 * MINUTE })));
    await p.advance(30 * MINUTE);
    expect(p.faults.calls('ecs.create')).toBe(2);
    expect((await p.ledger()).filter((e) => e.outcome === 'failed')).toEqual([]);
  });
});

describe('what is there and what is not', () => {
  const page = { pageInfo: { hasNextPage: false, endCursor: null }, nodes: [] };
  const nobody = JSON.stringify({ data: { group: { id: 'gid://gitlab/Group/41', runners: page, projects: page } } });

  it('GHA#4391, GHA#3802, GHA#3589: a working VM whose runner the list leaves out is no orphan', async () => {
    const p = await startTestFarm({ pools: [{ limit: 5, boot_timeout: 180 }] });
    p.push([{ durationMs: 40 * MINUTE }, { durationMs: 40 * MINUTE }]);
    await p.advance(6 * MINUTE);
    p.faults.inject({ operation: 'gitlab.graphql', times: 1_000, status: 200, body: nobody });
    await p.advance(20 * MINUTE);
    expect([p.gitlab.killedJobs, (await p.ledger()).filter((e) => e.kind === 'reap')]).toEqual([[], []]);
    p.faults.clear();
    await p.advance(30 * MINUTE);
    expect([statuses(p), p.vms(), p.runners()]).toEqual([['success', 'success'], [], []]);
  });

  it('GR#4634, ci-cd/docker-machine#6, GR#38716: a VM of ours without a runner goes; one of another installation or of nobody stays', async () => {
    const p = await startTestFarm({ pools: [{ limit: 5, boot_timeout: 180 }], hooks: false });
    // Older than a worker can get: max_age, maximum_timeout and boot_timeout.
    const old = { createdAt: START - 31 * HOUR };
    const name = (ulid: string) => `pool0-${ulid.padEnd(26, '0')}`;
    const ours = p.sandbox.ecs.addForeign({ ...old, name: name('01m'), metadata: { 'managed-by': 'sandbox', 'runner-id': '9999' } });
    const others = [
      p.sandbox.ecs.addForeign({ ...old, name: name('02m'), metadata: { 'managed-by': 'another' } }),
      p.sandbox.ecs.addForeign({ ...old, name: name('03m') }),
      p.sandbox.ecs.addForeign({ ...old, name: 'pool0-nfs-manager', metadata: { 'managed-by': 'sandbox' } }),
      p.sandbox.ecs.addForeign({ ...old, name: `other-${name('04m')}`, metadata: { 'managed-by': 'sandbox' } }),
    ];
    await p.advance(5 * MINUTE);
    const left = p.sandbox.ecs.all().map((vm) => vm.id);
    expect([left.includes(ours), left.toSorted()]).toEqual([false, others.toSorted()]);
  });

  it('GHA#5007, GHA#278, ARC#1726: runners whose VMs vanished are forgotten, so that GitLab’s limit of runners is never met', async () => {
    const p = await startTestFarm({ pools: [{ limit: 3, max_builds: 1, boot_timeout: 180 }], gitlab: { runnerLimit: 8 } });
    for (let i = 0; i < 8; i++) p.clock.after(i * 10 * MINUTE, () => void p.push(3));
    p.clock.after(43 * MINUTE, () => {
      for (const vm of p.vms()) p.sandbox.ecs.delete([vm.id], true);
    });
    await p.advance(100 * MINUTE);
    expect((await p.ledger()).filter((e) => e.kind === 'launch' && e.outcome === 'failed')).toEqual([]);
    expect([p.vms(), p.runners()]).toEqual([[], []]);
    // The jobs whose machines somebody deleted are lost, and the ledger raises an alarm for each.
    const alarms = (await p.ledger()).filter((e) => e.kind !== 'alarm' && e.alarm === 'job-lost').map((e) => e.jobId);
    expect(alarms.toSorted()).toEqual(p.gitlab.killedJobs.toSorted());
    expect(alarms).toHaveLength(3);
  });

  it('GHA#3199, GHA#5037, GHA#4710, GHA#4858: requests of a tick grow with pages, not with machines', async () => {
    const p = await startTestFarm({ pools: [{ limit: 240, idle_count: 240 }], hooks: false, timer: false });
    await p.tick();
    await p.advance(4 * MINUTE);
    await p.tick();
    await p.advance(MINUTE);
    p.faults.resetCalls();
    await p.farm.tick();
    expect(p.series().at(-1)).toMatchObject({ machines: '240', idle: '240' });
    const calls = (pattern: string) => p.faults.calls(pattern);
    // 240 runners are three pages, 240 servers are two; the jobs are one. Of 240 boots that settled at once ten are looked into at a time.
    expect([calls('gitlab.graphql'), calls('gitlab.runner*'), calls('ecs.*')]).toEqual([4, 0, 2 + 10]);
    expect(calls('ecs.console')).toBe(10);
    // One of them notes whose boots are told; one asks what people have said; four make the farm's view: what it was, the managers, the latest
    // actions, and what it is; one lists handoffs, and one reads the pool's memory again before it is written; both
    // reads of the memory look for what a pass beside has left, too.
    expect(calls('obs.*')).toBeLessThanOrEqual(19);
  });
});

describe('the scaler itself', () => {
  it('GR#39811, GR#39380, GR#37642: everything that it remembers may be lost in the middle of a day', async () => {
    const p = await startTestFarm({ pools: [{ limit: 6, idle_count: 1, idle_time: 120 }] });
    for (let i = 0; i < 12; i++) p.clock.after(i * 4 * MINUTE, () => void p.push([{ durationMs: 9 * MINUTE }]));
    for (let i = 1; i < 12; i++) {
      p.clock.after(i * 5 * MINUTE + 17 * SECOND, () => {
        for (const key of p.keys('state/')) p.bucket().delete(key);
      });
    }
    await p.advance(80 * MINUTE);
    expect([p.gitlab.killedJobs, statuses(p)]).toEqual([[], Array(12).fill('success')]);
    expect([p.mostMachines <= 6, p.vms().length, p.runners().length]).toEqual([true, 1, 1]);
  });

  it('GR#26448, GR#2772, production-engineering#27396: a removal that hangs holds up neither launches nor counts', async () => {
    const p = await startTestFarm({ pools: [{ limit: 5, idle_time: 30 }], hooks: false, composeServices: impatientServices(500) });
    // Off between two ticks, 56 s after their jobs.
    p.push([{ durationMs: 270 * SECOND }, { durationMs: 270 * SECOND }]);
    await p.advance(9 * MINUTE);
    expect(p.vms().map((vm) => vm.status)).toEqual(['SHUTOFF', 'SHUTOFF']);
    p.faults.inject({ operation: 'ecs.delete', times: 4, kind: 'hang' });
    p.push(2);
    await p.advance(MINUTE + SECOND);
    expect(p.vms().filter((vm) => vm.status === 'BUILD')).toHaveLength(2);
    expect(p.series().at(-1)?.time).toBe('2026-11-23T08:10:00Z');
    await p.advance(15 * MINUTE);
    expect([statuses(p), p.vms()]).toEqual([Array(4).fill('success'), []]);
  });

  it('gitlab fleeting plugins/aws#71: two reapers and a burst of hooks at the same moment order each machine once', async () => {
    const p = await startTestFarm({ pools: [{ limit: 30 }], timer: false });
    p.push(12);
    void p.farm.tick();
    void p.farm.tick();
    await p.advance(30 * SECOND);
    expect(p.count('server-created')).toBe(12);
  });
});

/** Failures whose test stands elsewhere in this folder. */
const ELSEWHERE = [
  {
    threads: 'GHA#5085, cloudbase/garm#455, apache/airflow#14337',
    file: 'faults',
    test: 'a job that slips through between GitLab’s look at the pause',
  },
  { threads: 'GHA#5228, ARC#2798', file: 'faults', test: 'counts of busy runners that lag by a minute kill no job' },
  { threads: 'GHA#3535, GHA#3493', file: 'breaker', test: 'keeps no failed machine, and serves all jobs once machines boot again' },
  { threads: 'slang PR#11120', file: 'breaker', test: 'a bad machine among good ones does not hold the pool back' },
  {
    threads: 'GHA#2925, GHA#2612, CO#756, karpenter#3198',
    file: 'faults',
    test: 'sold out everywhere: asks each rung once in three minutes',
  },
  { threads: 'RO#543', file: 'faults', test: 'over quota: stops, says which, and goes on when there is room' },
  { threads: 'ARC#2788, ARC#2073', file: 'faults', test: 'lost, all of them' },
  { threads: 'CloudSnorkel/cdk-github-runners#380', file: 'faults', test: 'sent twice' },
  {
    threads: 'GHA#1853, whywaita/myshoes#206',
    file: 'lifecycle',
    test: 'that are cancelled while their workers boot leave no worker behind',
  },
  { threads: 'GHA#1165, GHA#3680, GHA#4608, GR#2251', file: 'lifecycle', test: 'are kept to idle_count, and go in three steps' },
  { threads: 'GR#37526, GR#37643', file: 'lifecycle', test: 'is served from hook to forgotten runner' },
  { threads: 'GHA#2318, ARC#2868, CO PR#808', file: 'lifecycle', test: 'no user data of any server holds a token' },
  { threads: 'ARC#2060, ARC#2943', file: 'breaker', test: 'the ledger says why a job waits' },
  { threads: 'CO#450', file: 'lifecycle', test: 'of two pools in one scope go to their own workers' },
  { threads: 'CO#209, shader-slang/slang#11067', file: 'cuts', test: 'any of its calls: the ticks that follow mend it' },
] as const;

it.each(ELSEWHERE)('$threads: $file.test.ts, "$test"', ({ file, test }) => {
  expect(readFileSync(new URL(`${file}.test.ts`, import.meta.url), 'utf8')).toContain(test);
});
