import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type CountsOptions, counts } from '../../../../cli/commands/counts.ts';
import { type Sample, SERIES_HEADER, sampleLine } from '../../../../lib/core/metrics/sample.ts';
import { MemoryStore } from '../../../../testkit/memory-store.ts';

const DAY = Date.UTC(2026, 10, 23);
const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true });
});

function sample(minute: number, change: Partial<Sample> = {}): Sample {
  const counts = { machines: 3, booting: 1, idle: 0, busy: 2, draining: 0, failed: 0, pending: 4, unmet: 1, limit: 9 };
  return { at: DAY + minute * MINUTE, pool: 'bake', ...counts, ...change };
}

/** A day with an hour of nothing from 10:00 on. */
async function dayStore(pools = ['bake']): Promise<MemoryStore> {
  const store = new MemoryStore();
  const lines: string[] = [];
  for (let m = 0; m < 1440; m++) if (m < 600 || m >= 660) for (const pool of pools) lines.push(sampleLine(sample(m, { pool })));
  await store.put('counts/v1/day/2026/11/2026-11-23.csv', SERIES_HEADER + lines.join(''));
  return store;
}

async function run(options: Partial<CountsOptions>, store: MemoryStore | undefined = undefined, terminal = true) {
  const data: string[] = [];
  const said: string[] = [];
  const blobs: Uint8Array[] = [];
  const output = {
    json: false,
    terminal,
    width: 100,
    data: (text: string) => void data.push(text),
    say: (text: string) => void said.push(text),
    bytes: (bytes: Uint8Array) => void blobs.push(bytes),
  };
  const source = { store: store ?? (await dayStore()), append: true, pools: ['bake'] };
  const whole = { from: '2026-11-23', to: '2026-11-23', timezone: 'UTC', format: 'table' as const, ...options };
  const code = await counts(source, whole, DAY + 30 * HOUR, output);
  return { code, text: data.join('\n'), said: said.join('\n'), blobs };
}

describe('scaler counts', () => {
  it('is a table by minute for a day, with a line where there is a gap', async () => {
    const { text, code } = await run({ from: '2026-11-23T09:58', to: '2026-11-23T11:02' });
    expect(code).toBe(0);
    const lines = text.split('\n').filter((line) => /\d\d:\d\d|…/.test(line));
    expect(lines.map((line) => /(\d\d:\d\d|…)/.exec(line)?.[1])).toEqual(['09:58', '09:59', '…', '11:00', '11:01']);
  });

  it('takes hours for a week and days for a year', async () => {
    const week = JSON.parse((await run({ from: '2026-11-17', format: 'json' })).text);
    expect(week.step).toBe('1h');
    expect(week.rows).toHaveLength(23);
    const year = JSON.parse((await run({ from: '2026-01-01', format: 'json' })).text);
    expect(year).toMatchObject({ step: '1d', rows: [{ time: '2026-11-23T00:00:00Z', samples: 1380, machines: 3 }] });
  });

  it('is CSV with all columns, or with those that were asked for', async () => {
    const all = (await run({ format: 'csv', to: '2026-11-23T00:01' })).text.split('\n');
    expect(all[0]).toMatch(/^time,pool,samples,machines,.*,oldest_wait_max,all_machines_max,all_pending_max,coming,coming_max$/);
    expect(all).toHaveLength(2);
    const some = (await run({ format: 'csv', to: '2026-11-23T00:01', columns: 'busy, pending' })).text;
    expect(some).toBe('time,pool,busy,pending\n2026-11-23T00:00:00Z,bake,2,4');
  });

  it('is JSON with null for what is not known', async () => {
    const { text } = await run({ format: 'json', to: '2026-11-23T00:01', columns: 'busy,hourly_cost' });
    expect(JSON.parse(text)).toEqual({
      ...{ from: '2026-11-23T00:00:00Z', to: '2026-11-23T00:01:00Z', step: '1m' },
      rows: [{ time: '2026-11-23T00:00:00Z', pool: 'bake', busy: 2, hourly_cost: null }],
    });
  });

  it('is OpenMetrics: each family once, in the order of time, with an end', async () => {
    const { text } = await run(
      { format: 'openmetrics', to: '2026-11-23T00:02', columns: 'busy,hourly_cost,pending' },
      await dayStore(['bake', 'small']),
    );
    const at = DAY / 1000;
    const points = (name: string, value: number) =>
      ['bake', 'small'].flatMap((pool) => [at, at + 60].map((t) => `gitlab_scaler_${name}{pool="${pool}"} ${value} ${t}`));
    expect(text.split('\n').filter((line) => !line.startsWith('# HELP'))).toEqual([
      '# TYPE gitlab_scaler_busy gauge',
      ...points('busy', 2),
      '# TYPE gitlab_scaler_pending gauge',
      ...points('pending', 4),
      '# EOF',
    ]);
  });

  it('shows what is on its way: its mean and its highest, nothing where an older release did not count it', async () => {
    const store = new MemoryStore();
    const lines = [sample(0), sample(1, { coming: 3 }), sample(2, { coming: 0 })].map(sampleLine).join('');
    await store.put('counts/v1/day/2026/11/2026-11-23.csv', SERIES_HEADER + lines);
    const span = { to: '2026-11-23T01:00' };
    expect((await run({ ...span, format: 'table' }, store)).text).toMatch(/failed\s*│\s*coming\s*│\s*pending/);
    const csv = (await run({ ...span, format: 'csv', columns: 'coming' }, store)).text.split('\n').slice(1);
    expect(csv.map((line) => line.split(',').at(-1))).toEqual(['', '3', '0']);
    const json = (await run({ ...span, format: 'json', step: '1h' }, store)).text;
    expect(JSON.parse(json)).toMatchObject({ rows: [{ coming: 1.5, coming_max: 3 }] });
    expect((await run({ ...span, format: 'openmetrics' }, store)).text).toContain(
      `# TYPE gitlab_scaler_coming gauge\n# HELP gitlab_scaler_coming VMs that are ordered and not listed yet\ngitlab_scaler_coming{pool="bake"} 3 ${DAY / 1000 + 60}\n`,
    );
  });

  it.each([
    { name: 'a column that is none', options: { columns: 'bussy' }, says: 'there is no column "bussy"; there are samples, machines' },
    { name: 'minutes of a year', options: { from: '2025-11-23', step: '1m' as const }, says: 'add --step 1h' },
    { name: 'a PNG on a terminal', options: { format: 'png' as const }, says: 'add --output' },
    { name: 'a file that cannot be written', options: { output: '/no/such/folder/x.csv' }, says: 'cannot be written' },
  ])('tells of $name', async ({ options, says }) => {
    await expect(run(options)).rejects.toThrow(says);
  });

  it('says that nothing is recorded, and that a pool is not configured', async () => {
    const { said, code } = await run({ from: '2026-11-20', to: '2026-11-20', pool: 'old' });
    expect(code).toBe(0);
    expect(said).toMatch(/no pool old.*\nNothing is recorded/s);
  });
});

describe('charts', () => {
  it('leave a gap blank in a terminal', async () => {
    const { text } = await run({ format: 'chart' });
    const bottom = text.split('\n').find((line) => line.startsWith('   0 ┼'));
    const body = text.split('\n').slice(1, 13);
    expect(bottom).toBeDefined();
    // The hour from 10:00 on is columns 39 to 43 of 94.
    const lowest = body.at(-1)?.slice(6) ?? '';
    expect(lowest.slice(40, 42)).toBe('  ');
    expect(lowest.replace(/ +/g, ' ')).toMatch(/^█+ █+$/);
    expect(text).toContain('bake: machines, at most 3 (limit 9)');
    expect(text.split('\n').every((line) => line.length <= 100)).toBe(true);
  });

  it('are drawn per pool as SVG, with gaps, legend and zone, and as PNG', async () => {
    const store = await dayStore(['bake', 'small & <odd>'.slice(0, 5)]);
    const svg = (await run({ format: 'svg', timezone: 'Europe/Berlin' }, store)).text;
    expect(svg).toMatch(/^<svg xmlns/);
    for (const word of ['bake: machines', 'small: machines', 'draining', 'limit', 'Europe/Berlin', '12:00']) expect(svg).toContain(word);
    expect(svg).not.toMatch(/NaN|undefined/);
    // An area in two parts: the busy ones before and after the gap.
    const busy = /fill="#0072b2"[^>]*><path d="([^"]+)"/.exec(svg)?.[1] ?? '';
    expect(busy.match(/M/g)).toHaveLength(2);

    const folder = mkdtempSync(path.join(tmpdir(), 'counts-'));
    folders.push(folder);
    const file = path.join(folder, 'day.png');
    await run({ format: 'png', output: file }, store);
    const png = readFileSync(file);
    expect(png.subarray(1, 4).toString()).toBe('PNG');
    expect(png.readUInt32BE(16)).toBe(1920);
    expect((await run({ format: 'png' }, store, false)).blobs).toHaveLength(1);
  });

  it.each(['chart', 'svg'] as const)('say that nothing is recorded as %s', async (format) => {
    expect((await run({ format, from: '2026-11-20', to: '2026-11-20' })).text).toContain('nothing recorded');
  });

  describe('show maxima that are maxima, not those of means', () => {
    /** A week of hours with two machines and one job in half of each hour's minutes, and once nineteen and seven. */
    const spiky = async () => {
      const store = new MemoryStore();
      const lines = Array.from({ length: 1440 }, (_, m) =>
        m === 700
          ? sample(m, { machines: 19, busy: 18, pending: 7 })
          : sample(m, m % 2 === 0 ? { pending: 1 } : { machines: 0, booting: 0, busy: 0, pending: 0 }),
      );
      await store.put('counts/v1/day/2026/11/2026-11-23.csv', SERIES_HEADER + lines.map(sampleLine).join(''));
      return store;
    };

    it.each(['1m', '1h', '1d'] as const)('in a terminal, by %s', async (step) => {
      const { text } = await run({ format: 'chart', step }, await spiky());
      expect(text).toContain('machines, at most 19 (limit 9)');
      expect(text).toContain('waiting, at most 7 at a time');
    });

    it('in a picture, as a line of their own', async () => {
      const svg = (await run({ format: 'svg', step: '1h' }, await spiky())).text;
      expect(svg).toContain('>at most<');
      expect(svg.match(/stroke="#009e73"[^>]*><path|<path[^>]*stroke="#009e73"/g)).toHaveLength(2);
      expect(svg).toContain('>20<');
      expect((await run({ format: 'svg', step: '1m' }, await spiky())).text).not.toContain('>at most<');
    });

    it('in a table', async () => {
      const { text } = await run({ format: 'table', step: '1d', columns: 'machines,machines_max,pending_max' }, await spiky());
      expect(text).toMatch(/bake\s*│\s*1\.5\s*│\s*19\s*│\s*7/);
    });
  });

  it.each([
    { most: 1, labels: ['1', '0'] },
    { most: 2, labels: ['2', '1', '0'] },
    { most: 3, labels: ['3', '2', '1', '0'] },
    { most: 5, labels: ['6', '4', '2', '0'] },
    { most: 19, labels: ['20', '15', '10', '5', '0'] },
  ])('have whole numbers on their axis, each once, for $most machines', async ({ most, labels }) => {
    const store = new MemoryStore();
    await store.put(
      'counts/v1/day/2026/11/2026-11-23.csv',
      SERIES_HEADER + sampleLine(sample(0, { machines: most, busy: most, limit: most, pending: 0 })),
    );
    const { text } = await run({ format: 'chart' }, store);
    expect(text.split('\n').flatMap((line) => /^ *(\d+) [┤┼]/.exec(line)?.[1] ?? [])).toEqual(labels);
    const svg = (await run({ format: 'svg' }, store)).text;
    const axis = /aria-label="y-axis tick label"[\s\S]*?<\/g>/.exec(svg)?.[0] ?? '';
    expect([...axis.matchAll(/>([\d.]+)<\/text>/g)].map(([, label]) => label).reverse()).toEqual(labels);
  });

  it('of chosen columns are lines', async () => {
    const svg = (await run({ format: 'svg', columns: 'pending,oldest_wait' })).text;
    expect(svg).toContain('>pending<');
    expect(svg).not.toContain('draining');
  });

  it('of chosen columns are lines of bars in a terminal, with the same gap', async () => {
    const { text } = await run({ format: 'chart', columns: 'pending,failed,machines' });
    const shown = text.split('\n');
    expect(shown[0]).toBe('bake');
    expect(shown.flatMap((line) => /^ +(\w+, at most .*)$/.exec(line)?.[1] ?? [])).toEqual([
      'pending, at most 4',
      'failed, at most 0',
      'machines, at most 3',
    ]);
    const bars = shown.filter((line) => line.includes('█'));
    expect(bars).toHaveLength(2);
    for (const line of bars) expect(line.slice(6).replace(/ +/g, ' ')).toMatch(/^█+ █+$/);
    expect(text).not.toContain('draining');
    expect(shown.every((line) => line.length <= 100)).toBe(true);
  });

  it('of chosen columns have the highest minute of a longer step', async () => {
    const store = new MemoryStore();
    const samples = Array.from({ length: 60 }, (_, m) => sample(m, { machines: m === 7 ? 9 : 1 }));
    await store.put('counts/v1/day/2026/11/2026-11-23.csv', SERIES_HEADER + samples.map(sampleLine).join(''));
    expect((await run({ format: 'chart', columns: 'machines', step: '1h' }, store)).text).toContain('machines, at most 9');
  });
});
