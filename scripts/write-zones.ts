/**
 * Writes lib/config/zones/functions-zones.ts: the time zones that the functions' own Node.js knows, and how their clocks go there.
 *
 *   npx tsx scripts/write-zones.ts NODE             NODE: the path that scripts/node20.15.sh prints
 *   npx tsx scripts/write-zones.ts NODE --check     writes nothing; 1 when the file is not what that Node says
 */
import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { buildSync } from 'esbuild';
import { zonesTable } from '../lib/config/zones/functions-zones.ts';

const TARGET = fileURLToPath(new URL('../lib/config/zones/functions-zones.ts', import.meta.url));
const RULES = fileURLToPath(new URL('../lib/config/zones/zone-rules.ts', import.meta.url));
const ZONEINFO = '/usr/share/zoneinfo';
/** Ten years and a half from 2026-01-01. */
const DAYS = 3835;

/** What runs on that Node: names come in, the lines of the table go out. */
const PROGRAM = `
const zones = JSON.parse(process.argv[1]);
const groups = new Map();
for (const zone of [...new Set([...zones, ...Intl.supportedValuesOf('timeZone')])].sort()) {
  const offsets = zoneOffsets(zone, 0, ${DAYS});
  if (!offsets) continue;
  const key = offsets.map((o) => o.join(':')).join(' ');
  groups.set(key, [...(groups.get(key) ?? []), zone]);
}
const lines = [...groups].map(([offsets, names]) => offsets + ' = ' + names.join(' ')).sort();
console.log(JSON.stringify({ node: process.versions.node, tz: process.versions.tz, lines }));
`;

interface Answer {
  readonly node: string;
  readonly tz: string;
  readonly lines: readonly string[];
}

function ask(node: string, names: readonly string[]): Answer {
  const stdin = { contents: `import { zoneOffsets } from ${JSON.stringify(RULES)};${PROGRAM}`, loader: 'ts', resolveDir: '.' } as const;
  const [program] = buildSync({ stdin, bundle: true, platform: 'node', format: 'esm', write: false }).outputFiles;
  const args = ['--input-type=module', '-e', program?.text ?? '', JSON.stringify(names)];
  return JSON.parse(execFileSync(node, args, { encoding: 'utf8' }));
}

/** All names that anybody may write, old ones included. That Node leaves out what it does not know. */
function knownNames(): readonly string[] {
  const files = existsSync(ZONEINFO) ? readdirSync(ZONEINFO, { recursive: true, encoding: 'utf8' }) : [];
  const zones = files.filter((file) => /^[A-Z][A-Za-z0-9_+/-]*$/.test(file));
  return [...new Set([...zones, ...Intl.supportedValuesOf('timeZone'), ...tableNames()])];
}

function tableNames(): readonly string[] {
  return zonesTable.lines.flatMap((line) => (line.split(' = ')[1] ?? '').split(' '));
}

function fileOf({ node, tz, lines }: Answer): string {
  return `/**
 * Written by scripts/write-zones.ts, not by hand: the time zones that Node ${node}, on which the functions run, knows from its own data (${tz}).
 * A line: how the clocks of these zones go, as \`day:minutes\` (lib/config/zones/zone-rules.ts).
 */
export const zonesTable = {
  node: '${node}',
  data: '${tz}',
  days: ${DAYS},
  lines: \`
${lines.join('\n')}
\`
    .trim()
    .split('\\n'),
} as const;
`;
}

function main([node, ...flags]: readonly string[]): number {
  if (node === undefined || flags.some((flag) => flag !== '--check')) {
    console.error('usage: npx tsx scripts/write-zones.ts NODE [--check]');
    return 2;
  }
  if (flags.length === 0) {
    writeFileSync(TARGET, fileOf(ask(node, knownNames())));
    return 0;
  }
  // Names of this machine must not decide: those of the table are asked for, and all that the other Node offers by itself.
  const fresh = fileOf(ask(node, tableNames())) === readFileSync(TARGET, 'utf8');
  if (!fresh)
    console.error(
      `lib/config/zones/functions-zones.ts is not what ${node} says: npx tsx scripts/write-zones.ts "$(scripts/node20.15.sh DIRECTORY)"`,
    );
  return fresh ? 0 : 1;
}

process.exitCode = main(process.argv.slice(2));
