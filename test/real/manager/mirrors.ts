import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ManagerMachine } from './machine.ts';

const AUTHOR = ['-c', 'user.name=A', '-c', 'user.email=a@example.com', '-c', 'init.defaultBranch=main', '-c', 'protocol.file.allow=always'];

/** git as somebody elsewhere runs it. */
export function git(cwd: string, ...args: readonly string[]): string {
  const env = { PATH: process.env.PATH ?? '', HOME: cwd, GIT_CONFIG_NOSYSTEM: '1', LC_ALL: 'C' };
  return execFileSync('git', [...AUTHOR, ...args], { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] }).trim();
}

/** A manager with mirrors of repositories that lie beside it. */
export class Mirrors {
  readonly vm: ManagerMachine;

  constructor(...names: readonly string[]) {
    this.vm = new ManagerMachine({ mirrors: names.map((name) => ({ url: `https://example.com/${name}`, name, everySeconds: 1800 })) });
    mkdirSync(this.vm.path('/upstream'));
    this.configure((mirror) => ({ ...mirror, url: this.url(mirror.name) }));
  }

  url(name: string): string {
    return `file://${this.vm.path(`/upstream/${name}`)}`;
  }

  configure(change: (mirror: { name: string; url: string; every: number }) => object): void {
    const config = this.vm.json('/etc/gl-cache/manager.json');
    this.vm.write('/etc/gl-cache/manager.json', JSON.stringify({ ...config, mirrors: config.mirrors.map(change) }));
  }

  /** Makes a repository with one commit and gives the folder of a clone that can push to it. */
  upstream(name: string): string {
    const bare = this.vm.path(`/upstream/${name}`);
    const work = `${bare}.work`;
    git(this.vm.root, 'init', '--quiet', '--bare', bare);
    git(this.vm.root, 'clone', '--quiet', bare, work);
    commit(work, 'one');
    git(work, 'push', '--quiet', 'origin', 'HEAD:refs/heads/main');
    return work;
  }

  fetch(patch = '') {
    return this.vm.program('mirror', 'sys.exit(it.main(1800))', patch);
  }

  /** As if the daily maintenance were due. */
  maintain() {
    for (const file of readdirSync(this.vm.path('/var/lib/gl-cache/mirrors')).filter((name) => name.endsWith('.json'))) {
      const path = `/var/lib/gl-cache/mirrors/${file}`;
      this.vm.write(path, JSON.stringify({ ...this.vm.json(path), maintained: 0 }));
    }
    return this.fetch();
  }

  mirror(name: string): string {
    return this.vm.path(`/cache/git/${name}`);
  }

  state(name: string) {
    return this.vm.json(`/var/lib/gl-cache/mirrors/${name.replaceAll('/', '%')}.json`);
  }
}

export function commit(work: string, text: string): string {
  writeFileSync(join(work, 'file'), `${text}\n`.repeat(50));
  git(work, 'add', 'file');
  git(work, 'commit', '--quiet', '--message', text);
  return git(work, 'rev-parse', 'HEAD');
}

/** Turns its packs into loose objects, as plain HTTP brings them; gives their files. */
export function unpacked(mirror: string): readonly string[] {
  const packs = join(mirror, 'objects', 'pack');
  for (const name of readdirSync(packs)) {
    const pack = readFileSync(join(packs, name));
    rmSync(join(packs, name), { force: true });
    if (name.endsWith('.pack'))
      execFileSync('git', ['unpack-objects', '-q'], { cwd: mirror, input: pack, stdio: ['pipe', 'ignore', 'pipe'] });
  }
  rmSync(join(mirror, 'objects', 'info', 'commit-graphs'), { recursive: true, force: true });
  const folders = readdirSync(join(mirror, 'objects')).filter((name) => name.length === 2);
  return folders.flatMap((folder) => readdirSync(join(mirror, 'objects', folder)).map((name) => join(mirror, 'objects', folder, name)));
}

export function refs(mirror: string): readonly string[] {
  return git(mirror, 'for-each-ref', '--format=%(refname)').split('\n');
}
