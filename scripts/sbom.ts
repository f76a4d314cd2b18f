/**
 * Writes what is delivered and under which licences, after `npm run build`:
 *
 *   npm run sbom
 *
 * `dist/sbom.cdx.json` is the CycloneDX bill of materials that npm makes, of all packages that are not only for development or are in a
 * bundle, with their licences and hashes. `dist/third-party-licenses.txt` holds the texts of the licences of what is really in the bundles, and ends with 1
 * when a package comes without one.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { build, type Metafile } from 'esbuild';
import { ROOT } from './bundle.ts';

const dist = join(ROOT, 'dist');
const PACKAGE = /^(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//;

interface Part {
  readonly name: string;
  readonly version: string;
  readonly license: string;
  /** The bundles that it is in. */
  readonly bundles: readonly string[];
  /** Text of the licence, where the package has one. */
  readonly text: string | undefined;
}

/** What esbuild took, by bundle: of those that are built, and of the page, whose build leaves no such record. */
async function metafiles(): Promise<ReadonlyMap<string, Metafile>> {
  const files = readdirSync(join(dist, 'meta')).filter((name) => name.endsWith('.json'));
  const built = files.map((file) => [file.replace(/\.json$/, ''), JSON.parse(readFileSync(join(dist, 'meta', file), 'utf8'))] as const);
  const entryPoints = ['dashboard/main.ts', 'dashboard/style.css'];
  const page = await build({ absWorkingDir: ROOT, entryPoints, outdir: '/', bundle: true, minify: true, write: false, metafile: true });
  return new Map([...built, ['dashboard', page.metafile]]);
}

/** Folders of the packages that something was taken of, with the bundles. */
async function bundledFolders(): Promise<ReadonlyMap<string, readonly string[]>> {
  const folders = new Map<string, string[]>();
  for (const [bundle, { outputs }] of await metafiles()) {
    const inputs = Object.values(outputs).flatMap((output) => Object.entries(output.inputs));
    const used = inputs.flatMap(([path, { bytesInOutput }]) => (bytesInOutput > 0 ? (PACKAGE.exec(path)?.[1] ?? []) : []));
    for (const folder of new Set(used)) folders.set(folder, [...(folders.get(folder) ?? []), bundle]);
  }
  return folders;
}

interface Component {
  readonly 'bom-ref': string;
  readonly properties?: readonly { readonly name: string; readonly value: string }[];
}
interface Sbom {
  readonly components: readonly Component[];
  readonly dependencies: readonly { readonly ref: string; readonly dependsOn?: readonly string[] }[];
}

/** npm's own bill, without what is only for development: some of that is in the bundles all the same. */
function billOf(parts: readonly Part[]): Sbom {
  const text = execFileSync('npm', ['sbom', '--sbom-format', 'cyclonedx', '--package-lock-only'], {
    cwd: ROOT,
    encoding: 'utf8',
    maxBuffer: 64 * 1024 * 1024,
  });
  const whole: Sbom = JSON.parse(text);
  const bundled = new Set(parts.map(({ name, version }) => `${name}@${version}`));
  const isDevelopment = ({ properties = [] }: Component) => properties.some(({ name }) => name === 'cdx:npm:package:development');
  const dropped = new Set(whole.components.filter((c) => isDevelopment(c) && !bundled.has(c['bom-ref'])).map((c) => c['bom-ref']));
  return {
    ...whole,
    components: whole.components.filter((c) => !dropped.has(c['bom-ref'])),
    dependencies: whole.dependencies
      .filter(({ ref }) => !dropped.has(ref))
      .map((d) => ({ ...d, ...(d.dependsOn && { dependsOn: d.dependsOn.filter((ref) => !dropped.has(ref)) }) })),
  };
}

function partOf([folder, bundles]: readonly [string, readonly string[]]): Part {
  const path = join(ROOT, folder);
  const { name, version, license } = JSON.parse(readFileSync(join(path, 'package.json'), 'utf8'));
  const files = readdirSync(path).filter((file) => /^(licen[cs]e|copying|notice)/i.test(file));
  const texts = files.map((file) => readFileSync(join(path, file), 'utf8').trim());
  return {
    name,
    version,
    license: typeof license === 'string' ? license : 'UNKNOWN',
    bundles,
    text: texts.length > 0 ? texts.join('\n\n') : undefined,
  };
}

function render(parts: readonly Part[]): string {
  const rule = '-'.repeat(80);
  const blocks = parts.map(({ name, version, license, bundles, text }) =>
    [
      rule,
      `${name} ${version}`,
      `License: ${license}`,
      `In: ${bundles.join(', ')}`,
      '',
      text ?? `(The package holds no text of it: see ${license} at https://spdx.org/licenses/)`,
      '',
    ].join('\n'),
  );
  return `Third-party software in the bundles of otc-gitlab-scaler\n\n${blocks.join('\n')}`;
}

async function main(): Promise<number> {
  if (!existsSync(join(dist, 'meta'))) {
    console.error('Nothing is built: npm run build first.');
    return 2;
  }
  const parts = [...(await bundledFolders())].map(partOf).sort((a, b) => (`${a.name} ${a.version}` < `${b.name} ${b.version}` ? -1 : 1));
  const bill = billOf(parts);
  writeFileSync(join(dist, 'sbom.cdx.json'), `${JSON.stringify(bill, undefined, 2)}\n`);
  writeFileSync(join(dist, 'third-party-licenses.txt'), render(parts));
  const licences = [...new Set(parts.map(({ license }) => license))].sort();
  console.log(`dist/sbom.cdx.json: ${bill.components.length} packages`);
  console.log(`dist/third-party-licenses.txt: ${parts.length} packages in the bundles, under ${licences.join(', ')}`);
  const unknown = parts.filter(({ license }) => license === 'UNKNOWN');
  for (const { name } of unknown) console.error(`${name} names no licence`);
  return unknown.length === 0 ? 0 : 1;
}

process.exitCode = await main();
