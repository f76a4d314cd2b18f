import { describe, expect, it } from 'vitest';
import { deriveFleet } from '../../../../lib/core/fleet/derive.ts';
import { drainNote } from '../../../../lib/core/fleet/drain-note.ts';
import type { Runner, Server } from '../../../../lib/core/fleet/types.ts';
import type { Launch } from '../../../../lib/core/launches/types.ts';
import {
  drainingRunner,
  HOUR,
  launch,
  liveRunner,
  MINUTE,
  memory,
  NO_OPERATIONS,
  NOW,
  nameOf,
  pool,
  runner,
  SECOND,
  server,
} from '../../../../testkit/builders.ts';

type FleetInput = Parameters<typeof deriveFleet>[0];

function fleet(servers: readonly Server[], runners: readonly Runner[], overrides: Partial<FleetInput> = {}) {
  return deriveFleet({ pool: pool(), servers, runners, memory: memory(), ...NO_OPERATIONS, now: NOW, ...overrides });
}

interface Row {
  readonly name: string;
  readonly server?: Server;
  readonly runner?: Runner;
  readonly phase: string;
  readonly failure?: string;
  readonly booted?: boolean;
}

const young = { createdAt: NOW - 10 * MINUTE };
const old = { createdAt: NOW - 10 * MINUTE - 1 };

const phases: readonly Row[] = [
  // Both are there.
  { name: 'VM building, never called', server: server(1, { ...young, status: 'building' }), runner: runner(1, young), phase: 'booting' },
  { name: 'VM running, never called', server: server(1, young), runner: runner(1, young), phase: 'booting' },
  { name: 'never called in time', server: server(1, old), runner: runner(1, old), phase: 'failed', failure: 'never-booted' },
  {
    name: 'never called, the older of both ages counts',
    server: server(1, young),
    runner: runner(1, old),
    phase: 'failed',
    failure: 'never-booted',
  },
  {
    name: 'never called, the older of both ages counts (2)',
    server: server(1, old),
    runner: runner(1, young),
    phase: 'failed',
    failure: 'never-booted',
  },
  { name: 'called', server: server(1), runner: liveRunner(1), phase: 'idle', booted: true },
  { name: 'called once, long ago', server: server(1), runner: runner(1, { contactedAt: 0 }), phase: 'idle', booted: true },
  { name: 'jobs done show that it called', server: server(1), runner: runner(1, { done: 1 }), phase: 'idle', booted: true },
  { name: 'a job shows that it called', server: server(1), runner: runner(1, { busy: 1 }), phase: 'busy', booted: true },
  { name: 'has a job', server: server(1), runner: liveRunner(1, { busy: 1 }), phase: 'busy', booted: true },
  { name: 'a status that says nothing', server: server(1, { status: 'other' }), runner: liveRunner(1), phase: 'idle', booted: true },
  { name: 'paused', server: server(1), runner: drainingRunner(1, NOW), phase: 'draining', booted: true },
  { name: 'paused with a job', server: server(1), runner: drainingRunner(1, NOW, { busy: 1 }), phase: 'draining', booted: true },
  { name: 'paused, never called', server: server(1), runner: runner(1, { paused: true }), phase: 'draining' },
  { name: 'VM being deleted', server: server(1, { deleting: true }), runner: liveRunner(1), phase: 'draining', booted: true },
  { name: 'VM in error being deleted', server: server(1, { deleting: true, status: 'error' }), runner: runner(1), phase: 'draining' },
  { name: 'VM off after it called', server: server(1, { status: 'off' }), runner: liveRunner(1), phase: 'draining', booted: true },
  { name: 'VM off with a job', server: server(1, { status: 'off' }), runner: liveRunner(1, { busy: 1 }), phase: 'draining', booted: true },
  {
    name: 'VM off before it called',
    server: server(1, { ...young, status: 'off' }),
    runner: runner(1, young),
    phase: 'failed',
    failure: 'off-before-contact',
  },
  { name: 'VM in error', server: server(1, { ...young, status: 'error' }), runner: runner(1, young), phase: 'failed', failure: 'error' },
  {
    name: 'VM in error, paused',
    server: server(1, { status: 'error' }),
    runner: drainingRunner(1, NOW),
    phase: 'failed',
    failure: 'error',
    booted: true,
  },
  // The VM alone.
  { name: 'no runner yet', server: server(1, young), phase: 'booting' },
  { name: 'no runner', server: server(1, old), phase: 'failed', failure: 'orphan' },
  { name: 'no runner, VM being deleted', server: server(1, { ...old, deleting: true }), phase: 'draining' },
  { name: 'no runner, VM off', server: server(1, { ...old, status: 'off' }), phase: 'failed', failure: 'off-before-contact' },
  // The runner alone.
  { name: 'VM not listed yet', runner: runner(1, { createdAt: NOW - 3 * MINUTE }), phase: 'booting' },
  { name: 'VM not listed yet, called', runner: liveRunner(1, { createdAt: NOW - MINUTE }), phase: 'idle', booted: true },
  { name: 'VM not listed yet, has a job', runner: liveRunner(1, { createdAt: NOW - MINUTE, busy: 1 }), phase: 'busy', booted: true },
  { name: 'VM not listed in time', runner: runner(1, { createdAt: NOW - 3 * MINUTE - 1 }), phase: 'gone' },
  { name: 'VM gone under a job', runner: liveRunner(1, { busy: 1 }), phase: 'gone', booted: true },
  { name: 'paused, its VM gone', runner: drainingRunner(1, NOW, { createdAt: NOW - MINUTE }), phase: 'gone', booted: true },
];

describe('the phase of a worker', () => {
  it.each(phases)('$name: $phase', (row) => {
    const [worker] = fleet(row.server ? [row.server] : [], row.runner ? [row.runner] : []);
    expect(worker).toMatchObject({ name: nameOf(1), phase: row.phase, booted: row.booted ?? false });
    expect(worker?.failure).toBe(row.failure);
  });
});

describe('a runner whose VM is not listed', () => {
  const at = (ms: number) => [runner(1, { createdAt: NOW - ms })];
  const phaseOf = (runners: readonly Runner[], launches: readonly Launch[], overrides: Partial<FleetInput> = {}) =>
    fleet([], runners, { memory: memory({ launches }), ...overrides })[0]?.phase;
  const running = { runningOperations: new Set([nameOf(1)]) };
  const failed = { failedOperations: new Map([[nameOf(1), {}]]) };

  const rows = [
    { name: 'known, not listed yet', phase: () => phaseOf(at(MINUTE), [launch(1)]), expected: 'booting' },
    { name: 'listed before: it was lost', phase: () => phaseOf(at(MINUTE), [launch(1, { listed: true })]), expected: 'gone' },
    { name: 'listed before, another one', phase: () => phaseOf(at(MINUTE), [launch(2, { listed: true })]), expected: 'booting' },
    { name: 'known to have failed', phase: () => phaseOf(at(MINUTE), [launch(1, { outcome: 'failed' })]), expected: 'gone' },
    { name: 'booted, still not listed', phase: () => phaseOf(at(MINUTE), [launch(1, { outcome: 'booted' })]), expected: 'booting' },
    { name: 'its operation failed', phase: () => phaseOf(at(MINUTE), [launch(1)], failed), expected: 'gone' },
    { name: "another one's operation failed", phase: () => phaseOf([runner(2, { createdAt: NOW })], [], failed), expected: 'booting' },
    { name: 'its operation runs: waits longer', phase: () => phaseOf(at(10 * MINUTE), [launch(1)], running), expected: 'booting' },
    { name: 'its operation runs for too long', phase: () => phaseOf(at(10 * MINUTE + 1), [launch(1)], running), expected: 'gone' },
    {
      name: "another one's operation runs",
      phase: () => phaseOf([runner(2, { createdAt: NOW - 4 * MINUTE })], [], running),
      expected: 'gone',
    },
    {
      name: 'never waits longer than the boot time',
      phase: () => phaseOf(at(2 * MINUTE), [launch(1)], { pool: pool({ bootTimeoutMs: MINUTE }) }),
      expected: 'gone',
    },
  ];
  it.each(rows)('$name: $expected', ({ phase, expected }) => {
    expect(phase()).toBe(expected);
  });
});

describe('the fleet', () => {
  it('is of this pool alone', () => {
    const stranger = nameOf(2, 'bake-big');
    expect(
      fleet([server(1), server(2, { name: stranger })], [runner(3, { name: 'bake-manager' }), liveRunner(1)]).map((w) => w.name),
    ).toStrictEqual([nameOf(1)]);
  });

  it('joins by name, and shows both sides', () => {
    const [first, second] = [server(1), liveRunner(1, { done: 4, busy: 2 })];
    expect(fleet([first], [second])).toStrictEqual([
      { name: nameOf(1), phase: 'busy', bornAt: NOW - HOUR, booted: true, busy: 2, done: 4, server: first, runner: second },
    ]);
  });

  it('is sorted by age, then name', () => {
    const servers = [server(3, { createdAt: NOW - 9 }), server(2, { createdAt: NOW - 8 }), server(1, { createdAt: NOW - 8 })];
    const runners = [liveRunner(4, { createdAt: NOW - 10 })];
    expect(fleet(servers, runners).map((w) => w.name)).toStrictEqual([4, 3, 1, 2].map((n) => nameOf(n)));
  });

  it('is sorted by name, when equally old, whichever side is listed', () => {
    const names = [fleet([server(1)], [runner(2)]), fleet([server(2)], [runner(1)])].map((found) => found.map((w) => w.name));
    expect(names).toStrictEqual([
      [nameOf(1), nameOf(2)],
      [nameOf(1), nameOf(2)],
    ]);
  });

  it('knows a worker since the earlier of what the two sources say', () => {
    const born = (vm: number, record: number) => fleet([server(1, { createdAt: vm })], [runner(1, { createdAt: record })])[0]?.bornAt;
    expect([born(NOW - 2, NOW - 1), born(NOW - 1, NOW - 2)]).toStrictEqual([NOW - 2, NOW - 2]);
  });

  it('of two VMs and two runners of one name takes the older ones, in whatever order they are listed', () => {
    const twins = [server(1, { id: 'young', createdAt: NOW }), server(1, { id: 'b' }), server(1, { id: 'a' })];
    const records = [liveRunner(9, { name: nameOf(1) }), liveRunner(5, { name: nameOf(1) }), liveRunner(1, { createdAt: NOW })];
    for (const order of [
      [0, 1, 2],
      [2, 1, 0],
      [1, 0, 2],
    ]) {
      const pick = <T>(list: readonly T[]) => order.flatMap((i) => list[i] ?? []);
      const found = fleet(pick(twins), pick(records));
      expect(found.map((w) => [w.server?.id, w.runner?.id])).toStrictEqual([['a', 5]]);
    }
  });

  it('has the start of a drain from the note', () => {
    expect(fleet([server(1)], [drainingRunner(1, NOW - MINUTE)])[0]?.drainingSince).toBe(NOW - MINUTE);
  });

  const noDrain = [
    { name: 'a note that nobody can read', runner: liveRunner(1, { paused: true, note: 'later' }) },
    { name: 'no note', runner: liveRunner(1, { paused: true }) },
    { name: 'a runner that is not paused', runner: liveRunner(1, { note: drainNote(NOW, 'idle') }) },
  ];
  it.each(noDrain)('does not guess the start of a drain from $name', ({ runner: given }) => {
    expect(fleet([server(1)], [given])[0]).not.toHaveProperty('drainingSince');
  });
});

describe('idle since', () => {
  const since = NOW - 20 * MINUTE;
  const remembered = memory({ idle: { [nameOf(1)]: { since, done: 3 } } });
  const idleSince = (given: Runner, known = remembered) => fleet([server(1)], [given], { memory: known })[0]?.idleSince;

  it('is carried on while no job is done', () => {
    expect(idleSince(liveRunner(1, { done: 3 }))).toBe(since);
  });

  it.each([
    { name: 'a job was done in between', given: liveRunner(1, { done: 4 }) },
    { name: 'jobs were deleted in between', given: liveRunner(1, { done: 2 }) },
    { name: 'another one was remembered', given: liveRunner(1, { done: 3 }), known: memory({ idle: { [nameOf(2)]: { since, done: 3 } } }) },
  ])('starts now when $name', ({ given, known }) => {
    expect(idleSince(given, known)).toBe(NOW);
  });

  it.each([
    { name: 'busy', given: liveRunner(1, { busy: 1, done: 3 }) },
    { name: 'booting', given: runner(1, { createdAt: NOW - SECOND }) },
    { name: 'draining', given: drainingRunner(1, NOW, { done: 3 }) },
  ])('is not known of one that is $name', ({ given }) => {
    const servers = [server(1, { createdAt: given.createdAt })];
    expect(fleet(servers, [given], { memory: remembered })[0]).not.toHaveProperty('idleSince');
  });
});
