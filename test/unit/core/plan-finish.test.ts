import { describe, expect, it } from 'vitest';
import { DRAIN_SETTLE_MS } from '../../../lib/core/plan/scale-down.ts';
import type { Action, Skipped } from '../../../lib/core/plan/types.ts';
import {
  drainingRunner,
  HOUR,
  launch,
  liveRunner,
  MINUTE,
  memory,
  NOW,
  nameOf,
  planOf,
  pool,
  runner,
  SECOND,
  server,
} from '../../../testkit/builders.ts';

/** From what the cloud and GitLab list to the plan. */
interface Listed {
  readonly name: string;
  readonly plan: () => ReturnType<typeof planOf>;
  readonly actions?: readonly Action[];
  readonly held?: readonly Skipped['why'][];
}

const BOOT = 10 * MINUTE;
const since = (ms: number) => ({ createdAt: NOW - ms });
const gone = { kind: 'forget', worker: nameOf(1), runnerId: 1, why: 'vm-gone', jobLost: false } as const;
const reap = { kind: 'reap', worker: nameOf(1), serverId: 'vm-1' } as const;
const drained = { ...reap, runnerId: 1, why: 'drained', check: 'no-jobs', jobLost: false } as const;
const off = { ...reap, runnerId: 1, why: 'powered-off', check: 'none', jobLost: false } as const;
const orphan = { ...reap, runnerId: 1, why: 'orphan', check: 'no-runner', jobLost: false } as const;
const LONGEST_LIFE = BOOT + 24 * HOUR + 6 * HOUR;
const unborn = (ms: number) => server(1, { ...since(ms), status: 'building' });
const { runnerId: _, ...unmarked } = unborn(BOOT + 1);
const listed = memory({ launches: [launch(1, { listed: true })] });
const goneSince = (contact: number) => liveRunner(1, { contactedAt: NOW - contact });

const steps: readonly Listed[] = [
  // Drained → reaped.
  { name: 'drains for long enough', plan: () => planOf([server(1)], [drainingRunner(1, NOW - DRAIN_SETTLE_MS)]), actions: [drained] },
  {
    name: 'drains not long enough',
    plan: () => planOf([server(1)], [drainingRunner(1, NOW - DRAIN_SETTLE_MS + SECOND)]),
    held: ['drain-settling'],
  },
  { name: 'drains since just now', plan: () => planOf([server(1)], [drainingRunner(1, NOW)]), held: ['drain-settling'] },
  { name: 'drains with a job', plan: () => planOf([server(1)], [drainingRunner(1, NOW - HOUR, { busy: 1 })]), held: ['still-busy'] },
  {
    name: 'drains by a note that nobody can read',
    plan: () => planOf([server(1)], [liveRunner(1, { paused: true, note: 'ask Ada' })]),
    held: ['note-unreadable'],
  },
  { name: 'paused by a person', plan: () => planOf([server(1)], [liveRunner(1, { paused: true })]), held: ['note-unreadable'] },
  {
    name: 'drains from a minute ahead: a matter of seconds',
    plan: () => planOf([server(1)], [drainingRunner(1, NOW + MINUTE)]),
    held: ['drain-settling'],
  },
  { name: 'drains from further ahead', plan: () => planOf([server(1)], [drainingRunner(1, NOW + MINUTE + SECOND)]), held: ['clock-ahead'] },
  { name: 'drains, VM being deleted', plan: () => planOf([server(1, { deleting: true })], [drainingRunner(1, NOW - HOUR)]) },
  {
    name: 'drains, VM in error',
    plan: () => planOf([server(1, { status: 'error' })], [drainingRunner(1, NOW - HOUR)]),
    actions: [drained],
  },
  // Powered off.
  { name: 'off', plan: () => planOf([server(1, { status: 'off' })], [liveRunner(1)]), actions: [off] },
  {
    name: 'off, paused a second ago',
    plan: () => planOf([server(1, { status: 'off' })], [drainingRunner(1, NOW - SECOND)]),
    actions: [off],
  },
  {
    name: 'off, paused with a note that nobody can read',
    plan: () => planOf([server(1, { status: 'off' })], [liveRunner(1, { paused: true })]),
    actions: [off],
  },
  {
    name: 'off under a job',
    plan: () => planOf([server(1, { status: 'off' })], [liveRunner(1, { busy: 1 })]),
    actions: [{ ...off, jobLost: true }],
  },
  {
    name: 'off before it called',
    plan: () => planOf([server(1, { ...since(MINUTE), status: 'off' })], [runner(1, since(MINUTE))]),
    actions: [off],
  },
  {
    name: 'off, no runner',
    plan: () => planOf([server(1, { ...since(MINUTE), status: 'off' })], []),
    actions: [{ ...reap, why: 'powered-off', check: 'none', jobLost: false }],
  },
  { name: 'off, being deleted', plan: () => planOf([server(1, { status: 'off', deleting: true })], [liveRunner(1)]) },
  // Failed.
  {
    name: 'in error',
    plan: () => planOf([server(1, { status: 'error' })], [runner(1)]),
    actions: [{ kind: 'drain', worker: nameOf(1), runnerId: 1, why: 'error' }],
  },
  { name: 'in error with a job', plan: () => planOf([server(1, { status: 'error' })], [liveRunner(1, { busy: 1 })]) },
  {
    name: 'never booted',
    plan: () => planOf([server(1)], [runner(1)]),
    actions: [{ kind: 'drain', worker: nameOf(1), runnerId: 1, why: 'never-booted' }],
  },
  { name: 'booting', plan: () => planOf([server(1, since(BOOT))], [runner(1, since(BOOT))]) },
  // Orphans: one that has run may have a job until its own timer ends it.
  { name: 'no runner, older than the boot time, and never ran', plan: () => planOf([unborn(BOOT + 1)], []), actions: [orphan] },
  { name: 'no runner, as old as the boot time, and never ran', plan: () => planOf([unborn(BOOT)], []) },
  { name: 'no runner, as old as the boot time', plan: () => planOf([server(1, since(BOOT))], []) },
  { name: 'no runner, older than the boot time', plan: () => planOf([server(1, since(BOOT + 1))], []), held: ['may-have-job'] },
  {
    name: 'no runner, in a state that says nothing',
    plan: () => planOf([server(1, { ...since(BOOT + 1), status: 'other' })], []),
    held: ['may-have-job'],
  },
  {
    name: 'no runner, in error after it has run',
    plan: () => planOf([server(1, { status: 'error', activeAt: NOW - 50 * MINUTE })], []),
    held: ['may-have-job'],
  },
  { name: 'no runner, as old as a worker gets', plan: () => planOf([server(1, since(LONGEST_LIFE))], []), held: ['may-have-job'] },
  { name: 'no runner, older than that', plan: () => planOf([server(1, since(LONGEST_LIFE + 1))], []), actions: [orphan] },
  {
    name: 'no runner, and none in its metadata',
    plan: () => planOf([unmarked], []),
    actions: [{ ...reap, why: 'orphan', check: 'no-runner', jobLost: false }],
  },
  { name: 'no runner, from a minute ahead', plan: () => planOf([server(1, since(-MINUTE))], []) },
  { name: 'no runner, from further ahead', plan: () => planOf([server(1, since(-MINUTE - 1))], []), held: ['clock-ahead'] },
  { name: 'no runner, in error', plan: () => planOf([server(1, { status: 'error' })], []), actions: [orphan] },
  { name: 'no runner, being deleted', plan: () => planOf([server(1, { deleting: true })], []) },
  // Strays.
  { name: 'no VM, silent', plan: () => planOf([], [goneSince(2 * MINUTE)]), actions: [gone] },
  { name: 'no VM, called a moment ago', plan: () => planOf([], [goneSince(2 * MINUTE - 1)]), held: ['recent-contact'] },
  { name: 'no VM, never called', plan: () => planOf([], [runner(1)]), actions: [gone] },
  { name: 'no VM, paused', plan: () => planOf([], [runner(1, { paused: true })]), actions: [gone] },
  { name: 'no VM, silent with a job', plan: () => planOf([], [runner(1, { busy: 1 })]), actions: [{ ...gone, jobLost: true }] },
  { name: 'no VM, older than the boot time', plan: () => planOf([], [runner(1, since(BOOT + 1))]), actions: [gone] },
  { name: 'no VM, as old as the boot time', plan: () => planOf([], [runner(1, since(BOOT))]) },
  { name: 'no VM yet', plan: () => planOf([], [runner(1, since(MINUTE))]) },
  { name: 'no VM yet, from further ahead', plan: () => planOf([], [runner(1, since(-MINUTE - 1))]) },
  {
    name: 'no VM, though the boot time is short',
    plan: () => planOf([], [runner(1, since(MINUTE + 1))], { pool: pool({ bootTimeoutMs: MINUTE }) }),
    actions: [gone],
  },
  { name: 'VM lost, from a minute ahead', plan: () => planOf([], [runner(1, since(-MINUTE))], { memory: listed }) },
  {
    name: 'VM lost, from further ahead',
    plan: () => planOf([], [runner(1, since(-MINUTE - 1))], { memory: listed }),
    held: ['clock-ahead'],
  },
];

describe('the last steps', () => {
  it.each(steps)('$name', ({ plan: listedPlan, actions: expected = [], held: left = [] }) => {
    const { actions, held } = listedPlan();
    expect(actions).toStrictEqual(expected);
    expect(held).toStrictEqual(left.map((why) => ({ worker: nameOf(1), why })));
  });

  it('wait without jobs to read, too', () => {
    const { actions } = planOf([server(1), server(2)], [drainingRunner(1, NOW - HOUR), liveRunner(2)], { jobs: undefined });
    expect(actions).toStrictEqual([drained]);
  });

  it('are not taken by a pass that may only grow', () => {
    expect(planOf([server(1)], [drainingRunner(1, NOW - HOUR)], { mayRemove: false })).toMatchObject({ actions: [], held: [] });
  });
});
