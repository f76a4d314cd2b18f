import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { ManagerMachine } from './manager/machine.ts';

/*
 * The recipes of docs/caches.md as they stand there, with Debian's git and kas: mirrors as the manager makes them, of its user, used by a job of another
 * one. The servers are folders: git is told so by insteadOf, kas by KAS_PREMIRRORS. repo and bitbake are not there; of bitbake what it runs is.
 */

const PAGE = readFileSync('docs/caches.md', 'utf8');

/** The one piece of the page that this matches: its group. */
function recipe(pattern: RegExp): string {
  const found = [...PAGE.matchAll(new RegExp(pattern, 'g'))].map((match) => match[1] ?? '');
  if (found.length !== 1) throw new Error(`${pattern} is ${found.length} times in docs/caches.md`);
  return found[0] ?? '';
}

const CLONE = recipe(/```sh\n(git clone [^\n]*)\n```/);
const FLAGS = recipe(/GIT_CLONE_EXTRA_FLAGS: "([^"]*)"/);
const SAFE = recipe(/`(git config --global --add safe\.directory [^`]*)`/);
const PREMIRROR = recipe(/PREMIRRORS:prepend = "\S+ git:\/\/(\/\S+?);protocol=file /);
const KAS = recipe(/```sh\n(export KAS_REPO_REF_DIR=[^\n]*)\n```/);

/** Names of mirrors by their URLs. */
const MIRRORS = {
  'https://git.yoctoproject.org/poky': 'poky.git',
  'https://git.example.com/product.git': 'product.git',
  'git://git.example.com/bsp/kernel.git': 'bsp/kernel.git',
  'https://git.example.com/yocto/meta-x.git': 'yocto/meta-x.git',
  'ssh://git@git.example.com/yocto/meta-y.git': 'yocto/meta-y.git',
};

let vm: ManagerMachine;
beforeAll(() => {
  vm = new ManagerMachine({ mirrors: Object.entries(MIRRORS).map(([url, name]) => ({ url, name, everySeconds: 1800 })) }).keep();
  const upstream = vm.path('/upstream');
  const config = ['https', 'git', 'ssh'].map((scheme) => `[url "file://${upstream}/"]\n\tinsteadOf = ${scheme}://\n`).join('');
  vm.write('/var/lib/gl-mirror/.gitconfig', config);
  for (const url of Object.keys(MIRRORS)) {
    const folder = join(upstream, url.replace(/^\w+:\/\//, ''));
    const git = (...args: readonly string[]) =>
      execFileSync('git', ['-C', folder, '-c', 'user.name=A', '-c', 'user.email=a@example.com', ...args]);
    mkdirSync(folder, { recursive: true });
    git('init', '--quiet', '--initial-branch=main');
    writeFileSync(join(folder, 'file'), url);
    // kas wants to enter the build's environment in the end.
    writeFileSync(join(folder, 'oe-init-build-env'), 'mkdir -p "$1"\ncd "$1"\n', { mode: 0o755 });
    git('add', '.');
    git('commit', '--quiet', '--message', 'one');
  }
  const { status, stdout } = vm.program('mirror', 'sys.exit(it.main(1800))');
  expect({ status, stdout }).toEqual({ status: 0, stdout: '5 of 5 mirrors fetched\n' });
  vm.write('/home/.gitconfig', config);
  for (const [folder, owner] of [
    ['/cache/git', 2001],
    ['/upstream', 1000],
    ['/home', 1000],
  ] as const)
    execFileSync('chown', ['-R', `${owner}:${owner}`, vm.path(folder)]);
  chmodSync(vm.root, 0o755);
});
afterAll(() => vm.remove());

/** A job's shell on a worker with the caches at /var/shared, in an empty folder of its own. */
function job(...script: readonly string[]) {
  const worker = 'mount -t tmpfs tmpfs /var; mkdir /var/shared; mount --bind "$1/cache" /var/shared; chmod 1777 /var';
  const isolated = `set -eu; ${worker}; export HOME="$1/home"; exec setpriv --reuid 1000 --regid 1000 --clear-groups sh -c "$2"`;
  const text = ['set -eu', 'cd "$(mktemp -d /var/job-XXXX)"', ...script].join('\n');
  const { status, stdout, stderr } = spawnSync(
    'unshare',
    ['--mount', '--propagation', 'private', 'sh', '-c', isolated, 'sh', vm.root, text],
    {
      encoding: 'utf8',
      env: { PATH: '/usr/bin:/bin', GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C.UTF-8' },
      timeout: 60_000,
    },
  );
  return { status, stdout, stderr };
}

describe('git', () => {
  it('clones with the help of a mirror, and needs it no longer', () => {
    const { status, stdout, stderr } = job(CLONE, 'cat poky/file; test ! -e poky/.git/objects/info/alternates');
    expect({ status, stdout, stderr }).toEqual({
      status: 0,
      stderr: "Cloning into 'poky'...\n",
      stdout: 'https://git.yoctoproject.org/poky',
    });
  });

  it('really borrows in doing so', () => {
    const { stdout } = job(CLONE.replace(' --dissociate', ''), 'cat poky/.git/objects/info/alternates');
    expect(stdout).toBe('/var/shared/git/poky.git/objects\n');
  });

  it("borrows with the flags for GitLab Runner's own clone", () => {
    const { stdout } = job(`git clone ${FLAGS} https://git.example.com/product.git`, 'cat product/.git/objects/info/alternates');
    expect(stdout).toBe('/var/shared/git/product.git/objects\n');
  });

  it.each([
    ['a clone from the mirror itself', 'git clone /var/shared/git/poky.git copy'],
    ['what bitbake runs for the line of PREMIRRORS', `git clone --bare --mirror file://${PREMIRROR} copy`],
  ])('%s needs safe.directory, and works with it', (_name, clone) => {
    const without = job(clone);
    expect(without.status).toBe(128);
    expect(without.stderr).toContain('dubious ownership');
    expect(job('HOME=$PWD', SAFE, clone)).toMatchObject({ status: 0 });
  });
});

describe('kas', () => {
  it.each([
    ['at the address of the mirror', 'https://git.example.com/yocto/meta-x.git', 'yocto/meta-x.git'],
    ['without the .git of it', 'https://git.example.com/yocto/meta-x', 'yocto/meta-x.git'],
    ['with a .git more than it', 'https://git.yoctoproject.org/poky.git', 'poky.git'],
    ['by ssh', 'ssh://git@git.example.com/yocto/meta-y.git', 'yocto/meta-y.git'],
  ])('borrows from the mirror of a repository %s', (_name, url, mirror) => {
    const file = JSON.stringify({ header: { version: 8 }, repos: { layer: { url, refspec: 'main' } } });
    const server = Object.keys(MIRRORS).find((one) => MIRRORS[one as keyof typeof MIRRORS] === mirror) ?? '';
    const { status, stdout, stderr } = job(
      KAS,
      `export KAS_PREMIRRORS='^.+$ file://${vm.path('/upstream')}/${server.replace(/^\w+:\/\//, '')}'`,
      `echo '${file}' >kas.json`,
      'kas checkout kas.json >&2',
      'cat layer/.git/objects/info/alternates',
    );
    expect({ status, stdout, stderr: status === 0 ? '' : stderr }).toEqual({
      status: 0,
      stdout: `/var/shared/git/${mirror}/objects\n`,
      stderr: '',
    });
  });
});
