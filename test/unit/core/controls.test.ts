import { describe, expect, it } from 'vitest';
import {
  ALL_POOLS,
  type Control,
  credible,
  holds,
  isAbout,
  NO_CONTROLS,
  poolControls,
  UNREAD_CONTROLS,
} from '../../../lib/core/controls.ts';
import { finishedLaunches, updatePoolState } from '../../../lib/core/launches/pool-state.ts';
import { EMPTY_POOL_STATE } from '../../../lib/core/launches/types.ts';
import { planPool } from '../../../lib/core/plan/plan.ts';
import type { PlanInput } from '../../../lib/core/plan/types.ts';
import {
  drainingRunner,
  HOUR,
  jobs,
  launch,
  MINUTE,
  memory,
  NOW,
  nameOf,
  planInput,
  planOf,
  pool,
  server,
  worker,
} from '../../../testkit/builders.ts';

const said = (kind: Control['kind'], more: Partial<Control> = {}): Control => ({ kind, target: 'bake', since: NOW - HOUR, ...more });

it.each([
  { name: 'now', before: NOW, expected: said('roll', { before: NOW }) },
  { name: 'by clocks that differ a little', before: NOW + MINUTE, expected: said('roll', { before: NOW + MINUTE }) },
  { name: 'in the future', before: NOW + MINUTE + 1, expected: said('roll', { unreadable: true }) },
])('a roll of workers born before a time that is $name', ({ before, expected }) => {
  expect(credible(said('roll', { before }), NOW)).toStrictEqual(expected);
});

describe('what holds', () => {
  it.each([
    { name: 'without an end', until: undefined, expected: true },
    { name: 'a moment before its end', until: NOW + 1, expected: true },
    { name: 'at its end', until: NOW, expected: false },
    { name: 'after its end', until: NOW - 1, expected: false },
  ])('$name: $expected', ({ until, expected }) => {
    const control = said('pause', until === undefined ? {} : { until });
    expect(holds(control, NOW)).toBe(expected);
    expect(poolControls('bake', [control], NOW)).toEqual(expected ? { kept: new Set(), pause: control } : NO_CONTROLS);
  });

  const long = said('pause', { until: NOW + HOUR });
  const rows: readonly { name: string; controls: readonly Control[]; expected: object }[] = [
    { name: 'another pool’s', controls: [said('pause', { target: 'other' }), said('drain', { target: 'ba' })], expected: {} },
    {
      name: 'that of all pools',
      controls: [said('drain', { target: ALL_POOLS })],
      expected: { drain: said('drain', { target: ALL_POOLS }) },
    },
    { name: 'of two the one that ends later', controls: [said('pause', { until: NOW + 1 }), long], expected: { pause: long } },
    { name: 'of two the one without an end', controls: [long, said('pause')], expected: { pause: said('pause') } },
    {
      name: 'of two rolls the later time',
      controls: [said('roll', { before: NOW - 2 }), said('roll', { before: NOW - 1 })],
      expected: { rollBefore: NOW - 1 },
    },
    { name: 'of a roll that cannot be read nothing', controls: [said('roll', { unreadable: true })], expected: {} },
    {
      name: 'a pause that cannot be read',
      controls: [said('pause', { unreadable: true })],
      expected: { pause: said('pause', { unreadable: true }) },
    },
    {
      name: 'every worker that is kept',
      controls: [said('keep', { target: nameOf(1) }), said('keep', { target: nameOf(2) })],
      expected: { kept: new Set([nameOf(1), nameOf(2)]) },
    },
  ];
  it.each(rows)('$name', ({ controls, expected }) => {
    expect(poolControls('bake', controls, NOW)).toEqual({ kept: new Set(), ...expected });
  });

  it.each([
    { control: said('pause'), about: true },
    { control: said('pause', { target: ALL_POOLS }), about: true },
    { control: said('pause', { target: 'bake-arm' }), about: false },
    { control: said('keep', { target: nameOf(1) }), about: true },
    { control: said('keep', { target: nameOf(1, 'bake-arm') }), about: false },
    { control: said('keep', { target: 'bake' }), about: false },
  ])('$control.kind of $control.target is about the pool bake: $about', ({ control, about }) => {
    expect(isAbout(control, pool())).toBe(about);
  });
});

describe('a plan', () => {
  const idleFor = (n: number, ms: number) => worker(n, 'idle', { idleSince: NOW - ms });
  const plan = (controls: readonly Control[], more: Partial<PlanInput> = {}) =>
    planPool(planInput({ controls: poolControls('bake', controls, NOW), ...more }));
  const brief = ({ actions, held, brakes }: ReturnType<typeof planPool>) => ({
    actions: actions.map((a) => (a.kind === 'launch' ? 'launch' : `${a.kind} ${a.worker.at(-1)} ${a.why}`)),
    held: held.map((h) => `${h.worker.at(-1)} ${h.why}`),
    brakes: brakes.map((b) => b.why),
  });

  it('paused: nothing, and says what it would have done', () => {
    const fleet = [idleFor(1, HOUR), worker(2, 'draining', { server: server(2, { status: 'off' }) })];
    expect(brief(plan([said('pause')], { workers: fleet }))).toEqual({ actions: [], held: ['1 paused', '2 paused'], brakes: [] });
    expect(brief(plan([said('pause')], { workers: [], jobs: jobs(2) }))).toEqual({ actions: [], held: [], brakes: ['pool-paused'] });
  });

  it('paused until a time: the brake says until when', () => {
    expect(plan([said('pause', { until: NOW + HOUR })], { jobs: jobs(1) }).brakes).toEqual([{ why: 'pool-paused', until: NOW + HOUR }]);
  });

  it('paused and drained: paused', () => {
    expect(brief(plan([said('pause'), said('drain')], { workers: [idleFor(1, 0)], jobs: jobs(3) }))).toEqual({
      actions: [],
      held: ['1 paused'],
      brakes: ['pool-paused'],
    });
  });

  it('drained: everybody goes, those with a job after it, whatever waits', () => {
    const workers = [idleFor(1, 0), worker(2, 'busy'), worker(3, 'booting'), worker(4, 'draining')];
    expect(brief(plan([said('drain')], { workers, jobs: jobs(5) }))).toEqual({
      actions: ['drain 3 pool-draining', 'drain 1 pool-draining', 'drain 2 pool-draining'].sort(),
      held: ['4 drain-settling'],
      brakes: ['pool-draining'],
    });
  });

  it('drained by what cannot be read: nothing is launched, and nobody goes for it', () => {
    const workers = [idleFor(1, 0), worker(2, 'busy')];
    expect(brief(plan([said('drain', { unreadable: true })], { workers, jobs: jobs(5) }))).toEqual({
      actions: [],
      held: [],
      brakes: ['pool-draining'],
    });
  });

  it('rolled: who was born before goes, and another one comes for it', () => {
    const before = NOW - 30 * MINUTE;
    const workers = [idleFor(1, 0), worker(2, 'busy'), worker(3, 'booting', { bornAt: before - 1 }), worker(4, 'idle', { bornAt: before })];
    expect(brief(plan([said('roll', { before })], { pool: pool({ policy: { idleCount: 3 } }), workers })).actions.sort()).toEqual([
      'drain 1 rolled',
      'drain 2 rolled',
      'launch',
    ]);
  });

  it.each([
    { name: 'idle for too long', workers: [idleFor(1, HOUR)] },
    { name: 'too old', workers: [worker(1, 'idle', { bornAt: NOW - 48 * HOUR })] },
    { name: 'drained long ago', workers: [worker(1, 'draining', { drainingSince: NOW - HOUR })] },
    { name: 'powered off', workers: [worker(1, 'draining', { server: server(1, { status: 'off' }) })] },
    { name: 'without a VM', workers: [worker(1, 'gone', { runner: drainingRunner(1, NOW - HOUR, { contactedAt: NOW - HOUR }) })] },
  ])('keeps one that is $name', ({ workers }) => {
    expect(brief(plan([], { workers })).actions).toHaveLength(1);
    expect(brief(plan([said('keep', { target: nameOf(1) })], { workers }))).toEqual({ actions: [], held: ['1 kept'], brakes: [] });
  });

  it('over the limit lets another one go than the one that is kept', () => {
    const workers = [idleFor(1, 0), idleFor(2, 0)];
    expect(brief(plan([said('keep', { target: nameOf(2) })], { pool: pool({ limit: 1 }), workers })).actions).toEqual(['drain 1 surplus']);
  });

  it('does not count a kept worker that is paused as one that may take a job', () => {
    const workers = [worker(1, 'draining')];
    expect(brief(plan([said('keep', { target: nameOf(1) })], { workers, jobs: jobs(1) })).actions).toEqual(['launch']);
  });

  it('counts a rolled worker that is kept as one that takes a job', () => {
    const controls = [said('roll', { before: NOW }), said('keep', { target: nameOf(1) })];
    expect(brief(plan(controls, { workers: [idleFor(1, 0)], jobs: jobs(1) }))).toEqual({ actions: [], held: ['1 kept'], brakes: [] });
  });

  it('made without knowing what people have said deletes nothing, and launches', () => {
    const input = planInput({
      controls: UNREAD_CONTROLS,
      workers: [worker(1, 'draining', { server: server(1, { status: 'off' }) })],
      jobs: jobs(1),
    });
    expect(brief(planPool(input))).toEqual({ actions: ['launch'], held: ['1 controls-unread'], brakes: [] });
  });

  it('is not made differently by a launch that was drained while it booted: nothing is known of the machine', () => {
    const before = memory({ launches: [launch(1, { listed: true })] });
    const [w] = planOf([server(1)], [drainingRunner(1, NOW)]).held;
    expect(w).toEqual({ worker: nameOf(1), why: 'drain-settling' });
    const booting = worker(1, 'draining', { booted: false });
    const after = updatePoolState(before, { workers: [booting], failedOperations: new Map(), jobs: [] }, 10 * MINUTE, NOW);
    expect(after.launches).toEqual([launch(1, { listed: true, outcome: 'failed', settledAt: NOW, why: 'drained' })]);
    expect(finishedLaunches(after.launches)).toEqual([]);
    expect(updatePoolState(after, { workers: [], failedOperations: new Map(), jobs: [] }, 10 * MINUTE, NOW + HOUR)).toEqual(
      EMPTY_POOL_STATE,
    );
  });
});
