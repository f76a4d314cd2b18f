import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build, type Metafile } from 'esbuild';
import { BUNDLE, breakdown, FUNCTIONS } from './bundles.ts';

export const ROOT = join(dirname(fileURLToPath(import.meta.url)), '..');

export type FunctionName = (typeof FUNCTIONS)[number]['name'];

export interface Bundle {
  readonly code: Uint8Array;
  readonly map: Uint8Array;
  readonly metafile: Metafile;
}

/** Bundles an entry point without writing anything: the same sources give the same bytes. */
export async function bundle(entry: string, options: BuildOptions = {}): Promise<Bundle> {
  const outfile = join(ROOT, 'dist', 'bundle.js');
  const result = await build({ ...BUNDLE, absWorkingDir: ROOT, entryPoints: [entry], outfile, ...options, write: false, metafile: true });
  const contents = (map: boolean) => result.outputFiles.find((file) => file.path.endsWith('.map') === map)?.contents ?? new Uint8Array();
  return { code: contents(false), map: contents(true), metafile: result.metafile };
}

/** The function's `index.js`, and what to say when it has grown beyond its limit. */
export async function bundleFunction(name: FunctionName): Promise<Bundle & { readonly tooLarge?: string }> {
  const made = await bundle(`functions/${name}.ts`);
  const maxKb = FUNCTIONS.find((one) => one.name === name)?.maxKb ?? 0;
  const bytes = made.code.byteLength;
  if (bytes <= maxKb * 1000) return made;
  return {
    ...made,
    tooLarge: `${name} has ${bytes} bytes, more than ${maxKb} kB. The largest parts:\n${breakdown(made.metafile).join('\n')}`,
  };
}
