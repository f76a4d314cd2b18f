import { describe, expect, it } from 'vitest';
import { drainPools, endControl, putControl, readControls } from '../../../../lib/app/controls/store.ts';
import { ALL_POOLS, type Control } from '../../../../lib/core/controls.ts';
import { UnclearError } from '../../../../lib/core/errors.ts';
import { MemoryStore } from '../../../../testkit/memory-store.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const WORKER = 'bake-01k3zzzzzzzzzzzzzzzzzzzzzz';

describe('controls in the bucket', () => {
  it('come back as they were said, and are gone when taken back', async () => {
    const store = new MemoryStore();
    const all: readonly Control[] = [
      { kind: 'drain', target: 'bake-arm', since: NOW, by: 'eva', reason: 'moving' },
      { kind: 'keep', target: WORKER, since: NOW, until: NOW + 1000 },
      { kind: 'pause', target: ALL_POOLS, since: NOW },
      { kind: 'roll', target: 'bake', since: NOW, before: NOW },
    ];
    for (const control of all) await putControl(store, control);
    expect(await readControls(store)).toEqual(all);
    await endControl(store, 'keep', WORKER);
    await endControl(store, 'keep', WORKER);
    expect(await readControls(store)).toEqual(all.filter(({ kind }) => kind !== 'keep'));
  });

  it('of two people at once are both there', async () => {
    const store = new MemoryStore();
    await Promise.all([
      drainPools(store, ['a', 'b'], { now: NOW, by: 'eva' }),
      putControl(store, { kind: 'pause', target: 'a', since: NOW }),
    ]);
    expect((await readControls(store)).map(({ kind, target }) => `${kind} ${target}`)).toEqual(['drain a', 'drain b', 'pause a']);
  });

  it.each(['', 'null', '[]', '{"version":2,"since":1}', '{"since":1}', '{"version":1,"since":"now"}', '{"version":1,"since":1,"more":1}'])(
    'whose content is %j are there all the same, as ones that cannot be read',
    async (body) => {
      const store = new MemoryStore();
      await store.put('control/v1/pause/bake.json', body);
      expect(await readControls(store)).toEqual([{ kind: 'pause', target: 'bake', since: 0, unreadable: true }]);
    },
  );

  it('that cannot be fetched are there all the same; what was taken back in between is not', async () => {
    const store = new MemoryStore();
    await putControl(store, { kind: 'pause', target: 'bake', since: NOW });
    await putControl(store, { kind: 'drain', target: 'bake', since: NOW });
    store.get = (key) => (key.includes('pause') ? Promise.reject(new UnclearError('timeout', 'no answer')) : Promise.resolve(undefined));
    expect(await readControls(store)).toEqual([{ kind: 'pause', target: 'bake', since: 0, unreadable: true }]);
  });

  it.each(['control/v1/freeze/bake.json', 'control/v1/pause/Bake.json', 'control/v1/pause.json', 'control/v1/keep/a/b.json'])(
    'do not hide one of a kind that is not known: %s',
    async (key) => {
      const store = new MemoryStore();
      await store.put(key, '{}');
      await expect(readControls(store)).rejects.toMatchObject({ code: 'unknown-control' });
    },
  );
});
