import { describe, expect, it } from 'vitest';
import { repeat, status } from '../../../../cli/commands/status.ts';
import { putControl } from '../../../../lib/app/controls/store.ts';
import type { FarmStatus } from '../../../../lib/app/status/schema.ts';
import type { Control } from '../../../../lib/core/controls.ts';
import { FARM_KEY } from '../../../../lib/core/keys.ts';
import { type Sample, SERIES_HEADER, sampleLine } from '../../../../lib/core/metrics/sample.ts';
import { MemoryStore } from '../../../../testkit/memory-store.ts';

const NOW = Date.UTC(2026, 10, 24, 12);
const MINUTE = 60_000;

const FARM: FarmStatus = {
  version: 1,
  time: '2026-11-24T11:59:30Z',
  installation: 'gl-scaler',
  currency: 'EUR',
  pools: [
    { name: 'bake', tags: ['bake'], limit: 4, flavors: ['s3.large.8'] },
    { name: 'small', tags: ['small'], limit: 100, flavors: ['s3.large.8'] },
  ],
  workers: [
    { name: 'bake-01a', pool: 'bake', phase: 'busy', since: '2026-11-24T09:00:00Z', flavor: 's3.large.8', zone: 'eu-de-01' },
    { name: 'bake-01b', pool: 'bake', phase: 'draining', since: '2026-11-24T11:59:00Z', why: 'has powered off' },
  ],
  waiting: [{ pool: 'bake', jobId: 4711, since: '2026-11-24T11:30:00Z' }],
  actions: [
    { time: '2026-11-24T11:58:00Z', kind: 'launch', pool: 'bake', worker: 'bake-01a', why: 'demand', outcome: 'failed', code: 'Ecs.0319' },
  ],
  alarms: [],
  managers: [{ name: 'cache-1', time: '2026-11-24T11:59:00Z', phase: 'ready', problems: [] }],
};

interface How {
  readonly json?: boolean;
  readonly colour?: boolean;
  readonly width?: number;
  readonly said?: readonly Control[];
  /** There is a control of a kind that nobody knows. */
  readonly unknown?: boolean;
}

async function shown(
  change: Partial<FarmStatus> | undefined,
  { json = false, colour = false, width = 120, said = [], unknown = false }: How = {},
) {
  const store = new MemoryStore();
  for (const control of said) await putControl(store, control);
  if (unknown) await store.put('control/v1/freeze/bake.json', '{}');
  if (change) await store.put(FARM_KEY, JSON.stringify({ ...FARM, ...change }));
  const counts = { machines: 2, booting: 0, idle: 0, busy: 1, draining: 1, failed: 0, limit: 4 };
  const samples = [0, 1, 2, 3, 4, 5].map((m): Sample => ({ at: NOW - (6 - m) * MINUTE, pool: 'bake', ...counts, hourlyCost: 6 }));
  await store.put('counts/v1/day/2026/11/2026-11-24.csv', SERIES_HEADER + samples.map(sampleLine).join(''));
  const data: string[] = [];
  const output = { json, data: (text: string) => void data.push(text), say: () => undefined };
  const code = await status(store, { append: true, timezone: 'UTC', width, colour }, NOW, output);
  return { code, text: data.join('\n') };
}

describe('what people have said', () => {
  it('is shown from where they said it, without their escape sequences; what is over is not', async () => {
    const said = [
      { kind: 'pause', target: '_all', since: NOW, by: 'eva', reason: 'mending\u001b[2J' },
      { kind: 'drain', target: 'bake', since: NOW - MINUTE, until: NOW },
    ] as const;
    const { code, text } = await shown({}, { said });
    expect([code, text.split('\n').filter((line) => line.includes('BY HAND'))]).toEqual([
      0,
      [expect.stringMatching(/^BY HAND every pool is paused: nothing is created, nothing deleted \(eva: mending.*\)$/)],
    ]);
    expect(text).not.toContain('\u001b');
  });

  it('is said not to be known where it cannot be read', async () => {
    const { text } = await shown({}, { unknown: true });
    expect(text).toContain('BY HAND the controls (control/v1/) cannot be read: nothing is deleted');
  });
});

describe('scaler status', () => {
  it('is one screen, and 0 when all is well', async () => {
    expect(await shown({})).toEqual({
      code: 0,
      text: [
        'gl-scaler  30 s ago',
        'bake    █░·· 2/4 1 busy, 1 draining, 1 waiting',
        'small   ········································ 0/100 none',
        'cost    0.60 EUR today, 0.60 EUR this month',
        'caches  cache-1: ready',
        '',
        'workers (2)',
        '  bake-01a  busy          3 h  s3.large.8, eu-de-01',
        '  bake-01b  draining     60 s  has powered off',
        '',
        'waiting jobs (1)',
        '  4711  bake  for 30 min',
        '',
        'last actions (1)',
        '  11:58:00  failed launch bake-01a: demand (Ecs.0319)',
      ].join('\n'),
    });
  });

  it.each([
    { n: 1, words: '1 busy, 1 draining, 1 on its way, 1 waiting' },
    { n: 2, words: '1 busy, 1 draining, 2 on their way, 1 waiting' },
  ])('counts $n that is ordered by itself', async ({ n, words }) => {
    const ordered = { pool: 'bake', phase: 'booting', since: '2026-11-24T11:59:00Z', coming: true } as const;
    const workers = [...FARM.workers, ...Array.from({ length: n }, (_, i) => ({ ...ordered, name: `bake-02${i}` }))];
    expect((await shown({ workers })).text.split('\n')[1]).toMatch(new RegExp(`2/4 ${words}$`));
  });

  it('is 1 with alarms on top', async () => {
    const alarm = {
      kind: 'sold-out',
      pool: 'bake',
      text: 'nothing to be had',
      since: NOW - 5 * MINUTE,
      seen: NOW,
      state: 'raised',
    } as const;
    const coming = { ...alarm, kind: 'unread', state: 'coming' } as const;
    const { code, text } = await shown({ alarms: [alarm, coming] });
    expect(code).toBe(1);
    expect(text).toContain('ALARM   sold-out bake: nothing to be had (for 5 min)');
    expect(text).not.toContain('unread');
  });

  it('says that it is old', async () => {
    const { code, text } = await shown({ time: '2026-11-24T10:00:00Z' });
    expect([code, text.split('\n')[0]]).toEqual([1, 'gl-scaler  OLD: nothing written for 2 h; check the timer']);
  });

  it('says that nothing is there yet', async () => {
    expect(await shown(undefined)).toEqual({ code: 1, text: expect.stringContaining('Nothing is recorded yet') });
    expect(JSON.parse((await shown(undefined, { json: true })).text)).toEqual({ ok: false, farm: null });
  });

  it('is for programs, too', async () => {
    expect(JSON.parse((await shown({}, { json: true })).text)).toMatchObject({
      ok: true,
      ageSeconds: 30,
      cost: { currency: 'EUR', today: 0.6 },
      farm: FARM,
    });
  });

  it('fits a narrow terminal, and lets nothing through that would change it', async () => {
    const { text } = await shown({ managers: [{ name: 'c', time: '', phase: 'x', problems: ['\u001b[2Jgone'] }] }, { width: 40 });
    expect(text.split('\n').every((line) => line.length <= 40)).toBe(true);
    expect(text).not.toContain('\u001b');
    expect((await shown({ time: '2026-11-24T10:00:00Z' }, { colour: true })).text).toContain('\u001b[31;1m');
  });

  it('shows so many workers and says that there are more', async () => {
    const workers = Array.from({ length: 33 }, (_, i) => ({
      name: `bake-${i}`,
      pool: 'bake',
      phase: 'busy',
      since: '2026-11-24T09:00:00Z',
    }));
    expect((await shown({ workers })).text).toContain('  … 3 more');
  });
});

it('scaler status --watch looks again, survives a failure, and ends when told', async () => {
  const pages: string[] = [];
  let looks = 0;
  let stop: () => void = () => undefined;
  const stopped = new Promise<void>((resolve) => {
    stop = resolve;
  });
  const look = async (output: { data(text: string): void }) => {
    looks += 1;
    if (looks === 1) throw new Error('the bucket is away');
    output.data(`look ${looks}`);
    if (looks === 3) stop();
    return 0;
  };
  const output = { json: true, data: (text: string) => void pages.push(text), say: () => undefined };
  expect(await repeat(look, 1, output, stopped)).toBe(0);
  expect(pages).toEqual(['the bucket is away', 'look 2', 'look 3']);
});
