import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type Entry, runExclusive } from '../../lib/app/lock/coalescing-lock.ts';
import { type AppendFate, MemoryStore } from '../../testkit/memory-store.ts';

const START = Date.UTC(2026, 10, 23, 16, 20);
const HOLD = 60_000;
const clock = { now: () => START, sleep: async () => undefined };
const live = new AbortController().signal;

interface Run {
  readonly passes: { began: number; ended: number }[];
  readonly calls: { began: number; entry: Entry }[];
}

/** Starts `callers` wake-ups under a scheduler that interleaves every store operation and the beginning of each call. */
async function play(s: fc.Scheduler, callers: number, fates: readonly AppendFate[]): Promise<Run & { store: MemoryStore }> {
  let step = 0;
  let fate = 0;
  const store = new MemoryStore(
    () => s.schedule(Promise.resolve()),
    () => fates[fate++] ?? 'ok',
  );
  const run: Run = { passes: [], calls: [] };
  const call = async (id: number) => {
    await s.schedule(Promise.resolve());
    const began = step++;
    const work = async () => {
      const pass = { began: step++, ended: Number.POSITIVE_INFINITY };
      run.passes.push(pass);
      await s.schedule(Promise.resolve());
      pass.ended = step++;
    };
    const entry = await runExclusive({ store, clock, nonce: `n${id}`, holdMs: HOLD, waitMs: 0, signal: live }, work);
    run.calls.push({ began, entry });
  };
  await s.waitFor(Promise.all(Array.from({ length: callers }, (_, id) => call(id))));
  return { ...run, store };
}

const fate = fc.constantFrom<AppendFate>('ok', 'ok', 'ok', 'answer-lost', 'request-lost');

describe('turnstile', () => {
  it('no wake-up is lost: after each call began, a whole pass begins and ends, or somebody is told to wake again', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 12 }), fc.array(fate, { maxLength: 60 }), async (s, callers, fates) => {
        const { passes, calls } = await play(s, callers, fates);
        const handedOver = calls.some((c) => c.entry.kind === 'ran' && c.entry.marked);
        for (const { began } of calls)
          expect(handedOver || passes.some((p) => p.began > began && p.ended < Number.POSITIVE_INFINITY)).toBe(true);
      }),
      { numRuns: 300 },
    );
  });

  it('one pass at a time, and free at the end', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.integer({ min: 1, max: 12 }), fc.array(fate, { maxLength: 60 }), async (s, callers, fates) => {
        const { passes, calls, store } = await play(s, callers, fates);
        const sorted = [...passes].sort((a, b) => a.began - b.began);
        for (const [i, p] of sorted.entries()) expect(sorted[i + 1] === undefined || p.ended < (sorted[i + 1]?.began ?? 0)).toBe(true);
        // Who could not free it says so: then it is free when that call's time is up.
        if (calls.some(({ entry }) => entry.kind === 'ran' && entry.failure !== undefined)) return;
        const [key] = store.objects.keys();
        expect(
          store
            .text(key ?? '')
            .trim()
            .split('\n')
            .at(-1),
        ).toContain('"op":"free"');
      }),
      { numRuns: 300 },
    );
  });

  it('whatever lies in the bucket: of two wake-ups more than holdMs apart the second runs', async () => {
    const time = fc.oneof(fc.integer({ min: START - 2 * HOLD, max: START + 2 * HOLD }), fc.double(), fc.constantFrom(9e15, -9e15, 0));
    const line = fc.record({ op: fc.constantFrom('take', 'pass', 'mark', 'free', 'dance'), id: fc.string(), at: time, until: time });
    const piece = fc.oneof(
      line.map((l) => `${JSON.stringify(l)}\n`),
      fc.string(),
      fc.constantFrom('null', 'x'.repeat(20_000), '{"op":"take"'),
    );
    const part = fc.record({ text: fc.array(piece, { minLength: 1, maxLength: 4 }).map((p) => p.join('')), appendable: fc.boolean() });
    await fc.assert(
      fc.asyncProperty(fc.array(part, { maxLength: 4 }), fc.array(fate, { maxLength: 20 }), async (parts, fates) => {
        let fateOf = 0;
        let now = START;
        const go = (ms: number) => {
          now += ms;
        };
        const store = new MemoryStore(undefined, () => fates[fateOf++] ?? 'ok');
        parts.forEach(({ text, appendable }, i) => {
          const key = `state/v1/turnstile/2026-11-23T16${i === 0 ? '' : `-${i + 1}`}.log`;
          if (text !== '') store.objects.set(key, { bytes: Buffer.from(text), appendable });
        });
        const ticking = { now: () => now, sleep: (ms: number) => Promise.resolve().then(() => go(ms)) };
        const call = (nonce: string) =>
          runExclusive({ store, clock: ticking, nonce, holdMs: HOLD, waitMs: 0, signal: live }, async () => undefined);
        await call('first');
        now = Math.max(now, START) + HOLD + 11_000;
        expect((await call('second')).kind).toBe('ran');
      }),
      { numRuns: 500 },
    );
  });
});
