/** `npm run check`: every check of the sources, as many at once as there are cores. Prints the output of those that fail, and how long each took. */
import { spawn } from 'node:child_process';
import { availableParallelism } from 'node:os';
import pMap from 'p-map';

/** The slowest first, so that no core waits for it at the end. */
const CHECKS: readonly (readonly [string, string])[] = [
  ['types', 'tsc --build --noEmit tsconfig.json dashboard test/browser'],
  ['dead code', 'knip'],
  ['imports', 'tsx scripts/check-imports.ts'],
  ['format and lint', 'biome ci .'],
  ['references', 'tsx scripts/write-reference.ts --check'],
  ['embedded programs', 'tsx scripts/embed-programs.ts --check'],
];

function run(command: string): Promise<{ readonly failed: boolean; readonly output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, { shell: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => (output += chunk.toString()));
    child.once('error', reject);
    child.once('close', (code) => resolve({ failed: code !== 0, output }));
  });
}

const results = await pMap(
  CHECKS,
  async ([name, command]) => {
    const began = performance.now();
    const { failed, output } = await run(command);
    const seconds = ((performance.now() - began) / 1000).toFixed(1);
    console.log(`${failed ? 'failed' : 'ok    '} ${name} (${seconds} s)`);
    if (failed) console.log(`$ ${command}\n${output}`);
    return failed;
  },
  { concurrency: availableParallelism() },
);
process.exitCode = results.includes(true) ? 1 : 0;
