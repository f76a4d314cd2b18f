import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, it } from 'vitest';

const root = path.resolve(import.meta.dirname, '../../..');
const read = (file: string) => readFileSync(path.join(root, file), 'utf8');

/** `log.info('…'`, `log[level]('…'`, over line ends, too. */
const LOGGED = /(?:\blog|\))(?:\.(?:debug|info|warn|error)|\[[^\]]*(?:\[[^\]]*\][^\]]*)*\])\(\s*(?:'([^'\n]+)'|([^\s'),]+))/g;

const files = readdirSync(path.join(root, 'lib'), { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'));
const calls = files
  .map((file) => `lib/${file}`)
  .flatMap((file) => [...read(file).matchAll(LOGGED)].map(([call, message, other]) => ({ file, call, message, other })));
const rows = [...read('docs/logs.md').matchAll(/^\| `([^`]+)` \|(.*)\|$/gm)].map(([, message = '', rest = '']) => ({
  message,
  cells: rest.split(' | ').map((cell) => cell.trim()),
}));

describe('docs/logs.md', () => {
  it('explains every message that the functions can log, once, and none that they cannot', () => {
    const logged = new Set(calls.flatMap(({ message }) => message ?? []));
    expect(logged.size).toBeGreaterThan(20);
    expect(
      rows
        .map(({ message }) => message)
        .filter((message) => message !== 'msg')
        .sort(),
    ).toEqual([...logged].sort());
  });

  it('finds every call of a log: a message is a text that does not vary', () => {
    // lib/runtime/log.ts itself hands messages on.
    expect(calls.filter(({ message, file }) => message === undefined && file !== 'lib/runtime/log.ts')).toEqual([]);
  });

  it('gives each its level, who says it, what it means and what to do', () => {
    expect(rows.filter(({ cells }) => cells.length !== 4 || cells.some((cell) => cell === ''))).toEqual([]);
  });
});
