import { describe, expect, it } from 'vitest';
import { runExclusive } from '../../../../lib/app/lock/coalescing-lock.ts';
import type { Store } from '../../../../lib/app/ports/index.ts';
import { ConflictError, UnclearError } from '../../../../lib/core/errors.ts';
import { MemoryStore } from '../../../../testkit/memory-store.ts';

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
    runExclusive({ store, clock, nonce: id, holdMs: 60_000, waitMs, signal: new AbortController().signal }, work);
  const ops = () => [...store.objects.values()].flatMap((o) => [...o.bytes.toString().matchAll(/"op":"(\w+)"/g)].map((m) => m[1]));
  return { store, pass, ops, clock, go: (ms: number) => (now += ms) };
}

const never = () => new Promise<void>(() => undefined);
/** Lets everything that does not wait for a clock or the network run to its end. */
const settle = () => new Promise((resolve) => setImmediate(resolve));

describe('runExclusive', () => {
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
    expect(await runExclusive(options, async () => undefined)).toEqual({ kind: 'ran', passes: 1, marked: false });
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

  it('a call that died after several passes holds it until it would have ended, not for longer', async () => {
    const { pass, go, store } = setup();
    const died = pass('dead', async () => {
      go(50_000);
      await pass('m', async () => undefined);
      store.append = () => Promise.reject(new UnclearError('timeout', 'the bucket is away'));
    });
    expect(await died).toMatchObject({ kind: 'ran', passes: 1, failure: expect.objectContaining({ code: 'append-unclear' }) });
    Object.assign(store, { append: MemoryStore.prototype.append });
    go(16_000);
    expect((await pass('b', async () => undefined)).kind).toBe('ran');
  });

  it('lines that are no lines of ours do not matter', async () => {
    const { pass, store } = setup();
    const key = 'state/v1/turnstile/2026-11-23T16.log';
    await (store as Store).append(key, 0, 'rubbish\n{"op":"dance","id":"x","at":1}\n');
    expect((await pass('a', async () => undefined)).kind).toBe('ran');
  });

  it('a wake-up that needs no pass appends nothing, whether it is free or held', async () => {
    const { store, pass, clock } = setup();
    let asked = 0;
    const isNeeded = async () => {
      asked++;
      return false;
    };
    const foreign = () =>
      runExclusive(
        { store, clock, nonce: 'f', holdMs: 60_000, waitMs: 0, signal: new AbortController().signal, isNeeded },
        async () => undefined,
      );
    expect([await foreign(), store.objects.size]).toEqual([{ kind: 'not-needed' }, 0]);
    const during: unknown[] = [];
    await pass('a', async () => void during.push(await foreign(), store.text(KEY).split('\n').length - 1));
    expect([during, asked]).toEqual([[{ kind: 'not-needed' }, 1], 2]);
  });
});

const KEY = 'state/v1/turnstile/2026-11-23T16.log';
const PART_2 = 'state/v1/turnstile/2026-11-23T16-2.log';

describe('an object that cannot be appended to', () => {
  it('is passed by', async () => {
    const { store, pass } = setup();
    await store.put(KEY, 'made by put');
    expect((await pass('a', async () => undefined)).kind).toBe('ran');
    expect([store.text(KEY), store.text(PART_2).match(/"op":"\w+"/g)]).toEqual(['made by put', ['"op":"take"', '"op":"free"']]);
  });

  it('is seen by everybody when it has its 10,000 appends: nobody holds beside the holder, and no mark is lost', async () => {
    const { store, pass } = setup();
    let runs = 0;
    const work = async () => {
      if (++runs > 1) return;
      const full = store.objects.get(KEY);
      if (full) full.appends = 10_000;
      expect((await pass('b', async () => undefined)).kind).toBe('left-to-holder');
    };
    expect(await pass('a', work)).toEqual({ kind: 'ran', passes: 2, marked: false });
    expect(store.text(PART_2).match(/"op":"\w+"/g)).toEqual(['"op":"mark"', '"op":"pass"', '"op":"free"']);
  });

  it('is not tried any more once it is long enough to have them', async () => {
    const { store, pass } = setup();
    await store.append(KEY, 0, `${JSON.stringify({ op: 'free', id: '01K3ZZZZZZZZZZZZZZZZZZZZZZ', at: START })}\n`.repeat(8_000));
    expect((await pass('a', async () => undefined)).kind).toBe('ran');
    expect(store.text(PART_2)).not.toBe('');
  });

  it('is passed by when it answers with conflicts instead of saying so', async () => {
    const { store, pass } = setup();
    const append = store.append.bind(store);
    store.append = (key, ...rest) => (key === KEY ? Promise.reject(new ConflictError('OperationAborted', 'odd')) : append(key, ...rest));
    await store.put(KEY, 'x');
    expect((await pass('a', async () => undefined)).kind).toBe('ran');
  });

  it('throws when there are only such', async () => {
    const { store, pass } = setup();
    for (let part = 1; part <= 9; part++) await store.put(part === 1 ? KEY : KEY.replace('.log', `-${part}.log`), 'made by put');
    await expect(pass('a', async () => undefined)).rejects.toMatchObject({ code: 'turnstile-closed' });
  });
});

describe('whatever lies in the bucket', () => {
  const line = (at: number, until?: number) => `${JSON.stringify({ op: 'take', id: 'x', at, until })}\n`;

  it.each<{ name: string; text: string }>([
    { name: 'a holder for ever', text: line(START, 9e15) },
    { name: 'a holder until the year 9999', text: line(START, 253_402_300_799_000) },
    { name: 'a holder of the future', text: line(START + 3_600_000, START + 7_200_000) },
    { name: 'a time before all times', text: line(-9e15, 9e15) },
    { name: 'no time at all', text: '{"op":"take","id":"x","at":1e999,"until":1e999}\n' },
    { name: 'a line that does not end', text: `${line(START - 61_000, START)}{"op":"take"` },
    { name: 'a very long line', text: 'x'.repeat(400_000) },
    { name: 'a line longer than a part', text: 'x'.repeat(600_000) },
    { name: 'zeros', text: '\0'.repeat(20_000) },
  ])('$name: a wake-up runs when holdMs is over', async ({ text }) => {
    const { store, pass, go, clock } = setup();
    await store.append(KEY, 0, text);
    await pass('a', async () => undefined);
    go(START + 66_000 - clock.now());
    const overlapping: string[] = [];
    const entry = await pass('b', async () => {
      if (overlapping.length === 0) overlapping.push((await pass('c', async () => undefined)).kind);
    });
    expect([entry, overlapping]).toEqual([{ kind: 'ran', passes: 2, marked: false }, ['left-to-holder']]);
  });
});

describe('a bucket that answers with something else', () => {
  it.each<{ name: string; body: string }>([
    { name: 'a page of a proxy', body: '<html>please log in</html>' },
    { name: 'null', body: 'null' },
    { name: 'nothing', body: '' },
  ])('$name: a few tries with pauses, then it says so', async ({ body }) => {
    const { store, pass, clock } = setup();
    let requests = 0;
    store.get = async () => {
      requests++;
      return { body: Buffer.from(body), size: body.length };
    };
    store.append = async () => {
      requests++;
      throw new ConflictError('PositionNotEqualToLength', 'stale');
    };
    await expect(pass('a', async () => undefined)).rejects.toMatchObject({ code: expect.stringMatching(/^turnstile-/) });
    expect(requests).toBeLessThan(200);
    expect(clock.now() - START).toBeGreaterThan(2_000);
  });

  it('after the work: the work counts, and what failed is told', async () => {
    const { store, pass } = setup();
    let runs = 0;
    const entry = await pass('a', async () => {
      runs++;
      store.get = async () => ({ body: Buffer.from('null'), size: 4 });
      store.append = () => Promise.reject(new ConflictError('PositionNotEqualToLength', 'stale'));
    });
    expect([entry, runs]).toMatchObject([{ kind: 'ran', passes: 1, marked: false, failure: expect.anything() }, 1]);
  });

  it('ends with the signal', async () => {
    const { store, clock } = setup();
    const controller = new AbortController();
    store.append = async () => {
      controller.abort();
      return Promise.reject(new ConflictError('PositionNotEqualToLength', 'stale'));
    };
    const options = { store, clock, nonce: 'a', holdMs: 60_000, waitMs: 0, signal: controller.signal };
    expect(await runExclusive(options, async () => undefined)).toEqual({ kind: 'held' });
  });
});
