/** Checks who imports whom (.dependency-cruiser.cjs), and that nobody calls what is not to be called. Fails also when suspiciously few modules were looked at: an empty check passes always. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import * as z from 'zod';

const LEAST_MODULES = 60;
const root = fileURLToPath(new URL('..', import.meta.url));
const FOLDERS = ['functions', 'cli', 'deploy', 'lib', 'cloud-init', 'sandbox', 'testkit'];

const Cruise = z.object({
  modules: z.array(z.object({ source: z.string() })),
  summary: z.object({
    violations: z.array(
      z.object({
        from: z.string(),
        to: z.string(),
        rule: z.object({ name: z.string() }),
        cycle: z.array(z.object({ name: z.string() })).optional(),
        via: z.array(z.object({ name: z.string() })).optional(),
      }),
    ),
  }),
});

const folders = FOLDERS.filter((folder) => existsSync(join(root, folder)));
const cruiser = join(root, 'node_modules', 'dependency-cruiser', 'bin', 'dependency-cruise.mjs');
const { stdout, stderr } = spawnSync(process.execPath, [cruiser, '--output-type', 'json', ...folders], {
  cwd: root,
  encoding: 'utf8',
  maxBuffer: 256 * 1024 * 1024,
});
if (!stdout.startsWith('{')) {
  console.error(stderr || stdout);
  process.exit(1);
}
const { modules, summary } = Cruise.parse(JSON.parse(stdout));
const ours = modules.filter(({ source }) => folders.some((folder) => source.startsWith(`${folder}/`))).length;
for (const { rule, from, to, cycle, via } of summary.violations) {
  const way = (cycle ?? via ?? []).map(({ name }) => name);
  console.error(`${rule.name}: ${[from, ...(way.length > 0 ? way : [to])].join(' → ')}`);
}
console.log(`${ours} modules, ${summary.violations.length} forbidden imports`);
if (ours < LEAST_MODULES) console.error(`fewer than ${LEAST_MODULES} modules: the check did not see the tree`);

/** Calls that look right and are not. */
const FORBIDDEN_CALLS: readonly (readonly [RegExp, string])[] = [
  [/\bAbortSignal\s*\.\s*any\s*\(/, 'Node 20 loses a timeout inside AbortSignal.any with a garbage collection: use lib/signals/bounded.ts'],
];
const SOURCES = [...FOLDERS, 'dashboard', 'test', 'bench', 'scripts'];
const sources = SOURCES.flatMap((folder) =>
  readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .filter((name) => /[.](ts|js|cjs|mjs)$/.test(name) && !name.includes('node_modules'))
    .map((name) => join(folder, name)),
);
const calls = sources.flatMap((file) => {
  const lines = readFileSync(join(root, file), 'utf8').split('\n');
  return lines.flatMap((line, i) =>
    FORBIDDEN_CALLS.filter(([call]) => call.test(line) && !/^\s*([*]|\/\/)/.test(line)).map(([, why]) => `${file}:${i + 1}: ${why}`),
  );
});
for (const call of calls) console.error(call);
process.exitCode = summary.violations.length === 0 && calls.length === 0 && ours >= LEAST_MODULES && sources.length > ours ? 0 : 1;
