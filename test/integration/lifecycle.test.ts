import { describe, expect, it } from 'vitest';
import { explainJob, explainWorker } from '../../lib/app/ledger/explain.ts';
import { HOUR, MINUTE, PROJECT, SECOND, START, startTestFarm, type TestFarm } from '../../testkit/test-farm.ts';

const HEADER = 'time,pool,machines,booting,idle,busy,draining,failed,pending,unmet,limit,oldest_wait,hourly_cost,coming';

function statuses(p: TestFarm): readonly string[] {
  return p.jobs().map((job) => job.status);
}

/** Nothing is left: no VM, no runner, no handoff. */
function expectEmpty(p: TestFarm): void {
  expect({ vms: p.vms().length, runners: p.runners().length, handoffs: p.keys('handoff/') }).toEqual({ vms: 0, runners: 0, handoffs: [] });
}

/** Milliseconds from the start to the first event of a kind. */
function sinceStart(p: TestFarm, kind: string): number {
  return (p.events.find((e) => e.kind === kind)?.at ?? Number.NaN) - START;
}

describe('one job', () => {
  it('is served from hook to forgotten runner, and counts and ledger tell it', async () => {
    const p = await startTestFarm();
    const [job] = p.push(1).jobs;
    await p.advance(SECOND);
    const [vm] = p.vms();
    expect(sinceStart(p, 'server-created')).toBe(0);
    await p.advance(30 * MINUTE);

    const life = ['job-pending', 'runner-created', 'server-created', 'server-active', 'job-running', 'job-finished', 'server-off'];
    const end = ['server-deleted', 'runner-deleted'];
    expect(p.events.map((e) => e.kind).filter((kind) => life.includes(kind) || end.includes(kind))).toEqual([...life, ...end]);
    expect([job?.status, p.gitlab.killedJobs]).toEqual(['success', []]);
    expectEmpty(p);
    // 132 s to boot, 300 s of work, 60 s of idle_time by its own watch; then the next tick.
    expect(sinceStart(p, 'server-off')).toBe(488 * SECOND);
    expect(sinceStart(p, 'server-deleted')).toBe(540 * SECOND + 20 * SECOND);

    const entries = await p.ledger();
    expect(explainJob(entries, job?.id ?? 0).lines.map((l) => l.text)).toEqual([
      'pool pool0: waiting, 1 of 1; machines 0/20 (booting 0, idle 0, busy 0)',
      `done: launch of ${vm?.name} (demand, c4.2xlarge.2 in eu-de-01)`,
      'pool pool0: waiting, 1 of 1; machines 1/20 (booting 1, idle 0, busy 0)',
      `${vm?.name} asked GitLab for a job, 3 min after its launch`,
      `done: reap of ${vm?.name}: powered-off`,
      `done: forget of ${vm?.name}: vm-gone`,
      `${vm?.name} ran job ${job?.id}: running at 2026-11-23T08:02:19Z after 2 min 12 s of waiting, success at 2026-11-23T08:07:19Z (5 min)`,
    ]);
    expect(explainWorker(entries, vm?.name ?? '').lines).toHaveLength(5);
  });

  it.each([
    ['is looked after', 5],
    ['is not looked after', 0],
  ])('survives the deletion of its runner, and its VM goes once it is off, where the disk %s', async (_name, min_free_gb) => {
    const p = await startTestFarm({ pools: [{ boot_timeout: 180, runner: { disk: { min_free_gb } } }] });
    const [job] = p.push([{ durationMs: 30 * MINUTE }]).jobs;
    await p.advance(5 * MINUTE);
    const [runner] = p.runners();
    if (!runner) throw new Error('no runner');
    p.gitlab.deleteRunner(runner);
    await p.advance(20 * MINUTE);
    expect([job?.status, p.vms().length]).toEqual(['running', 1]);
    await p.advance(20 * MINUTE);
    expect([job?.status, p.gitlab.killedJobs, p.count('server-deleted')]).toEqual(['success', [], 1]);
    expectEmpty(p);
  });

  it('is counted in one line a minute with exactly the documented columns, and in latest.json', async () => {
    const p = await startTestFarm();
    p.push(1);
    await p.advance(5 * MINUTE);
    const lines = p.text('counts/v1/day/2026/11/2026-11-23.csv').split('\n');
    expect(lines).toEqual([
      HEADER,
      '2026-11-23T08:01:00Z,pool0,1,1,0,0,0,0,1,0,20,60,,0',
      '2026-11-23T08:02:00Z,pool0,1,1,0,0,0,0,1,0,20,120,,0',
      '2026-11-23T08:03:00Z,pool0,1,0,0,1,0,0,0,0,20,0,,0',
      '2026-11-23T08:04:00Z,pool0,1,0,0,1,0,0,0,0,20,0,,0',
      '2026-11-23T08:05:00Z,pool0,1,0,0,1,0,0,0,0,20,0,,0',
      '',
    ]);
    const sample = {
      machines: 1,
      booting: 0,
      idle: 0,
      busy: 1,
      draining: 0,
      failed: 0,
      pending: 0,
      unmet: 0,
      limit: 20,
      oldest_wait: 0,
      coming: 0,
    };
    expect(JSON.parse(p.text('counts/v1/latest.json'))).toEqual({
      version: 1,
      time: '2026-11-23T08:05:00Z',
      machines: 1,
      pools: [{ time: '2026-11-23T08:05:00Z', pool: 'pool0', ...sample }],
      alarms: [],
    });
  });

  it('costs a minute at most where there is no hook at all', async () => {
    const p = await startTestFarm({ hooks: false });
    p.push(1);
    await p.advance(10 * MINUTE);
    expect([sinceStart(p, 'server-created'), statuses(p)]).toEqual([MINUTE, ['success']]);
  });

  it('reads its handoff once: afterwards the object and the URL in the user data are dead', async () => {
    const p = await startTestFarm();
    p.push(1);
    await p.advance(MINUTE);
    const [vm] = p.vms();
    const url = /https?:\/\/[^\s'"]+Signature=[^\s'"]+/.exec(vm ? p.userData(vm) : '')?.[0] ?? '';
    expect([p.keys('handoff/'), (await fetch(url)).status]).toEqual([[`handoff/v1/${vm?.name}.toml`], 200]);
    await p.advance(3 * MINUTE);
    expect([p.keys('handoff/'), (await fetch(url)).status, statuses(p)]).toEqual([[], 404, ['running']]);
  });

  it('is served where the bucket cannot append: no turnstile, records as single objects', async () => {
    // Without a turnstile one instance of the scaler at a time is what keeps a burst of hooks from launching twice.
    const p = await startTestFarm({ append: 'refused', maxInstances: 1, document: { bucket: { name: 'ci-fleet', append: false } } });
    p.push(3);
    await p.advance(20 * MINUTE);
    expect(statuses(p)).toEqual(['success', 'success', 'success']);
    expectEmpty(p);
    expect(p.keys('state/v1/turnstile/')).toEqual([]);
    expect(p.text('counts/v1/raw/2026/11/23/0803.csv')).toBe(`${HEADER}\n2026-11-23T08:03:00Z,pool0,3,0,0,3,0,0,0,0,20,0,,0\n`);
    expect(p.keys('ledger/v1/2026/11/23/').length).toBeGreaterThan(20);
  });
});

describe('many jobs', () => {
  it('start one worker each, within the limit, and the rest wait their turn', async () => {
    const p = await startTestFarm({ pools: [{ limit: 3 }] });
    p.push(10);
    await p.advance(HOUR);
    expect(statuses(p)).toEqual(Array(10).fill('success'));
    expect([p.mostMachines, p.count('server-created')]).toEqual([3, 3]);
    expect(p.series()[0]).toMatchObject({ machines: '3', pending: '10', unmet: '7', limit: '3' });
    const plans = (await p.ledger()).filter((e) => e.kind === 'plan');
    expect(plans[0]?.brakes).toEqual([{ why: 'limit' }]);
    expectEmpty(p);
  });

  it('leave a worker after max_builds of them', async () => {
    const p = await startTestFarm({ pools: [{ limit: 2, max_builds: 2 }] });
    p.push(6);
    await p.advance(HOUR);
    expect(statuses(p)).toEqual(Array(6).fill('success'));
    const ran = p.events.filter((e) => e.kind === 'job-running').map((e) => e.fields.runner);
    expect([...new Set(ran)].map((runner) => ran.filter((r) => r === runner).length)).toEqual([2, 2, 1, 1]);
    const exits = p.events.filter((e) => e.kind === 'worker-exit').map((e) => e.fields.reason);
    expect(exits).toEqual(['max builds', 'max builds', 'wait timeout', 'wait timeout']);
    expect(p.mostMachines).toBe(2);
    expectEmpty(p);
  });

  it('boot no faster than max_growth_rate allows', async () => {
    const p = await startTestFarm({ pools: [{ limit: 20, max_growth_rate: 2 }] });
    p.push(6);
    await p.advance(HOUR);
    expect(statuses(p)).toEqual(Array(6).fill('success'));
    expect(Math.max(...p.series().map((row) => Number(row.booting)))).toBe(2);
  });

  it('of two pools in one scope go to their own workers, and one that both could run starts one', async () => {
    const pools = [
      { name: 'ci', tags: ['small', 'any'], limit: 5 },
      { name: 'ci-big', tags: ['big', 'any'], limit: 5, run_untagged: true },
    ];
    const p = await startTestFarm({ pools });
    p.push([{ tags: ['small'] }, { tags: ['big'] }, { tags: ['any'] }, { tags: [] }, { tags: ['SMALL'] }]);
    await p.advance(30 * MINUTE);
    expect(statuses(p)).toEqual(['success', 'success', 'success', 'success', 'pending']);
    expectEmpty(p);
    expect(p.series().filter((row) => row.time === '2026-11-23T08:01:00Z')).toMatchObject([
      { pool: 'ci', machines: '2' },
      { pool: 'ci-big', machines: '2' },
    ]);
  });

  it('that are cancelled while their workers boot leave no worker behind', async () => {
    const p = await startTestFarm();
    const pipeline = p.push(5);
    await p.advance(MINUTE);
    p.gitlab.cancelPipeline(pipeline);
    await p.advance(20 * MINUTE);
    expect([statuses(p), p.count('server-created')]).toEqual([Array(5).fill('canceled'), 5]);
    expectEmpty(p);
  });
});

describe('scopes', () => {
  const kinds = [
    { scope: { project: PROJECT }, type: 'project_type', reads: 'gitlab.jobs', project: PROJECT },
    { scope: { group: 'acme' }, type: 'group_type', reads: 'gitlab.graphql', project: 'acme/deep/inside' },
    { scope: { instance: true }, type: 'instance_type', reads: 'gitlab.graphql', project: 'elsewhere/tool' },
  ] as const;
  it.each(kinds)('$type: jobs are found and served', async ({ scope, type, reads, project }) => {
    const p = await startTestFarm({ scope });
    p.gitlab.createProject(PROJECT);
    p.push(2, project);
    await p.advance(SECOND);
    await p.advance(3 * MINUTE);
    expect(p.runners().map((r) => r.type)).toEqual([type, type]);
    expect(p.faults.calls(reads)).toBeGreaterThan(3);
    await p.advance(20 * MINUTE);
    expect(statuses(p)).toEqual(['success', 'success']);
    expectEmpty(p);
  });

  it('a job outside the scope starts nothing', async () => {
    const p = await startTestFarm({ scope: { project: PROJECT } });
    p.gitlab.createProject(PROJECT);
    p.push(2, 'acme/other');
    await p.advance(5 * MINUTE);
    expect(p.count('server-created')).toBe(0);
    // Its hook came in all the same.
    expect(p.logged('hook').some(({ wake }) => wake === 'foreign')).toBe(true);
  });
});

describe('idle workers', () => {
  it('are kept to idle_count, and go in three steps when they are too many', async () => {
    const p = await startTestFarm({ pools: [{ limit: 6, idle_count: 2, idle_time: 300 }] });
    await p.advance(5 * MINUTE);
    expect(p.vms()).toHaveLength(2);
    const kept = p.vms().map((vm) => vm.name);
    p.push(3);
    await p.advance(8 * MINUTE);
    expect([statuses(p), p.vms().length]).toEqual([Array(3).fill('success'), 5]);
    await p.advance(15 * MINUTE);
    // The oldest stay.
    expect(p.vms().map((vm) => vm.name)).toEqual(kept);
    expect(p.runners().map((r) => r.paused)).toEqual([false, false]);

    const paused = p.events.filter((e) => e.kind === 'runner-paused');
    expect(paused).toHaveLength(3);
    for (const { at, fields } of paused) {
      const gone = p.events.find((e) => e.kind === 'server-deleted' && e.fields.name === fields.name);
      // The next tick orders the deletion, which takes 20 s.
      expect((gone?.at ?? 0) - at).toBe(MINUTE + 20 * SECOND);
    }
    const steps = (await p.ledger()).filter((e) => e.worker === paused[0]?.fields.name && e.outcome === 'done');
    expect(steps.map((e) => `${e.kind} ${e.why}`)).toEqual([
      expect.stringMatching(/^launch/),
      'drain idle',
      'reap drained',
      'forget vm-gone',
    ]);
  });

  it('carry the time and the reason of their drain in GitLab', async () => {
    const p = await startTestFarm({ pools: [{ limit: 6, idle_count: 1, idle_time: 60, boot_timeout: 300, max_age: 600 }] });
    await p.advance(12 * MINUTE);
    const [draining] = p.runners().filter((r) => r.paused);
    expect(draining?.maintenanceNote).toBe('draining since 2026-11-23T08:12:07Z: max-age');
    // 40 s are not over yet: the machine is there, and another one is on its way for it.
    expect(p.vms().map((vm) => vm.deleting)).toEqual([false, false]);
    await p.advance(MINUTE);
    expect(p.vms().map((vm) => vm.deleting)).toEqual([true, false]);
    await p.advance(10 * MINUTE);
    expect(p.runners().filter((r) => r.id === draining?.id)).toEqual([]);
  });

  it('grow with the busy ones where there is an idle_scale_factor', async () => {
    const p = await startTestFarm({ pools: [{ limit: 20, idle_count: 5, idle_scale_factor: 0.5, idle_count_min: 1, idle_time: 120 }] });
    await p.advance(5 * MINUTE);
    expect(p.vms()).toHaveLength(1);
    p.push(Array.from({ length: 6 }, () => ({ durationMs: 30 * MINUTE })));
    await p.advance(20 * MINUTE);
    expect(p.series().at(-1)).toMatchObject({ busy: '6', idle: '3' });
    await p.advance(30 * MINUTE);
    expect(p.series().at(-1)).toMatchObject({ busy: '0', idle: '1', machines: '1' });
  });

  it('follow the periods in their time zone', async () => {
    const period = { periods: ['* * 10 * * mon-fri *'], timezone: 'Europe/Berlin', idle_count: 3, idle_time: 60 };
    const p = await startTestFarm({ pools: [{ limit: 5, periods: [period] }] });
    await p.advance(2 * HOUR + 15 * MINUTE);
    const rows = p.series();
    const at = (time: string) => rows.find((row) => row.time === `2026-11-23T${time}:00Z`)?.machines;
    // 10 o'clock in Berlin is nine in UTC; whoever is left over at eleven is idle for a minute, then drained, then deleted.
    expect([at('08:59'), at('09:01'), at('09:59'), at('10:05')]).toEqual(['0', '3', '3', '0']);
    expectEmpty(p);
  });

  it('are replaced when somebody switches one off', async () => {
    const p = await startTestFarm({ pools: [{ limit: 4, idle_count: 1, idle_time: 600, boot_timeout: 300 }] });
    await p.advance(5 * MINUTE);
    const [vm] = p.vms();
    p.sandbox.ecs.stop(vm?.id ?? '');
    await p.advance(2 * MINUTE);
    expect(p.sandbox.ecs.all().some((v) => v.id === vm?.id)).toBe(false);
    await p.advance(5 * MINUTE);
    expect(p.series().at(-1)).toMatchObject({ machines: '1', idle: '1' });
  });
});

it('no user data of any server holds a token', async () => {
  const seen: string[] = [];
  const p = await startTestFarm({
    pools: [{ limit: 5, run_untagged: true }],
    worker: {
      mode: (vm) => {
        seen.push(vm.userData);
        return 'normal';
      },
    },
  });
  p.push(5);
  await p.advance(15 * MINUTE);
  expect(seen).toHaveLength(5);
  const tokens = [...Object.values(p.farm.secrets), p.sandbox.credentials.secretKey];
  for (const userData of seen) {
    expect(userData).not.toMatch(/glrt-|glpat-|whsec_/);
    expect(tokens.filter((token) => userData.includes(token))).toEqual([]);
  }
});
