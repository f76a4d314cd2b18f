import { execFile } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { compileConfig } from '../lib/config/load/yaml.ts';
import { type Bundles, buildBundles, EMPTY_MODULE } from './bundles.ts';

const run = promisify(execFile);
const ROOT = fileURLToPath(new URL('..', import.meta.url));

/** A state of the source, built. */
export interface Build {
  /** For people: `this tree`, or the commit. */
  readonly name: string;
  /** Where its package.json is. */
  readonly root: string;
  readonly bundles: Bundles;
  /** Compiles scaler.yml as this state does; returns the file for its functions. */
  compile(document: string): Promise<string>;
}

/** The source as it is in the working tree. */
export async function buildWorkingTree(folder: string): Promise<Build> {
  const bundles = await buildBundles(folder);
  let compiled = 0;
  return {
    name: 'this tree',
    root: ROOT,
    bundles,
    compile: (document) => {
      const path = join(folder, `scaler-${compiled++}.json`);
      writeFileSync(path, compileConfig(document).json);
      return Promise.resolve(path);
    },
  };
}

/**
 * A commit of this repository, in .cache/bench/<commit> with the packages that it names. Formats of the configuration for functions differ between
 * commits; what all have in common is `scripts/build.ts [scaler.yml]`, which writes bundles and compiled configuration into dist/.
 */
export async function buildCommit(name: string, folder: string): Promise<Build> {
  const commit = (await run('git', ['rev-parse', '--verify', `${name}^{commit}`], { cwd: ROOT })).stdout.trim();
  const root = join(ROOT, '.cache', 'bench', commit);
  if (!existsSync(join(root, 'node_modules'))) await checkOut(commit, root);
  await buildIn(root);
  const bundles = keepBundles(root, join(folder, commit));
  let compiled = 0;
  return {
    name,
    root,
    bundles,
    compile: async (document) => {
      const path = join(folder, commit, `scaler-${compiled++}.json`);
      const source = `${path}.yml`;
      writeFileSync(source, document);
      await buildIn(root, source);
      copyFileSync(join(root, 'dist', 'functions', 'reaper', 'scaler.json'), path);
      return path;
    },
  };
}

async function checkOut(commit: string, root: string): Promise<void> {
  console.error(`checking out ${commit} and installing its packages …`);
  rmSync(root, { recursive: true, force: true });
  mkdirSync(root, { recursive: true });
  const archive = `${root}.tar`;
  await run('git', ['archive', '--output', archive, commit], { cwd: ROOT });
  await run('tar', ['-xf', archive, '-C', root]);
  rmSync(archive);
  await run('npm', ['ci', '--no-audit', '--no-fund'], { cwd: root });
}

async function buildIn(root: string, ...config: readonly string[]): Promise<void> {
  await run(process.execPath, ['--import', 'tsx', 'scripts/build.ts', ...config], { cwd: root });
}

/** Copies what later builds, for other configurations, write again. */
function keepBundles(root: string, folder: string): Bundles {
  const file = (name: string) => {
    mkdirSync(join(folder, name), { recursive: true });
    const copy = join(folder, name, 'index.js');
    copyFileSync(join(root, 'dist', 'functions', name, 'index.js'), copy);
    return copy;
  };
  mkdirSync(folder, { recursive: true });
  const empty = join(folder, 'empty.js');
  writeFileSync(empty, EMPTY_MODULE);
  return { folder, empty, webhook: file('webhook'), scaler: file('scaler'), reaper: file('reaper') };
}
