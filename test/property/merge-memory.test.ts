import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { mergePoolStates } from '../../lib/core/launches/merge.ts';
import { EMPTY_POOL_STATE, type Launch, type PoolState } from '../../lib/core/launches/types.ts';
import { stableText } from '../../lib/core/stable-text.ts';

const T = 1_760_000_000_000;
const time = fc.integer({ min: T, max: T + 50 });
const names = ['a', 'b', 'c', 'd', 'e', 'f'];
const name = fc.constantFrom(...names);

const launch: fc.Arbitrary<Launch> = fc.record(
  {
    name,
    at: fc.constant(T),
    flavor: fc.constant('c4'),
    zone: fc.constant('z1'),
    listed: fc.boolean(),
    outcome: fc.constantFrom('pending' as const, 'booted' as const, 'failed' as const),
    settledAt: time,
    why: fc.constantFrom('vanished', 'error'),
    use: fc.constantFrom('job' as const, 'passed-over' as const, 'none' as const),
    untold: fc.constant(true as const),
  },
  { requiredKeys: ['name', 'at', 'flavor', 'zone', 'listed', 'outcome'] },
);
const refusal = fc.record({
  flavor: fc.constantFrom('c3', 'c4'),
  zone: fc.constantFrom('z1', 'z2'),
  code: fc.constant('Ecs.0319'),
  until: time,
});
const pause = fc.record(
  {
    until: time,
    code: fc.constantFrom('Ecs.0001', 'image-missing'),
    message: fc.constant('no'),
    refused: fc.record({
      kind: fc.constantFrom('quota' as const, 'setting' as const),
      at: time,
      tries: fc.integer({ min: 1, max: 9 }),
      machines: fc.nat(9),
    }),
  },
  { requiredKeys: ['until', 'code', 'message'] },
);
const memory: fc.Arbitrary<PoolState> = fc.record(
  {
    launches: fc.uniqueArray(launch, { selector: (l) => l.name, maxLength: 6 }),
    refusals: fc.uniqueArray(refusal, { selector: (r) => r.flavor + r.zone, maxLength: 4 }),
    idle: fc.dictionary(name, fc.record({ since: time, done: fc.nat(3) }), { maxKeys: 4 }),
    passedOver: fc.dictionary(fc.constantFrom('1', '2', '3'), fc.record({ tries: fc.integer({ min: 1, max: 5 }), lastAt: time }), {
      maxKeys: 3,
    }),
    watched: fc.dictionary(fc.constantFrom('1', '2', '3'), fc.record({ projectId: fc.constant(7), queuedAt: time }), { maxKeys: 3 }),
    suspects: fc.dictionary(name, fc.record({ since: time, jobId: fc.nat(3), done: fc.nat(3) }), { maxKeys: 3 }),
    attempts: fc.record({ inVain: fc.nat(5), lastAt: time }),
    pause,
  },
  { requiredKeys: ['launches', 'refusals', 'idle', 'passedOver', 'watched', 'suspects'] },
);

function same(a: PoolState, b: PoolState): void {
  expect(norm(a)).toBe(norm(b));
}

/** The order of lists means nothing. */
function norm(m: PoolState): string {
  const sorted = (list: readonly object[]) => list.map((one) => stableText(one)).sort();
  return stableText({ ...m, launches: sorted(m.launches), refusals: sorted(m.refusals) });
}

function facts(m: PoolState): ReadonlySet<string> {
  return new Set([
    ...m.launches.map((l) => `launch ${l.name}`),
    ...m.refusals.map((r) => `refusal ${r.flavor} ${r.zone}`),
    ...Object.keys(m.idle).map((key) => `idle ${key}`),
    ...Object.keys(m.watched).map((key) => `watched ${key}`),
    ...Object.keys(m.suspects).map((key) => `suspect ${key}`),
    ...Object.keys(m.passedOver).map((key) => `passed over ${key}`),
    ...(m.pause ? ['pause'] : []),
  ]);
}

describe('two memories made of one', () => {
  it('are the same memory in whichever order they are merged', () => {
    fc.assert(fc.property(memory, memory, memory, (base, a, b) => same(mergePoolStates(base, a, b), mergePoolStates(base, b, a))));
  });

  it('are the changed one when the other pass changed nothing, and itself when both made the same of it', () => {
    fc.assert(
      fc.property(memory, memory, (base, a) => {
        same(mergePoolStates(base, a, base), a);
        same(mergePoolStates(base, a, a), a);
      }),
    );
  });

  it('forget no launch, refusal, idle time, pause or passed-over job that either has added', () => {
    fc.assert(
      fc.property(memory, memory, memory, (base, a, b) => {
        const merged = facts(mergePoolStates(base, a, b));
        const started = facts(base);
        for (const fact of [...facts(a), ...facts(b)]) if (!started.has(fact)) expect(merged).toContain(fact);
      }),
    );
  });

  it('never take back what a launch has come to', () => {
    const rank = { pending: 0, failed: 1, booted: 2 };
    fc.assert(
      fc.property(memory, launch, launch, (base, x, y) => {
        const start = { ...EMPTY_POOL_STATE, launches: base.launches.filter((l) => l.name === x.name) };
        const [merged] = mergePoolStates(
          start,
          { ...EMPTY_POOL_STATE, launches: [x] },
          { ...EMPTY_POOL_STATE, launches: [{ ...y, name: x.name }] },
        ).launches;
        const changed = [x, { ...y, name: x.name }].filter((l) => stableText(l) !== stableText(start.launches[0]));
        expect(rank[merged?.outcome ?? 'pending']).toBe(Math.max(...(changed.length > 0 ? changed : [x]).map((l) => rank[l.outcome])));
      }),
    );
  });
});
