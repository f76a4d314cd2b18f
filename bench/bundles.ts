import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { BUNDLE, FUNCTIONS } from '../scripts/bundles.ts';

/** Files to load and measure. */
export interface Bundles {
  /** For all that is written during a run; removed after it. */
  readonly folder: string;
  readonly webhook: string;
  readonly scaler: string;
  readonly reaper: string;
  /** A module that does nothing, to see what loading one costs here. */
  readonly empty: string;
}

export const EMPTY_MODULE = 'exports.handler = async () => ({});\n';

/** Builds the functions exactly as `npm run build` does, but into a folder of their own: what was deployed last stays as it is. */
export async function buildBundles(folder: string): Promise<Bundles> {
  const absWorkingDir = fileURLToPath(new URL('..', import.meta.url));
  const files = await Promise.all(
    FUNCTIONS.map(async ({ name }) => {
      const outfile = join(folder, name, 'index.js');
      const { outputFiles } = await build({
        ...BUNDLE,
        absWorkingDir,
        entryPoints: [`functions/${name}.ts`],
        outfile,
        sourcemap: false,
        write: false,
      });
      mkdirSync(join(folder, name));
      writeFileSync(outfile, outputFiles[0]?.contents ?? '');
      return [name, outfile] as const;
    }),
  );
  const empty = join(folder, 'empty.js');
  writeFileSync(empty, EMPTY_MODULE);
  return { folder, empty, webhook: '', scaler: '', reaper: '', ...Object.fromEntries(files) };
}
