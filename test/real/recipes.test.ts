import { spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { renderOpenMetrics } from '../../cli/open-metrics.ts';
import { minuteRow, ROLLUP_COLUMNS } from '../../lib/core/rollup.ts';
import { dayKey, type Sample, SERIES_HEADER, sampleLine } from '../../lib/core/series.ts';

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
let url: string;
let folder: string;
let close: () => void;

beforeAll(async () => {
  folder = mkdtempSync(path.join(tmpdir(), 'recipes-'));
  const server = createServer((request, response) => {
    if (request.url !== `/${dayKey(DAY)}`) return response.writeHead(404).end();
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

  it('Prometheus', async () => {
    const command = recipe('sh', 'promtool')
      .split('\n')
      .find((line) => line.startsWith('promtool'));
    const columns = ROLLUP_COLUMNS.filter(([column]) => column === 'machines' || column === 'pending');
    writeFileSync(path.join(folder, 'november.txt'), renderOpenMetrics(samples.map(minuteRow), columns));
    const { code, out } = await run('sh', ['-c', command?.replace('/var/lib/prometheus', `${folder}/data`) ?? 'false']);
    expect([code, out]).toEqual([0, expect.stringMatching(/BLOCK ULID[\s\S]* 239 [\s\S]* 120 /)]);
  });
});
