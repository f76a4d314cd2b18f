import { describe, expect, it } from 'vitest';
import { reconcileOnTimer, scaleUpOnHook, type TurnstileCall } from '../../lib/app/reconcile/entry-points.ts';
import { drainNote } from '../../lib/core/fleet/drain-note.ts';
import { type Crash, type CrashingServices, crashingServices } from '../../testkit/crashing-services.ts';
import { FAST_MACHINES, impatientServices, MINUTE, SECOND, startTestFarm, type TestFarm } from '../../testkit/test-farm.ts';

const NO_END = { act: new AbortController().signal, all: new AbortController().signal };
const HOLD_MS = 60_000;
const LIMIT = 6;

type Pass = (p: TestFarm, crashing: CrashingServices) => Promise<unknown>;

const growing: Pass = (p, crashing) => scaleUpOnHook(callOf(p, crashing));
const ticking: Pass = (p, crashing) => reconcileOnTimer(callOf(p, crashing), 'timer');

function callOf(p: TestFarm, { services }: CrashingServices): TurnstileCall {
  return { services, settings: p.farm.config.settings, scaler: { trigger: async () => undefined }, deadline: NO_END, holdMs: HOLD_MS };
}

/** Runs the pass until it ends or dies; gives the call it died at. */
async function until(
  p: TestFarm,
  pass: Pass,
  crash: Crash,
): Promise<{ readonly diedAt: string | undefined; readonly calls: readonly string[] }> {
  const m = crashingServices(p.farm.services(), crash);
  const diedAt = await p.clock.track(
    (async () => {
      const ended = await Promise.race([pass(p, m).then(() => undefined), m.died]);
      await m.settled();
      return ended;
    })(),
  );
  return { diedAt, calls: m.calls };
}

/** Every VM has its runner and every runner its VM, and no object with a token lies about. */
function expectTidy(p: TestFarm, where: string): void {
  const names = p.vms().map((vm) => vm.name);
  const described = p.runners().map((r) => r.description);
  expect({ where, strays: described.filter((n) => !names.includes(n)), orphans: names.filter((n) => !described.includes(n)) }).toEqual({
    where,
    strays: [],
    orphans: [],
  });
  expect({ where, handoffs: p.keys('handoff/'), killed: p.gitlab.killedJobs }).toEqual({ where, handoffs: [], killed: [] });
  expect(p.mostMachines, where).toBeLessThanOrEqual(LIMIT);
}

const quietly = { ...FAST_MACHINES, hooks: false, timer: false } as const;

/** Two jobs wait. */
async function waiting(): Promise<TestFarm> {
  const p = await startTestFarm({ ...quietly, pools: [{ limit: LIMIT, idle_time: 10, boot_timeout: 60 }] });
  p.push([{ durationMs: 30 * SECOND }, { durationMs: MINUTE }]);
  await p.advance(SECOND);
  return p;
}

async function served(p: TestFarm, where: string): Promise<void> {
  p.sandbox.functions.timer('reaper', MINUTE, '', 'minute');
  await p.settle(9 * MINUTE, () => p.isEmpty());
  expect(
    p.jobs().map((j) => j.status),
    where,
  ).toEqual(['success', 'success']);
  expect(p.vms(), where).toEqual([]);
  expectTidy(p, where);
}

/**
 * One worker for every way to go: idle for too long, drained a minute ago, powered off, its VM gone; and one that is busy and one that is to
 * stay, for whom nothing must change.
 */
async function leaving(): Promise<TestFarm> {
  const p = await startTestFarm({ ...quietly, pools: [{ limit: LIMIT, idle_count: 1, idle_time: 60, boot_timeout: 60 }] });
  p.push([...Array.from({ length: 5 }, () => ({ durationMs: 30 * SECOND })), { durationMs: 8 * MINUTE }]);
  for (let i = 0; i < 2; i++) {
    await p.farm.tick();
    await p.advance(MINUTE);
  }
  const busy = new Set(p.jobs().flatMap((j) => (j.status === 'running' ? [j.runner?.description] : [])));
  const idle = p.vms().filter((vm) => !busy.has(vm.name));
  const [, gone, off, drained] = [...idle].sort((a, b) => (a.name < b.name ? -1 : 1));
  p.sandbox.ecs.delete([gone?.id ?? ''], true);
  await p.advance(MINUTE + 30 * SECOND);
  p.sandbox.ecs.stop(off?.id ?? '');
  const runner = p.runners().find((r) => r.description === drained?.name);
  await p.run((services) => services.forge.drainRunner(runner?.id ?? 0, drainNote(p.clock.now(), 'idle')));
  await p.advance(50 * SECOND);
  return p;
}

async function left(p: TestFarm, where: string): Promise<void> {
  p.sandbox.functions.timer('reaper', MINUTE, '', 'minute');
  await p.advance(3 * MINUTE);
  expect(p.series().at(-1), where).toMatchObject({ machines: '2', idle: '1', busy: '1' });
  await p.settle(9 * MINUTE, () => p.hasServed() && p.vms().length === p.runners().length && p.keys('handoff/').length === 0);
  expect(
    p.jobs().map((j) => j.status),
    where,
  ).toEqual(Array(6).fill('success'));
  expectTidy(p, where);
}

const scenarios = [
  {
    name: 'a launch',
    pass: growing,
    prepare: waiting,
    recover: served,
    calls: ['gitlab.createRunner', 'store.put', 'cloud.image', 'cloud.createServer', 'store.append'],
  },
  {
    name: 'a tick that drains, reaps and forgets',
    pass: ticking,
    prepare: leaving,
    recover: left,
    calls: ['gitlab.drainRunner', 'gitlab.unfinishedJobs', 'cloud.deleteServer', 'gitlab.deleteRunner', 'store.delete', 'store.put'],
  },
] as const;

describe.each(scenarios)('$name', ({ pass, prepare, recover, calls }) => {
  it('makes all the calls that are cut below', async () => {
    const p = await prepare();
    const whole = await until(p, pass, { call: 0, when: 'before' });
    expect(whole.diedAt).toBeUndefined();
    expect(whole.calls).toEqual(expect.arrayContaining([...calls]));
    await recover(p, 'whole');
  });

  it.each(['before', 'after'] as const)(
    'may die %s any of its calls: the ticks that follow mend it',
    async (when) => {
      const cut: string[] = [];
      for (let call = 1; ; call++) {
        const p = await prepare();
        const { diedAt } = await until(p, pass, { call, when });
        if (diedAt === undefined) break;
        cut.push(diedAt);
        await recover(p, `died ${when} call ${call}, ${diedAt}`);
        await p.farm.close();
      }
      expect(cut).toEqual(expect.arrayContaining([...calls]));
    },
    60_000,
  );
});

/** Calls that a farm makes in the life of its workers. */
const OPERATIONS = [
  'gitlab.graphql',
  'gitlab.runner-create',
  'gitlab.runner-update',
  'gitlab.runner-jobs',
  'gitlab.runner-delete',
  'ims.images',
  'ecs.list',
  'ecs.create',
  'ecs.operation',
  'ecs.delete',
  'obs.get',
  'obs.put',
  'obs.append',
  'obs.delete',
] as const;

describe.each([
  { kind: 'lost', what: 'carried out, and their answer lost' },
  { kind: 'reset', what: 'cut before they are carried out' },
] as const)('calls that are $what', ({ kind }) => {
  it.each(OPERATIONS)('%s: every job is served and nothing is left over', async (operation) => {
    const pools = [{ limit: LIMIT, idle_count: 1, idle_time: 10, boot_timeout: 120 }];
    // Listed so late that operations must be asked for.
    const p = await startTestFarm({
      hooks: false,
      pools,
      times: { ...FAST_MACHINES.times, listLagMs: 90 * SECOND },
      worker: FAST_MACHINES.worker,
      composeServices: impatientServices(),
    });
    for (let minute = 0; minute < 10; minute++) {
      p.clock.after(minute * MINUTE + 30 * SECOND, () => {
        p.faults.clear();
        p.faults.inject({ operation, times: 1, kind });
      });
    }
    p.push(Array.from({ length: 3 }, () => ({ durationMs: 2 * MINUTE })));
    await p.advance(10 * MINUTE);
    await p.settle(6 * MINUTE, () => p.hasServed() && p.series().at(-1)?.machines === '1' && p.series().at(-1)?.idle === '1');
    expect(p.faults.calls(operation)).toBeGreaterThan(0);
    expect(p.jobs().map((j) => j.status)).toEqual(['success', 'success', 'success']);
    expect(p.series().at(-1)).toMatchObject({ machines: '1', idle: '1' });
    expectTidy(p, operation);
  });
});
