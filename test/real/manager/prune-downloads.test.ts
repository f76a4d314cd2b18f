import { chmodSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { DAY } from './machine.ts';
import { Tree } from './prune-tree.ts';

describe('downloads', () => {
  it('a file and its stamp go together', () => {
    const tree = new Tree().fresh('downloads').file('downloads/a.tar.gz', 90).file('downloads/a.tar.gz.done', 61);
    tree.prune();
    expect(tree.trash()).toEqual(['downloads/a.tar.gz', 'downloads/a.tar.gz.done']);
  });

  it('a stamp that was touched keeps its file', () => {
    const tree = new Tree().fresh('downloads').file('downloads/a.tar.gz', 900).file('downloads/a.tar.gz.done', 59);
    tree.prune();
    expect(tree.trash()).toEqual([]);
  });

  it.each([
    ['is old in all its parts', 90, 90, true],
    ['was fetched lately', 1, 90, false],
    ['was used lately', 90, 1, false],
  ])('a clone that %s', (_name, fetched, stamped, goes) => {
    const tree = new Tree()
      .fresh('downloads', 40)
      .file('downloads/git2/host.poky/objects/pack/p.pack', 90)
      .file('downloads/git2/host.poky/FETCH_HEAD', fetched)
      .file('downloads/host.poky.done', stamped)
      .file('downloads/git2/host.poky.done', 90)
      .file('downloads/git2/host.poky.lock', 90)
      .folder('downloads/git2/host.poky/objects/pack', 90)
      .folder('downloads/git2/host.poky/objects', 90)
      .folder('downloads/git2/host.poky', 90);
    tree.prune();
    expect(tree.has('downloads/git2/host.poky')).toBe(!goes);
    expect(tree.has('downloads/host.poky.done')).toBe(!goes);
    expect(tree.has('downloads/git2/host.poky.done')).toBe(!goes);
    expect(tree.has('downloads/git2/host.poky.lock')).toBe(true);
  });

  it('a folder that nobody may write is moved and deleted all the same', () => {
    const tree = new Tree()
      .fresh('downloads')
      .file('downloads/mod/a@v1/go.mod', 90)
      .folder('downloads/mod/a@v1', 90)
      .folder('downloads/mod', 90);
    chmodSync(tree.vm.path('/cache/downloads/mod/a@v1'), 0o555);
    chmodSync(tree.vm.path('/cache/downloads/mod'), 0o555);
    tree.prune();
    expect(tree.trash()).toEqual(['downloads/mod/a@v1/go.mod']);
    tree.prune({ later: 3 * DAY });
    expect(tree.trash()).toEqual([]);
  });
});
