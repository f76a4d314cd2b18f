import { describe, expect, it } from 'vitest';
import type { Worker } from '../../../../lib/core/fleet/types.ts';
import { REFUSAL_MS } from '../../../../lib/core/launches/pause.ts';
import { finishedLaunches, updatePoolState } from '../../../../lib/core/launches/pool-state.ts';
import { EMPTY_POOL_STATE, type FailedOperation, type Launch, type PoolState } from '../../../../lib/core/launches/types.ts';
import { launch, MINUTE, memory, NOW, nameOf, server, worker } from '../../../../testkit/builders.ts';

const BOOT = 10 * MINUTE;
const NONE = new Map<string, FailedOperation>();
const operation = (meaning: FailedOperation['meaning'], code = 'Ecs.0000'): FailedOperation => ({
  code,
  message: 'the cloud says',
  meaning,
});

function settled(given: Launch, workers: readonly Worker[] = [], failed: ReadonlyMap<string, FailedOperation> = NONE) {
  return updatePoolState(memory({ launches: [given] }), { workers, failedOperations: failed, jobs: undefined }, BOOT, NOW).launches[0];
}

describe('what becomes of a launch', () => {
  const booting = worker(1, 'booting');
  const { server: _, ...unlisted } = booting;
  const failedBoot = (failure: Worker['failure']): Worker => ({ ...booting, phase: 'failed', ...(failure ? { failure } : {}) });
  const late = launch(1, { at: NOW - BOOT - 1 });
  const broken = (meaning: FailedOperation['meaning']) => new Map([[nameOf(1), operation(meaning)]]);

  const rows: readonly {
    name: string;
    given?: Launch;
    workers?: readonly Worker[];
    failed?: Map<string, FailedOperation>;
    expected: Partial<Launch>;
  }[] = [
    { name: 'nothing is known yet', expected: {} },
    { name: 'the cloud does not list it yet', workers: [unlisted], expected: {} },
    { name: 'the cloud lists it', workers: [booting], expected: { listed: true } },
    { name: 'it called', workers: [worker(1, 'idle')], expected: { listed: true, outcome: 'booted', settledAt: NOW } },
    {
      name: 'it called and is off already',
      workers: [worker(1, 'draining')],
      expected: { listed: true, outcome: 'booted', settledAt: NOW },
    },
    { name: 'it called and is gone already', workers: [worker(1, 'gone')], expected: { outcome: 'booted', settledAt: NOW } },
    {
      name: 'the VM is in error',
      workers: [failedBoot('error')],
      expected: { listed: true, outcome: 'failed', settledAt: NOW, why: 'error' },
    },
    {
      name: 'it failed without a reason',
      workers: [failedBoot(undefined)],
      expected: { listed: true, outcome: 'failed', settledAt: NOW, why: 'never-booted' },
    },
    { name: 'the operation failed', failed: broken('boot'), expected: { outcome: 'failed', settledAt: NOW, why: 'Ecs.0000' } },
    {
      name: 'the operation failed, but it called',
      workers: [worker(1, 'busy')],
      failed: broken('boot'),
      expected: { listed: true, outcome: 'booted', settledAt: NOW, use: 'job' },
    },
    { name: 'sold out', failed: broken('sold-out'), expected: { outcome: 'failed', settledAt: NOW, why: 'refused' } },
    { name: 'over quota', failed: broken('quota'), expected: { outcome: 'failed', settledAt: NOW, why: 'refused' } },
    {
      name: 'it never was listed, and its runner stops waiting',
      workers: [worker(1, 'gone', { booted: false })],
      expected: { outcome: 'failed', settledAt: NOW, why: 'vanished' },
    },
    {
      name: 'it was listed and is no more',
      given: launch(1, { listed: true }),
      workers: [worker(1, 'gone', { booted: false })],
      expected: { listed: true, outcome: 'failed', settledAt: NOW, why: 'vanished' },
    },
    {
      name: 'it was listed, and now neither VM nor runner is',
      given: launch(1, { listed: true }),
      expected: { listed: true, outcome: 'failed', settledAt: NOW, why: 'vanished' },
    },
    { name: 'listed and booting', given: launch(1, { listed: true }), workers: [booting], expected: { listed: true } },
    { name: 'as old as the boot time', given: launch(1, { at: NOW - BOOT }), expected: { at: NOW - BOOT } },
    { name: 'not seen within the boot time', given: late, expected: { at: late.at, outcome: 'failed', settledAt: NOW, why: 'vanished' } },
    {
      name: 'not called within the boot time',
      given: late,
      workers: [booting],
      expected: { at: late.at, listed: true, outcome: 'failed', settledAt: NOW, why: 'never-booted' },
    },
    { name: 'another worker called', workers: [worker(2, 'idle')], expected: {} },
  ];
  it.each(rows)('$name', ({ given = launch(1), workers, failed, expected }) => {
    const news = expected.settledAt === undefined ? {} : { untold: true };
    expect(settled(given, workers, failed)).toStrictEqual({ ...launch(1), ...expected, ...news });
  });

  const before = NOW - MINUTE;
  const final: readonly { name: string; given: Partial<Launch>; workers: readonly Worker[]; expected?: Partial<Launch> }[] = [
    { name: 'a boot', given: { outcome: 'booted', settledAt: before }, workers: [failedBoot('error')] },
    { name: 'a boot, seen again', given: { outcome: 'booted', settledAt: before }, workers: [worker(1, 'idle')] },
    { name: 'a failure', given: { outcome: 'failed', settledAt: before, why: 'never-booted' }, workers: [worker(1, 'draining')] },
    { name: 'a vanished VM that stays away', given: { outcome: 'failed', settledAt: before, why: 'vanished' }, workers: [booting] },
    {
      name: 'nothing, when a vanished VM calls',
      given: { outcome: 'failed', settledAt: before, why: 'vanished' },
      workers: [worker(1, 'idle')],
      expected: { outcome: 'booted', settledAt: NOW, untold: true },
    },
  ];
  it.each(final)('is final after $name', ({ given, workers, expected = given }) => {
    expect(settled(launch(1, { listed: true, ...given }), workers)).toStrictEqual(launch(1, { listed: true, ...expected }));
  });

  it('keeps what was written down when it was launched', () => {
    const given = launch(1, { jobId: 7, operationId: 'op-1' });
    expect(settled(given, [worker(1, 'idle')])).toMatchObject({ jobId: 7, operationId: 'op-1', at: given.at });
  });
});

describe('launches that are kept', () => {
  const of = (n: number, overrides: Partial<Launch> = {}) => launch(n, { outcome: 'failed', settledAt: NOW - MINUTE + n, ...overrides });
  const names = (launches: readonly Launch[]) =>
    updatePoolState(memory({ launches }), { workers: [], failedOperations: NONE, jobs: undefined }, BOOT, NOW).launches.map((l) => l.name);

  it('are the twenty settled last, and all that are under way', () => {
    const given = [launch(90), ...Array.from({ length: 22 }, (_, i) => of(22 - i)), launch(91)];
    const kept = [90, ...Array.from({ length: 20 }, (_, i) => 22 - i), 91];
    expect(names(given)).toStrictEqual(kept.map((n) => nameOf(n)));
  });

  it('are all that the ledger does not tell yet, beside the twenty', () => {
    const given = Array.from({ length: 45 }, (_, i) => of(i + 1, i % 2 === 0 ? { untold: true } : {}));
    expect(names(given)).toHaveLength(23 + 20);
  });

  it('are refused ones only as long as their runner could be taken for a booting one', () => {
    const refused = { why: 'refused' };
    expect(names([of(1, { ...refused, at: NOW - BOOT }), of(2, { ...refused, at: NOW - BOOT - 1 })])).toStrictEqual([nameOf(1)]);
  });

  it('do not include refused ones in the twenty', () => {
    const given = [of(50, { why: 'refused' }), ...Array.from({ length: 20 }, (_, i) => of(i + 1))];
    expect(names(given)).toHaveLength(21);
  });
});

describe('tried', () => {
  it('is what settled, without what was refused, by time and then name', () => {
    const at = (n: number, settledAt: number) => launch(n, { outcome: 'booted', settledAt });
    const undated = launch(5, { outcome: 'failed' });
    const launches = [
      at(3, NOW),
      at(4, NOW - 1),
      at(2, NOW),
      launch(1),
      undated,
      launch(6, { outcome: 'failed', settledAt: 1, why: 'refused' }),
    ];
    expect(finishedLaunches(launches).map((l) => l.name)).toStrictEqual([5, 4, 2, 3].map((n) => nameOf(n)));
    expect(finishedLaunches([...launches].reverse())).toStrictEqual(finishedLaunches(launches));
  });
});

describe('refusals', () => {
  const kept = { flavor: 'c4', zone: 'eu-de-02', code: 'Ecs.0319', until: NOW + 1 };
  const over = { ...kept, until: NOW };

  it('hold for a while, and are dropped then', () => {
    expect(
      updatePoolState(memory({ refusals: [over, kept] }), { workers: [], failedOperations: NONE, jobs: undefined }, BOOT, NOW).refusals,
    ).toStrictEqual([kept]);
  });

  it('come of launches that the cloud took back for lack of capacity', () => {
    const launches = [launch(1, { flavor: 'big', zone: 'z1' }), launch(2), launch(3), launch(4)];
    const failed = new Map([
      [nameOf(1), operation('sold-out', 'Ecs.0319')],
      [nameOf(2), operation('boot')],
      [nameOf(3), operation('quota')],
    ]);
    expect(
      updatePoolState(memory({ launches, refusals: [kept] }), { workers: [], failedOperations: failed, jobs: undefined }, BOOT, NOW)
        .refusals,
    ).toStrictEqual([kept, { flavor: 'big', zone: 'z1', code: 'Ecs.0319', until: NOW + REFUSAL_MS }]);
  });

  it('are not made again of a launch that is settled', () => {
    const launches = [launch(1, { outcome: 'failed', settledAt: NOW - 1, why: 'refused' })];
    expect(
      updatePoolState(
        memory({ launches }),
        { workers: [], failedOperations: new Map([[nameOf(1), operation('sold-out')]]), jobs: undefined },
        BOOT,
        NOW,
      ).refusals,
    ).toStrictEqual([]);
  });
});

describe('the pause', () => {
  const pause = { until: NOW + 1, code: 'Ecs.0001', message: 'cores' };
  const learned = (given: PoolState, failed: ReadonlyMap<string, FailedOperation>) =>
    updatePoolState(given, { workers: [], failedOperations: failed, jobs: undefined }, BOOT, NOW);

  it('lasts until its time', () => {
    expect(learned(memory({ pause }), NONE).pause).toStrictEqual(pause);
    expect(learned(memory({ pause: { ...pause, until: NOW } }), NONE)).not.toHaveProperty('pause');
    expect(learned(memory(), NONE)).not.toHaveProperty('pause');
  });

  it('begins with a launch that was taken back for quota', () => {
    const launches = [launch(1), launch(2)];
    const failed = new Map([
      [nameOf(1), operation('sold-out')],
      [nameOf(2), operation('quota', 'Ecs.0042')],
    ]);
    const workers = [
      worker(1, 'booting'),
      worker(2, 'booting'),
      worker(3, 'busy'),
      { ...worker(4, 'booting'), phase: 'failed' as const },
      worker(5, 'gone'),
    ];
    expect(updatePoolState(memory({ launches }), { workers, failedOperations: failed, jobs: undefined }, BOOT, NOW).pause).toStrictEqual({
      until: NOW + 2 * MINUTE,
      code: 'Ecs.0042',
      message: 'the cloud says',
      refused: { kind: 'quota', at: NOW, tries: 1, machines: 1 },
    });
  });

  it('does not begin with other failures', () => {
    const given = memory({ launches: [launch(1)] });
    expect(learned(given, new Map([[nameOf(1), operation('boot')]]))).not.toHaveProperty('pause');
  });

  it('grows only with attempts made after the last refusal: those of one wave count once', () => {
    const refused = { kind: 'quota', at: NOW - MINUTE, tries: 3, machines: 1 } as const;
    const given = { until: NOW + MINUTE, code: 'Ecs.0001', message: 'cores', refused };
    const failed = new Map([[nameOf(1), operation('quota')]]);
    const again = (at: number) => learned(memory({ launches: [launch(1, { at })], pause: given }), failed).pause;
    expect(again(NOW - MINUTE)).toStrictEqual(given);
    expect(again(NOW - MINUTE + 1)).toMatchObject({ until: NOW + 16 * MINUTE, refused: { tries: 4 } });
  });
});

describe('idle times', () => {
  it('are kept of idle workers alone', () => {
    const since = NOW - MINUTE;
    const workers = [worker(1, 'idle', { idleSince: since, done: 3 }), worker(2, 'busy'), worker(3, 'draining', { idleSince: since })];
    const known = memory({ idle: { [nameOf(9)]: { since, done: 1 } } });
    expect(updatePoolState(known, { workers, failedOperations: NONE, jobs: undefined }, BOOT, NOW).idle).toStrictEqual({
      [nameOf(1)]: { since, done: 3 },
    });
  });

  it('are not made up', () => {
    const { idleSince: _, ...unknown } = worker(1, 'idle');
    expect(
      updatePoolState(EMPTY_POOL_STATE, { workers: [unknown], failedOperations: NONE, jobs: undefined }, BOOT, NOW).idle,
    ).toStrictEqual({});
  });
});

it('learns nothing from nothing', () => {
  expect(updatePoolState(EMPTY_POOL_STATE, { workers: [], failedOperations: NONE, jobs: undefined }, BOOT, NOW)).toStrictEqual(
    EMPTY_POOL_STATE,
  );
});

it('needs no runner to have listed a VM', () => {
  const { runner: _, ...bare } = worker(1, 'booting');
  expect(settled(launch(1), [{ ...bare, server: server(1) }])?.listed).toBe(true);
});
