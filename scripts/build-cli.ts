/** Builds the command line and the dashboard that it serves: `tsx scripts/build-cli.ts`. */
import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { bundle, ROOT } from './bundle.ts';
import { COMMAND_LINE } from './bundles.ts';
import { writeDashboard } from './write-dashboard.ts';

/** Writes scaler.mjs last and at once, so that whoever finds it finds all of it. Returns its size in bytes. */
export async function writeCommandLine(dist: string): Promise<number> {
  mkdirSync(join(dist, 'meta'), { recursive: true });
  const { code, map, metafile } = await bundle('cli/main.ts', COMMAND_LINE);
  writeFileSync(join(dist, 'meta', 'scaler-cli.json'), JSON.stringify(metafile));
  writeFileSync(join(dist, 'meta', 'scaler-cli.js.map'), map);
  const start = join(dist, 'scaler.cjs');
  writeFileSync(start, "#!/usr/bin/env node\nimport('./scaler.mjs');\n");
  chmodSync(start, 0o755);
  const unfinished = join(dist, `scaler.${process.pid}.mjs`);
  writeFileSync(unfinished, code);
  renameSync(unfinished, join(dist, 'scaler.mjs'));
  return code.byteLength;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const dist = join(ROOT, 'dist');
  await writeDashboard(dist);
  await writeCommandLine(dist);
}
