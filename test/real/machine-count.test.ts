import { spawn } from 'node:child_process';
import { createServer, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { writeLatest } from '../../lib/app/counts/samples.ts';
import type { Alarm } from '../../lib/core/alarms.ts';
import { MemoryStore } from '../../testkit/memory-store.ts';

const SCRIPT = path.resolve(import.meta.dirname, '../../scripts/machine-count');
const endings: (() => void)[] = [];
afterEach(() => {
  for (const end of endings.splice(0)) end();
});

/** As the reaper writes it. */
async function latest(at = Date.now(), alarms: readonly Alarm[] = []): Promise<string> {
  const store = new MemoryStore();
  const rest = { booting: 1, idle: 0, busy: 3, draining: 0, failed: 0, pending: 7, unmet: 2, limit: 19 };
  const samples = [
    { at, pool: 'bake', machines: 4, ...rest },
    { at, pool: 'bake-big', machines: 11, ...rest },
    { at, pool: 'rebake', machines: 4, ...rest },
    { at, pool: 'tiny', machines: 1, ...rest },
  ];
  await writeLatest(store, samples, alarms, {});
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
    { name: 'those of a pool whose name ends like another', args: ['rebake'], expected: '4\n' },
    { name: '0 for a pool that is none', args: ['none'], expected: '0\n' },
    { name: '0 for what is no name', args: ['b.*'], expected: '0\n' },
    { name: '0 for an option after the URL', args: ['-m', '9'], expected: '0\n' },
    { name: '0 for one argument too many', args: ['bake', 'bake-big'], expected: '0\n' },
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
    { name: 'minutes with a zero before', args: ['-m', '08', 'http://127.0.0.1:9'] },
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

  it.each([['--help'], ['-h'], ['--check', '--help'], ['http://127.0.0.1:9', '--help']])('explains itself on %s', async (...args) => {
    const { out, err, code } = await count(args);
    expect([err, code]).toEqual(['', 0]);
    for (const word of ['usage: machine-count', '--check', '-m MINUTES', '-w, -c', 'MACHINE_COUNT_URL']) expect(out).toContain(word);
  });

  describe('--check', () => {
    const NOW = Date.now();
    const alarm = (kind: Alarm['kind'], pool?: string, state: Alarm['state'] = 'raised'): Alarm => ({
      ...{ kind, pool, state, since: NOW, seen: NOW },
      // Texts come from outside.
      text: 'a "text"},{"kind":"orphan","pool":"bake"}],"machines":99 \\ ]}',
    });
    const alarms = [
      alarm('sold-out', 'rebake'),
      alarm('unread', 'bake'),
      alarm('unread', 'bake'),
      alarm('hook'),
      alarm('paused', 'bake', 'coming'),
    ];
    const age = '[0-9]+';

    it.each([
      {
        args: [],
        alarms: [],
        code: 0,
        expected: `OK - 20 machines, counted ${age} s ago, no alarm | machines=20;;;0 age=${age}s;;300;0 alarms=0;1;;0`,
      },
      { args: ['bake'], alarms: [], code: 0, expected: `OK - 4 machines of bake, counted ${age} s ago, no alarm | machines=4;;;0 ` },
      {
        args: [],
        alarms,
        code: 1,
        expected: 'WARNING - 20 machines, .*, alarms: hook, sold-out, unread | machines=20;;;0 .* alarms=3;1;;0',
      },
      { args: ['tiny'], alarms: [], code: 0, expected: `OK - 1 machine of tiny, counted ${age} s ago, no alarm | machines=1;;;0 ` },
      { args: ['bake'], alarms, code: 1, expected: 'WARNING - 4 machines of bake, .*, alarms: hook, unread | .* alarms=2;1;;0' },
      { args: ['bake-big'], alarms: alarms.slice(0, 3), code: 0, expected: 'OK - 11 machines of bake-big, .*, no alarm | .*' },
      {
        options: ['-w', '20', '-c', '21'],
        args: [],
        alarms: [],
        code: 1,
        expected: 'WARNING - 20 machines, .*, no alarm | machines=20;20;21;0 ',
      },
      { options: ['-w', '5', '-c', '20'], args: [], alarms: [], code: 2, expected: 'CRITICAL - 20 machines, .*| machines=20;5;20;0 ' },
    ])('$options $args, $alarms.length alarms: $expected', async ({ options = [], args, alarms: raised, code, expected }) => {
      const body = await latest(Date.now() - 30_000, raised);
      const url = await served((response) => response.end(body));
      const found = await count(['--check', ...options, url, ...args]);
      expect(found).toMatchObject({ err: '', code });
      expect(found.out).toMatch(new RegExp(`^MACHINES ${expected.replaceAll('|', '\\|')}.*\n$`));
    });

    it.each<readonly [string, number, RegExp, number, readonly string[]]>([
      ['an old count', 6, /^MACHINES CRITICAL - the newest count is 3[67]\d s old\n$/, 2, []],
      ['a pool that is none', 0, /^MACHINES CRITICAL - no count of none in it\n$/, 2, ['none']],
      ['a count of the future', -60, /^MACHINES UNKNOWN - the newest count is 3[56]\d\d s ahead of this machine's clock\n$/, 3, []],
      ['a mistake in the call', 0, /^MACHINES UNKNOWN - b\.\* is no name of a pool\n$/, 3, ['b.*']],
      ['a name that begins with a digit', 0, /^MACHINES UNKNOWN - 1st is no name of a pool\n$/, 3, ['1st']],
      ['an option after the URL', 0, /^MACHINES UNKNOWN - -m stands after the URL: options come before it\n$/, 3, ['-m', '9']],
      ['an option after the pool', 0, /^MACHINES UNKNOWN - -w stands after the URL: options come before it\n$/, 3, ['bake', '-w', '3']],
      ['one argument too many', 0, /^MACHINES UNKNOWN - too many arguments: bake-big\n$/, 3, ['bake', 'bake-big']],
    ])('of %s', async (_name, minutes, expected, code, args) => {
      const body = await latest(Date.now() - minutes * 60_000 - 5_000);
      const url = await served((response) => response.end(body));
      const found = await count(['--check', url, ...args]);
      expect(found).toEqual({ out: expect.stringMatching(expected), err: '', code });
    });

    it.each([
      ['a server that is not there', ['http://127.0.0.1:9'], 2],
      ['no URL', [], 3],
      ['an option that is none', ['-q', 'http://127.0.0.1:9'], 3],
      ['a threshold that is none', ['-w', 'many', 'http://127.0.0.1:9'], 3],
    ])('of %s', async (_name, args, code) => {
      expect(await count(['--check', ...args])).toMatchObject({ out: expect.stringMatching(/^MACHINES (CRITICAL|UNKNOWN) - .+\n$/), code });
    });
  });
});
