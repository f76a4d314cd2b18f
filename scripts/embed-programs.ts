/**
 * Embeds the programs of cloud-init/programs into modules, because a function is one bundled file:
 *
 *   npm run programs
 *   npm run programs -- --check     writes nothing; 1 when a module is not what the programs say
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { relative } from 'node:path';
import { programModules } from './programs.ts';

const stale = programModules().filter(({ path, text }) => !existsSync(path) || readFileSync(path, 'utf8') !== text);
const check = process.argv.includes('--check');
for (const { path, text } of stale) {
  const name = relative(process.cwd(), path);
  if (check) {
    console.error(`${name} is older than its programs: npm run programs writes it anew`);
  } else {
    writeFileSync(path, text);
    console.log(`written: ${name}`);
  }
}
process.exitCode = check && stale.length > 0 ? 1 : 0;
