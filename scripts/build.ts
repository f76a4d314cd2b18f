/**
 * Builds the three functions, the dashboard and the command line tool into dist/:
 *
 *   tsx scripts/build.ts [scaler.yml]
 *
 * dist/functions/<name>/ is what goes into the zip: index.js and the configuration compiled to scaler.json. Source maps and esbuild's
 * metafiles go to dist/meta/. Fails when the configuration is wrong or a bundle has grown beyond its limit.
 */
import { existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { InvalidConfigError, renderProblems } from '../lib/config/check/problems.ts';
import { compileConfig } from '../lib/config/load/yaml.ts';
import { writeCommandLine } from './build-cli.ts';
import { type Bundle, bundleFunction, type FunctionName, ROOT as root } from './bundle.ts';
import { FUNCTIONS } from './bundles.ts';
import { writeDashboard } from './write-dashboard.ts';

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
    if (config.warnings.length > 0) console.warn(`Warnings:\n${renderProblems(config.warnings, path)}`);
    console.log(`configuration of ${path}: ${config.settings.pools.map(({ pool }) => pool.name).join(', ')}`);
    return json;
  } catch (error) {
    if (error instanceof InvalidConfigError) console.error(`${path} has mistakes:\n${renderProblems(error.problems, path)}`);
    else console.error(`${path}:`, error instanceof Error && 'code' in error ? error.message : error);
    process.exit(1);
  }
}

function write(name: string, outfile: string, { code, map, metafile }: Bundle): void {
  mkdirSync(dirname(outfile), { recursive: true });
  writeFileSync(outfile, code);
  writeFileSync(join(dist, 'meta', `${name}.json`), JSON.stringify(metafile));
  writeFileSync(join(dist, 'meta', `${name}.js.map`), map);
  console.log(`${name}: ${(code.byteLength / 1000).toFixed(1)} kB`);
}

async function buildFunction(name: FunctionName, config: string): Promise<boolean> {
  const folder = join(dist, 'functions', name);
  const { tooLarge, ...made } = await bundleFunction(name);
  write(name, join(folder, 'index.js'), made);
  writeFileSync(join(folder, 'scaler.json'), config);
  if (tooLarge !== undefined) console.error(tooLarge);
  return tooLarge === undefined;
}

const config = compiled(configFile());
rmSync(dist, { recursive: true, force: true });
mkdirSync(join(dist, 'functions'), { recursive: true });
mkdirSync(join(dist, 'meta'));
// The repository's own package.json makes every .js below it an ES module; in the zip there is none.
writeFileSync(join(dist, 'functions', 'package.json'), '{ "type": "commonjs" }\n');
await writeDashboard(dist);
const within = await Promise.all(FUNCTIONS.map(({ name }) => buildFunction(name, config)));

console.log(`scaler-cli: ${((await writeCommandLine(dist)) / 1000).toFixed(1)} kB`);
process.exitCode = within.every(Boolean) ? 0 : 1;
