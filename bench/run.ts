/**
 * Measures what the functions cost and how fast they are, against the closest peer's figures and bounds of our own (docs/performance.md):
 *
 *   npm run bench -- [--quick] [--json] [--only sizes|cold|rate|defects|burst|scale|latency]
 *   npm run bench -- --against COMMIT [--tests] [--quick] [--json]
 *
 * Ends with 1 when a size or a count does not hold; a missed time is only reported, because times depend on how quiet the machine is.
 */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Command, Option } from '@commander-js/extra-typings';
import { against } from './against.ts';
import { type Build, buildCommit, buildWorkingTree } from './build.ts';
import { burst } from './burst.ts';
import { cold } from './cold.ts';
import { defects } from './defects.ts';
import { latency } from './latency.ts';
import { printed } from './print.ts';
import { rate } from './rate.ts';
import { holds, ratioOf, type Section } from './row.ts';
import { scale } from './scale.ts';
import { sizes } from './sizes.ts';

const PARTS = {
  sizes: ({ bundles }) => Promise.resolve(sizes(bundles)),
  cold,
  rate,
  defects,
  burst,
  scale,
  latency,
} satisfies Record<string, (build: Build, quick: boolean) => Promise<Section>>;
const NAMES = Object.keys(PARTS) as (keyof typeof PARTS)[];

const {
  quick,
  json,
  only,
  against: commit,
  tests,
} = new Command('bench')
  .option('--quick', 'fewer repetitions', false)
  .option('--json', 'print JSON instead of a table', false)
  .addOption(new Option('--only <name>', 'measure this alone').choices(NAMES))
  .option('--against <commit>', 'measure this tree beside a commit, which is built in a folder of its own')
  .option('--tests', 'with --against: run npm test in both, too', false)
  .parse()
  .opts();

const folder = mkdtempSync(join(tmpdir(), 'bench-'));
try {
  const build = await buildWorkingTree(folder);
  const sections =
    commit === undefined ? await measure(build) : [await against(await buildCommit(commit, folder), build, { quick, tests })];
  console.log(json ? JSON.stringify(sections.map(withVerdicts), null, 2) : printed(sections));
  const broken = sections.flatMap(({ rows }) => rows).filter((row) => row.must && holds(row) === false);
  process.exitCode = broken.length > 0 ? 1 : 0;
} finally {
  rmSync(folder, { recursive: true, force: true });
}

function withVerdicts({ name, rows }: Section) {
  return { name, rows: rows.map((row) => ({ ...row, ratio: ratioOf(row), ok: holds(row) })) };
}

async function measure(build: Build): Promise<readonly Section[]> {
  const sections: Section[] = [];
  for (const name of NAMES) {
    if (only !== undefined && only !== name) continue;
    console.error(`measuring ${name} …`);
    sections.push(await PARTS[name](build, quick));
  }
  return sections;
}
