import { readControls } from '../../lib/app/controls/store.ts';
import { readSeries } from '../../lib/app/counts/read.ts';
import { controlText } from '../../lib/app/ledger/sentences/controls.ts';
import type { Store } from '../../lib/app/ports/index.ts';
import { type FarmStatus, readFarm } from '../../lib/app/status/schema.ts';
import { holds } from '../../lib/core/controls.ts';
import { CONTROLS_PREFIX, FARM_KEY } from '../../lib/core/keys.ts';
import { onTheirWay } from '../../lib/core/plural.ts';
import { formatDuration, fromIso, MINUTE } from '../../lib/core/time.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import { atLeastOne, timezone } from '../shared/arguments.ts';
import type { CommandContext, Program } from '../shared/context.ts';
import { openStore } from '../shared/environment.ts';
import type { Output } from '../shared/output.ts';
import { type Colour, clean, isPainted, oneLine, paint } from '../shared/printable.ts';
import { parseSpan } from '../shared/time-range.ts';

/** Older than this, and the timer is probably dead. */
const STALE_MS = 3 * MINUTE;
const PHASES = ['busy', 'idle', 'booting', 'draining', 'failed'] as const;
const GLYPHS = { busy: '█', idle: '▓', booting: '▒', draining: '░', failed: '×' } as const;

export interface StatusOptions {
  readonly append: boolean;
  readonly timezone: string;
  /** Letters in a line. */
  readonly width: number;
  readonly colour: boolean;
}

/** Looks again after each `everyMs`, on a cleared screen where it is one, until `stopped`. Gives what the last look gave; one that fails is shown and tried again. */
export async function repeat(
  look: (output: Output) => Promise<number>,
  everyMs: number,
  output: Output,
  stopped: Promise<void>,
): Promise<number> {
  let stop = false;
  const end = stopped.then(() => {
    stop = true;
  });
  let code = 0;
  while (!stop) {
    const page: string[] = [];
    try {
      code = await look({ ...output, data: (text) => void page.push(text) });
    } catch (error) {
      code = 1;
      page.push(oneLine(error instanceof Error ? error.message : String(error)));
    }
    output.clear?.();
    output.data(page.join('\n'));
    let timer: NodeJS.Timeout | undefined;
    const pause = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, everyMs);
    });
    await Promise.race([end, pause]);
    clearTimeout(timer);
  }
  return code;
}

/** The farm at a glance, from the bucket alone. Gives 1 when something needs looking at: an alarm, or data that is old. */
export async function status(store: Store, options: StatusOptions, now: number, output: Output): Promise<number> {
  const farm = clean(await readFarm(store, {}));
  if (!farm) {
    if (output.json) output.data(JSON.stringify({ ok: false, farm: null }));
    else output.data(`Nothing is recorded yet. The reaper writes ${FARM_KEY} every minute: check that its timer runs.`);
    return 1;
  }
  const age = now - (fromIso(farm.time) ?? 0);
  const raised = farm.alarms.filter(({ state }) => state === 'raised');
  const ok = raised.length === 0 && age <= STALE_MS;
  const [cost, said] = await Promise.all([costs(store, options, now), saidNow(store, now)]);
  if (output.json)
    output.data(JSON.stringify({ ok, ageSeconds: Math.round(age / 1000), cost: { currency: farm.currency ?? null, ...cost }, said, farm }));
  else output.data(render({ farm, cost, said, age, now }, options));
  return ok ? 0 : 1;
}

/** What people have said, read from where they said it: it may be newer than the reaper's last look. */
async function saidNow(store: Store, now: number): Promise<readonly string[]> {
  try {
    return (await readControls(store)).filter((c) => holds(c, now)).map((c) => controlText(clean(c)));
  } catch {
    return [`the controls (${CONTROLS_PREFIX}) cannot be read: nothing is deleted`];
  }
}

interface Cost {
  /** null: not known for a part of the time. */
  readonly today: number | null;
  readonly month: number | null;
}

async function costs(store: Store, { append, timezone }: StatusOptions, now: number): Promise<Cost> {
  const today = parseSpan({ from: 'today', to: 'now', timezone }, now);
  const first = `${new Date(now).toISOString().slice(0, 7)}-01`;
  const month = parseSpan({ from: `${first}T00:00`, to: 'now', timezone: 'UTC' }, now);
  const [day, hours] = await Promise.all([
    readSeries(store, { ...today, step: '1m', append }),
    readSeries(store, { ...month, step: '1h', append }),
  ]);
  const sum = (rows: typeof day): number | null =>
    rows.some(({ hourlyCost }) => hourlyCost === undefined)
      ? null
      : rows.reduce((all, row) => all + ((row.hourlyCost ?? 0) * row.samples) / 60, 0);
  return { today: sum(day), month: sum(hours) };
}

interface Status {
  readonly farm: FarmStatus;
  readonly cost: Cost;
  /** Controls that hold, one sentence each. */
  readonly said: readonly string[];
  /** Milliseconds since the farm's view was written. */
  readonly age: number;
  readonly now: number;
}

function render({ farm, cost, said, age, now }: Status, options: StatusOptions): string {
  const paint = painter(options.colour);
  const { installation, workers, waiting, actions, managers, alarms } = farm;
  const stale =
    age > STALE_MS ? paint('bad', `  OLD: nothing written for ${formatDuration(age)}; check the timer`) : `  ${formatDuration(age)} ago`;
  const raised = alarms.filter(({ state }) => state === 'raised');
  const lines = [
    `${paint('head', installation)}${stale}`,
    ...farm.pools.map((pool) => poolLine(pool, farm, options)),
    ...(farm.currency === undefined
      ? []
      : [`cost    ${money(cost.today, farm.currency)} today, ${money(cost.month, farm.currency)} this month`]),
    ...said.map((text) => paint('bad', `BY HAND ${text}`)),
    ...raised.map(({ kind, pool, text, since }) =>
      paint('bad', `ALARM   ${kind}${pool ? ` ${pool}` : ''}: ${text} (for ${formatDuration(now - since)})`),
    ),
    ...managers.map(({ name, phase, problems }) => `caches  ${name}: ${problems.length === 0 ? phase : paint('bad', problems.join('; '))}`),
    ...section(
      'workers',
      workers,
      (w) =>
        `  ${w.name}  ${w.phase.padEnd(8)} ${since(w.since, now).padStart(8)}  ${[w.coming && 'ordered', w.why, w.flavor, w.zone].filter(Boolean).join(', ')}`,
      30,
    ),
    ...section('waiting jobs', waiting, (job) => `  ${job.jobId}  ${job.pool}  for ${since(job.since, now)}`, 10),
    ...section(
      'last actions',
      actions,
      (a) => `  ${a.time.slice(11, 19)}  ${a.outcome} ${a.kind} ${a.worker}: ${a.why}${a.code === undefined ? '' : ` (${a.code})`}`,
      8,
    ),
  ];
  return lines.map((line) => cut(line, options.width)).join('\n');
}

function section<T>(title: string, entries: readonly T[], line: (entry: T) => string, most: number): readonly string[] {
  if (entries.length === 0) return [];
  const more = entries.length > most ? [`  … ${entries.length - most} more`] : [];
  return ['', `${title} (${entries.length})`, ...entries.slice(0, most).map(line), ...more];
}

function poolLine(pool: FarmStatus['pools'][number], { workers, waiting }: FarmStatus, { width }: StatusOptions): string {
  const mine = workers.filter((w) => w.pool === pool.name);
  const machines = mine.filter((w) => !w.coming);
  const coming = mine.length - machines.length;
  const counts = PHASES.map((phase) => ({ phase, n: machines.filter((w) => w.phase === phase).length }));
  const room = Math.max(10, Math.min(40, width - 50));
  const scale = Math.min(1, room / Math.max(1, pool.limit));
  const bar = [...counts.map(({ phase, n }) => GLYPHS[phase].repeat(Math.round(n * scale))), '+'.repeat(Math.round(coming * scale))].join(
    '',
  );
  const words = [...counts.filter(({ n }) => n > 0).map(({ phase, n }) => `${n} ${phase}`), ...(coming > 0 ? [onTheirWay(coming)] : [])];
  const jobs = waiting.filter((job) => job.pool === pool.name).length;
  const queue = jobs === 0 ? '' : `, ${jobs}${jobs === 50 ? ' or more' : ''} waiting`;
  return `${pool.name.padEnd(7)} ${bar.padEnd(Math.round(pool.limit * scale), '·')} ${machines.length}/${pool.limit} ${words.join(', ') || 'none'}${queue}`;
}

function money(amount: number | null, currency: string): string {
  return amount === null ? 'unknown' : `${amount.toFixed(2)} ${currency}`;
}

function since(time: string, now: number): string {
  return formatDuration(now - (fromIso(time) ?? now));
}

function painter(colour: boolean): (how: Colour, text: string) => string {
  return (how, text) => (colour ? paint(how, text) : text);
}

function cut(line: string, width: number): string {
  if (isPainted(line) || line.length <= width) return line;
  return `${line.slice(0, Math.max(1, width - 1))}…`;
}

export function register(program: Program, context: CommandContext): void {
  program
    .command('status')
    .description('show the state of the farm, read from the bucket alone; exit code 1 when something needs attention')
    .option('--watch', 'repeat until Ctrl-C')
    .option('--every <seconds>', 'seconds between two updates', atLeastOne, 10)
    .addOption(timezone('time zone that decides when today begins'))
    .option('--json', 'print JSON')
    .action(({ watch, every, timezone, json }) =>
      context.run(json, async (output) => {
        const config = context.load();
        const store = openStore(config);
        const look = async (to: Output) => {
          const { isTTY = false, columns = 120 } = process.stdout;
          const colour = isTTY && process.env.NO_COLOR === undefined;
          return await status(store, { append: config.settings.append, timezone, width: columns, colour }, systemClock.now(), to);
        };
        return watch ? await repeat(look, every * 1000, output, context.stopSignal()) : await look(output);
      }),
    );
}
