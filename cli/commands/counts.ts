import { writeFileSync } from 'node:fs';
import { Option } from '@commander-js/extra-typings';
import Table from 'cli-table3';
import { readSeries } from '../../lib/app/counts/read.ts';
import type { Store } from '../../lib/app/ports/index.ts';
import { localText } from '../../lib/core/chart/zone.ts';
import { defined } from '../../lib/core/defined.ts';
import { ROLLUP_COLUMNS, rollupLine, type SeriesRow, STEP_MS, type Step } from '../../lib/core/metrics/rollup.ts';
import { decimal } from '../../lib/core/metrics/sample.ts';
import { toIso } from '../../lib/core/time.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { renderOpenMetrics } from '../render/open-metrics.ts';
import { from, timezone, to } from '../shared/arguments.ts';
import type { CommandContext, Program } from '../shared/context.ts';
import { openStore, UserError } from '../shared/environment.ts';
import type { Output } from '../shared/output.ts';
import { clean } from '../shared/printable.ts';
import { parseSpan, type TimeSpan } from '../shared/time-range.ts';

export const COUNT_FORMATS = ['table', 'csv', 'json', 'chart', 'svg', 'png', 'openmetrics'] as const;
export type CountFormat = (typeof COUNT_FORMATS)[number];

export interface CountsOptions {
  readonly from: string;
  readonly to: string;
  readonly timezone: string;
  readonly pool?: string;
  readonly step?: Step;
  readonly columns?: string;
  readonly format: CountFormat;
  readonly output?: string;
}

/** Where the counts go: a terminal has a width and takes no picture. */
export interface CountsOutput extends Output {
  readonly terminal: boolean;
  readonly width: number;
  bytes(data: Uint8Array): void;
}

type Member = (typeof ROLLUP_COLUMNS)[number][1];

/** Columns that a table shows when none are asked for. */
const TABLE_COLUMNS = 'machines,booting,idle,busy,draining,failed,coming,pending,unmet,limit';
/** More minutes than this are read by hour or day: two months. */
const MOST_MINUTES = 62 * 1440;

/** Prints the counts of a span, or writes them to a file. */
export async function counts(
  { store, append, pools }: { readonly store: Store; readonly append: boolean; readonly pools: readonly string[] },
  options: CountsOptions,
  now: number,
  output: CountsOutput,
): Promise<number> {
  const span = parseSpan(options, now);
  const step = options.step ?? stepFor(span);
  if (step === '1m' && (span.to - span.from) / STEP_MS['1m'] > MOST_MINUTES) {
    throw new UserError('Minutes of more than 62 days at once are too many: add --step 1h or --step 1d, or take a shorter span.');
  }
  if (options.pool !== undefined && !pools.includes(options.pool)) {
    output.say(`The configuration has no pool ${options.pool} (it has ${pools.join(', ')}); showing what is recorded under that name.`);
  }
  const columns = chosenColumns(options.columns);
  if (options.format === 'png' && options.output === undefined && output.terminal) {
    throw new UserError('A PNG is nothing for a terminal: add --output counts.png, or take --format chart.');
  }
  const query = { ...span, step, append, ...defined({ pool: options.pool }) };
  const read = await readSeries(store, query);
  const rows = options.format === 'json' ? read : clean(read);
  const view = { ...span, step, timezone: options.timezone, columns, width: output.width, chosen: options.columns !== undefined };
  const body = await render(rows, options.format, view);
  if (options.output !== undefined) writeResult(options.output, body, output);
  else if (typeof body === 'string') output.data(body.trimEnd());
  else output.bytes(body);
  if (rows.length === 0) output.say(`Nothing is recorded between ${toIso(span.from)} and ${toIso(span.to)}.`);
  return 0;
}

interface View extends TimeSpan {
  readonly step: Step;
  readonly timezone: string;
  readonly columns: readonly (readonly [string, Member])[];
  /** By the user, not by default. */
  readonly chosen: boolean;
  readonly width: number;
}

async function render(rows: readonly SeriesRow[], format: CountFormat, view: View): Promise<string | Uint8Array> {
  switch (format) {
    case 'table':
      return table(rows, view);
    case 'csv':
      return csv(rows, view);
    case 'json':
      return json(rows, view);
    case 'openmetrics':
      return renderOpenMetrics(rows, view.columns);
    default: {
      // Charts bring large packages along, which no other command should wait for.
      const { renderChart } = await import('../render/charts/chart.ts');
      return await renderChart(rows, { ...view, format, columns: view.chosen ? view.columns : [] });
    }
  }
}

/** Up to a day by minute, up to a month by hour, else by day. */
function stepFor({ from, to }: TimeSpan): Step {
  const days = (to - from) / STEP_MS['1d'];
  return days <= 1 ? '1m' : days <= 31 ? '1h' : '1d';
}

function chosenColumns(text: string | undefined): readonly (readonly [string, Member])[] {
  const wanted = (text ?? TABLE_COLUMNS).split(',').map((name) => name.trim());
  return wanted.map((name) => {
    const found = ROLLUP_COLUMNS.find(([column]) => column === name);
    if (found) return found;
    throw new UserError(`--columns: there is no column "${name}"; there are ${ROLLUP_COLUMNS.map(([column]) => column).join(', ')}.`);
  });
}

function table(rows: readonly SeriesRow[], { columns, timezone, step }: View): string {
  const style = { head: [], border: [], compact: true };
  const colAligns = ['left' as const, 'left' as const, ...columns.map(() => 'right' as const)];
  const drawn = new Table({ head: [`time (${timezone})`, 'pool', ...columns.map(([column]) => column)], style, colAligns });
  const digits = step === '1m' ? 4 : 1;
  const cell = (value: number | undefined) => (value === undefined ? '' : String(Number(value.toFixed(digits))));
  rows.forEach((row, i) => {
    const before = rows[i - 1];
    // A gap is a line of its own, so that nobody takes two neighbours for neighbours in time.
    if (before && before.pool === row.pool && row.at - before.at > STEP_MS[step])
      drawn.push(['…', ...Array.from({ length: columns.length + 1 }, () => '')]);
    drawn.push([localText(row.at, timezone), row.pool, ...columns.map(([, member]) => cell(row[member]))]);
  });
  return drawn.toString();
}

function csv(rows: readonly SeriesRow[], { columns, chosen }: View): string {
  if (!chosen) return `time,pool,${ROLLUP_COLUMNS.map(([column]) => column).join(',')}\n${rows.map(rollupLine).join('')}`;
  const lines = rows.map((row) => `${[toIso(row.at), row.pool, ...columns.map(([, member]) => decimal(row[member]))].join(',')}\n`);
  return `time,pool,${columns.map(([column]) => column).join(',')}\n${lines.join('')}`;
}

function json(rows: readonly SeriesRow[], { from, to, step, columns, chosen }: View): string {
  const shown = chosen ? columns : ROLLUP_COLUMNS;
  const entry = (row: SeriesRow) => {
    const values = shown.map(([column, member]) => [column, row[member] === undefined ? null : Number(decimal(row[member]))] as const);
    return { time: toIso(row.at), pool: row.pool, ...Object.fromEntries(values) };
  };
  return JSON.stringify({ from: toIso(from), to: toIso(to), step, rows: rows.map(entry) });
}

function writeResult(file: string, body: string | Uint8Array, output: Output): void {
  try {
    writeFileSync(file, body);
  } catch {
    throw new UserError(`${file} cannot be written.`);
  }
  output.say(`${file}: ${body.length} bytes.`);
}

export function register(program: Program, context: CommandContext): void {
  program
    .command('counts')
    .description('show the machine counts of a time span: as a table, a file for other programs, or a picture')
    .addOption(from())
    .addOption(to())
    .addOption(timezone('of days and times, such as Europe/Berlin'))
    .option('--pool <name>', 'show this pool only')
    .addOption(
      new Option('--step <length>', 'time that one line covers (default: depends on the length of the span)').choices([
        '1m',
        '1h',
        '1d',
      ] as const),
    )
    .option('--columns <names>', 'columns to show, separated by commas')
    .addOption(new Option('--format <name>', 'output format').choices(COUNT_FORMATS).default('table' as const))
    .option('--output <file>', 'write the output to a file')
    .action((options) =>
      context.run(options.format === 'json', async (output) => {
        const config = context.load();
        const { settings } = config;
        const { isTTY = false, columns = 100 } = process.stdout;
        const bytes = (data: Uint8Array) => void process.stdout.write(data);
        const source = { store: openStore(config), append: settings.append, pools: settings.pools.map(({ pool }) => pool.name) };
        return await counts(source, options, systemClock.now(), { ...output, terminal: isTTY, width: columns, bytes });
      }),
    );
}
