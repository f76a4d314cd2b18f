import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';
import { build } from 'esbuild';

export interface BuiltFile {
  /** `index.html`, or `assets/dashboard-HASH.js`. */
  readonly path: string;
  readonly contents: Uint8Array;
}

/** Of all files together, compressed. 1 kB = 1000 B. */
export const DASHBOARD_KB = 60;
const root = fileURLToPath(new URL('..', import.meta.url));

/** The static page: script and style under names that hold their hash, so that browsers may keep them for ever, and the page that names them. */
export async function buildDashboard(): Promise<readonly BuiltFile[]> {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: { dashboard: 'dashboard/main.ts', style: 'dashboard/style.css' },
    outdir: '/',
    bundle: true,
    minify: true,
    format: 'iife',
    // Browsers of three years.
    target: ['chrome115', 'firefox115', 'safari16.4'],
    legalComments: 'none',
    write: false,
    logLevel: 'warning',
  });
  const asset = (end: string): BuiltFile => {
    const contents = outputFiles.find(({ path }) => path.endsWith(end))?.contents;
    if (!contents) throw new Error(`esbuild gave no ${end}`);
    const hash = createHash('sha256').update(contents).digest('hex').slice(0, 12);
    return { path: `assets/dashboard-${hash}${end}`, contents };
  };
  const [script, style] = [asset('.js'), asset('.css')];
  const html = readFileSync(join(root, 'dashboard', 'index.html'), 'utf8')
    .replace('{{style}}', style.path)
    .replace('{{script}}', script.path);
  return [script, style, { path: 'index.html', contents: new TextEncoder().encode(html) }];
}

/** What a visitor loads. */
export function compressedSize(files: readonly BuiltFile[]): number {
  return files.reduce((sum, { contents }) => sum + gzipSync(contents, { level: 9 }).length, 0);
}
