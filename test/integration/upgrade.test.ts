import { describe, expect, it } from 'vitest';
import { putControl } from '../../lib/app/controls/store.ts';
import { readPoolState } from '../../lib/app/reconcile/pool-state-store.ts';
import { readFarm } from '../../lib/app/status/schema.ts';
import { loadConfigText } from '../../lib/config/load/yaml.ts';
import { secretReader } from '../../lib/runtime/functiongraph/secret-source.ts';
import { createReaper } from '../../lib/runtime/handlers/reaper.ts';
import { createScaler } from '../../lib/runtime/handlers/scaler.ts';
import { createWebhook } from '../../lib/runtime/handlers/webhook.ts';
import { createLog } from '../../lib/runtime/log.ts';
import { farmDocument } from '../../testkit/farm.ts';
import { FAST_MACHINES, impatientServices, MINUTE, SECOND, startTestFarm, type TestFarm } from '../../testkit/test-farm.ts';

const LIMIT = 5;
const FAST = { ...FAST_MACHINES, composeServices: impatientServices() };
const POOL = { limit: LIMIT, idle_count: 1, idle_time: 60, max_builds: 3, boot_timeout: 120 };

/** Puts another release of the functions, or another configuration, into the place of those that run. Calls under way end with the old one. */
function upgrade(p: TestFarm, pool: Readonly<Record<string, unknown>>, more: Readonly<Record<string, unknown>> = {}): void {
  const config = loadConfigText(JSON.stringify({ ...farmDocument(p.sandbox, { pools: [pool] }), ...more }), 'json');
  const parts = (name: string) => ({
    clock: p.clock,
    loadConfig: () => config,
    readSecret: secretReader({}),
    composeServices: impatientServices(),
    log: createLog({ clock: p.clock, fields: { function: name, release: 2 }, write: (line) => void p.logs.push(line) }),
  });
  const made = {
    webhook: () => createWebhook(parts('webhook')),
    scaler: () => createScaler(parts('scaler')),
    reaper: () => createReaper(parts('reaper')),
  };
  for (const name of ['webhook', 'scaler', 'reaper'] as const) {
    const limits = { timeoutMs: name === 'webhook' ? 10_000 : 60_000, maxInstances: 20, asyncRetries: 0, memoryMb: 256 };
    p.sandbox.functions.register({ name, handler: made[name](), load: made[name], userData: p.farm.secrets, ...limits });
  }
}

/** Jobs come and go for a quarter of an hour. */
function keepBusy(p: TestFarm, count: number): void {
  let n = 0;
  const next = (): void => {
    p.push([{ durationMs: (40 + ((n * 97) % 300)) * SECOND }]);
    n += 1;
    if (n < count) p.clock.after((10 + ((n * 53) % 40)) * SECOND, next);
  };
  p.clock.after(0, next);
}

describe('an upgrade while jobs run', () => {
  it('with old calls still under way kills no job, starts nothing twice, and both understand what the other wrote', async () => {
    const p = await startTestFarm({ ...FAST, pools: [POOL] });
    keepBusy(p, 30);
    await p.advance(5 * MINUTE);
    // Each minute, just as a tick of the old release is under way; and back again, as one does when the new one is bad.
    for (let i = 0; i < 6; i++) {
      const old = p.farm.tick();
      upgrade(p, POOL);
      const fresh = p.farm.tick();
      await p.advance(MINUTE + 7 * SECOND);
      await Promise.all([old, fresh]);
    }
    await p.advance(30 * MINUTE);
    expect(p.logged('call done').filter((line) => line.release === 2).length).toBeGreaterThan(5);
    expect([p.gitlab.killedJobs, new Set(p.jobs().map((job) => job.status))]).toEqual([[], new Set(['success'])]);
    expect(p.mostMachines).toBeLessThanOrEqual(LIMIT);
    const times = p.series().map((row) => row.time);
    expect(new Set(times).size).toBe(times.length);
    expect(p.vms()).toHaveLength(1);
  });

  it('reads what a newer release has written, with members and kinds that it does not know', async () => {
    const p = await startTestFarm({ ...FAST, pools: [POOL] });
    p.push([{ durationMs: 20 * MINUTE }, { durationMs: MINUTE }]);
    await p.advance(3 * MINUTE);
    const newer = async (key: string, change: (old: Record<string, unknown>) => object) => {
      const text = JSON.stringify(change(JSON.parse(p.text(key)) as Record<string, unknown>));
      await p.run(({ store }) => store.put(key, text));
    };
    await newer('state/v1/pools/pool0.json', (old) => {
      const launches = (old.launches as object[]).map((launch) => ({ ...launch, spot: true }));
      return { ...old, launches, forecast: { at: 1 } };
    });
    await newer('counts/v1/farm.json', (old) => {
      const strange = { kind: 'forecast', text: 'rain', since: 1, seen: 1, state: 'raised' };
      return { ...old, alarms: [strange], controls: [{ kind: 'freeze', target: 'pool0', since: 'now' }], weather: 'fair' };
    });
    const [memory, farm] = await p.run(({ store }) => Promise.all([readPoolState(store, 'pool0', {}), readFarm(store, {})]));
    expect([memory.launches.length, farm?.alarms, farm?.controls, farm?.workers.length]).toEqual([
      p.count('server-created'),
      [],
      [],
      p.vms().length,
    ]);
    const created = p.count('server-created');
    await p.advance(5 * MINUTE);
    expect([p.gitlab.killedJobs, p.count('server-created'), p.logged('call failed')]).toEqual([[], created, []]);
  });

  it('begins afresh where a newer release has written what cannot be understood, and deletes nothing for it', async () => {
    const p = await startTestFarm({ ...FAST, pools: [POOL] });
    p.push([{ durationMs: 20 * MINUTE }]);
    await p.advance(3 * MINUTE);
    const machines = p.vms().map((vm) => vm.id);
    await p.run(({ store }) => store.put('state/v1/pools/pool0.json', JSON.stringify({ launches: 'elsewhere' })));
    await p.advance(3 * MINUTE);
    expect([p.vms().map((vm) => vm.id), p.gitlab.killedJobs]).toEqual([machines, []]);
  });
});

describe('a changed image, flavor or machine in scaler.yml', () => {
  const flavors = (p: TestFarm) => p.vms().map((vm) => vm.order.flavor.id);
  const moved = (p: TestFarm) => {
    const machine = { ...(farmDocument(p.sandbox, {}).machine as object), flavors: ['c3.4xlarge.2'] };
    upgrade(p, { ...POOL, idle_time: 3600, idle_count: 2 }, { machine });
  };

  it('holds for new workers; those that are there stay as they are', async () => {
    const p = await startTestFarm({ ...FAST, pools: [{ ...POOL, idle_time: 3600, idle_count: 2 }] });
    await p.advance(3 * MINUTE);
    moved(p);
    p.push([{ durationMs: 10 * MINUTE }]);
    await p.advance(4 * MINUTE);
    expect([...flavors(p)].sort()).toEqual(['c3.4xlarge.2', 'c4.2xlarge.2', 'c4.2xlarge.2']);
  });

  it('reaches every worker by a roll, and the job that runs is finished first', async () => {
    const p = await startTestFarm({ ...FAST, pools: [{ ...POOL, idle_time: 3600, idle_count: 2 }] });
    p.push([{ durationMs: 12 * MINUTE }]);
    await p.advance(3 * MINUTE);
    moved(p);
    await p.run(({ store, clock }) => putControl(store, { kind: 'roll', target: 'pool0', since: clock.now(), before: clock.now() }));
    await p.advance(5 * MINUTE);
    expect([...flavors(p)].sort()).toEqual(['c3.4xlarge.2', 'c3.4xlarge.2', 'c4.2xlarge.2']);
    await p.advance(10 * MINUTE);
    expect([flavors(p), p.jobs().map((job) => job.status), p.gitlab.killedJobs]).toEqual([
      ['c3.4xlarge.2', 'c3.4xlarge.2'],
      ['success'],
      [],
    ]);
  });
});
