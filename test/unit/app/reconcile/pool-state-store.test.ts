import { describe, expect, it } from 'vitest';
import { readPoolState, writePoolState } from '../../../../lib/app/reconcile/pool-state-store.ts';
import type { PoolState } from '../../../../lib/core/launches/types.ts';
import { launch, MINUTE, memory, NOW } from '../../../../testkit/builders.ts';
import { MemoryStore } from '../../../../testkit/memory-store.ts';

const clock = { now: () => NOW };
const names = ({ launches }: PoolState) => launches.map(({ name }) => name);
const one = launch(1);
const two = launch(2);
const three = launch(3);

/** A bucket whose next put lands only when it is let go. */
function farm() {
  const store = new MemoryStore();
  const read = () => readPoolState(store, 'bake', {});
  const write = (before: PoolState, after: PoolState, beside?: string) =>
    writePoolState({ store, clock }, 'bake', { before, after, ...(beside !== undefined && { beside }) }, {});
  const holdNextPut = () => {
    const put = store.put.bind(store);
    let land: () => void = () => undefined;
    const landed = new Promise<void>((resolve) => {
      land = resolve;
    });
    let begun: () => void = () => undefined;
    const begins = new Promise<void>((resolve) => {
      begun = resolve;
    });
    store.put = async (key, body) => {
      store.put = put;
      begun();
      await landed;
      await put(key, body);
    };
    return { begins, land };
  };
  return { store, read, write, holdNextPut };
}

describe('of a holder of the turnstile and a pass beside it nothing is lost', () => {
  const pause = { until: NOW + MINUTE, code: 'Ecs.0042', message: 'cores' };

  it.each([
    { name: 'the holder’s put is the slow one', slow: 'holder' },
    { name: 'the other one’s is', slow: 'beside' },
  ])('when $name', async ({ slow }) => {
    const { read, write, holdNextPut } = farm();
    await write(memory(), memory({ launches: [one] }));
    const before = await read();
    const holder = () => write(before, { ...before, launches: [one, two] });
    const beside = () => write(before, { ...before, launches: [{ ...one, outcome: 'booted' }], pause }, 'p1');
    const { begins, land } = holdNextPut();
    const slower = slow === 'holder' ? holder() : beside();
    await begins;
    await (slow === 'holder' ? beside() : holder());
    land();
    await slower;
    expect(await read()).toStrictEqual({ ...before, launches: [{ ...one, outcome: 'booted' }, two], pause });
  });

  it('nor of two passes beside it, one after the other', async () => {
    const { read, write } = farm();
    const first = await read();
    await write(first, { ...first, launches: [one] }, 'p1');
    const second = await read();
    expect(names(second)).toStrictEqual(names({ ...second, launches: [one] }));
    await write(second, { ...second, launches: [one, two] }, 'p2');
    await write(first, { ...first, launches: [three] });
    expect(names(await read())).toStrictEqual([one, two, three].map(({ name }) => name));
  });

  it('and what a later holder has ended does not come back', async () => {
    const { store, read, write } = farm();
    const first = await read();
    await write(first, { ...first, launches: [one, two], pause }, 'p1');
    const second = await read();
    await write(second, { ...second, launches: [one, two, three] });
    const third = await read();
    const { pause: _, ...ended } = third;
    await write(third, { ...ended, launches: [three] });
    expect(await read()).toStrictEqual(memory({ launches: [three] }));
    // One more beside, after what the first had left was merged.
    const fourth = await read();
    await write(fourth, { ...fourth, launches: [{ ...three, outcome: 'booted' }] }, 'p2');
    expect(await read()).toStrictEqual(memory({ launches: [{ ...three, outcome: 'booted' }] }));
    store.objects.set('state/v1/pools/bake.beside.json', { bytes: Buffer.from('{'), appendable: false });
    expect(await read()).toStrictEqual(memory({ launches: [three] }));
  });
});
