import { lutimesSync, readdirSync, symlinkSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { DAY } from './machine.ts';
import { NOW, Tree } from './prune-tree.ts';

describe('sstate', () => {
  it.each<readonly [string, number, { readonly read?: number }, boolean]>([
    ['used a day too recently', 13.9, {}, true],
    ['unused for long enough', 14.1, {}, false],
    ['written long ago and read by a read-only client', 40, { read: 3 }, true],
    ['of a clock that is ahead', -3, {}, true],
  ])('%s', (_name, days, options, stays) => {
    const tree = new Tree().fresh('sstate').file('sstate/ab/cd/sstate:x.tar.zst', days, options);
    tree.prune();
    expect(tree.has('sstate/ab/cd/sstate:x.tar.zst')).toBe(stays);
    expect(tree.trash()).toEqual(stays ? [] : ['sstate/ab/cd/sstate:x.tar.zst']);
  });

  it('an object goes with everything that describes it', () => {
    const tree = new Tree().fresh('sstate');
    const parts = ['', '.siginfo', '.sig', '.siginfo.done', '.done'].map((ending) => `sstate/ab/o.tar.zst${ending}`);
    for (const part of parts) tree.file(part, 20);
    expect(tree.prune().trees.sstate).toMatchObject({ objects: 21, moved: 1 });
    expect(tree.trash()).toEqual([...parts].sort());
  });

  it('an object stays as long as any part of it is used', () => {
    const tree = new Tree().fresh('sstate').file('sstate/ab/o.tar.zst', 20).file('sstate/ab/o.tar.zst.siginfo', 1);
    tree.prune();
    expect(tree.trash()).toEqual([]);
  });

  it('locks and folders stay', () => {
    const tree = new Tree().fresh('sstate').file('sstate/ab/o.tar.zst.lock', 90).file('sstate/ab/o.tar.zst', 90);
    tree.prune();
    expect(tree.trash()).toEqual(['sstate/ab/o.tar.zst']);
    expect(tree.has('sstate/ab/o.tar.zst.lock')).toBe(true);
  });

  it.each(['with space', 'with\nline break', '-rf', 'quote"\'`$(id)', 'größe', '*', '.hidden'])(
    'a name such as %j is only a name',
    (name) => {
      const tree = new Tree().fresh('sstate').file(`sstate/ab/${name}`, 90);
      tree.prune();
      expect(tree.trash()).toEqual([`sstate/ab/${name}`]);
      expect(tree.has('sstate/fresh-0')).toBe(true);
    },
  );

  it('what is used between listing and moving stays', () => {
    const tree = new Tree().fresh('sstate').file('sstate/ab/o', 90).file('sstate/ab/p', 90);
    const used = JSON.stringify(tree.vm.path('/cache/sstate/ab/o'));
    const patch = `by_age = it.prune_by_age\ndef late(*args):\n    os.utime(${used})\n    return by_age(*args)\nit.prune_by_age = late`;
    expect(tree.prune({ patch }).trees.sstate).toMatchObject({ moved: 1 });
    expect(tree.trash()).toEqual(['sstate/ab/p']);
  });

  it('what vanishes between listing and moving is no error', () => {
    const tree = new Tree().fresh('sstate').file('sstate/ab/o', 90).file('sstate/ab/p', 90);
    const gone = JSON.stringify(tree.vm.path('/cache/sstate/ab/o'));
    const patch = `by_age = it.prune_by_age\ndef late(*args):\n    if os.path.exists(${gone}): os.unlink(${gone})\n    return by_age(*args)\nit.prune_by_age = late`;
    expect(tree.prune({ patch }).trees.sstate).toMatchObject({ moved: 1 });
  });

  it('of any tree, either all that is old enough goes or, when that is too much, nothing', () => {
    const ages = fc.array(fc.double({ min: 0, max: 30, noNaN: true }), { minLength: 1, maxLength: 12 });
    fc.assert(
      fc.property(ages, (days) => {
        const tree = new Tree();
        days.forEach((age, i) => void tree.file(`sstate/${i % 3}/o${i}`, age));
        const { refused } = tree.prune();
        const old = days.flatMap((age, i) => (age > 14 ? [`sstate/${i % 3}/o${i}`] : []));
        const tooMuch = old.length > 0.3 * days.length;
        expect(refused.length > 0).toBe(tooMuch);
        expect(tree.trash()).toEqual(tooMuch ? [] : [...old].sort());
      }),
      { numRuns: 15 },
    );
  });
});

describe('too much at once', () => {
  it('by number: refused as a whole and said', () => {
    const tree = new Tree().fresh('sstate', 6);
    for (let i = 0; i < 4; i++) tree.file(`sstate/old-${i}`, 20);
    expect(tree.prune().refused).toEqual(['sstate: 4 of 10 are unused for 14 days, more than 30 % at once']);
    expect(tree.trash()).toEqual([]);
  });

  it('by bytes: one large object among many small ones', () => {
    const tree = new Tree().fresh('sstate', 20).file('sstate/old', 20, { kb: 400 });
    expect(tree.prune().refused).toHaveLength(1);
    expect(tree.trash()).toEqual([]);
  });

  it('of one tree does not hold up the other', () => {
    const tree = new Tree().fresh('downloads').file('downloads/old.tar', 90).file('sstate/old', 20);
    expect(tree.prune().refused).toHaveLength(1);
    expect(tree.trash()).toEqual(['downloads/old.tar']);
  });

  it('is done when somebody says so', () => {
    const tree = new Tree().file('sstate/old', 20);
    expect(tree.prune({ accept: true }).refused).toEqual([]);
    expect(tree.trash()).toEqual(['sstate/old']);
  });
});

describe('the trash', () => {
  it('keeps what it got for a day at least, then lets it go', () => {
    const tree = new Tree().fresh('sstate').file('sstate/ab/o', 20);
    expect(tree.prune().trash).toMatchObject({ days: 1, oldest: '2026-11-24' });
    for (const later of [0.9 * DAY, 1.4 * DAY]) {
      tree.prune({ later });
      expect(tree.trash()).toEqual(['sstate/ab/o']);
    }
    expect(tree.prune({ later: 2 * DAY }).trash).toEqual({ bytes: 0, days: 0, oldest: null });
    expect(tree.trash()).toEqual([]);
  });

  it('takes the same name twice on one day', () => {
    const tree = new Tree().fresh('sstate').file('sstate/ab/o', 20);
    tree.prune();
    tree.file('sstate/ab/o', 20).prune({ later: 60, accept: true });
    expect(tree.trash()).toEqual(['sstate/ab/o', 'sstate/ab/o']);
  });

  it('follows no link out of the caches', () => {
    const tree = new Tree().fresh('downloads').folder('elsewhere', 90).file('elsewhere/precious', 90);
    symlinkSync(tree.vm.path('/cache/elsewhere'), tree.vm.path('/cache/downloads/link'));
    lutimesSync(tree.vm.path('/cache/downloads/link'), NOW - 90 * DAY, NOW - 90 * DAY);
    tree.prune();
    expect(tree.trash()).toEqual(['downloads/link']);
    tree.prune({ later: 3 * DAY });
    expect(tree.has('elsewhere/precious')).toBe(true);
  });
});

describe('how often', () => {
  it('by age once a day, however often it runs', () => {
    const tree = new Tree().fresh('sstate');
    tree.prune();
    tree.file('sstate/old', 20).prune({ later: 3600 });
    expect(tree.trash()).toEqual([]);
    tree.prune({ later: DAY - 700 });
    expect(tree.trash()).toEqual(['sstate/old']);
  });
});

describe('a full volume', () => {
  /** 100 objects of 40 kB, used 2 to 12 days ago: none old enough by age. */
  const loaded = () => {
    const tree = new Tree();
    for (let i = 0; i < 100; i++) tree.file(`sstate/${i % 10}/o${i}`, 12 - i / 10, { kb: 40 });
    return tree;
  };

  it('below start_at nothing happens before its time', () => {
    const tree = loaded();
    expect(tree.prune({ patch: tree.sized(6000) })).toMatchObject({ mode: 'age', trees: { sstate: { moved: 0 } } });
  });

  it('the least recently used go until stop_at would be reached, and no further', () => {
    const tree = loaded();
    const report = tree.prune({ patch: tree.sized(4600) });
    expect(report).toMatchObject({ mode: 'fill', refused: [] });
    // From 4000 kB and some folders down to 75 % of 4600 kB.
    expect(report.trees.sstate.moved).toBeGreaterThanOrEqual(14);
    expect(report.trees.sstate.moved).toBeLessThanOrEqual(18);
    const moved = tree.trash().map((path) => Number(/o(\d+)$/.exec(path)?.[1]));
    expect([...moved].sort((a, b) => a - b)).toEqual(moved.map((_, i) => i));
  });

  it('an hour later the trash goes, though younger than a day, and no more than needed is moved again', () => {
    const tree = loaded();
    tree.prune({ patch: tree.sized(4600) });
    const left = 100 - tree.trash().length;
    const report = tree.prune({ later: 3600, patch: tree.sized(4600) });
    expect(tree.trash()).toEqual([]);
    expect(report.trash.days).toBe(0);
    expect(readdirSync(tree.vm.path('/cache/sstate'), { recursive: true, withFileTypes: true }).filter((e) => e.isFile())).toHaveLength(
      left,
    );
  });

  it('never more than the set share in one run, and that is said', () => {
    const tree = loaded();
    // Full beyond what 30 % could mend, but not so full that the trash goes at once.
    const report = tree.prune({
      patch: `${tree.sized(4450)}\nit_limits = gl_common.config\ngl_common.config = lambda: {**it_limits(), 'prune': {**it_limits()['prune'], 'stop_at': 40}}`,
    });
    expect(report.trees.sstate.moved).toBe(30);
    expect(report.refused).toEqual([expect.stringContaining('stays over 40 %')]);
  });

  it('never what a running job may have seen', () => {
    const tree = new Tree();
    for (let i = 0; i < 100; i++) tree.file(`sstate/o${i}`, 0.5, { kb: 40 });
    const report = tree.prune({ patch: tree.sized(4500) });
    expect(report).toMatchObject({ mode: 'fill', trees: { sstate: { moved: 0 } }, refused: [expect.stringContaining('too young')] });
  });

  it('when builds are about to fail, what is moved is deleted at once', () => {
    const tree = loaded();
    tree.prune({ patch: tree.sized(4150) });
    expect(tree.trash()).toEqual([]);
    expect(tree.has('sstate/0/o0')).toBe(false);
    expect(tree.has('sstate/9/o99')).toBe(true);
  });

  it('counts as full when the inodes are', () => {
    const tree = loaded();
    const patch = `gl_common.volume = lambda root: {'bytes': 10**12, 'used': 1, 'inodes': 100, 'inodes_used': 90}`;
    expect(tree.prune({ patch })).toMatchObject({ mode: 'fill', trees: { sstate: { moved: 15 } } });
  });
});
