import { describe, expect, it } from 'vitest';
import { readLedger } from '../../../../lib/app/ledger/read.ts';
import type { ReadEntry } from '../../../../lib/app/ledger/schema.ts';
import type { RanJob } from '../../../../lib/app/ledger/types.ts';
import { factsOf } from '../../../../lib/app/report/facts.ts';
import { readReport } from '../../../../lib/app/report/read.ts';
import type { AliveWorker } from '../../../../lib/app/report/worker-histories.ts';
import { UnclearError } from '../../../../lib/core/errors.ts';
import { toIso } from '../../../../lib/core/time.ts';
import { MemoryStore } from '../../../../testkit/memory-store.ts';

const T = Date.UTC(2026, 10, 23, 8);
const MINUTE = 60_000;
const SPAN = { from: T, to: T + 600 * MINUTE };
const at = (minute: number) => toIso(T + minute * MINUTE);

function entry(kind: string, minute: number, more: Partial<ReadEntry> = {}): ReadEntry {
  return { kind, time: at(minute), pool: 'bake', ...more };
}

function ranJob(id: number, change: Partial<RanJob> = {}): RanJob {
  return { id, project: 'p', status: 'success', queued: at(0), started: at(5), finished: at(20), ...change };
}

const W = 'bake-w';
const LAUNCH = entry('launch', 1, { worker: W, outcome: 'done', jobId: 1, runnerId: 7, flavor: 'x', ms: 2_000 });
const BOOTED = entry('booted', 4, {
  ...{ worker: W, seconds: 180, createdAt: at(1), activeAt: at(2) },
  phases: [
    ['ready', 59.5],
    ['runner-started', 60.25],
  ],
});
const REAP = entry('reap', 30, { worker: W, outcome: 'done', flavor: 'x2', createdAt: at(1), activeAt: at(2), ms: 1_000 });
const FORGET = entry('forget', 32, { worker: W, outcome: 'done' });
const RAN = entry('ran', 32, { worker: W, jobs: [ranJob(1)] });
const LIFE = [LAUNCH, BOOTED, REAP, FORGET, RAN];
const ALIVE: AliveWorker = { name: W, pool: 'bake', flavor: 'x', booting: false };

function facts(entries: readonly ReadEntry[], alive: readonly AliveWorker[] = []) {
  const found = factsOf(entries, alive, T + 60 * MINUTE, SPAN);
  return { ...found, kinds: found.gaps.map(({ kind, count }) => `${kind} ${count}`) };
}

describe('a machine', () => {
  it('is put together from all that the ledger says of its worker', () => {
    const { machines, boots, jobs, kinds } = facts(LIFE);
    const job = { id: 1, project: 'p', pool: 'bake', worker: W, status: 'success', queuedAt: T, startedAt: T + 5 * MINUTE };
    expect(machines).toEqual([
      {
        ...{ worker: W, pool: 'bake', flavor: 'x2', from: T + MINUTE, to: T + 30 * MINUTE + 1_000, onlineAt: T + 2 * MINUTE + 60_250 },
        ...{ vague: false, jobs: [{ ...job, finishedAt: T + 20 * MINUTE }] },
      },
    ]);
    expect(boots.get(W)).toEqual({ launchedAt: T + MINUTE, acceptedAt: T + MINUTE, activeAt: T + 2 * MINUTE, onlineAt: T + 180_250 });
    expect([jobs.length, kinds]).toEqual([1, []]);
  });

  const machine = { from: T + MINUTE, to: T + 30 * MINUTE + 1_000, vague: false };
  it.each([
    {
      name: 'of which the console was not read: up when seen',
      entries: [LAUNCH, { ...BOOTED, phases: undefined }, REAP, FORGET, RAN],
      is: [{ ...machine, onlineAt: T + 4 * MINUTE }],
      kinds: [],
    },
    { name: 'whose launch is not in the ledger', entries: [REAP, FORGET, RAN], is: [{ ...machine, flavor: 'x2' }], kinds: [] },
    {
      name: 'that somebody else deleted',
      entries: [LAUNCH, BOOTED, FORGET, RAN],
      is: [{ ...machine, flavor: 'x', to: T + 32 * MINUTE }],
      kinds: ['end-late 1'],
    },
    {
      name: 'that never was: the cloud took the order back',
      entries: [LAUNCH, entry('boot-failed', 2, { worker: W, seconds: 60 }), FORGET],
      is: [],
      kinds: [],
    },
    { name: 'that was never ordered', entries: [{ ...LAUNCH, outcome: 'failed' }], is: [], kinds: [] },
    {
      name: 'that did not boot',
      entries: [LAUNCH, entry('boot-failed', 11, { worker: W, seconds: 600, createdAt: at(1), activeAt: at(2) }), REAP, FORGET],
      is: [machine],
      kinds: [],
    },
    {
      name: 'that came up after it had counted as failed',
      entries: [LAUNCH, entry('boot-failed', 3, { worker: W, seconds: 120, createdAt: at(1) }), BOOTED, REAP, FORGET],
      is: [{ ...machine, vague: true }],
      kinds: ['not-noted 1'],
    },
    { name: 'of which nothing tells the end', entries: [LAUNCH, BOOTED], is: [], kinds: ['no-end 1'] },
    {
      name: 'that is gone and not forgotten yet',
      entries: [LAUNCH, BOOTED, REAP],
      is: [{ ...machine, vague: true }],
      kinds: ['not-forgotten 1'],
    },
    { name: 'whose reap failed', entries: [LAUNCH, BOOTED, { ...REAP, outcome: 'failed' }], is: [], kinds: ['no-end 1'] },
    {
      name: 'whose jobs could not be read',
      entries: [LAUNCH, BOOTED, REAP, FORGET, entry('ran', 32, { worker: W, jobs: [], jobsUnread: 'http-403' })],
      is: [{ ...machine, vague: true, jobs: [] }],
      kinds: ['jobs-unread 1'],
    },
    {
      name: 'whose jobs were read at the second try',
      entries: [LAUNCH, BOOTED, REAP, entry('ran', 31, { worker: W, jobs: [], jobsUnread: 'timeout' }), FORGET, RAN],
      is: [machine],
      kinds: [],
    },
    {
      name: 'of which some jobs may not be seen',
      entries: [LAUNCH, BOOTED, REAP, FORGET, { ...RAN, unseen: 3 }],
      is: [{ ...machine, vague: true }],
      kinds: ['jobs-unseen 3'],
    },
    {
      name: 'with more jobs than are read',
      entries: [LAUNCH, BOOTED, REAP, FORGET, { ...RAN, more: true }],
      is: [{ ...machine, vague: true }],
      kinds: ['jobs-more 1'],
    },
  ] as const)('$name', ({ entries, is, kinds }) => {
    const found = facts(entries as readonly ReadEntry[]);
    expect(found.machines).toMatchObject(is);
    expect(found.machines).toHaveLength(is.length);
    expect(found.kinds).toEqual(kinds);
  });

  it.each([
    { name: 'booting', entries: [LAUNCH], alive: { ...ALIVE, booting: true }, is: { from: T + MINUTE + 2_000, vague: false }, kinds: [] },
    { name: 'at work', entries: [LAUNCH, BOOTED], alive: ALIVE, is: { from: T + MINUTE, vague: true }, kinds: ['still-there 1'] },
    {
      name: 'at work, and GitLab was asked',
      entries: [LAUNCH, BOOTED],
      alive: { ...ALIVE, jobs: [ranJob(1)] },
      is: { vague: false, jobs: [{ id: 1, project: 'p' }] },
      kinds: [],
    },
  ])('that is still there, $name, is counted until it was last seen', ({ entries, alive, is, kinds }) => {
    const found = facts(entries, [alive]);
    expect(found.machines).toMatchObject([{ to: T + 60 * MINUTE, flavor: 'x', ...is }]);
    expect(found.kinds).toEqual(kinds);
  });

  it('outside of the span is left out with its gaps', () => {
    const later = { from: T + 31 * MINUTE, to: T + 600 * MINUTE };
    expect(factsOf([LAUNCH, BOOTED, REAP], [], T, later)).toMatchObject({ machines: [], gaps: [] });
  });
});

describe('jobs', () => {
  it('are told once, however often their worker is, and the later entry holds', () => {
    const again = entry('ran', 33, { worker: W, jobs: [ranJob(1, { status: 'failed' }), ranJob(2)] });
    const { jobs, machines } = facts([...LIFE, again]);
    expect(jobs.map(({ id, status }) => [id, status])).toEqual([
      [1, 'failed'],
      [2, 'success'],
    ]);
    expect(machines).toHaveLength(1);
  });

  it('are noticed by the first plan that lists them, and have the first hook', () => {
    const plans = [
      entry('plan', 1, { waiting: [1, 2], hook: { jobId: 2, at: at(0.5) } }),
      entry('plan', 2, { waiting: [2], hook: { jobId: 2, at: at(1.5) } }),
      entry('plan', 3, { waiting: [3], hook: { jobId: 3, at: 'nonsense' } }),
      entry('blind', 4, { waiting: [4] }),
    ];
    expect([...facts(plans).waits]).toEqual([
      [1, { noticedAt: T + MINUTE }],
      [2, { noticedAt: T + 2 * MINUTE - MINUTE, hookAt: T + MINUTE / 2 }],
      [3, { noticedAt: T + 3 * MINUTE }],
    ]);
  });

  it('that waited and ran nowhere are counted, apart from those that wait still', () => {
    const plans = [
      entry('plan', -5, { waiting: [99] }),
      entry('plan', 1, { waiting: [1, 2, 3] }),
      entry('plan', 2, { waiting: [2, 3, 4], pool: 'small' }),
      entry('plan', 3, { waiting: [3] }),
      entry('plan', 3, { waiting: [], pool: 'small' }),
    ];
    expect(facts([...plans, ...LIFE]).kinds).toEqual(['waiting 1', 'never-here 2']);
  });
});

describe('reading', () => {
  async function storeOf(entries: readonly ReadEntry[]): Promise<MemoryStore> {
    const store = new MemoryStore();
    const plans = Array.from({ length: 61 }, (_, m) => entry('plan', m, { waiting: [] }));
    const lines = [...entries, ...plans].map((e) => `${JSON.stringify(e)}\n`).join('');
    await store.put('ledger/v1/2026/11/23/08.ndjson', lines);
    return store;
  }
  const query = { from: T, to: T + 60 * MINUTE, now: T + 60 * MINUTE, lifeMs: 0 };

  it('takes a ledger that is damaged or of another version as far as it can be understood', async () => {
    const store = await storeOf([]);
    const odd = [
      '{"kind":"ran","time":"2026-11-23T08:32:00Z","pool":"bake","worker":"w","jobs":[{"id":"x"}]}',
      '{"kind":"new","time":"2026-11-23T08:32:00Z","pool":"bake","worker":"w","anything":1}',
      '{"kind":"launch","time":"soon","pool":"bake","worker":"w","outcome":"done"}',
      '{"kind":"reap","ti',
    ];
    await store.put('ledger/v1/2026/11/23/09.ndjson', odd.join('\n'));
    expect((await readLedger(store, T, T)).map(({ kind }) => kind)).toContain('new');
    expect(await readReport(store, query)).toMatchObject({ timelines: [], total: { machines: 0 } });
  });

  it('ends now, however far the question reaches', async () => {
    const made = await readReport(await storeOf(LIFE), { ...query, to: T + 600 * MINUTE });
    expect([made.to, made.gaps.map(({ kind }) => kind)]).toEqual([query.now, ['no-prices']]);
    expect(made.timelines.map(({ job }) => job.id)).toEqual([1]);
  });

  it('names times without any record, at the edges, too', async () => {
    const made = await readReport(await storeOf(LIFE), { ...query, from: T - 30 * MINUTE, to: T + 90 * MINUTE, now: T + 90 * MINUTE });
    expect(made.gaps[0]).toEqual({
      ...{ kind: 'silence', count: 2 },
      text: 'times without any record, 60 min in all, the longest from 2026-11-23T07:30:00Z to 2026-11-23T08:00:00Z',
    });
  });

  it('looks around the span for the ends of lives that began in it', async () => {
    const store = await storeOf([LAUNCH, BOOTED]);
    await store.put(
      'ledger/v1/2026/11/24/01.ndjson',
      [REAP, RAN].map((e) => JSON.stringify({ ...e, time: '2026-11-24T01:00:00Z' })).join('\n'),
    );
    const wide = { ...query, now: T + 48 * 60 * MINUTE };
    expect((await readReport(store, { ...wide, lifeMs: 24 * 60 * MINUTE })).timelines).toHaveLength(1);
    expect((await readReport(store, wide)).gaps.map(({ kind }) => kind)).toContain('no-end');
  });

  it('costs one list a day and one read an object, and the view of the farm', async () => {
    const store = new MemoryStore();
    const hours = Array.from({ length: 30 * 24 }, (_, h) => T + h * 60 * MINUTE);
    for (const hour of hours) {
      const key = `ledger/v1/${toIso(hour).slice(0, 10).replaceAll('-', '/')}/${toIso(hour).slice(11, 13)}.ndjson`;
      await store.put(key, `${JSON.stringify({ ...entry('plan', 0, { waiting: [] }), time: toIso(hour) })}\n`);
    }
    const calls = { list: 0, get: [] as string[] };
    const counting = new Proxy(store, {
      get: (target, name) => {
        if (name === 'list') calls.list += 1;
        const member: unknown = Reflect.get(target, name);
        if (typeof member !== 'function') return member;
        return (...args: unknown[]) => {
          if (name === 'get') calls.get.push(String(args[0]));
          return Reflect.apply(member, target, args);
        };
      },
    });
    const month = 30 * 24 * 60 * MINUTE;
    await readReport(counting, { from: T, to: T + month, now: T + month, lifeMs: 0 });
    expect([calls.list, calls.get.length, new Set(calls.get).size]).toEqual([31, 721, 721]);
  });

  it('goes on when GitLab does not tell about living workers, and says so', async () => {
    const store = await storeOf([LAUNCH, BOOTED]);
    const farm = { version: 1, time: at(60), installation: 'i', pools: [], actions: [], waiting: [], alarms: [], managers: [] };
    const workers = [{ name: W, pool: 'bake', phase: 'idle', since: at(4), flavor: 'x' }];
    await store.put('counts/v1/farm.json', JSON.stringify({ ...farm, workers }));
    const asked: number[] = [];
    const runnerJobs = async (id: number) => {
      asked.push(id);
      throw new UnclearError('deadline', 'late');
    };
    const made = await readReport(store, { ...query, forge: { runnerJobs } });
    expect(asked).toEqual([7]);
    expect(made.gaps.map(({ kind }) => kind)).toEqual(['still-there', 'live-unread', 'no-prices']);
    expect(made.total).toMatchObject({ machines: 1, totalMs: 59 * MINUTE, idleMs: 0 });
  });
});
