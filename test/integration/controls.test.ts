import { describe, expect, it } from 'vitest';
import { withinDeadline } from '../../cli/shared/environment.ts';
import { renderReport } from '../../cli/shared/output.ts';
import { drainPools, endControl, putControl } from '../../lib/app/controls/store.ts';
import { explainJob, explainWorker } from '../../lib/app/ledger/explain.ts';
import { dryExecutor } from '../../lib/app/reconcile/executor.ts';
import { reconcile } from '../../lib/app/reconcile/reconcile.ts';
import { FarmStatus } from '../../lib/app/status/schema.ts';
import { ALL_POOLS, type Control } from '../../lib/core/controls.ts';
import { FARM_KEY } from '../../lib/core/keys.ts';
import {
  FAST_MACHINES,
  HOUR,
  impatientServices,
  MINUTE,
  SECOND,
  startTestFarm,
  type TestFarm,
  type TestFarmOptions,
} from '../../testkit/test-farm.ts';

const FAST = {
  ...FAST_MACHINES,
  composeServices: impatientServices(),
  pools: [{ limit: 4, idle_time: 600, boot_timeout: 120 }],
} satisfies TestFarmOptions;

type Said = Omit<Control, 'since' | 'target'> & { readonly target?: string };

function say(p: TestFarm, control: Said): Promise<void> {
  return p.run(({ store, clock }) => putControl(store, { target: 'pool0', since: clock.now(), ...control }));
}

function takeBack(p: TestFarm, kind: Control['kind'], target = 'pool0'): Promise<void> {
  return p.run(({ store }) => endControl(store, kind, target));
}

function statuses(p: TestFarm): readonly string[] {
  return p.jobs().map((job) => job.status);
}

/** What was done to machines and runners from outside them. */
function done(p: TestFarm, from: number) {
  const count = (kind: string) => p.count(kind, from);
  return {
    created: count('server-created'),
    paused: count('runner-paused'),
    deleted: count('server-deleted'),
    forgotten: count('runner-deleted'),
  };
}
const NOTHING = { created: 0, paused: 0, deleted: 0, forgotten: 0 };

describe('pause', () => {
  it.each([{ target: 'pool0' }, { target: ALL_POOLS }])(
    'of $target: nothing is created or deleted, jobs that run go on, and all goes on afterwards',
    async ({ target }) => {
      const p = await startTestFarm({ ...FAST, pools: [{ limit: 4, idle_time: 60, max_builds: 1, boot_timeout: 120 }] });
      p.push([{ durationMs: 3 * MINUTE }, { durationMs: 20 * MINUTE }]);
      await p.advance(2 * MINUTE);
      expect(statuses(p)).toEqual(['running', 'running']);
      await say(p, { kind: 'pause', target, by: 'eva', reason: 'the cloud is being mended' });
      const from = p.clock.now();
      p.push(2);
      await p.advance(10 * MINUTE);
      // The worker of the first job has left by itself and is off; not even that is removed.
      expect([done(p, from), p.count('server-off', from)]).toEqual([NOTHING, 1]);
      expect(statuses(p)).toEqual(['success', 'running', 'pending', 'pending']);
      const entries = await p.ledger();
      const waiting = explainJob(entries, p.jobs()[2]?.id ?? 0).lines.map((line) => line.text);
      expect(waiting.at(-1)).toMatch(/held back: the pool is paused by hand: scaler resume ends it$/);
      const off = p.vms().find((vm) => vm.status === 'SHUTOFF')?.name ?? '';
      expect(explainWorker(entries, off).lines.map((line) => line.text)).toContain('left alone: paused');

      await takeBack(p, 'pause', target);
      await p.advance(30 * MINUTE);
      expect([statuses(p), p.vms(), p.runners(), p.gitlab.killedJobs]).toEqual([Array(4).fill('success'), [], [], []]);
    },
  );

  it('ends by itself when its time is over', async () => {
    const p = await startTestFarm(FAST);
    await say(p, { kind: 'pause', until: p.clock.now() + 5 * MINUTE + 30 * SECOND });
    p.push(1);
    await p.advance(5 * MINUTE);
    expect(p.count('server-created')).toBe(0);
    await p.advance(7 * MINUTE);
    expect(statuses(p)).toEqual(['success']);
  });

  it('of one pool does not touch another, and a job that both may run goes to the other', async () => {
    const p = await startTestFarm({
      ...FAST,
      pools: [
        { name: 'a', tags: ['one', 'both'] },
        { name: 'b', tags: ['two', 'both'] },
      ],
    });
    await say(p, { kind: 'pause', target: 'a' });
    p.push([{ tags: ['one'] }, { tags: ['two'] }, { tags: ['both'] }]);
    await p.advance(8 * MINUTE);
    expect(statuses(p)).toEqual(['pending', 'success', 'success']);
  });

  it('that lasts raises an alarm', async () => {
    const p = await startTestFarm(FAST);
    await say(p, { kind: 'pause', by: 'eva' });
    await p.advance(4 * HOUR);
    const raised = () => p.logged('alarm').map(({ alarm, state, text }) => [alarm, state, text]);
    expect(raised()).toEqual([]);
    await p.advance(2 * MINUTE);
    expect(raised()).toEqual([['paused', 'raised', expect.stringMatching(/^paused since 2026-11-23T08:00:07Z: nothing is created/)]]);
    await takeBack(p, 'pause');
    await p.advance(2 * MINUTE);
    expect(raised().at(-1)).toEqual(['paused', 'cleared', expect.anything()]);
  });
});

describe('what is seen of it', () => {
  it('is in the farm’s view without who and why, in the ledger with them, and in the log', async () => {
    const p = await startTestFarm(FAST);
    await say(p, { kind: 'pause', by: 'eva', reason: 'the cloud is being mended', until: p.clock.now() + 10 * MINUTE });
    p.push(1);
    await p.advance(3 * MINUTE);
    const view = () => FarmStatus.parse(JSON.parse(p.text(FARM_KEY)));
    expect(view().controls).toEqual([{ kind: 'pause', target: 'pool0', since: '2026-11-23T08:00:07Z', until: '2026-11-23T08:10:07Z' }]);
    expect(p.text(FARM_KEY)).not.toMatch(/eva|mended/);
    const plan = await p.run((services) =>
      withinDeadline(60_000, (deadline) =>
        reconcile(
          { services, settings: p.farm.config.settings, deadline },
          { trigger: 'person', mayLaunch: true, mayRemove: true },
          dryExecutor,
        ),
      ),
    );
    expect(renderReport(plan)).toContain(
      '  by hand: pool pool0 is paused: nothing is created, nothing deleted until 2026-11-23T08:10:07Z (eva: the cloud is being mended)',
    );
    await p.advance(16 * MINUTE);
    expect([view().controls, statuses(p)]).toEqual([[], ['success']]);
    const entries = await p.ledger();
    expect(entries.filter((e) => e.kind === 'control').map((e) => [e.state, e.subject, e.by, e.reason])).toEqual([
      ['begun', 'pool0', 'eva', 'the cloud is being mended'],
      ['ended', 'pool0', undefined, undefined],
    ]);
    expect(explainJob(entries, p.jobs()[0]?.id ?? 0).lines.map((line) => line.text)).toContain(
      'pool pool0 is paused: nothing is created, nothing deleted until 2026-11-23T08:10:07Z (eva: the cloud is being mended)',
    );
    expect(p.logged('control').map(({ state, by }) => [state, by])).toEqual([
      ['begun', 'eva'],
      ['ended', undefined],
    ]);
    expect(p.logged('plan')[0]).toMatchObject({ controls: ['pause pool0'] });
  });
});

describe('drain', () => {
  it('brings a pool to zero: idle workers at once, busy ones after their job though others wait, and no job is killed', async () => {
    const p = await startTestFarm({ ...FAST, pools: [{ limit: 6, idle_count: 2, idle_time: 3600, boot_timeout: 120 }] });
    p.push([{ durationMs: 15 * MINUTE }]);
    await p.advance(3 * MINUTE);
    expect(p.series().at(-1)).toMatchObject({ busy: '1', idle: '2' });
    const from = p.clock.now();
    await p.run(({ store, clock }) => drainPools(store, ['pool0'], { now: clock.now(), by: 'eva' }));
    await p.advance(5 * MINUTE);
    expect([p.vms().length, done(p, from)]).toEqual([1, { created: 0, paused: 3, deleted: 2, forgotten: expect.any(Number) }]);
    p.push(2);
    await p.advance(20 * MINUTE);
    expect([p.vms(), p.runners(), statuses(p)]).toEqual([[], [], ['success', 'pending', 'pending']]);
    await p.advance(10 * MINUTE);
    expect(p.count('server-created', from)).toBe(0);

    await takeBack(p, 'drain');
    await p.advance(10 * MINUTE);
    expect([statuses(p), p.gitlab.killedJobs]).toEqual([Array(3).fill('success'), []]);
  });

  it('of workers that still boot takes them away before they take a job, and the breaker does not mind', async () => {
    const p = await startTestFarm({ ...FAST, worker: { bootMs: 10 * MINUTE }, pools: [{ limit: 6, boot_timeout: 1200 }] });
    p.push(3);
    await p.advance(MINUTE);
    expect(p.vms()).toHaveLength(3);
    await say(p, { kind: 'drain' });
    await p.advance(4 * MINUTE);
    expect([p.vms(), statuses(p)]).toEqual([[], Array(3).fill('pending')]);
    await takeBack(p, 'drain');
    await p.advance(20 * MINUTE);
    expect([p.count('server-created'), statuses(p)]).toEqual([6, Array(3).fill('success')]);
  });
});

describe('roll', () => {
  it('replaces the workers launched before it, idle ones at once and busy ones after their job, while launching goes on', async () => {
    const p = await startTestFarm({ ...FAST, pools: [{ limit: 6, idle_count: 2, idle_time: 3600, boot_timeout: 120 }] });
    p.push([{ durationMs: 15 * MINUTE }]);
    await p.advance(3 * MINUTE);
    const old = p.vms().map((vm) => vm.name);
    const from = p.clock.now();
    await say(p, { kind: 'roll', before: from });
    await p.advance(5 * MINUTE);
    const left = p.vms().map((vm) => vm.name);
    expect([left.filter((name) => old.includes(name)).length, left.length]).toEqual([1, 3]);
    await p.advance(20 * MINUTE);
    expect(p.vms().filter((vm) => old.includes(vm.name))).toEqual([]);
    expect([p.series().at(-1)?.idle, statuses(p), p.gitlab.killedJobs]).toEqual(['2', ['success'], []]);
    // Three left, and not one more came than was needed in their place.
    expect(p.count('server-created', from)).toBeLessThanOrEqual(3);
  });
});

describe('keep', () => {
  it('leaves one worker alone, off or not, until its time is over', async () => {
    const p = await startTestFarm({ ...FAST, pools: [{ limit: 4, idle_time: 120, boot_timeout: 120 }] });
    p.push(2);
    await p.advance(2 * MINUTE);
    const [kept] = p.vms();
    await say(p, { kind: 'keep', target: kept?.name ?? '', until: p.clock.now() + HOUR, by: 'eva', reason: 'why does it hang' });
    await p.advance(20 * MINUTE);
    expect(p.vms().map((vm) => [vm.name, vm.status])).toEqual([[kept?.name, 'SHUTOFF']]);
    const lines = explainWorker(await p.ledger(), kept?.name ?? '').lines.map((line) => line.text);
    expect(lines).toContain('left alone: kept');
    await p.advance(HOUR);
    expect([p.vms(), p.runners()]).toEqual([[], []]);
  });

  it('is stronger than a drain, and other workers take its place at once', async () => {
    const p = await startTestFarm({ ...FAST, pools: [{ limit: 4, idle_count: 1, idle_time: 3600, boot_timeout: 120 }] });
    await p.advance(2 * MINUTE);
    const [kept] = p.vms();
    await say(p, { kind: 'keep', target: kept?.name ?? '' });
    await say(p, { kind: 'drain' });
    await p.advance(10 * MINUTE);
    expect(p.vms().map((vm) => [vm.name, vm.status])).toEqual([[kept?.name, 'ACTIVE']]);
    await takeBack(p, 'keep', kept?.name);
    await p.advance(5 * MINUTE);
    expect(p.vms()).toEqual([]);
  });
});

describe('what cannot be read', () => {
  const wanting = async () => {
    const p = await startTestFarm({ ...FAST, pools: [{ limit: 4, idle_time: 60, max_builds: 1, boot_timeout: 120 }] });
    p.push([{ durationMs: MINUTE }]);
    await p.advance(MINUTE);
    return p;
  };

  it('the list of controls: launching goes on, nothing is deleted, and it is told', async () => {
    const p = await wanting();
    p.faults.inject({ operation: 'obs.list', times: 1_000_000, status: 403, code: 'AccessDenied' });
    p.push([{ durationMs: MINUTE }]);
    const from = p.clock.now();
    await p.advance(6 * MINUTE);
    expect([done(p, from), statuses(p)]).toEqual([{ ...NOTHING, created: 1 }, ['success', 'success']]);
    expect(p.logged('source unread').map((line) => line.source)).toContain('controls');
    p.faults.clear();
    await p.advance(4 * MINUTE);
    expect([p.vms(), p.runners()]).toEqual([[], []]);
  });

  it.each([
    { name: 'not JSON', body: '{"version":1,' },
    { name: 'a newer version', body: '{"version":2,"since":1}' },
    { name: 'a key too many', body: '{"version":1,"since":1,"except":["x"]}' },
    { name: 'empty', body: '' },
  ])('a pause whose content is $name holds all the same', async ({ body }) => {
    const p = await wanting();
    await p.run(({ store }) => store.put('control/v1/pause/pool0.json', body));
    p.push(1);
    const from = p.clock.now();
    await p.advance(6 * MINUTE);
    expect([done(p, from), p.logged('control unreadable').length > 0]).toEqual([NOTHING, true]);
    await takeBack(p, 'pause');
    await p.advance(10 * MINUTE);
    expect([statuses(p), p.vms()]).toEqual([['success', 'success'], []]);
  });

  it('a pause that cannot be read any more is not told as over', async () => {
    const p = await wanting();
    await say(p, { kind: 'pause' });
    await p.advance(2 * MINUTE);
    await p.run(({ store }) => store.put('control/v1/pause/pool0.json', 'nonsense'));
    await p.advance(2 * MINUTE);
    const told = async () => (await p.ledger()).filter((e) => e.kind === 'control').map((e) => e.state);
    expect(await told()).toEqual(['begun']);
    await takeBack(p, 'pause');
    await p.advance(2 * MINUTE);
    expect(await told()).toEqual(['begun', 'ended']);
  });

  it('a drain whose content cannot be read launches nothing, and removes nothing more than otherwise', async () => {
    const p = await startTestFarm({ ...FAST, pools: [{ limit: 4, idle_count: 1, idle_time: 3600, boot_timeout: 120 }] });
    await p.advance(2 * MINUTE);
    await p.run(({ store }) => store.put('control/v1/drain/pool0.json', 'nonsense'));
    const from = p.clock.now();
    p.push(3);
    await p.advance(3 * MINUTE);
    expect(done(p, from)).toEqual(NOTHING);
  });

  it('a kind that only a newer version knows: nothing is deleted', async () => {
    const p = await wanting();
    await p.run(({ store }) => store.put('control/v1/freeze/pool0.json', '{}'));
    const from = p.clock.now();
    p.push([{ durationMs: MINUTE }]);
    await p.advance(6 * MINUTE);
    expect([done(p, from), statuses(p)]).toEqual([{ ...NOTHING, created: 1 }, ['success', 'success']]);
  });
});
