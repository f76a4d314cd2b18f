import { Option } from '@commander-js/extra-typings';
import Table from 'cli-table3';
import type { Forge, Store } from '../../lib/app/ports/index.ts';
import { readReport } from '../../lib/app/report/read.ts';
import type { Settings } from '../../lib/app/settings.ts';
import { localText } from '../../lib/core/chart/zone.ts';
import { defined } from '../../lib/core/defined.ts';
import { counted } from '../../lib/core/plural.ts';
import type { Gap, Report } from '../../lib/core/report/report.ts';
import type { Step } from '../../lib/core/report/timeline.ts';
import type { Spread } from '../../lib/core/statistics.ts';
import { formatDuration, HOUR } from '../../lib/core/time.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { reportCsv, reportJson } from '../render/report-data.ts';
import { from, timezone, to } from '../shared/arguments.ts';
import type { CommandContext, Program } from '../shared/context.ts';
import { openServices, openStore, UserError } from '../shared/environment.ts';
import type { Output } from '../shared/output.ts';
import { clean } from '../shared/printable.ts';
import { parseSpan } from '../shared/time-range.ts';

export const REPORT_FORMATS = ['table', 'json', 'csv'] as const;
export type ReportFormat = (typeof REPORT_FORMATS)[number];

export interface ReportOptions {
  readonly from: string;
  readonly to: string;
  readonly timezone: string;
  readonly pool?: string;
  readonly project?: string;
  readonly format: ReportFormat;
}

/** More than this is read in several goes. */
const MOST_DAYS = 100;

const STEP_TEXTS: Readonly<Record<Step, string>> = {
  'created-pending': 'created → pending (earlier stages)',
  'pending-hook': 'pending → hook arrived',
  'hook-noticed': 'hook → seen by a plan',
  'pending-noticed': 'pending → seen by a plan',
  'noticed-accepted': 'seen → order accepted by the cloud',
  'accepted-active': 'order accepted → VM active',
  'active-online': 'VM active → runner started',
  'online-running': 'runner started → job running',
  'ready-running': 'seen → running on a worker that was there',
  'pending-running': 'whole wait: pending → running',
};

/** Prints where the time of the jobs of a span went and what the machines did and cost. With `forge` GitLab is asked about living workers. */
export async function report(
  { store, settings, forge }: { readonly store: Store; readonly settings: Settings; readonly forge?: Pick<Forge, 'runnerJobs'> },
  options: ReportOptions,
  now: number,
  output: Output,
): Promise<number> {
  const span = parseSpan(options, now);
  if (span.to - span.from > MOST_DAYS * 24 * HOUR) throw new UserError(`At most ${MOST_DAYS} days at once: take a shorter span.`);
  const { pool, project, format, timezone } = options;
  const pools = settings.pools.map((p) => p.pool);
  if (pool !== undefined && !pools.some(({ name }) => name === pool)) {
    output.say(
      `${pool} is no pool of this configuration (${pools.map(({ name }) => name).join(', ')}); what is recorded under that name is shown.`,
    );
  }
  const read = await readReport(store, {
    ...span,
    now,
    lifeMs: Math.max(...pools.map(({ maxAgeMs, bootTimeoutMs }) => maxAgeMs + bootTimeoutMs)) + HOUR,
    ...defined({ pool, project, costs: settings.costs, forge }),
  });
  const made = format === 'json' ? read : clean(read);
  if (format === 'json') output.data(JSON.stringify(reportJson(made), undefined, 2));
  else if (format === 'csv') {
    output.data(reportCsv(made).trimEnd());
    for (const line of gapLines(made.gaps)) output.say(line);
  } else output.data(render(made, timezone));
  return 0;
}

function render(made: Report, timezone: string): string {
  const of = [made.pool && `pool ${made.pool}`, made.project && `project ${made.project}`].filter(Boolean).join(', ');
  const head = `${localText(made.from, timezone)} to ${localText(made.to, timezone)} (${timezone})${of ? `: ${of}` : ''}`;
  const jobs = made.timelines.length;
  const parts = [
    `${head}\n${counted(jobs, 'job')} began, ${made.timelines.filter(({ fresh }) => fresh).length} of them on a worker that was started for waiting jobs.`,
    ...(jobs > 0 ? [stepTable(made)] : []),
    ...(made.projects.length > 0 || made.jobless.machines > 0 ? [projectTable(made)] : []),
    ...(made.pools.length > 0 ? [poolTable(made)] : []),
    ...(made.gaps.length > 0 ? [['What is missing:', ...gapLines(made.gaps)].join('\n')] : []),
  ];
  return parts.join('\n\n');
}

const STYLE = { head: [], border: [], compact: true };

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const drawn = new Table({ head: [...head], style: STYLE, colAligns: head.map((_, i) => (i === 0 ? 'left' : 'right')) });
  for (const row of rows) drawn.push([...row]);
  return drawn.toString();
}

function stepTable({ steps }: Report): string {
  const rows = steps.filter(({ n }) => n > 0).map((row) => [STEP_TEXTS[row.step], String(row.n), ...spreadCells(row)]);
  return table(['step', 'jobs', 'p50', 'p95', 'max'], rows);
}

function spreadCells({ p50, p95, max }: Spread): readonly string[] {
  return [p50, p95, max].map((ms) => (ms === undefined ? '' : formatDuration(ms, 'fine')));
}

function projectTable({ projects, jobless, currency, project }: Report): string {
  const money = (cost: number | undefined) => (currency === undefined ? [] : [amount(cost)]);
  const rows = projects.map((row) => {
    const time = [hours(row.runMs), hours(row.overheadMs)];
    return [row.project, String(row.jobs), ...spreadCells(row.wait), ...time, ...money(row.cost)];
  });
  const nobody = ['(machines without a job)', '', '', '', '', '', hours(jobless.totalMs), ...money(jobless.cost)];
  const head = [
    'project',
    'jobs',
    'wait p50',
    'p95',
    'max',
    'ran',
    'boot and idle',
    ...(currency === undefined ? [] : [`cost ${currency}`]),
  ];
  return table(head, project === undefined && jobless.machines > 0 ? [...rows, nobody] : rows);
}

function poolTable({ pools, total, currency }: Report): string {
  const cells = (row: Report['total']) => [
    ...[String(row.machines), hours(row.totalMs), hours(row.runMs), hours(row.bootMs), hours(row.idleMs), hours(row.unknownMs)],
    ...[row.idleShare === undefined ? '' : `${(row.idleShare * 100).toFixed(1)} %`],
    ...(currency === undefined ? [] : [amount(row.cost)]),
  ];
  const rows = pools.map((row) => [row.pool, ...cells(row)]);
  const head = ['pool', 'machines', 'time', 'with jobs', 'booting', 'idle', 'not known', 'idle share'];
  return table(
    currency === undefined ? head : [...head, `cost ${currency}`],
    pools.length > 1 ? [...rows, ['all', ...cells(total)]] : rows,
  );
}

function gapLines(gaps: readonly Gap[]): readonly string[] {
  return gaps.map(({ count, text }) => (count > 0 ? `  ${count} × ${text}` : `  ${text}`));
}

function hours(ms: number): string {
  return `${(ms / HOUR).toFixed(2)} h`;
}

function amount(cost: number | undefined): string {
  return cost === undefined ? '' : cost.toFixed(4);
}

export function register(program: Program, context: CommandContext): void {
  program
    .command('report')
    .description('report how long jobs waited and for what, and what machines did and cost, by project and pool')
    .addOption(from())
    .addOption(to())
    .addOption(timezone('of days and times, such as Europe/Berlin'))
    .option('--pool <name>', 'report this pool only')
    .option('--project <path>', 'report waits and costs of this project only')
    .option('--live', 'also ask GitLab which jobs the existing workers ran')
    .addOption(new Option('--format <name>', 'output format').choices(REPORT_FORMATS).default('table' as const))
    .option('--json', 'the same as --format json')
    .option('--csv', 'the same as --format csv: one line per job')
    .action(({ live, json, csv, ...options }) => {
      const format = json ? 'json' : csv ? 'csv' : options.format;
      return context.run(format === 'json', async (output) => {
        const config = context.load();
        const source = live ? openServices(config) : { store: openStore(config) };
        return await report({ ...source, settings: config.settings }, { ...options, format }, systemClock.now(), output);
      });
    });
}
