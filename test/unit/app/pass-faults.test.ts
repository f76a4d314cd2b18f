import { describe, expect, it } from 'vitest';
import type { Cloud } from '../../../lib/app/ports/index.ts';
import { QuotaError } from '../../../lib/core/errors.ts';
import { farm, run, START, TURNSTILE } from './fake-farm.ts';

/** The object with all that is in it; the read with this number, of whatever but names, throws. */
function explosive<T extends object>(target: T, fuse: { left: number }): T {
  return new Proxy(target, {
    get(object, key) {
      const value: unknown = Reflect.get(object, key);
      if (typeof key === 'symbol' || key === 'name') return value;
      if (--fuse.left === 0) throw new RangeError('Invalid time value');
      return value;
    },
  });
}

/** Every method of the object; the call with this number throws, before it does anything. */
function failing<T extends object>(target: T, fuse: { left: number }): T {
  return new Proxy(target, {
    get(object, key) {
      const value: unknown = Reflect.get(object, key);
      if (typeof value !== 'function') return value;
      return (...args: unknown[]) => {
        if (--fuse.left === 0) throw new RangeError('Invalid time value');
        return value.apply(object, args);
      };
    },
  });
}

describe('a mistake at any place of a pass', () => {
  it('about one pool: the other pool is served, counted and recorded, and the turnstile is free', async () => {
    let throwing = 0;
    for (let place = 1; ; place++) {
      const { services, settings, store, servers, lines } = farm();
      const fuse = { left: place };
      const [good, bad] = settings.pools;
      if (!good || !bad) throw new Error('two pools');
      const result = await run(services, { ...settings, pools: [good, { ...bad, pool: explosive(bad.pool, fuse) }] });
      const seen = {
        passes: result.reports.length,
        served: servers.filter((name) => name.startsWith('one-')).length,
        counted: store.text('counts/v1/day/2026/11/2026-11-23.csv').includes('Z,one,'),
        latest: store.text('counts/v1/latest.json') !== '',
        recorded: /"kind":"plan"[^\n]*"pool":"one"/.test(store.text('ledger/v1/2026/11/23/16.ndjson')),
        remembered: store.text('state/v1/pools/one.json') !== '',
        turnstile: store.text(TURNSTILE).trimEnd().split('\n').at(-1)?.includes('"free"'),
      };
      expect([place, seen]).toEqual([
        place,
        { passes: 1, served: 1, counted: true, latest: true, recorded: true, remembered: true, turnstile: true },
      ]);
      if (fuse.left > 0) break;
      throwing++;
      // Nothing is passed over in silence.
      expect(lines.filter(({ level }) => level !== 'info').length).toBeGreaterThan(0);
    }
    expect(throwing).toBeGreaterThan(15);
  });

  it('at any call to the outside: the pass ends, the turnstile is free, and a later tick serves every job', async () => {
    let throwing = 0;
    for (let place = 1; ; place++) {
      const { services, settings, store, servers } = farm();
      const fuse = { left: place };
      const broken = Object.fromEntries(
        (['forge', 'cloud', 'store', 'worker'] as const).map((port) => [port, failing<object>(services[port], fuse)]),
      );
      const notifiers = services.notifiers.map((notifier) => failing(notifier, fuse));
      expect((await run({ ...services, ...broken, notifiers }, settings)).reports.length).toBeGreaterThan(0);
      // Longer than ordering is paused after a refusal.
      await services.clock.sleep(600_000);
      await run(services, settings);
      expect([place, store.text(TURNSTILE).trimEnd().split('\n').at(-1)]).toEqual([place, expect.stringContaining('"free"')]);
      for (const pool of ['one-', 'two-']) expect(servers.some((name) => name.startsWith(pool))).toBe(true);
      if (fuse.left > 0) break;
      throwing++;
    }
    expect(throwing).toBeGreaterThan(30);
  });
});

describe('a number in the bucket', () => {
  const times = [9e15, -9e15, 8.7e15, 253_402_300_800_000, 1e300];

  it.each(times)('that is no time (%d) stops no pass and no launch', async (time) => {
    const { services, settings, store, servers } = farm();
    const put = (key: string, value: unknown) => store.put(key, JSON.stringify(value));
    await put('control/v1/roll/one.json', { version: 1, since: time, until: time, before: time });
    await put('control/v1/keep/one-01jdcz3n4qj9zk5t7v8w9x0y1z.json', { version: 1, since: 1, until: time });
    const launch = { name: 'one-x', at: time, flavor: 'f', zone: 'z', listed: false, outcome: 'pending' };
    await put('state/v1/pools/one.json', {
      launches: [launch],
      refusals: [{ flavor: 'f', zone: 'z', code: 'c', until: time }],
      pause: { until: time, code: 'c', message: 'm' },
      idle: { x: { since: time, done: time } },
      passedOver: { 1: { tries: 1, lastAt: time } },
    });
    const alarm = { kind: 'hook', text: 't', since: time, seen: time, state: 'raised' };
    const farmView = { version: 1, time: 'x', installation: 'i', pools: [], workers: [], waiting: [], actions: [], managers: [] };
    await put('counts/v1/farm.json', { ...farmView, alarms: [alarm], hookLookedAt: time });
    await store.append(TURNSTILE, 0, `${JSON.stringify({ op: 'take', id: 'x', at: time, until: time })}\n`);
    const result = await run(services, settings);
    expect([result.turnstile, servers.length]).toEqual(['ran', 2]);
    expect(store.text('counts/v1/latest.json')).toContain('"pool":"one"');
  });

  it('that is a time, far ahead, keeps no pool from launching', async () => {
    const { services, settings, store, servers } = farm();
    const far = Date.UTC(2400, 0, 1);
    const launch = { name: 'one-x', flavor: 'f', zone: 'z', listed: true };
    const failed = [1, 2, 3, 4].map((i) => ({ ...launch, name: `one-${i}`, at: START - i, outcome: 'failed', settledAt: far }));
    const memory = {
      launches: [...failed, { ...launch, at: far, outcome: 'pending', jobId: 1 }],
      refusals: [],
      pause: { until: far, code: 'c', message: 'm' },
      idle: {},
      passedOver: { 1: { tries: 9, lastAt: far } },
      attempts: { inVain: 9, lastAt: far },
    };
    await store.put('state/v1/pools/one.json', JSON.stringify(memory));
    await run(services, settings);
    expect(servers.filter((name) => name.startsWith('one-'))).toHaveLength(1);
  });

  it('that rolls workers which are not born yet is named as one that cannot be read', async () => {
    const { services, settings, store } = farm();
    await store.put('control/v1/roll/one.json', JSON.stringify({ version: 1, since: START, before: START + 600_000 }));
    await run(services, settings);
    expect(store.text('counts/v1/farm.json')).toContain('control/v1/roll/one.json cannot be read');
  });

  it('that is a time, far ahead, does not take the place of what the pool learns', async () => {
    const { services, settings, store } = farm();
    const far = Date.UTC(2400, 0, 1);
    const memory = {
      launches: [],
      refusals: [],
      idle: {},
      pause: { until: far, code: 'c', message: 'm', refused: { kind: 'quota', at: far, tries: 9, machines: 0 } },
      passedOver: { 1: { tries: 9, lastAt: far } },
      attempts: { inVain: 9, lastAt: far },
      watched: { 1: { projectId: 1, queuedAt: far } },
      suspects: { 'one-x': { since: far, jobId: 1, done: 0 } },
    };
    await store.put('state/v1/pools/one.json', JSON.stringify(memory));
    let orders = 0;
    const cloud: Cloud = {
      ...services.cloud,
      createServer: ({ name }) => {
        if (name.startsWith('one-')) orders += 1;
        return Promise.reject(new QuotaError('Ecs.0042', 'cores'));
      },
    };
    await run({ ...services, cloud }, settings);
    await services.clock.sleep(60_000);
    await run({ ...services, cloud }, settings);
    expect(orders).toBe(1);
    const known = JSON.parse(store.text('state/v1/pools/one.json'));
    expect(known).toMatchObject({ pause: { code: 'Ecs.0042', refused: { tries: 1 } }, passedOver: {}, watched: {}, suspects: {} });
    expect(known.attempts).toBe(undefined);
  });
});
