import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { anchorsOf, linksIn, type Page, pages, resolveLink } from './pages.ts';

const root = new URL('../../../', import.meta.url);
const all = pages();
const byFile = new Map(all.map((page) => [page.file, page]));
const isRelative = (link: string) => !/^(?:[a-z]+:|\/\/)/i.test(link);

/** What is wrong with a page's links, a line each. */
function broken(page: Page): readonly string[] {
  return linksIn(page)
    .filter(isRelative)
    .flatMap((link) => {
      const { path, anchor } = resolveLink(page.file, link);
      if (path.startsWith('..') || !existsSync(new URL(path, root))) return [`${link}: there is no ${path}`];
      const target = byFile.get(path);
      return anchor === '' || (target && anchorsOf(target).has(anchor)) ? [] : [`${link}: ${path} has no heading for #${anchor}`];
    });
}

describe('links', () => {
  it('are looked for in every page', () => {
    expect(all.map(({ file }) => file)).toEqual(expect.arrayContaining(['README.md', 'docs/decisions/README.md', 'examples/README.md']));
  });

  it.each(all)('$file: each relative link leads somewhere', (page) => {
    expect(broken(page)).toEqual([]);
  });

  it('lead from README.md to every page', () => {
    const reached = new Set(['README.md']);
    for (const file of reached) {
      for (const link of linksIn(byFile.get(file) ?? { prose: '' }).filter(isRelative)) reached.add(resolveLink(file, link).path);
    }
    expect(all.map(({ file }) => file).filter((file) => !reached.has(file))).toEqual([]);
  });

  const rows: readonly (readonly [string, string, readonly string[]])[] = [
    ['a file that is not there', '[x](nowhere.md)', ['nowhere.md: there is no docs/nowhere.md']],
    ['a file outside', '[x](../../x.md)', ['../../x.md: there is no ../x.md']],
    ['an anchor that is not there', '[x](counts.md#nothing)', ['counts.md#nothing: docs/counts.md has no heading for #nothing']],
    ['an anchor of the page itself', '# A `b`: c\n\n[x](#a-b-c)', []],
    ['a picture', '![x](nothing.png)', ['nothing.png: there is no docs/nothing.png']],
    ['code', '`[x](nowhere.md)`', []],
    ['another site', '[x](https://example.com/nowhere.md)', []],
  ];

  it.each(rows)('%s', (_name, prose, problems) => {
    const page = { file: 'docs/counts.md', text: prose, prose };
    const before = byFile.get(page.file);
    byFile.set(page.file, page);
    try {
      expect(broken(page)).toEqual(problems);
    } finally {
      if (before) byFile.set(page.file, before);
    }
  });
});

describe('commands in the pages', () => {
  const { scripts } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as { scripts: Record<string, string> };

  it.each(all)('$file: each npm script exists', ({ text }) => {
    const named = [...text.matchAll(/\bnpm run (?:--silent )?([a-z][a-z:-]*)/g)].map((match) => match[1] ?? '');
    expect(named.filter((name) => scripts[name] === undefined)).toEqual([]);
  });
});
