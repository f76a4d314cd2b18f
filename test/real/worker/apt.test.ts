import { execFileSync, spawn, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';

const APT = readFileSync(new URL('../../../cloud-init/programs/shared/apt.sh', import.meta.url), 'utf8');
const folders: string[] = [];
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true });
});

/** Debian's apt in a root of its own, which only downloads; `sources` are lines of sources.list, `ROOT` in them the folder. */
function aptRoot(sources: readonly string[] = []): string {
  const root = mkdtempSync(join(tmpdir(), 'apt-'));
  folders.push(root);
  for (const folder of ['lists/partial', 'cache/archives/partial', 'trusted']) mkdirSync(join(root, folder), { recursive: true });
  writeFileSync(join(root, 'status'), '');
  writeFileSync(join(root, 'sources.list'), sources.map((line) => `${line.replaceAll('ROOT', root)}\n`).join(''));
  writeFileSync(
    join(root, 'apt.conf'),
    [
      `Dir::State::lists "${root}/lists"; Dir::Cache "${root}/cache"; Dir::State::status "${root}/status";`,
      `Dir::Etc::sourcelist "${root}/sources.list"; Dir::Etc::sourceparts "/dev/null"; Dir::Etc::trustedparts "${root}/trusted";`,
      'APT::Get::Download-Only "true"; APT::Sandbox::User "root";',
    ].join('\n'),
  );
  return root;
}

/** The functions of the setup scripts; their pauses are a hundredth. */
function apt(root: string, command: string) {
  const script = `set -u\nNOTES=${root}/notes\nsleep() { /usr/bin/sleep "$(printf '0.%02d' "$1")"; }\n${APT}\n${command}\n`;
  const { status, stdout } = spawnSync('sh', ['-c', script], {
    encoding: 'utf8',
    env: { PATH: process.env.PATH ?? '', APT_CONFIG: join(root, 'apt.conf') },
    timeout: 60_000,
  });
  return { status, stdout, notes: readFileSync(join(root, 'notes'), 'utf8') };
}

/** Holds a lock as another apt-get would, for so many seconds; resolves when it is held. */
async function hold(lock: string, seconds: number): Promise<void> {
  const program = [
    'import fcntl, sys, time',
    'file = open(sys.argv[1], "w")',
    'fcntl.lockf(file, fcntl.LOCK_EX)',
    'print("held", flush=True)',
    'time.sleep(float(sys.argv[2]))',
  ].join('\n');
  const holder = spawn('python3', ['-c', program, lock, String(seconds)], { stdio: ['ignore', 'pipe', 'inherit'] });
  await new Promise((resolve) => holder.stdout.once('data', resolve));
}

/** A repository without signature that is trusted as it is, with one package in it. */
function repository(folder: string, name: string): void {
  mkdirSync(join(folder, 'build/DEBIAN'), { recursive: true });
  writeFileSync(
    join(folder, 'build/DEBIAN/control'),
    `Package: ${name}\nVersion: 1\nArchitecture: all\nMaintainer: A <a@example.com>\nDescription: x\n`,
  );
  execFileSync('dpkg-deb', ['--build', 'build', `${name}.deb`], { cwd: folder, stdio: 'ignore' });
  writeFileSync(
    join(folder, 'Packages'),
    execFileSync('dpkg-scanpackages', ['--multiversion', '.'], { cwd: folder, stdio: ['ignore', 'pipe', 'ignore'] }),
  );
}

/** Signs the repository with a key that has been valid for a second. */
function signedByExpiredKey(folder: string, keyring: string): void {
  const home = join(folder, 'gnupg');
  mkdirSync(home, { mode: 0o700 });
  const gpg = (...args: readonly string[]) =>
    execFileSync('gpg', ['--homedir', home, '--batch', '--quiet', ...args], { stdio: ['ignore', 'pipe', 'ignore'] });
  gpg('--faked-system-time', '20200101T000000', '--passphrase', '', '--quick-generate-key', 'a@example.com', 'rsa2048', 'sign', '1d');
  writeFileSync(keyring, gpg('--export'));
  writeFileSync(join(folder, 'Release'), 'Origin: x\nDate: Wed, 01 Jan 2020 00:00:00 UTC\n');
  gpg('--faked-system-time', '20200101T000001', '--clearsign', '--output', join(folder, 'InRelease'), join(folder, 'Release'));
  rmSync(home, { recursive: true });
}

describe('a lock of the lists that something else holds', () => {
  it('is waited for', async () => {
    const root = aptRoot();
    await hold(join(root, 'lists/lock'), 6);
    const { status, notes } = apt(root, 'again apt_get update >/dev/null');
    expect({ status, notes }).toEqual({ status: 0, notes: '' });
  });

  it('is not waited for by apt itself, or the loop would not be needed', async () => {
    const root = aptRoot();
    await hold(join(root, 'lists/lock'), 3);
    const { status, stderr } = spawnSync('apt-get', ['-o', 'DPkg::Lock::Timeout=300', 'update'], {
      encoding: 'utf8',
      env: { PATH: process.env.PATH ?? '', APT_CONFIG: join(root, 'apt.conf'), LC_ALL: 'C' },
    });
    expect(status).toBe(100);
    expect(stderr).toContain('E: Could not get lock ');
  });
});

describe('a repository whose key has expired', () => {
  const both = () => {
    const root = aptRoot(['deb [trusted=yes] file:ROOT/good ./', 'deb [signed-by=ROOT/key.gpg] file:ROOT/expired ./']);
    for (const name of ['good', 'expired']) mkdirSync(join(root, name));
    repository(join(root, 'good'), 'wanted');
    repository(join(root, 'expired'), 'other');
    signedByExpiredKey(join(root, 'expired'), join(root, 'key.gpg'));
    return root;
  };

  it('does not keep away a package that another repository has', () => {
    const root = both();
    const { status, stdout } = apt(root, 'again install_packages --no-install-recommends wanted && echo "unread: $lists_unread"');
    expect(status).toBe(0);
    expect(stdout).toMatch(/file:\S+\/good \.\/ wanted 1 .*\nDownload complete/);
    expect(stdout).toMatch(/unread: yes\n$/);
    expect(readFileSync(join(root, 'notes.lists'), 'utf8')).toMatch(/expired.*is not signed/);
  });

  it('is why its own packages cannot be had', () => {
    const { status, stdout, notes } = apt(both(), 'install_packages other; s=$?; echo "unread: $lists_unread"; exit $s');
    expect(status).toBe(1);
    expect(notes).toContain('Unable to locate package other');
    expect(stdout).toMatch(/unread: yes\n$/);
  });
});
