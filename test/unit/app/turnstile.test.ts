import { describe, expect, it } from 'vitest';
import type { Store } from '../../../lib/app/ports.ts';
import { throughTurnstile } from '../../../lib/app/turnstile.ts';
import { MemoryStore } from '../../fakes/memory-store.ts';

const START = Date.UTC(2026, 10, 23, 16, 20);

function setup(start = START) {
  let now = start;
  const store = new MemoryStore();
  const clock = {
    now: () => now,
    sleep: async (ms: number) => {
      now += ms;
    },
  };
  const pass = (id: string, work: () => Promise<void>, waitMs = 0) =>
    throughTurnstile({ store, clock, nonce: id, holdMs: 60_000, waitMs, signal: new AbortController().signal }, work);
  const ops = () => [...store.objects.values()].flatMap((o) => [...o.bytes.toString().matchAll(/"op":"(\w+)"/g)].map((m) => m[1]));
  return { store, pass, ops, clock, go: (ms: number) => (now += ms) };
}

const never = () => new Promise<void>(() => undefined);
/** Lets everything that does not wait for a clock or the network run to its end. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('throughTurnstile', () => {
  it('runs the work once when nobody else comes', async () => {
    const { pass, ops } = setup();
    let runs = 0;
    expect(await pass('a', async () => void runs++)).toEqual({ kind: 'ran', passes: 1, marked: false });
    expect([runs, ops()]).toEqual([1, ['take', 'free']]);
  });

  it('a thousand wake-ups during a pass cost one more pass and one mark', async () => {
    const { pass, ops } = setup();
    let runs = 0;
    const work = async () => {
      runs++;
      if (runs > 1) return;
      const rest = await Promise.all(Array.from({ length: 1000 }, (_, i) => pass(`m${i}`, async () => void runs++)));
      expect(new Set(rest.map((e) => e.kind))).toEqual(new Set(['left-to-holder']));
    };
    expect(await pass('a', work)).toEqual({ kind: 'ran', passes: 2, marked: false });
    expect([runs, ops()]).toEqual([2, ['take', 'mark', 'pass', 'free']]);
  });

  it('passes begin a second apart, and a single wake-up does not wait', async () => {
    const { pass, clock } = setup();
    const began: number[] = [];
    const work = async () => void began.push(clock.now() - START);
    await pass('a', work);
    await pass('b', work);
    await pass('c', work);
    expect(began).toEqual([0, 1_000, 2_000]);
  });

  it('what comes in while a pass waits for its second is covered by it', async () => {
    const { store, pass, ops, clock } = setup();
    await pass('a', async () => undefined);
    const waiting = {
      ...clock,
      sleep: async (ms: number) => void (await Promise.all([clock.sleep(ms), pass('m', async () => undefined)])),
    };
    const options = { store, clock: waiting, nonce: 'b', holdMs: 60_000, waitMs: 0, signal: new AbortController().signal };
    expect(await throughTurnstile(options, async () => undefined)).toEqual({ kind: 'ran', passes: 1, marked: false });
    expect(ops()).toEqual(['take', 'free', 'take', 'mark', 'pass', 'free']);
  });

  it('a holder that died is overtaken when its time is up, not before', async () => {
    const { pass, go, ops } = setup();
    void pass('dead', never);
    await settle();
    expect((await pass('b', async () => undefined)).kind).toBe('left-to-holder');
    go(66_000);
    expect((await pass('c', async () => undefined)).kind).toBe('ran');
    expect(ops()).toEqual(['take', 'mark', 'take', 'free']);
  });

  it('work that throws leaves it free', async () => {
    const { pass, ops } = setup();
    await expect(
      pass('a', async () => {
        throw new Error('bug');
      }),
    ).rejects.toThrow('bug');
    expect(ops()).toEqual(['take', 'free']);
  });

  it('one who waits gets it after the holder, or is told that it is held', async () => {
    const { pass, clock } = setup();
    void pass('slow', never);
    await settle();
    const before = clock.now();
    expect((await pass('b', async () => undefined, 15_000)).kind).toBe('held');
    expect(clock.now() - before).toBe(15_000);
  });

  it('a holder of the hour before is found in its own log', async () => {
    const { pass, go, store } = setup(Date.UTC(2026, 10, 23, 16, 59, 50));
    void pass('old', never);
    await settle();
    go(20_000);
    expect((await pass('b', async () => undefined)).kind).toBe('left-to-holder');
    expect([...store.objects.keys()]).toEqual(['state/v1/turnstile/2026-11-23T16.log']);
  });

  it('hands over after eight passes and says that somebody must be woken', async () => {
    const { pass } = setup();
    let runs = 0;
    const work = async () => {
      runs++;
      await pass(`m${runs}`, async () => undefined);
    };
    expect(await pass('a', work)).toEqual({ kind: 'ran', passes: 8, marked: true });
  });

  it('lines that are no lines of ours do not matter', async () => {
    const { pass, store } = setup();
    const key = 'state/v1/turnstile/2026-11-23T16.log';
    await (store as Store).append(key, 0, 'rubbish\n{"op":"dance","id":"x","at":1}\n');
    expect((await pass('a', async () => undefined)).kind).toBe('ran');
  });
});
