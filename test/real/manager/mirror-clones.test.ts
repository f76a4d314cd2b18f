import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, readdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commit, git, Mirrors } from './mirrors.ts';

describe('a clone that borrows', () => {
  /** A job's clone with `--reference` whose branch is then rewritten upstream, so that nothing but the mirror has its commit. */
  function borrowed() {
    const mirrors = new Mirrors('poky.git');
    const work = mirrors.upstream('poky.git');
    const base = git(work, 'rev-parse', 'HEAD');
    const lost = commit(work, 'lost');
    git(work, 'push', '--quiet', 'origin', 'HEAD:refs/heads/main');
    mirrors.fetch();
    const clone = mirrors.vm.path('/job');
    git(mirrors.vm.root, 'clone', '--quiet', '--reference', mirrors.mirror('poky.git'), mirrors.url('poky.git'), clone);
    git(work, 'reset', '--quiet', '--hard', base);
    commit(work, 'instead');
    git(work, 'push', '--quiet', '--force', 'origin', 'HEAD:refs/heads/main');
    git(mirrors.vm.path('/upstream/poky.git'), 'gc', '--quiet', '--prune=now');
    return { mirrors, work, clone, lost };
  }

  it('really borrows: without the mirror it is broken', () => {
    const { mirrors, clone } = borrowed();
    spawnSync('rm', ['-rf', mirrors.mirror('poky.git')]);
    expect(() => git(clone, 'fsck')).toThrow();
  });

  it('keeps its objects through a forced push and days of maintenance', () => {
    const { mirrors, work, clone, lost } = borrowed();
    for (let day = 0; day < 4; day++) {
      for (let n = 0; n < 2; n++) {
        commit(work, `day ${day} ${n}`);
        git(work, 'push', '--quiet', 'origin', 'HEAD:refs/heads/main');
        mirrors.fetch();
      }
      expect(mirrors.maintain().status).toBe(0);
    }
    expect(git(clone, 'cat-file', '-t', lost)).toBe('commit');
    expect(git(clone, 'fsck')).not.toContain('missing');
    expect(git(clone, 'show', '--stat', lost)).toContain('lost');
  });

  it('and git itself never tidies a mirror', () => {
    const { mirrors } = borrowed();
    mirrors.fetch();
    const config = (key: string) => git(mirrors.mirror('poky.git'), 'config', key);
    expect([config('gc.auto'), config('gc.pruneExpire'), config('maintenance.auto')]).toEqual(['0', 'never', 'false']);
    expect(() => config('maintenance.strategy')).toThrow();
  });
});

describe('maintenance', () => {
  it('makes few packs of many', () => {
    const mirrors = new Mirrors('poky.git');
    const work = mirrors.upstream('poky.git');
    const packs = () => readdirSync(join(mirrors.mirror('poky.git'), 'objects/pack')).filter((name) => name.endsWith('.pack')).length;
    mirrors.fetch();
    for (let n = 0; n < 8; n++) {
      commit(work, `c${n}`);
      git(work, 'push', '--quiet', 'origin', 'HEAD:refs/heads/main');
      mirrors.fetch();
    }
    expect(packs()).toBe(9);
    for (let day = 0; day < 5; day++) mirrors.maintain();
    expect(packs()).toBeLessThan(4);
    expect(git(mirrors.mirror('poky.git'), 'rev-parse', 'main')).toBe(git(work, 'rev-parse', 'HEAD'));
  });

  it('has nothing to do for a repository without packs, as plain HTTP brings a small one', () => {
    const mirrors = new Mirrors('poky.git');
    mirrors.upstream('poky.git');
    mirrors.fetch();
    const loosen = 'mv objects/pack/*.pack /tmp/$$.pack; rm -f objects/pack/*; git unpack-objects -q </tmp/$$.pack; rm /tmp/$$.pack';
    execFileSync('sh', ['-euc', loosen], { cwd: mirrors.mirror('poky.git') });
    expect(mirrors.maintain()).toMatchObject({ status: 0 });
    expect(mirrors.state('poky.git')).toMatchObject({ ok: true, error: null });
  });

  it('leaves the packs that a refetch has replaced to their readers for a day', () => {
    const mirrors = new Mirrors('poky.git');
    const work = mirrors.upstream('poky.git');
    const packs = () => readdirSync(join(mirrors.mirror('poky.git'), 'objects/pack')).filter((name) => name.endsWith('.pack'));
    for (let n = 0; n < 3; n++) {
      commit(work, `c${n}`);
      git(work, 'push', '--quiet', 'origin', 'HEAD:refs/heads/main');
      mirrors.fetch();
    }
    const before = packs();
    const empty = join(mirrors.mirror('poky.git'), 'objects/aa');
    mkdirSync(empty, { recursive: true });
    writeFileSync(join(empty, 'b'.repeat(38)), '');
    // The refetch and the daily maintenance in one run.
    expect(mirrors.maintain().status).toBe(0);
    expect(packs()).toEqual(expect.arrayContaining(before));
    expect(packs().length).toBeGreaterThan(before.length);
    expect(mirrors.maintain().status).toBe(0);
    expect(packs().filter((name) => before.includes(name))).toEqual([]);
    git(mirrors.mirror('poky.git'), 'fsck', '--strict', '--full');
  });

  it('is not tried at every fetch when it fails', () => {
    const mirrors = new Mirrors('poky.git');
    mirrors.upstream('poky.git');
    const patch = `def broken(path):\n    raise it.Failed('git maintenance: disk full')\nit.maintain = broken`;
    expect(mirrors.fetch(patch).status).toBe(1);
    expect(mirrors.state('poky.git')).toMatchObject({ ok: false, error: 'git maintenance: disk full' });
    expect(mirrors.fetch(patch).status).toBe(0);
  });
});
