import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { commit, git, Mirrors, refs, unpacked } from './mirrors.ts';

describe('fetching', () => {
  it('clones what is missing, at the place that the configuration names', () => {
    const mirrors = new Mirrors('poky.git', 'meta/oe.git');
    mirrors.upstream('poky.git');
    mirrors.upstream('meta/oe.git');
    const { status, stdout, stderr } = mirrors.fetch();
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(stdout).toBe('2 of 2 mirrors fetched\n');
    expect(refs(mirrors.mirror('meta/oe.git'))).toEqual(['refs/heads/main']);
    expect(mirrors.state('meta/oe.git')).toMatchObject({ ok: true, error: null, name: 'meta/oe.git' });
  });

  it('brings what is new and drops refs that are gone', () => {
    const mirrors = new Mirrors('poky.git');
    const work = mirrors.upstream('poky.git');
    git(work, 'push', '--quiet', 'origin', 'HEAD:refs/heads/old', 'HEAD:refs/tags/v1');
    mirrors.fetch();
    const tip = commit(work, 'two');
    git(work, 'push', '--quiet', 'origin', 'HEAD:refs/heads/main', 'HEAD:refs/heads/new', ':refs/heads/old', ':refs/tags/v1');
    expect(mirrors.fetch().status).toBe(0);
    expect(refs(mirrors.mirror('poky.git'))).toEqual(['refs/heads/main', 'refs/heads/new']);
    expect(git(mirrors.mirror('poky.git'), 'rev-parse', 'new')).toBe(tip);
  });

  it.each(['all of its objects', 'one of many'])('mends what a power failure emptied: %s', (which) => {
    const mirrors = new Mirrors('poky.git');
    const work = mirrors.upstream('poky.git');
    for (const text of ['two', 'three']) commit(work, text);
    git(work, 'push', '--quiet', 'origin', 'HEAD:refs/heads/main');
    mirrors.fetch();
    const mirror = mirrors.mirror('poky.git');
    const loose = unpacked(mirror);
    expect(loose.length).toBeGreaterThan(8);
    for (const file of which === 'one of many' ? loose.slice(0, 1) : loose) {
      chmodSync(file, 0o644);
      truncateSync(file);
    }
    expect(() => git(mirror, 'fsck', '--strict')).toThrow();
    const { status, stdout } = mirrors.fetch();
    expect({ status, stdout }).toEqual({ status: 0, stdout: '1 of 1 mirrors fetched\n' });
    git(mirror, 'fsck', '--strict', '--full');
    expect(git(mirror, 'rev-parse', 'main')).toBe(git(work, 'rev-parse', 'HEAD'));
    expect(mirrors.fetch().status).toBe(0);
  });

  it('leaves sets with another interval alone', () => {
    const mirrors = new Mirrors('a.git', 'b.git');
    mirrors.upstream('a.git');
    mirrors.upstream('b.git');
    mirrors.configure((mirror) => ({ ...mirror, every: mirror.name === 'b.git' ? 60 : 1800, url: mirrors.url(mirror.name) }));
    mirrors.fetch();
    expect(existsSync(mirrors.mirror('a.git'))).toBe(true);
    expect(existsSync(mirrors.mirror('b.git'))).toBe(false);
  });

  it('follows a repository that has moved', () => {
    const mirrors = new Mirrors('poky.git');
    mirrors.upstream('poky.git');
    mirrors.fetch();
    const tip = commit(mirrors.upstream('moved.git'), 'elsewhere');
    git(mirrors.vm.path('/upstream/moved.git.work'), 'push', '--quiet', '--force', 'origin', 'HEAD:refs/heads/main');
    mirrors.configure((mirror) => ({ ...mirror, url: mirrors.url('moved.git') }));
    expect(mirrors.fetch().status).toBe(0);
    expect(git(mirrors.mirror('poky.git'), 'rev-parse', 'main')).toBe(tip);
  });

  it('follows a default branch that was renamed, a day later at most', () => {
    const mirrors = new Mirrors('poky.git');
    const work = mirrors.upstream('poky.git');
    mirrors.fetch();
    git(work, 'push', '--quiet', 'origin', 'HEAD:refs/heads/trunk');
    git(mirrors.vm.path('/upstream/poky.git'), 'symbolic-ref', 'HEAD', 'refs/heads/trunk');
    mirrors.maintain();
    expect(git(mirrors.mirror('poky.git'), 'symbolic-ref', 'HEAD')).toBe('refs/heads/trunk');
  });
});

describe('the names that kas looks for', () => {
  it.each([
    ['https://git.example.com/yocto/meta-x.git', 'git.example.com.yocto.meta-x'],
    ['https://git.example.com/yocto/meta-x', 'git.example.com.yocto.meta-x'],
    ['https://git.example.com:8443/meta-x/', 'git.example.com.8443.meta-x'],
    ['ssh://git@git.example.com/yocto/meta-x.git', 'git.git.example.com.yocto.meta-x'],
  ])('of %s', (url, stem) => {
    const mirrors = new Mirrors();
    expect(mirrors.vm.program('mirror', `print(it.flat_names(${JSON.stringify(url)}))`).stdout).toBe(`['${stem}', '${stem}.git']\n`);
  });

  it('are links to the mirror, which follow it and never replace one', () => {
    const mirrors = new Mirrors('yocto/poky.git');
    mirrors.upstream('yocto/poky.git');
    const flat = mirrors.vm.path('/upstream/yocto/poky').replaceAll('/', '.');
    mkdirSync(mirrors.mirror(flat));
    symlinkSync('gone.git', mirrors.mirror(`${flat}.git`));
    expect(mirrors.fetch().status).toBe(0);
    expect(readlinkSync(mirrors.mirror(`${flat}.git`))).toBe('yocto/poky.git');
    expect(readdirSync(mirrors.mirror(flat))).toEqual([]);
    expect(mirrors.fetch().status).toBe(0);
    expect(refs(mirrors.mirror(`${flat}.git`))).toEqual(['refs/heads/main']);
  });
});

describe('a broken repository', () => {
  it('stops none of the others, is counted, and keeps the time of its last success', () => {
    const mirrors = new Mirrors('a.git', 'gone.git', 'broken.git', 'z.git');
    for (const name of ['a.git', 'broken.git', 'z.git']) mirrors.upstream(name);
    const first = mirrors.fetch();
    expect(first.status).toBe(1);
    expect(first.stdout).toContain('gone.git: git clone:');
    const { last_success: success } = mirrors.state('broken.git');
    writeFileSync(join(mirrors.mirror('broken.git'), 'HEAD'), 'nonsense\n');
    const second = mirrors.fetch();
    expect(second.status).toBe(2);
    expect(second.stdout).toContain('2 of 4 mirrors fetched');
    expect(mirrors.state('broken.git')).toMatchObject({ ok: false, last_success: success, error: expect.stringContaining('git ') });
    expect(mirrors.state('z.git').ok).toBe(true);
  });

  it('that cannot be cloned leaves nothing that looks like a mirror, and one cut off before is cleared away', () => {
    const mirrors = new Mirrors('poky.git');
    mkdirSync(mirrors.vm.path('/cache/git/.new-poky.git/objects'), { recursive: true });
    expect(mirrors.fetch().status).toBe(1);
    expect(readdirSync(mirrors.vm.path('/cache/git'))).toEqual([]);
    mirrors.upstream('poky.git');
    expect(mirrors.fetch().status).toBe(0);
    expect(
      readdirSync(mirrors.vm.path('/cache/git')).filter((name) => !name.endsWith('.upstream.poky.git') && !name.endsWith('.upstream.poky')),
    ).toEqual(['poky.git']);
  });

  it('with an unreadable state does not stop the set', () => {
    const mirrors = new Mirrors('a.git');
    mirrors.upstream('a.git');
    mirrors.vm.write('/var/lib/gl-cache/mirrors/a.git.json', '{"last_suc');
    expect(mirrors.fetch().status).toBe(0);
    expect(mirrors.state('a.git').ok).toBe(true);
  });

  it('that hangs is ended with all its processes', () => {
    const mirrors = new Mirrors('poky.git');
    const hang = `#!/bin/sh\nsleep 600 &\necho $! > ${mirrors.vm.path('/tmp/child')}\nwait\n`;
    mirrors.vm.write('/bin/git', hang);
    spawnSync('chmod', ['755', mirrors.vm.path('/bin/git')]);
    const { status } = mirrors.fetch('it.CLONE_SECONDS = 1');
    expect(status).toBe(1);
    expect(mirrors.state('poky.git').error).toBe('git clone: no end after 1 s');
    const child = Number(readFileSync(mirrors.vm.path('/tmp/child'), 'utf8'));
    // A zombie that nobody has waited for yet is dead all the same.
    const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(child)], { encoding: 'utf8' });
    expect(stdout.trim()).toMatch(/^(?:Z.*)?$/);
  });

  it.each([
    ['a password in a URL', 'fatal: https://user:pass@host/x not found', 'fatal: https://host/x not found'],
    ['a token in a URL', 'fatal: https://glpat-secret@host/x', 'fatal: https://host/x'],
    ['a query', 'see https://host/x?token=abc now', 'see https://host/x now'],
    ['control characters', 'a\u001b[31mb\r\nc', 'a [31mb c'],
  ])('is reported without %s', (_name, text, shown) => {
    const mirrors = new Mirrors();
    expect(mirrors.vm.program('mirror', `print(it.harmless(${JSON.stringify(text)}), end='')`).stdout).toBe(shown);
  });
});

describe('locks', () => {
  it('that a killed git left behind are removed', () => {
    const mirrors = new Mirrors('poky.git');
    const work = mirrors.upstream('poky.git');
    mirrors.fetch();
    for (const lock of ['packed-refs.lock', 'refs/heads/main.lock', 'config.lock', 'objects/maintenance.lock']) {
      writeFileSync(join(mirrors.mirror('poky.git'), lock), '');
    }
    const tip = commit(work, 'two');
    git(work, 'push', '--quiet', 'origin', 'HEAD:refs/heads/main');
    expect(mirrors.fetch()).toMatchObject({ status: 0 });
    expect(git(mirrors.mirror('poky.git'), 'rev-parse', 'main')).toBe(tip);
  });

  it('of another run on the same repository are respected', () => {
    const mirrors = new Mirrors('poky.git', 'other.git');
    mirrors.upstream('poky.git');
    mirrors.upstream('other.git');
    const lock = mirrors.vm.path('/var/lib/gl-cache/mirrors/poky.git.json.flock');
    const held = `import fcntl\nheld = open(${JSON.stringify(lock)}, 'w')\nfcntl.flock(held, fcntl.LOCK_EX)`;
    const { status, stdout } = mirrors.fetch(held);
    expect(status).toBe(0);
    expect(stdout).toContain('poky.git: is being fetched already');
    expect(existsSync(mirrors.mirror('poky.git'))).toBe(false);
    expect(existsSync(mirrors.mirror('other.git'))).toBe(true);
  });
});
