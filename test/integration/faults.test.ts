import { describe, expect, it } from 'vitest';
import { SecretCredentials } from '../../lib/otc/credentials.ts';
import type { ServicesInputs } from '../../lib/runtime/compose.ts';
import type { Fault } from '../../sandbox/faults.ts';
import { FAST_MACHINES, impatientServices, MINUTE, neverRan, SECOND, startTestFarm, type TestFarm } from '../../testkit/test-farm.ts';

/** Real milliseconds after which a call that is never answered is given up. */
const PATIENCE_MS = 300;
const LIMIT = 4;
const EVER = 1_000_000;

const FAST = { ...FAST_MACHINES, composeServices: impatientServices() };
const POOL = { limit: LIMIT, idle_count: 1, idle_time: 10, boot_timeout: 60 };

function statuses(p: TestFarm): readonly string[] {
  return p.jobs().map((job) => job.status);
}

/** All jobs have ended, and of the machines one is left, idle and with nothing beside it, as the series shows. */
function isBack(p: TestFarm): boolean {
  const { machines, idle } = p.series().at(-1) ?? {};
  const one = [p.vms().length, p.runners().length].every((n) => n === 1);
  return p.hasServed() && one && machines === '1' && idle === '1' && p.keys('handoff/').length === 0;
}

function expectTidy(p: TestFarm): void {
  const names = p.vms().map((vm) => vm.name);
  const described = p.runners().map((r) => r.description);
  expect({ strays: described.filter((n) => !names.includes(n)), orphans: names.filter((n) => !described.includes(n)) }).toEqual({
    strays: [],
    orphans: [],
  });
  // The handoff of a worker that lives may stay where it could not be deleted: its URL is dead, it expires, and it goes with the worker.
  const handoffs = p.keys('handoff/').filter((key) => !names.some((name) => key.includes(name)));
  expect({ handoffs, killed: p.gitlab.killedJobs }).toEqual({ handoffs: [], killed: [] });
}

type Kind = Omit<Fault, 'operation' | 'times'> & { readonly name: string };

const BROKEN: readonly Kind[] = [
  { name: 'a balancer’s 502 in HTML', status: 502, body: '<html><h1>502 Bad Gateway</h1></html>' },
  { name: 'half a body', kind: 'half' },
  { name: 'a connection cut off', kind: 'reset' },
  { name: 'silence', kind: 'hang' },
];
const GITLAB: readonly Kind[] = [
  { name: '429 of the request limiter', status: 429 },
  { name: '429 of the endpoint’s own limit, without Retry-After', status: 429, code: 'application' },
  { name: '500', status: 500 },
  ...BROKEN,
];
const OTC: readonly Kind[] = [
  { name: '429 of the gateway', status: 429, code: 'APIG.0308' },
  { name: 'flow control in a 202', status: 202, code: 'Common.0024' },
  { name: 'a failure of the backend in a 400', status: 400, code: 'Common.0001' },
  { name: '500', status: 500, code: 'Ecs.0000' },
  ...BROKEN,
];
const OBS: readonly Kind[] = [
  { name: '503 SlowDown', status: 503, code: 'SlowDown' },
  { name: '500', status: 500, code: 'InternalError' },
  { name: '403 AccessDenied', status: 403, code: 'AccessDenied' },
  ...BROKEN,
];

const rows = [
  ...['graphql', 'runner-create', 'runner-update', 'runner-jobs', 'runner-delete'].flatMap((call) =>
    GITLAB.map((fault) => ({ operation: `gitlab.${call}`, ...fault })),
  ),
  ...['ecs.list', 'ecs.create', 'ecs.delete', 'ims.images'].flatMap((operation) => OTC.map((fault) => ({ operation, ...fault }))),
  ...['get', 'put', 'append', 'delete'].flatMap((call) => OBS.map((fault) => ({ operation: `obs.${call}`, ...fault }))),
];

describe('four bad minutes', () => {
  it.each(rows)('$operation: $name', async ({ name: _, operation, ...fault }) => {
    const silent = fault.kind === 'hang';
    const p = await startTestFarm({ ...FAST, pools: [POOL], composeServices: impatientServices(silent ? PATIENCE_MS : 10_000) });
    // Silence costs real time: once in two minutes is enough of it, that is, until GitLab's client has tried a read three times.
    const isRead = operation === 'gitlab.graphql' || operation === 'gitlab.runner-jobs';
    const times = silent ? (isRead ? 3 : 1) : EVER;
    for (let minute = 0; minute < 4; minute += 2) {
      p.clock.after(minute * MINUTE, () => p.faults.inject({ operation, times, ...fault }));
    }
    p.clock.after(4 * MINUTE, () => p.faults.clear());
    p.clock.after(0, () => void p.push([{ durationMs: 30 * SECOND }, { durationMs: MINUTE }]));
    await p.advance(4 * MINUTE);
    await p.settle(9 * MINUTE, () => isBack(p));
    expect(p.faults.calls(operation)).toBeGreaterThan(0);
    expect(statuses(p)).toEqual(['success', 'success']);
    expect(p.series().at(-1)).toMatchObject({ machines: '1', idle: '1' });
    expectTidy(p);
    expect(p.mostMachines).toBeLessThanOrEqual(LIMIT);
  });
});

/** What takes a worker away goes through these: its looks, its steps, and the record of what people said. */
const OF_REMOVALS = [
  'gitlab.graphql',
  'gitlab.runner-update',
  'gitlab.runner-jobs',
  'gitlab.runner-delete',
  'ecs.list',
  'ecs.delete',
  'obs.get',
];
const ONE_OF_EACH_KIND = ['500', 'half a body', 'a connection cut off'];

describe('four bad minutes of workers that never leave by themselves', () => {
  const some = rows.filter(({ operation, name }) => OF_REMOVALS.includes(operation) && ONE_OF_EACH_KIND.includes(name));
  it.each(some)('$operation: $name', async ({ name: _, operation, ...fault }) => {
    const p = await startTestFarm({ ...FAST, worker: { ...FAST_MACHINES.worker, stay: true }, pools: [{ ...POOL, idle_count: 0 }] });
    p.push([{ durationMs: 30 * SECOND }, { durationMs: MINUTE }]);
    await p.advance(90 * SECOND);
    p.faults.inject({ operation, times: EVER, ...fault });
    await p.advance(4 * MINUTE);
    p.faults.clear();
    await p.settle(10 * MINUTE, () => p.isEmpty());
    expect(p.faults.calls(operation)).toBeGreaterThan(0);
    expect([statuses(p), p.vms(), p.runners(), p.gitlab.killedJobs]).toEqual([['success', 'success'], [], [], []]);
    // Not one went by itself: all were drained.
    expect([p.count('worker-exit'), p.count('runner-paused')]).toEqual([0, 2]);
    expectTidy(p);
  });
});

describe('capacity', () => {
  it('over quota: stops, says which, and goes on when there is room', async () => {
    const p = await startTestFarm({ ...FAST, pools: [{ ...POOL, limit: 10, idle_count: 0, max_builds: 1 }] });
    p.sandbox.ecs.setQuota({ servers: 2 });
    p.push(6);
    await p.advance(5 * SECOND);
    expect(p.vms()).toHaveLength(2);
    await p.advance(3 * MINUTE);
    const plans = (await p.ledger()).filter((e) => e.kind === 'plan');
    expect(plans.flatMap((e) => e.brakes ?? [])).toContainEqual(expect.objectContaining({ why: 'paused', code: 'Ecs.0001' }));
    const failed = (await p.ledger()).find((e) => e.kind === 'launch' && e.outcome === 'failed');
    expect(failed?.message).toContain('The number of ECSs is beyond the quota limit');
    // Four were refused at once, side by side; then the ordering was paused for two minutes.
    expect(p.faults.calls('ecs.create')).toBeLessThanOrEqual(6 + 6);
    // A refused launch leaves nothing: no runner, no handoff.
    expect(p.runners().length).toBeLessThanOrEqual(2);
    p.sandbox.ecs.setQuota({ servers: 20 });
    await p.settle(20 * MINUTE, () => p.isEmpty());
    expect([statuses(p), p.vms(), p.runners()]).toEqual([Array(6).fill('success'), [], []]);
  });

  it('a quota that ECS finds only later leaves machines in ERROR: they are removed, and no breaker opens', async () => {
    const p = await startTestFarm({ ...FAST, pools: [{ ...POOL, limit: 10, idle_count: 0, max_builds: 1 }] });
    p.sandbox.ecs.setQuota({ servers: 2, overshoot: true });
    p.push(6);
    await p.settle(30 * MINUTE, () => p.isEmpty());
    expect([statuses(p), p.vms(), p.runners()]).toEqual([Array(6).fill('success'), [], []]);
  });

  const ladder = ['c4.2xlarge.2 eu-de-01', 'c4.2xlarge.2 eu-de-02', 'c3.4xlarge.2 eu-de-01', 'c3.4xlarge.2 eu-de-02'];
  const sell = (p: TestFarm, rungs: readonly string[], how: object) => {
    for (const rung of rungs) {
      const [flavor = '', zone = ''] = rung.split(' ');
      p.sandbox.ecs.sellOut(flavor, zone, how);
    }
  };

  it.each([
    { name: 'refused at once', how: {} },
    { name: 'refused although listed', how: { silent: true } },
    { name: 'taken back later', how: { async: true } },
  ])('sold out, $name: walks flavors and zones, and remembers for three minutes', async ({ how }) => {
    const p = await startTestFarm({ ...FAST, pools: [{ ...POOL, idle_count: 0 }] });
    sell(p, ladder.slice(0, 3), how);
    p.push(1);
    await p.advance(5 * MINUTE);
    expect(statuses(p)).not.toContain('pending');
    const placed = p.events.filter((e) => e.kind === 'server-active').map((e) => `${e.fields.flavor} ${e.fields.zone}`);
    expect(placed).toEqual([ladder[3]]);
    const orders = p.faults.calls('ecs.create');
    expect(orders).toBe(4);
    // The rungs without capacity are not asked again while they are remembered.
    p.push(1);
    await p.advance(20 * SECOND);
    expect(p.faults.calls('ecs.create')).toBeLessThanOrEqual(orders + 4);
    await p.settle(12 * MINUTE, () => p.isEmpty());
    expect(statuses(p)).toEqual(['success', 'success']);
    expect(p.runners()).toEqual([]);
    expectTidy(p);
  });

  it('sold out everywhere: asks each rung once in three minutes, leaves nothing, and serves when there is stock again', async () => {
    const p = await startTestFarm({ ...FAST, hooks: false, pools: [{ ...POOL, idle_count: 0 }] });
    sell(p, ladder, {});
    p.push(1);
    await p.advance(20 * MINUTE);
    expect(statuses(p)).toEqual(['pending']);
    expect([p.vms(), p.runners(), p.keys('handoff/')]).toEqual([[], [], []]);
    // Five to seven rounds of four rungs in 20 minutes; a runner is made for no more than those.
    expect(p.faults.calls('ecs.create')).toBeLessThanOrEqual(28);
    expect(p.faults.calls('gitlab.runner-create')).toBeLessThanOrEqual(7);
    const refused = (await p.ledger()).find((e) => e.kind === 'launch' && e.outcome === 'failed');
    expect(refused?.message).toMatch(/^no capacity: c4\.2xlarge\.2 in eu-de-01 \(Ecs\.0319\)/);
    p.sandbox.ecs.restock();
    await p.settle(8 * MINUTE, () => p.hasServed());
    expect(statuses(p)).toEqual(['success']);
  });

  it('is never mistaken for machines that do not boot', async () => {
    const p = await startTestFarm({ ...FAST, pools: [{ ...POOL, limit: 6, idle_count: 0 }] });
    sell(p, ladder, { async: true });
    p.push(4);
    await p.advance(12 * MINUTE);
    const entries = await p.ledger();
    expect(entries.flatMap((e) => e.brakes ?? []).map((b) => b.why)).not.toContain('breaker');
    p.sandbox.ecs.restock();
    await p.settle(8 * MINUTE, () => p.hasServed());
    expect(statuses(p)).toEqual(Array(4).fill('success'));
  });
});

describe('credentials', () => {
  /** The account's key with a secret that is not its own. */
  const wrongSecret = (inputs: ServicesInputs) =>
    impatientServices()({ ...inputs, credentials: new SecretCredentials('SANDBOXACCESSKEY0001', 'not its secret key') });

  it('a wrong secret key is tried once a call of the function and does not lock the key', async () => {
    let wrong = true;
    const p = await startTestFarm({
      ...FAST_MACHINES,
      hooks: false,
      pools: [POOL],
      composeServices: (inputs) => (wrong ? wrongSecret(inputs) : impatientServices()(inputs)),
    });
    p.push(1);
    await p.advance(10 * MINUTE);
    expect([p.faults.calls('ecs.*'), p.faults.calls('ims.*'), p.faults.calls('obs.*')]).toEqual([0, 0, 10]);
    expect(p.logged('call failed').map((line) => line.code)).toEqual(Array(10).fill('SignatureDoesNotMatch'));
    wrong = false;
    await p.settle(8 * MINUTE, () => p.hasServed());
    expect(statuses(p)).toEqual(['success']);
  });

  it('ECS says 401: one try of each call a minute, nothing is done, and all goes on afterwards', async () => {
    const p = await startTestFarm({ ...FAST, hooks: false, pools: [POOL] });
    p.push(1);
    await p.advance(3 * MINUTE);
    const runners = p.runners().length;
    p.faults.resetCalls();
    p.faults.inject({ operation: 'ecs.*', times: EVER, status: 401, code: 'APIG.0301' });
    await p.advance(10 * MINUTE);
    expect(p.faults.calls('ecs.*')).toBe(10);
    expect(p.runners()).toHaveLength(runners);
    p.faults.clear();
    p.push(1);
    await p.settle(6 * MINUTE, () => p.hasServed());
    expect(statuses(p)).toEqual(['success', 'success']);
  });

  it('a refused create pauses the ordering', async () => {
    const p = await startTestFarm({ ...FAST, hooks: false, pools: [{ ...POOL, idle_count: 0 }] });
    p.faults.inject({ operation: 'ecs.create', times: EVER, status: 403, code: 'Ecs.0003' });
    p.push(1);
    await p.advance(10 * MINUTE);
    expect(p.faults.calls('ecs.create')).toBeLessThanOrEqual(5);
    expect([p.vms(), p.runners(), p.keys('handoff/')]).toEqual([[], [], []]);
  });

  it('GitLab says 401: nothing is launched, drained or deleted, and each call is made once', async () => {
    const p = await startTestFarm({ ...FAST, hooks: false, pools: [{ ...POOL, idle_count: 2 }] });
    p.push([{ durationMs: 40 * MINUTE }]);
    await p.advance(4 * MINUTE);
    const before = { vms: p.vms().map((vm) => vm.id), runners: p.runners().length };
    const [token] = [...p.gitlab.tokens.values()];
    if (token) token.revoked = true;
    p.faults.resetCalls();
    await p.advance(10 * MINUTE);
    expect({ vms: p.vms().map((vm) => vm.id), runners: p.runners().length }).toEqual(before);
    expect(p.faults.calls('gitlab.graphql')).toBe(2 * 10);
    expect([p.faults.calls('ecs.delete'), p.faults.calls('ecs.create')]).toEqual([0, 0]);
    if (token) token.revoked = false;
    await p.advance(2 * MINUTE);
    expect(p.series().at(-1)).toMatchObject({ machines: '3', busy: '1', idle: '2' });
  });
});

describe('what GitLab and ECS show late', () => {
  it('a VM that no list shows for three minutes is not ordered twice', async () => {
    const p = await startTestFarm({ pools: [{ limit: 20 }], times: { listLagMs: 3 * MINUTE } });
    p.push(5);
    await p.settle(25 * MINUTE, () => p.isEmpty());
    expect(p.count('server-created')).toBe(5);
    expect(statuses(p)).toEqual(Array(5).fill('success'));
    expect([p.vms(), p.runners()]).toEqual([[], []]);
  });

  it('counts of busy runners that lag by a minute kill no job, though idle workers are drained all afternoon', async () => {
    const p = await startTestFarm({
      ...FAST,
      gitlab: { busyLagMs: MINUTE },
      pools: [{ limit: 8, idle_count: 2, idle_time: 1, boot_timeout: 60 }],
    });
    let n = 0;
    const next = (): void => {
      p.push([{ durationMs: (20 + ((n * 37) % 160)) * SECOND }]);
      n += 1;
      // Gaps that never fall into step with the ticks.
      if (n < 110) p.clock.after((11 + ((n * 53) % 71)) * SECOND, next);
    };
    p.clock.after(0, next);
    await p.advance(95 * MINUTE);
    expect(p.count('runner-paused')).toBeGreaterThan(15);
    expect(p.gitlab.killedJobs).toEqual([]);
    expect(new Set(statuses(p))).toEqual(new Set(['success']));
    expect(n).toBe(110);
  });

  it('a job that slips through between GitLab’s look at the pause and its assignment is not killed', async () => {
    const pool = { limit: 8, idle_count: 1, idle_time: 1, boot_timeout: 60 };
    const p = await startTestFarm({ ...FAST, gitlab: { busyLagMs: 90 * SECOND }, pools: [pool] });
    // Every request for a job is held for 35 s after it was seen that its runner is not paused, somebody ticks each ten seconds, and the counts lag.
    p.gitlab.holdJobRequest = () => p.clock.sleep(35 * SECOND);
    p.sandbox.functions.timer('reaper', 10 * SECOND, '', 'impatient');
    let slipped = 0;
    p.gitlab.onJob((job) => {
      if (job.status === 'running' && job.runner?.paused) slipped += 1;
    });
    for (let i = 0; i < 40; i++) p.clock.after(i * 40 * SECOND + (i % 7) * SECOND, () => void p.push([{ durationMs: 2 * MINUTE }]));
    await p.advance(36 * MINUTE);
    expect(slipped).toBeGreaterThan(0);
    expect(p.gitlab.killedJobs).toEqual([]);
    expect(new Set(statuses(p))).toEqual(new Set(['success']));
  });
});

describe('hooks', () => {
  it.each([
    { name: 'lost, all of them', faults: { loss: 1 } },
    { name: 'lost, every other one', faults: { loss: 0.5 } },
    { name: 'sent twice', faults: { duplicate: 1 } },
    { name: 'reordered', faults: { reorder: 1 } },
    { name: 'late by up to five minutes', faults: { delayMs: 5 * MINUTE } },
    { name: 'all of that', faults: { loss: 0.3, duplicate: 0.5, reorder: 0.5, delayMs: MINUTE } },
    {
      name: 'all of that, and workers that never leave by themselves',
      faults: { loss: 0.3, duplicate: 0.5, reorder: 0.5, delayMs: MINUTE },
      stay: true,
    },
  ])('$name: the same workers as otherwise', async ({ faults, stay = false }) => {
    const p = await startTestFarm({
      ...FAST,
      worker: { ...FAST_MACHINES.worker, stay },
      pools: [{ ...POOL, idle_count: 0, idle_time: 20 }],
    });
    p.gitlab.hookFaults(faults);
    p.push(3);
    // Late enough that workers that stay have been drained and deleted by then.
    p.clock.after(14 * MINUTE, () => void p.push(2));
    await p.advance(15 * MINUTE);
    await p.settle(15 * MINUTE, () => p.isEmpty());
    expect(statuses(p)).toEqual(Array(5).fill('success'));
    expect([p.count('server-created'), p.mostMachines]).toEqual([5, 3]);
    expect([p.vms(), p.runners()]).toEqual([[], []]);
  });

  it('of foreign projects, authentic as they are, wake nobody and start nothing', async () => {
    const p = await startTestFarm({ ...FAST, timer: false, pools: [POOL].map((pool) => ({ ...pool, idle_count: 0 })) });
    const foreign = p.gitlab.createProject('strangers/tool');
    const [own] = [...p.gitlab.hooks.values()];
    p.gitlab.createHook(foreign, own?.url ?? '', { token: own?.token, signingToken: own?.signingToken });
    p.push(4, 'strangers/tool');
    await p.advance(MINUTE);
    expect(new Set(p.logged('hook').flatMap(({ wake }) => wake ?? []))).toEqual(new Set(['foreign']));
    expect([p.logged('woken'), p.count('server-created'), p.runners()]).toEqual([[], 0, []]);
  });
});

describe('the bucket', () => {
  it('out of reach: nothing is launched or deleted, since nobody can say what people want kept, and all goes on afterwards', async () => {
    const p = await startTestFarm({ ...FAST, pools: [{ ...POOL, idle_count: 0, boot_timeout: 120 }] });
    p.push(2);
    await p.advance(MINUTE);
    expect(p.vms()).toHaveLength(2);
    p.faults.inject({ operation: 'obs.*', times: EVER, kind: 'reset' });
    p.push(1);
    await p.advance(12 * MINUTE);
    // The two workers do the third job, too, and leave by themselves; nobody new comes.
    expect([p.count('server-created'), p.vms().map((vm) => vm.status)]).toEqual([2, ['SHUTOFF', 'SHUTOFF']]);
    expect(p.logged('record not written').length).toBeGreaterThan(0);
    p.faults.clear();
    p.push(1);
    await p.settle(10 * MINUTE, () => p.isEmpty());
    expect(statuses(p)).toEqual(Array(4).fill('success'));
    expect([p.vms(), p.runners(), p.keys('handoff/')]).toEqual([[], [], []]);
  });

  it('where others append in between, and where two reapers tick at once, each minute has one line', async () => {
    const p = await startTestFarm({ ...FAST, pools: [POOL] });
    for (let minute = 1; minute <= 10; minute++) {
      p.clock.after(minute * MINUTE - 1, () => {
        p.faults.inject({ operation: 'obs.append', times: 2, status: 409, code: 'PositionNotEqualToLength' });
      });
      p.clock.after(minute * MINUTE, () => void p.farm.tick());
    }
    p.push(2);
    await p.advance(10 * MINUTE + 30 * SECOND);
    const times = p.series().map((row) => row.time);
    expect(times).toEqual(Array.from({ length: 10 }, (_, i) => `2026-11-23T08:${String(i + 1).padStart(2, '0')}:00Z`));
    expect(statuses(p)).toEqual(['success', 'success']);
    expect(p.mostMachines).toBeLessThanOrEqual(LIMIT);
  });
});

describe('what cannot be read', () => {
  /** Two idle workers too many, one VM without a runner (it never ran) and one runner without a VM. */
  async function toBeRemoved(): Promise<TestFarm> {
    const p = await startTestFarm({ ...FAST, timer: false, hooks: false, pools: [{ ...POOL, limit: 8 }] });
    p.push(Array.from({ length: 4 }, () => ({ durationMs: 30 * SECOND })));
    await p.tick();
    await p.advance(70 * SECOND);
    await p.tick();
    const [stray] = p.runners();
    const vm = p.vms().find((v) => v.name === stray?.description);
    neverRan(p);
    p.sandbox.ecs.delete([vm?.id ?? ''], true);
    await p.advance(3 * MINUTE);
    p.faults.resetCalls();
    return p;
  }
  const removals = (p: TestFarm) => ({
    drained: p.faults.calls('gitlab.runner-update'),
    reaped: p.faults.calls('ecs.delete'),
    forgotten: p.faults.calls('gitlab.runner-delete'),
  });

  it('there is something to remove', async () => {
    const p = await toBeRemoved();
    await p.tick();
    expect(removals(p)).toEqual({ drained: 3, reaped: 1, forgotten: 1 });
  });

  const NOTHING = { drained: 0, reaped: 0, forgotten: 0 };
  it.each([
    { name: 'the servers', fault: { operation: 'ecs.list', status: 500 }, removed: NOTHING },
    { name: 'the servers: an empty answer', fault: { operation: 'ecs.list', status: 200, body: '' }, removed: NOTHING },
    { name: 'the servers: another shape', fault: { operation: 'ecs.list', status: 200, body: '{"items":[]}' }, removed: NOTHING },
    { name: 'the runners', fault: { operation: 'gitlab.graphql', status: 502, body: '<html>' }, removed: NOTHING },
    {
      name: 'the runners: no such group',
      fault: { operation: 'gitlab.graphql', status: 200, body: '{"data":{"group":null}}' },
      removed: NOTHING,
    },
    {
      name: 'one runner, the second source for an orphan',
      fault: { operation: 'gitlab.runner', status: 500 },
      removed: { drained: 3, reaped: 0, forgotten: 1 },
    },
    { name: 'one runner: forbidden', fault: { operation: 'gitlab.runner', status: 403 }, removed: { drained: 3, reaped: 0, forgotten: 1 } },
  ])('$name: what depends on it is left alone', async ({ fault, removed }) => {
    const p = await toBeRemoved();
    p.faults.inject({ ...fault, times: EVER });
    await p.tick();
    expect(removals(p)).toEqual(removed);
    p.faults.clear();
    await p.advance(40 * SECOND);
    for (let i = 0; i < 5; i++) {
      await p.tick();
      await p.advance(40 * SECOND);
    }
    expect([p.vms().length, p.runners().length]).toEqual([1, 1]);
  });

  it('the jobs of a drained runner: it is not reaped before they can be seen', async () => {
    const p = await toBeRemoved();
    await p.tick();
    await p.advance(40 * SECOND);
    p.faults.resetCalls();
    p.faults.inject({ operation: 'gitlab.runner-jobs', times: EVER, status: 500 });
    await p.tick();
    expect(removals(p).reaped).toBe(0);
    p.faults.clear();
    await p.advance(40 * SECOND);
    await p.tick();
    expect(removals(p).reaped).toBe(3);
  });

  it('a maintenance note that somebody changed: nothing is deleted on it', async () => {
    const p = await toBeRemoved();
    await p.tick();
    const paused = p.runners().filter((r) => r.paused);
    for (const runner of paused) p.gitlab.editRunner(runner, { maintenanceNote: 'do not touch, Eva' });
    p.faults.resetCalls();
    for (let i = 0; i < 4; i++) {
      await p.advance(40 * SECOND);
      await p.tick();
    }
    expect([paused.length, removals(p).reaped]).toEqual([3, 0]);
  });
});
