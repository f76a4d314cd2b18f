import { existsSync, mkdirSync, readdirSync, utimesSync } from 'node:fs';
import { expect } from 'vitest';
import { DAY, ManagerMachine } from './machine.ts';

/** Noon of a day, so that a few hours more or less stay within it. */
export const NOW = Date.UTC(2026, 10, 24, 12) / 1000;

/** A manager whose caches hold files of a known age. */
export class Tree {
  readonly vm = new ManagerMachine();

  /** A file that was last used so many days ago; `read` where it was read later than written. */
  file(path: string, days: number, { kb = 4, read = days }: { readonly kb?: number; readonly read?: number } = {}): this {
    this.vm.write(`/cache/${path}`, 'x'.repeat(kb * 1024));
    utimesSync(this.vm.path(`/cache/${path}`), NOW - read * DAY, NOW - days * DAY);
    return this;
  }

  /** Folders count as used when they were changed. */
  folder(path: string, days: number): this {
    mkdirSync(this.vm.path(`/cache/${path}`), { recursive: true });
    utimesSync(this.vm.path(`/cache/${path}`), NOW - days * DAY, NOW - days * DAY);
    return this;
  }

  /** Enough fresh ones beside, so that a few old ones are a small share. */
  fresh(tree: string, count = 20, kb = 4): this {
    for (let i = 0; i < count; i++) this.file(`${tree}/fresh-${i}`, 0.1, { kb });
    return this;
  }

  prune(options: { readonly later?: number; readonly accept?: boolean; readonly patch?: string } = {}) {
    const call = `it.main(${options.accept ? 'True' : 'False'}, ${NOW + (options.later ?? 0)})`;
    const done = this.vm.program('prune', call, options.patch ?? '');
    expect(done.stderr).toBe('');
    expect(done.status).toBe(0);
    return this.vm.json('/var/lib/gl-cache/prune/prune.json');
  }

  /** A volume that holds nothing but the caches and the trash. */
  sized(kb: number): string {
    return [
      'def used():',
      `    return sum(it.use_of(os.path.join(${JSON.stringify(this.vm.path('/cache'))}, name))[1] for name in ('sstate', 'downloads', '.trash'))`,
      `gl_common.volume = lambda root: {'bytes': ${kb * 1024}, 'used': used(), 'inodes': 0, 'inodes_used': 0}`,
    ].join('\n');
  }

  has(path: string): boolean {
    return existsSync(this.vm.path(`/cache/${path}`));
  }

  /** Paths in the trash as they were before. */
  trash(): readonly string[] {
    return readdirSync(this.vm.path('/cache/.trash'), { recursive: true, withFileTypes: true })
      .filter((entry) => !entry.isDirectory())
      .map((entry) => `${entry.parentPath}/${entry.name}`.replace(/^.*\/\.trash\/[^/]+\/[^/]+\//s, ''))
      .sort();
  }
}
