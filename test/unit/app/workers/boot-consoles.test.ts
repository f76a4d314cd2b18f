import { describe, expect, it } from 'vitest';
import type { PassInfo } from '../../../../lib/app/pass-context.ts';
import { bootEntries, markReported, NO_CONSOLES, readConsoles } from '../../../../lib/app/workers/boot-consoles.ts';
import { AccessError, ConflictError } from '../../../../lib/core/errors.ts';
import type { Worker } from '../../../../lib/core/fleet/types.ts';
import type { Launch } from '../../../../lib/core/launches/types.ts';
import type { Action } from '../../../../lib/core/plan/types.ts';
import { launch, MINUTE, memory, NOW, nameOf, SECOND, server, worker } from '../../../../testkit/builders.ts';

const signal = new AbortController().signal;
const pass: PassInfo = { id: 'p', trigger: 'timer', time: NOW };
const settings = { pool: { name: 'bake' } };

const booted = (n: number, more: Partial<Launch> = {}) =>
  launch(n, { listed: true, outcome: 'booted', settledAt: NOW, untold: true, ...more });
const failed = (n: number, more: Partial<Launch> = {}) => booted(n, { outcome: 'failed', why: 'off-before-contact', ...more });
const reap = (n: number): Action => ({
  kind: 'reap',
  worker: nameOf(n),
  serverId: `vm-${n}`,
  why: 'powered-off',
  check: 'none',
  jobLost: false,
});
const range = (n: number) => Array.from({ length: n }, (_, i) => i + 1);

interface Told {
  readonly launches: readonly Launch[];
  readonly workers?: readonly Worker[];
  readonly actions?: readonly Action[];
  readonly mayRemove?: boolean;
  readonly answer?: (serverId: string) => string | undefined;
}

/** What is asked and told in one pass. */
async function tell({ launches, workers, actions = [], mayRemove = true, answer = () => '' }: Told) {
  const asked: string[] = [];
  const cloud = {
    consoleLog: async (id: string) => {
      asked.push(id);
      return answer(id);
    },
  };
  const view = { settings, workers: workers ?? launches.map((_, i) => worker(i + 1, 'idle')), memory: memory({ launches }) };
  const reads = mayRemove ? readConsoles(cloud, { view, plan: { actions }, now: NOW, signal }) : NO_CONSOLES;
  const entries = bootEntries(view, mayRemove ? { reads: await reads.done, later: reads.later } : undefined, pass);
  const open = markReported(view.memory, entries).launches.filter((l) => l.untold);
  return { asked, entries, names: entries.map((e) => e.worker), open: open.map((l) => l.name), waits: [...reads.workers] };
}

const said = (n: number, rest: string) => `gl-scaler worker=${nameOf(n)} ${rest}\n`;

describe('the end of a boot', () => {
  it('is told with machine, phases and reason', async () => {
    const { entries, open } = await tell({
      launches: [failed(1, { at: NOW - 95 * SECOND })],
      workers: [worker(1, 'booting', { server: server(1, { createdAt: NOW - 93 * SECOND, activeAt: NOW - 60 * SECOND }) })],
      answer: () => said(1, 'phase=setup uptime=9.5') + said(1, 'phase=failed reason=docker uptime=30.0'),
    });
    expect(entries).toStrictEqual([
      {
        kind: 'boot-failed',
        time: '2026-11-23T12:00:00Z',
        pass: 'p',
        trigger: 'timer',
        pool: settings.pool.name,
        worker: nameOf(1),
        why: 'off-before-contact',
        seconds: 95,
        createdAt: '2026-11-23T11:58:27Z',
        activeAt: '2026-11-23T11:59:00Z',
        phases: [
          ['setup', 9.5],
          ['failed', 30],
        ],
        reason: 'docker',
      },
    ]);
    expect(open).toStrictEqual([]);
  });

  const noConsole: readonly { name: string; workers: readonly Worker[] }[] = [
    { name: 'no VM', workers: [worker(1, 'gone')] },
    { name: 'neither VM nor runner', workers: [] },
    { name: 'a VM in error', workers: [worker(1, 'booting', { server: server(1, { status: 'error' }) })] },
    { name: 'a VM that is being built', workers: [worker(1, 'booting', { server: server(1, { status: 'building' }) })] },
    { name: 'a VM that is being deleted', workers: [worker(1, 'draining', { server: server(1, { deleting: true }) })] },
  ];
  it.each(noConsole)('of $name is told without asking for a console', async ({ workers }) => {
    const { asked, entries } = await tell({ launches: [failed(1)], workers });
    expect(asked).toStrictEqual([]);
    expect(entries).toMatchObject([{ kind: 'boot-failed', worker: nameOf(1) }]);
    expect(entries[0]).not.toHaveProperty('phases');
  });

  it('is told once: neither what was told before nor what still boots is asked for', async () => {
    const { untold: _, ...before } = booted(1);
    const { asked, names } = await tell({ launches: [before, launch(2, { listed: true }), booted(3)] });
    expect([asked, names]).toStrictEqual([['vm-3'], [nameOf(3)]]);
  });

  it('of a machine that is off is read, too', async () => {
    const { asked } = await tell({ launches: [failed(1)], workers: [worker(1, 'draining', { server: server(1, { status: 'off' }) })] });
    expect(asked).toStrictEqual(['vm-1']);
  });
});

describe('a pass that removes nothing', () => {
  it('reads no console and leaves the telling to one that does', async () => {
    const result = await tell({ launches: [booted(1), failed(2)], mayRemove: false });
    expect(result).toMatchObject({ asked: [], names: [], open: [nameOf(1), nameOf(2)], waits: [] });
  });

  it('tells what nobody came to read for five minutes', async () => {
    const launches = [booted(1, { settledAt: NOW - 5 * MINUTE }), booted(2, { settledAt: NOW - 5 * MINUTE + 1 })];
    const result = await tell({ launches, mayRemove: false });
    expect(result).toMatchObject({ asked: [], names: [nameOf(1)], open: [nameOf(2)] });
  });
});

describe('many at once', () => {
  it('are read ten a pass, first those whose servers go; the other boots wait for the next pass', async () => {
    const launches = range(14).map((n) => (n > 12 ? failed(n) : booted(n)));
    const { asked, names, open, waits } = await tell({ launches, actions: [reap(13), reap(14)] });
    expect(asked).toStrictEqual(['vm-13', 'vm-14', ...range(8).map((n) => `vm-${n}`)]);
    expect([names.length, open]).toStrictEqual([10, [9, 10, 11, 12].map((n) => nameOf(n))]);
    expect(waits).toContain(nameOf(13));
  });

  it('that fail and go are all told, whether there was time for their consoles or not', async () => {
    const { asked, names, open, waits } = await tell({ launches: range(30).map((n) => failed(n)), actions: range(30).map(reap) });
    expect([asked.length, names.length, open, waits.length]).toStrictEqual([10, 30, [], 10]);
  });

  it('are told without phases when they have waited for five minutes', async () => {
    const launches = range(12).map((n) => booted(n, { settledAt: NOW - 5 * MINUTE }));
    const { asked, names } = await tell({ launches });
    expect([asked.length, names.length]).toStrictEqual([10, 12]);
  });
});

describe('a console that cannot be read', () => {
  it('costs the phases, is named by its code, and no more are asked for where none would answer', async () => {
    const { asked, entries, open } = await tell({
      launches: range(9).map((n) => booted(n)),
      answer: () => {
        throw new AccessError('Pdp.0001', 'ecs.console: Pdp.0001 denied, token=secret');
      },
    });
    expect(asked.length).toBeLessThanOrEqual(5);
    expect([entries.map((e) => e.consoleUnread), open]).toStrictEqual([Array(9).fill('Pdp.0001'), []]);
    expect(JSON.stringify(entries)).not.toContain('secret');
  });

  it('for reasons of its own does not keep the others from being read', async () => {
    const { asked, entries } = await tell({
      launches: range(7).map((n) => booted(n)),
      answer: () => {
        throw new ConflictError('http-409', 'not ready');
      },
    });
    expect(asked).toHaveLength(7);
    expect(entries.every((e) => e.consoleUnread === 'http-409')).toBe(true);
  });

  it('because there is none says nothing', async () => {
    const { entries } = await tell({ launches: [booted(1)], answer: () => undefined });
    expect(entries[0]).not.toHaveProperty('consoleUnread');
    expect(entries[0]).not.toHaveProperty('phases');
  });
});
