/**
 * Builds the three functions, the dashboard and the command line tool into dist/:
 *
 *   tsx scripts/build.ts [scaler.yml]
 *
 * dist/functions/<name>/ is what goes into the zip: index.js and the configuration compiled to scaler.json. Source maps and esbuild's
 * metafiles go to dist/meta/. Fails when the configuration is wrong or a bundle has grown beyond its limit.
 */
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type BuildOptions, build } from 'esbuild';
import { compileConfig } from '../lib/config/load-yaml.ts';
import { InvalidConfigError, renderProblems } from '../lib/config/problems.ts';
import { BUNDLE, breakdown, COMMAND_LINE, FUNCTIONS } from './bundles.ts';
import { writeDashboard } from './write-dashboard.ts';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const dist = join(root, 'dist');

function configFile(): string {
  const [given] = process.argv.slice(2);
  if (given !== undefined) return given;
  return existsSync('scaler.yml') ? 'scaler.yml' : join(root, 'examples', 'scaler.yml');
}

/** The JSON for the functions. Ends the process with everything that is wrong. */
function compiled(path: string): string {
  try {
    const { json, config } = compileConfig(readFileSync(path, 'utf8'));
    if (config.warnings.length > 0) console.warn(`${path}: to look at:\n${renderProblems(config.warnings)}`);
    console.log(`configuration of ${path}: ${config.settings.pools.map(({ pool }) => pool.name).join(', ')}`);
    return json;
  } catch (error) {
    const why = error instanceof InvalidConfigError || (error instanceof Error && 'code' in error) ? error.message : error;
    console.error(`${path}:`, why);
    process.exit(1);
  }
}

async function bundle(name: string, entry: string, outfile: string, options: BuildOptions = {}): Promise<number> {
  const result = await build({ ...BUNDLE, absWorkingDir: root, entryPoints: [entry], outfile, ...options, write: false, metafile: true });
  mkdirSync(dirname(outfile), { recursive: true });
  writeFileSync(join(dist, 'meta', `${name}.json`), JSON.stringify(result.metafile));
  let bytes = 0;
  for (const file of result.outputFiles) {
    if (file.path.endsWith('.map')) writeFileSync(join(dist, 'meta', `${name}.js.map`), file.contents);
    else {
      writeFileSync(outfile, file.contents);
      bytes = file.contents.byteLength;
    }
  }
  console.log(`${name}: ${(bytes / 1000).toFixed(1)} kB`);
  return bytes;
}

async function buildFunction({ name, maxKb }: (typeof FUNCTIONS)[number], config: string): Promise<boolean> {
  const folder = join(dist, 'functions', name);
  const bytes = await bundle(name, `functions/${name}.ts`, join(folder, 'index.js'));
  writeFileSync(join(folder, 'scaler.json'), config);
  if (bytes <= maxKb * 1000) return true;
  const metafile = JSON.parse(readFileSync(join(dist, 'meta', `${name}.json`), 'utf8'));
  console.error(`${name} has ${bytes} bytes, more than ${maxKb} kB. The largest parts:\n${breakdown(metafile).join('\n')}`);
  return false;
}

const config = compiled(configFile());
rmSync(dist, { recursive: true, force: true });
mkdirSync(join(dist, 'functions'), { recursive: true });
mkdirSync(join(dist, 'meta'));
// The repository's own package.json makes every .js below it an ES module; in the zip there is none.
writeFileSync(join(dist, 'functions', 'package.json'), '{ "type": "commonjs" }\n');
await writeDashboard(dist);
const within = await Promise.all(FUNCTIONS.map((one) => buildFunction(one, config)));

if (existsSync(join(root, 'cli', 'scaler.ts'))) {
  await bundle('scaler-cli', 'cli/scaler.ts', join(dist, 'scaler.mjs'), COMMAND_LINE);
  const start = join(dist, 'scaler.cjs');
  writeFileSync(start, "#!/usr/bin/env node\nimport('./scaler.mjs');\n");
  chmodSync(start, 0o755);
} else {
  console.log('cli/scaler.ts is not there: no command line tool built');
}
process.exitCode = within.every(Boolean) ? 0 : 1;
