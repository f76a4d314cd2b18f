import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import { describe, expect, it } from 'vitest';
import * as z from 'zod';
import { program } from '../../../cli/program.ts';
import { anchorOf } from '../../../scripts/reference/markdown.ts';
import { anchorsOf, callsOf, linksOf, pathsOf, repositoryFiles } from './markdown.ts';

const root = path.resolve(import.meta.dirname, '../../..');
const files = repositoryFiles(root);
const pages = new Map(files.filter((file) => file.endsWith('.md')).map((file) => [file, readFileSync(path.join(root, file), 'utf8')]));
const Package = z.object({ scripts: z.record(z.string(), z.string()) });
const { scripts } = Package.parse(JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')));

/** The file of ours that a link leads to, seen from the root; `undefined` for another site. */
function relativeFile(from: string, target: string): string | undefined {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return undefined;
  const [file = ''] = target.split('#');
  return file === '' ? from : path.join(path.dirname(from), decodeURIComponent(file)).replace(/\/$/, '');
}

/** Why a link leads nowhere, or `undefined`. */
function brokenLink(from: string, target: string): string | undefined {
  const to = relativeFile(from, target);
  if (to === undefined) return undefined;
  const anchor = target.split('#')[1];
  if (!files.includes(to)) return `${target}: there is no ${to}`;
  if (anchor === undefined) return undefined;
  return anchorsOf(pages.get(to) ?? '').has(anchor) ? undefined : `${target}: ${to} has no heading with this anchor`;
}

/** Why a call of the command line cannot be, or `undefined`. */
function brokenCall(words: readonly string[]): string | undefined {
  const call = words.join(' ');
  let at: CommandUnknownOpts = program;
  let i = 0;
  for (; i < words.length; i++) {
    const word = words[i] ?? '';
    if (word === '-c' || word === '--config') i++;
    else if (at.commands.length === 0 || !/^[a-z][a-z|-]*$/.test(word)) break;
    else {
      const found = word.split('|').map((name) => at.commands.find((one) => one.name() === name));
      const [first] = found;
      if (first === undefined || found.includes(undefined)) return `${call}: there is no command ${word}`;
      at = first;
    }
  }
  const known = [...at.options, ...program.options].flatMap(({ long, short }) => [long, short]);
  const options = words.slice(i).flatMap((word) => /^\[?(--?[a-z][a-z-]*)/.exec(word)?.[1] ?? []);
  const odd = options.find((option) => !known.includes(option) && option !== '--help' && option !== '-h');
  return odd === undefined ? undefined : `${call}: ${at.name()} has no ${odd}`;
}

describe('all pages', () => {
  it('are looked at, and hold what is looked for', () => {
    expect([...pages.keys()]).toEqual(expect.arrayContaining(['README.md', 'docs/configuration.md', 'docs/reference/commands.md']));
    const all = [...pages.values()];
    expect(all.flatMap(linksOf).length).toBeGreaterThan(100);
    expect(all.flatMap(callsOf).length).toBeGreaterThan(50);
  });

  it.each([...pages])('%s leads to files and headings that exist', (from, text) => {
    expect(linksOf(text).flatMap((target) => brokenLink(from, target) ?? [])).toEqual([]);
  });

  // The changelog names what was there when it was written.
  it.each([...pages].filter(([file]) => file !== 'CHANGELOG.md'))('%s names files of the repository that exist', (_from, text) => {
    expect(pathsOf(text).filter((file) => !files.includes(file))).toEqual([]);
  });

  it.each([...pages])('%s holds no conflict of a merge', (_from, text) => {
    expect(text).not.toMatch(/^(?:<{7}|>{7}) /m);
  });

  it('are reached from README.md by links', () => {
    const reached = new Set(['README.md']);
    for (const from of reached) {
      for (const target of linksOf(pages.get(from) ?? '')) {
        const to = relativeFile(from, target);
        if (to !== undefined) reached.add(to);
      }
    }
    expect([...pages.keys()].filter((file) => !reached.has(file))).toEqual([]);
  });

  it.each([...pages])('%s names npm scripts that exist', (_from, text) => {
    const named = [...text.matchAll(/npm run (?:--silent )?([a-z][\w:-]*)/g)].map((match) => match[1] ?? '');
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });

  it.each([...pages])('%s calls commands and options that exist', (_from, text) => {
    expect(callsOf(text).flatMap((words) => brokenCall(words) ?? [])).toEqual([]);
  });
});

describe('a mistake in a page is seen', () => {
  it.each([
    ['no-such.md', 'there is no docs/no-such.md'],
    ['../CHANGELOG.md#unreleased-things', 'CHANGELOG.md has no heading'],
    ['#no-such-heading', 'docs/configuration.md has no heading'],
    ['configuration.md', undefined],
    ['#secrets', undefined],
    ['decisions/', undefined],
    ['https://example.com/#x', undefined],
  ])('link %s', (target, message) => {
    const broken = brokenLink('docs/configuration.md', target);
    expect(broken ?? '').toContain(message ?? '');
    expect(broken === undefined).toBe(message === undefined);
  });

  it.each([
    ['npm run scaler -- plann', 'there is no command plann'],
    ['scaler hook instal --dry-run', 'there is no command instal'],
    ['GITLAB_TOKEN=x scaler -c other.yml plan --yes', 'plan has no --yes'],
    ['cd farm && dist/scaler.cjs dashboard publish|delete', 'there is no command publish|delete'],
    ['scaler dashboard publish|remove', undefined],
    ['scaler explain --job 4711 | head --lines 3', undefined],
  ])('call %s', (line, message) => {
    const calls = callsOf(`\`\`\`sh\n${line}\n\`\`\`\n`);
    expect(calls).toHaveLength(1);
    expect(brokenCall(calls[0] ?? []) ?? '').toContain(message ?? '');
    expect(brokenCall(calls[0] ?? []) === undefined).toBe(message === undefined);
    expect(callsOf(`see \`${line}\` for it`)).toEqual(calls);
  });
});

it('a path in a page is told from other code', () => {
  const text = 'see `lib/core/gone.ts`, `cli/commands/`, `lib/app`, not `cli/commands/NAME.ts`, `test/real/machines-*` or `npm test`';
  expect(pathsOf(text)).toEqual(['lib/core/gone.ts', 'cli/commands', 'lib/app']);
});

describe('the anchor of a heading', () => {
  it.each([
    ['The hook', 'the-hook'],
    ['`pools[].machine`', 'poolsmachine'],
    ['`scaler hook install`', 'scaler-hook-install'],
    ['What it costs, and why?', 'what-it-costs-and-why'],
    ['A [link](x.md) in it', 'a-link-in-it'],
    ['root_volume – größer', 'root_volume--größer'],
  ])('%s', (heading, anchor) => {
    expect(anchorOf(heading)).toBe(anchor);
  });

  it('has a number when it comes again, and none inside code', () => {
    expect([...anchorsOf('# A\n\n## A\n\n```sh\n# B\n```\n')]).toEqual(['a', 'a-1']);
    expect([...anchorsOf('1. ```sh\n   # B\n   ```\n\n# A\n\n```sh\n# B\n```\n')]).toEqual(['a']);
  });
});
