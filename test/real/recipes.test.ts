import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DuckDBInstance } from '@duckdb/node-api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderOpenMetrics } from '../../cli/render/open-metrics.ts';
import { readSeries } from '../../lib/app/counts/read.ts';
import { dayKey } from '../../lib/core/keys.ts';
import { ROLLUP_COLUMNS } from '../../lib/core/metrics/rollup.ts';
import { type Sample, SERIES_HEADER, sampleLine } from '../../lib/core/metrics/sample.ts';
import { MemoryStore } from '../../testkit/memory-store.ts';

/* The recipes of docs/counts.md, word for word, against a day as the reaper writes it. */

const page = readFileSync(new URL('../../docs/counts.md', import.meta.url), 'utf8');
const DAY = Date.UTC(2026, 10, 23);
const samples: readonly Sample[] = Array.from({ length: 180 }, (_, minute) => ({
  ...{
    at: DAY + minute * 60_000,
    pool: 'bitbake',
    machines: 1 + Math.floor(minute / 60),
    booting: 0,
    idle: 0,
    busy: 1,
    draining: 0,
    failed: 0,
  },
  ...{ limit: 19, ...(minute === 7 ? {} : { pending: 2, unmet: 0 }) },
}));
const text = SERIES_HEADER + samples.map(sampleLine).join('');
/** The day before, of a release without the newest columns, and the day after, of a farm without prices that went on in a second part. */
const narrow = (lines: string) => lines.replaceAll(/(,[^,\n]*){3}\n/g, '\n');
const otherDay = (days: number, change: Partial<Sample>) =>
  SERIES_HEADER + samples.map((sample) => sampleLine({ ...sample, at: sample.at + days * 86_400_000, ...change })).join('');
const objects: Readonly<Record<string, string>> = {
  [`/${dayKey(DAY)}`]: text,
  [`/${dayKey(DAY - 86_400_000)}`]: narrow(otherDay(-1, {})),
  [`/${dayKey(DAY + 86_400_000)}`]: otherDay(1, { oldestWait: 40 }),
};
let url: string;
let folder: string;
let close: () => void;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'recipes-'));
  const server = createServer((request, response) => {
    const text = objects[request.url ?? ''];
    if (text === undefined) return response.writeHead(404).end();
    const [, from = '', last = ''] = /^bytes=(\d*)-(\d*)$/.exec(request.headers.range ?? '') ?? [];
    const start = from === '' ? (last === '' ? 0 : text.length - Number(last)) : Number(from);
    if (start >= text.length) return response.writeHead(416).end();
    return response.writeHead(start > 0 ? 206 : 200).end(text.slice(start));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  close = () => server.close();
});
afterAll(() => {
  close();
  rmSync(folder, { recursive: true });
});

/** The recipe that holds a word, with the test's own URL. */
function recipe(language: string, word: string): string {
  const blocks = [...page.matchAll(new RegExp(`\`\`\`${language}\\n([\\s\\S]*?)\`\`\``, 'g'))].map(([, body = '']) => body);
  const found = blocks.find((body) => body.includes(word));
  if (!found) throw new Error(`no recipe in ${language} with ${word}`);
  return found.replaceAll(/(?<![A-Z])URL(?=\/)/g, url);
}

function run(command: string, args: readonly string[]): Promise<{ readonly code: number | null; readonly out: string }> {
  const child = spawn(command, args, { cwd: folder });
  let out = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (out += data));
  return new Promise((resolve) => child.once('close', (code) => resolve({ code, out })));
}

describe('docs/counts.md', () => {
  it('curl: the newest minute', async () => {
    expect(await run('sh', ['-c', recipe('sh', 'tail -n 1')])).toEqual({ code: 0, out: text.split('\n').at(-2)?.concat('\n') });
  });

  it('curl: what is new since the last look', async () => {
    const since = (length: number) => run('sh', ['-c', recipe('sh', 'LEN-').replaceAll('LEN-', `${length}-`)]);
    expect((await since(text.lastIndexOf('2026'))).out).toBe(text.slice(text.lastIndexOf('2026')));
    expect(await since(text.length)).toEqual({ code: 22, out: '' });
  });

  it('pandas', async () => {
    const { code, out } = await run('/usr/bin/python3', ['-c', recipe('python', 'pandas')]);
    expect(out).toMatch(/00:00:00\+00:00 +1 +2\.0\n2026-11-23 01:00:00\+00:00 +2 +2\.0\n2026-11-23 02:00:00\+00:00 +3 +2\.0/);
    expect(code).toBe(0);
  });

  it('DuckDB: days of different columns and without prices, wherever the reader is', async () => {
    expect(await run('sh', ['-c', recipe('sh', '--remote-name-all')])).toEqual({ code: 0, out: '' });
    writeFileSync(path.join(folder, '2026-11-24-2.csv'), otherDay(1, { at: DAY + 2 * 86_400_000 - 60_000, oldestWait: 90 }));
    const duck = await (await DuckDBInstance.create(':memory:')).connect();
    await duck.run("set TimeZone = 'America/New_York'");
    const sql = recipe('sql', 'read_csv').replace("read_csv('", `read_csv('${folder}/`);
    const statements = sql.split(';').filter((statement) => statement.trim() !== '');
    for (const statement of statements.slice(0, -1)) await duck.run(statement);
    const rows = (await duck.runAndReadAll(statements.at(-1) ?? '')).getRowsJson();
    expect(rows).toEqual([
      ...[22, 23].flatMap((day) => [0, 1, 2].map((hour) => [`2026-11-${day} 0${hour}:00:00+00`, String(hour + 1), null, null])),
      ...[0, 1, 2].map((hour) => [`2026-11-24 0${hour}:00:00+00`, String(hour + 1), '40', null]),
      ['2026-11-24 23:00:00+00', '3', '90', null],
    ]);
    // What the page says of each setting.
    await expect(duck.runAndReadAll(sql.replace(/,\s*types = \{[^}]*\}/, ''))).rejects.toThrow('avg');
    const silent = (
      await duck.runAndReadAll(`describe select * from read_csv(['${folder}/2026-11-22.csv', '${folder}/2026-11-24.csv'])`)
    ).getRowsJson();
    expect(silent.map(([name]) => name)).not.toContain('oldest_wait');
  });

  it('Prometheus', async () => {
    const command = recipe('sh', 'promtool')
      .split('\n')
      .find((line) => line.startsWith('promtool'));
    // A day that went on in its next part because of a line ahead of the clock: promtool drops what is out of order, without a word.
    const store = new MemoryStore();
    const [early, late] = [samples.slice(0, 60), samples.slice(60)];
    const parts = { [dayKey(DAY)]: [...early, ...late.slice(-1)], [dayKey(DAY).replace('.csv', '-2.csv')]: late.slice(0, -1) };
    for (const [key, lines] of Object.entries(parts)) await store.put(key, SERIES_HEADER + lines.map(sampleLine).join(''));
    const rows = await readSeries(store, { from: DAY, to: DAY + 86_400_000, step: '1m', append: true });
    const columns = ROLLUP_COLUMNS.filter(([column]) => column === 'machines' || column === 'pending');
    const metrics = renderOpenMetrics(rows, columns);
    const times = [...metrics.matchAll(/^gitlab_scaler_machines\S* \S+ (\d+)$/gm)].map(([, time]) => Number(time));
    expect(times).toEqual(samples.map(({ at }) => at / 1000));
    writeFileSync(path.join(folder, 'november.txt'), metrics);
    const { code, out } = await run('sh', ['-c', command?.replace('/var/lib/prometheus', `${folder}/data`) ?? 'false']);
    // All 180 minutes of machines and 179 of pending, in two blocks.
    expect([code, out]).toEqual([0, expect.stringMatching(/BLOCK ULID[\s\S]* 239 [\s\S]* 120 /)]);
  });
});
