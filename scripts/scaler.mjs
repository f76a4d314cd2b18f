/** `npm run scaler`: the built command line, built anew when a source is newer. Plain JavaScript, because compiling TypeScript first costs a second of each call. */
import { spawnSync } from 'node:child_process';
import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
const built = join(root, 'dist', 'scaler.mjs');
const SOURCES = ['cli', 'lib', 'cloud-init', 'sandbox', 'testkit', 'dashboard', 'scripts', 'package-lock.json'];

function newest(path) {
  const stat = statSync(path);
  if (!stat.isDirectory()) return stat.mtimeMs;
  return Math.max(stat.mtimeMs, ...readdirSync(path).map((name) => newest(join(path, name))));
}

const since = statSync(built, { throwIfNoEntry: false })?.mtimeMs ?? 0;
if (SOURCES.some((source) => newest(join(root, source)) > since)) {
  console.error('building the command line ...');
  const tsx = join(root, 'node_modules', 'tsx', 'dist', 'cli.mjs');
  const { status } = spawnSync(process.execPath, [tsx, join(root, 'scripts', 'build-cli.ts')], { stdio: ['ignore', 2, 2] });
  if (status !== 0) process.exit(status ?? 1);
}
process.argv[1] = built;
await import(pathToFileURL(built).href);
