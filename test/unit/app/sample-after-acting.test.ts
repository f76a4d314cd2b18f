import { describe, expect, it } from 'vitest';
import { reconcileOnTimer } from '../../../lib/app/reconcile/entry-points.ts';
import type { Services } from '../../../lib/app/services.ts';
import type { Settings } from '../../../lib/app/settings.ts';
import { farm } from './fake-farm.ts';

const DAY = 'counts/v1/day/2026/11/2026-11-23.csv';

/** Two pools with a job each; the order for the second never gets an answer until `release` is called. */
function stuck() {
  const { services, settings, store, servers } = farm();
  let release = () => {};
  const held = new Promise<void>((resolve) => {
    release = resolve;
  });
  const { createServer } = services.cloud;
  const slow: Services = {
    ...services,
    cloud: {
      ...services.cloud,
      createServer: async (order, options) => {
        if (order.name.startsWith('two-')) await held;
        return await createServer(order, options);
      },
    },
  };
  /** `unmet` and `coming` of each pool, as they stand in the day. */
  const counted = () => {
    const [head = '', ...lines] = store.text(DAY).trimEnd().split('\n');
    const columns = head.split(',');
    return lines.map((line) => ['pool', 'unmet', 'coming'].map((column) => line.split(',')[columns.indexOf(column)]));
  };
  return { services: slow, settings, store, servers, release, counted };
}

function pass(services: Services, settings: Settings) {
  const [act, all] = [new AbortController(), new AbortController()];
  const deadline = { act: act.signal, all: all.signal };
  const done = reconcileOnTimer({ services, settings, scaler: { trigger: async () => undefined }, deadline, holdMs: 60_000 }, 'timer');
  return { act, done };
}

/** Long enough for everything that waits for nothing. */
const settle = () => new Promise((resolve) => setTimeout(resolve, 50));

describe('a minute whose actions take too long', () => {
  it('is counted when the time for acting is up, with what is known by then', async () => {
    const { services, settings, store, servers, release, counted } = stuck();
    const { act, done } = pass(services, settings);
    await settle();
    expect([servers.length, store.text(DAY)]).toEqual([1, '']);
    act.abort();
    await settle();
    expect(counted()).toEqual([
      ['one', '0', '1'],
      ['two', '1', '0'],
    ]);
    expect(JSON.parse(store.text('counts/v1/latest.json')).pools).toMatchObject([{ coming: 1 }, { coming: 0, unmet: 1 }]);
    release();
    expect((await done).reports).toHaveLength(1);
    expect(counted()).toHaveLength(2);
  });

  it('waits for them as long as there is time', async () => {
    const { services, settings, release, counted } = stuck();
    const { done } = pass(services, settings);
    await settle();
    expect(counted()).toEqual([]);
    release();
    await done;
    expect(counted()).toEqual([
      ['one', '0', '1'],
      ['two', '0', '1'],
    ]);
  });
});

it('a minute in which acting fails is counted: what was ordered is on its way, and the other job has no worker', async () => {
  const { services, settings, counted, release } = stuck();
  release();
  const broken: Services = {
    ...services,
    cloud: {
      ...services.cloud,
      createServer: async (order, options) => {
        if (order.name.startsWith('two-')) throw new TypeError('x is not a function');
        return await services.cloud.createServer(order, options);
      },
    },
  };
  await pass(broken, settings).done;
  expect(counted()).toEqual([
    ['one', '0', '1'],
    ['two', '1', '0'],
  ]);
});
