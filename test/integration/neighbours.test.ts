import { describe, expect, it } from 'vitest';
import { reconcileOnTimer, scaleUpOnHook } from '../../lib/app/reconcile/entry-points.ts';
import { readPoolState } from '../../lib/app/reconcile/pool-state-store.ts';
import type { Services } from '../../lib/app/services.ts';
import { handoffKey } from '../../lib/core/keys.ts';
import { FAST_MACHINES, impatientServices, MINUTE, SECOND, startTestFarm, type TestFarm } from '../../testkit/test-farm.ts';

const NO_END = { act: new AbortController().signal, all: new AbortController().signal };
const SCALER = { trigger: async () => undefined };
const HOLD_MS = 2 * MINUTE;
const MEMORY = 'state/v1/pools/pool0.json';
const quietly = { ...FAST_MACHINES, hooks: false, timer: false, composeServices: impatientServices() } as const;

const known = (p: TestFarm) => p.run(({ store }) => readPoolState(store, 'pool0', {}));
const handoffs = (p: TestFarm) => p.keys('handoff/');

/** The same services, each answer of which takes so long, and the put of the memory so long. */
function slow(services: Services, ms: number, putMs = ms): Services {
  const slowly = <T extends object>(port: T): T =>
    new Proxy(port, {
      get: (target, name) => {
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        if (name === 'presignGet') return member.bind(target);
        return async (...args: unknown[]) => {
          await services.clock.sleep(name === 'put' && args[0] === MEMORY ? putMs : ms);
          return Reflect.apply(member, target, args);
        };
      },
    });
  return { ...services, forge: slowly(services.forge), cloud: slowly(services.cloud), store: slowly(services.store) };
}

describe('a tick beside a slow holder of the turnstile', () => {
  // The holder observes after 18 s, orders after 36 s, looks at the memory again after 48 s, and its put lands after `putMs` more. The first worker boots
  // after the holder has observed and before the tick does, which waits for the holder for 15 s.
  it.each([
    { name: 'it is as slow', tickMs: 6 * SECOND, begins: 14 * SECOND, putMs: 6 * SECOND },
    { name: 'it is done before', tickMs: 0, begins: 16 * SECOND, putMs: 6 * SECOND },
    { name: 'it is done meanwhile', tickMs: 0, begins: 35 * SECOND, putMs: MINUTE },
  ])('and both forget nothing of what either has learned: $name', async ({ tickMs, begins, putMs }) => {
    const worker = { bootMs: 32 * SECOND };
    const p = await startTestFarm({ ...quietly, worker, pools: [{ limit: 6, idle_count: 1, boot_timeout: 300 }] });
    await p.tick();
    const [first] = p.vms();
    p.push(4);
    const call = { settings: p.farm.config.settings, scaler: SCALER, deadline: NO_END, holdMs: HOLD_MS };
    const holder = p.clock.track(scaleUpOnHook({ ...call, services: slow(p.farm.services(), 6 * SECOND, putMs) }));
    await p.advance(begins);
    const beside = p.clock.track(reconcileOnTimer({ ...call, services: slow(p.farm.services(), tickMs) }, 'timer'));
    await p.advance(3 * MINUTE);
    const [held, passed] = [await holder, await beside];
    expect([held.turnstile, passed.turnstile]).toEqual(['ran', 'held']);
    const launched = p.vms().map(({ name }) => name);
    expect(launched.length).toBeGreaterThan(2);
    const { launches } = await known(p);
    // The holder's: what it launched. The tick's: that the first one, which the holder saw booting, has booted.
    expect(launches.map(({ name }) => name)).toEqual(expect.arrayContaining(launched));
    expect(launches.find(({ name }) => name === first?.name)?.outcome).toBe('booted');
    await p.tick();
    expect(handoffs(p)).toEqual([]);
  });
});

describe('a handoff', () => {
  const launched = async (bootMs = 10 * SECOND) => {
    const p = await startTestFarm({ ...quietly, worker: { bootMs }, pools: [{ limit: 6, idle_count: 2, boot_timeout: 120 }] });
    await p.tick();
    expect(handoffs(p)).toHaveLength(2);
    return p;
  };

  it('goes with the first tick after the contact, although the memory knows nothing of its launch', async () => {
    const p = await launched();
    p.bucket().delete(MEMORY);
    await p.advance(20 * SECOND);
    await p.tick();
    expect([handoffs(p), p.vms().length]).toEqual([[], 2]);
  });

  it('goes with a later one when it cannot be deleted', async () => {
    const p = await launched();
    await p.advance(20 * SECOND);
    p.faults.inject({ operation: 'obs.delete', times: 100, status: 403, code: 'AccessDenied' });
    await p.tick();
    expect(handoffs(p)).toHaveLength(2);
    expect(p.logged('handoffs not deleted; the next tick tries again')).toHaveLength(1);
    p.faults.clear();
    await p.tick();
    expect(handoffs(p)).toEqual([]);
  });

  it('stays while its worker boots, even when the memory is lost', async () => {
    const p = await launched(80 * SECOND);
    p.bucket().delete(MEMORY);
    await p.advance(30 * SECOND);
    await p.tick();
    expect(handoffs(p)).toHaveLength(2);
    await p.advance(MINUTE);
    await p.tick();
    expect([handoffs(p), p.vms().length]).toEqual([[], 2]);
  });

  it('of a worker that nobody knows stays as long as it could be fetched, and one of a pool that nobody knows stays', async () => {
    const p = await launched();
    const put = (name: string) => p.run(({ store }) => store.put(handoffKey(name), 'token = "x"'));
    const name = p.run(async (services) => `pool0-${services.ulid(p.clock.now()).toLowerCase()}`);
    await put(await name);
    await put('other-01jd0000000000000000000000');
    await p.advance(20 * SECOND);
    await p.tick();
    expect(handoffs(p)).toEqual([handoffKey('other-01jd0000000000000000000000'), handoffKey(await name)]);
    await p.advance(2 * MINUTE);
    await p.tick();
    expect(handoffs(p)).toEqual([handoffKey('other-01jd0000000000000000000000')]);
  });
});
