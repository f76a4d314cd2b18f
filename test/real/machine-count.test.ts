import { spawn } from 'node:child_process';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { writeLatest } from '../../lib/app/samples.ts';
import { MemoryStore } from '../fakes/memory-store.ts';

const SCRIPT = path.resolve(import.meta.dirname, '../../scripts/machine-count');
const endings: (() => void)[] = [];
afterEach(() => {
  for (const end of endings.splice(0)) end();
});

/** As the reaper writes it. */
async function latest(at = Date.now()): Promise<string> {
  const store = new MemoryStore();
  const rest = { booting: 1, idle: 0, busy: 3, draining: 0, failed: 0, pending: 7, unmet: 2, limit: 19 };
  const samples = [
    { at, pool: 'bake', machines: 4, ...rest },
    { at, pool: 'bake-big', machines: 11, ...rest },
    { at, pool: 'rebake', machines: 5, ...rest },
  ];
  await writeLatest(store, samples, [], {});
  return store.text('counts/v1/latest.json');
}

async function served(answer: (response: ServerResponse, url: string) => void): Promise<string> {
  const server = createServer((request, response) => answer(response, request.url ?? ''));
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  endings.push(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function count(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ out: string; err: string; code: number | null }> {
  // As nobody where that can be chosen: no rights are needed.
  const nobody = process.getuid?.() === 0 ? { uid: 65_534, gid: 65_534 } : {};
  const child = spawn('/bin/sh', [SCRIPT, ...args], { env: { PATH: process.env.PATH ?? '', ...env }, cwd: '/', ...nobody });
  let out = '';
  let err = '';
  child.stdout.on('data', (data) => (out += data));
  child.stderr.on('data', (data) => (err += data));
  return new Promise((resolve) => child.once('close', (code) => resolve({ out, err, code })));
}

describe('machine-count', () => {
  it.each([
    { name: 'all machines', args: [], expected: '20\n' },
    { name: 'those of one pool', args: ['bake'], expected: '4\n' },
    { name: 'those of a pool whose name begins like another', args: ['bake-big'], expected: '11\n' },
    { name: 'those of a pool whose name ends like another', args: ['rebake'], expected: '5\n' },
    { name: '0 for a pool that is none', args: ['none'], expected: '0\n' },
    { name: '0 for what is no name', args: ['b.*'], expected: '0\n' },
  ])('prints $name', async ({ args, expected }) => {
    const body = await latest();
    const url = await served((response, asked) => response.writeHead(asked === '/counts/v1/latest.json' ? 200 : 404).end(body));
    expect(await count([url, ...args])).toEqual({ out: expected, err: '', code: 0 });
  });

  it('takes its settings from the environment, and the URL of the object itself', async () => {
    const body = await latest();
    const url = await served((response) => response.end(body));
    expect((await count([], { MACHINE_COUNT_URL: `${url}/x/latest.json`, MACHINE_COUNT_POOL: 'bake' })).out).toBe('4\n');
  });

  it.each<readonly [string, (response: ServerResponse) => void, RegExp]>([
    ['403', (response) => response.writeHead(403).end('<Error/>'), /nothing at/],
    ['404', (response) => response.writeHead(404).end(), /nothing at/],
    ['an empty answer', (response) => response.end(), /nothing at/],
    ['a page that is something else', (response) => response.end('<html>machines: 7</html>'), /no latest\.json/],
    ['JSON that is something else', (response) => response.end('{"machines":7}'), /no latest\.json/],
    [
      'a count that is none',
      (response) => response.end(`{"version":1,"time":"${new Date().toISOString().slice(0, 19)}Z","machines":"7"}`),
      /no count/,
    ],
    ['a connection that breaks', (response) => response.destroy(), /nothing at/],
    ['a body without an end', (response) => void response.write('{"version":1,'.repeat(200_000)), /nothing at|no latest/],
  ])(
    'prints 0 for %s, and says why only when asked',
    async (_name, answer, why) => {
      const url = await served(answer);
      const verbose = await count(['-v', url]);
      expect([verbose.out, verbose.code]).toEqual(['0\n', 0]);
      expect(verbose.err).toMatch(why);
      expect((await count([url])).err).toBe('');
    },
    60_000,
  );

  it.each([
    { name: 'a server that is not there', args: ['http://127.0.0.1:9'] },
    { name: 'no URL', args: [] },
    { name: 'minutes that are none', args: ['-m', 'x', 'http://127.0.0.1:9'] },
    { name: 'an option that is none', args: ['-q'] },
  ])('prints 0 for $name', async ({ args }) => {
    expect(await count(args)).toMatchObject({ out: '0\n', code: 0 });
  });

  it.each([
    { minutes: [], age: 4 * 60_000, expected: '20\n' },
    { minutes: [], age: 6 * 60_000, expected: '0\n' },
    { minutes: ['-m', '10'], age: 6 * 60_000, expected: '20\n' },
    { minutes: ['-m', '600'], age: 26 * 3_600_000, expected: '0\n' },
    { minutes: ['-m', '60000'], age: 40 * 86_400_000, expected: '20\n' },
  ])('takes a count that is $age ms old: $expected', async ({ minutes, age, expected }) => {
    const body = await latest(Date.now() - age);
    const url = await served((response) => response.end(body));
    expect((await count([...minutes, url])).out).toBe(expected);
  });
});
