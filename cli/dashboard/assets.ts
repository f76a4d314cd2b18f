import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** One file of the built dashboard, as it lies on disk. */
export interface PageFile {
  /** `index.html` or `assets/NAME`. */
  readonly path: string;
  readonly body: Buffer;
  readonly contentType: string;
  /** Names of assets hold a hash of their content: they never change. */
  readonly cacheControl: string;
}

const TYPES: Readonly<Record<string, string>> = {
  html: 'text/html; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  css: 'text/css; charset=utf-8',
};
/** Beside the built command line tool; from source, where `npm run build` puts it. */
const FOLDERS = ['./dashboard/', '../../dist/dashboard/'] as const;

/** The page and its assets, the page last; `undefined` when it has not been built. */
export function readPageFiles(): readonly PageFile[] | undefined {
  const folder = FOLDERS.map((path) => new URL(path, import.meta.url)).find((url) => existsSync(new URL('index.html', url)));
  if (!folder) return undefined;
  const assets = readdirSync(fileURLToPath(new URL('assets/', folder))).map((name) => `assets/${name}`);
  return [...assets.sort(), 'index.html'].map((path) => ({
    path,
    body: readFileSync(new URL(path, folder)),
    contentType: TYPES[path.slice(path.lastIndexOf('.') + 1)] ?? 'application/octet-stream',
    cacheControl: path === 'index.html' ? 'no-cache' : 'public, max-age=31536000, immutable',
  }));
}
