/**
 * Writes docs/reference from the code:
 *
 *   npm run docs
 *   npm run docs -- --check     writes nothing; 1 when a page is not what would be written
 */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Page, referencePages } from './reference/pages.ts';

const root = fileURLToPath(new URL('..', import.meta.url));

function isStale({ path, text }: Page): boolean {
  try {
    return readFileSync(join(root, path), 'utf8') !== text;
  } catch {
    return true;
  }
}

function write({ path, text }: Page): void {
  mkdirSync(dirname(join(root, path)), { recursive: true });
  writeFileSync(join(root, path), text);
}

function main(args: readonly string[]): number {
  if (args.some((arg) => arg !== '--check')) {
    console.error('npm run docs writes docs/reference; npm run docs -- --check only looks');
    return 2;
  }
  let pages: readonly Page[];
  try {
    pages = referencePages();
  } catch (error) {
    console.error(error instanceof Error ? error.message : error);
    return 1;
  }
  const stale = pages.filter(isStale);
  if (args.includes('--check')) {
    for (const { path } of stale) console.error(`${path} is not what the code says: npm run docs writes it anew`);
    return stale.length === 0 ? 0 : 1;
  }
  for (const page of stale) write(page);
  console.log(stale.length === 0 ? 'docs/reference is as it should be' : `written: ${stale.map(({ path }) => path).join(', ')}`);
  return 0;
}

process.exitCode = main(process.argv.slice(2));
