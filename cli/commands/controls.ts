import { userInfo } from 'node:os';
import { drainPools, endControl, putControl, readControls } from '../../lib/app/controls/store.ts';
import { waitForZero } from '../../lib/app/controls/wait-for-drain.ts';
import { controlText } from '../../lib/app/ledger/sentences/controls.ts';
import type { Clock, Store } from '../../lib/app/ports/index.ts';
import { readFarm } from '../../lib/app/status/schema.ts';
import { parseDuration } from '../../lib/config/durations.ts';
import type { Config } from '../../lib/config/load/parse.ts';
import { ALL_POOLS, type Control, type ControlKind, holds } from '../../lib/core/controls.ts';
import { defined } from '../../lib/core/defined.ts';
import { isWorkerOf } from '../../lib/core/fleet/names.ts';
import { counted } from '../../lib/core/plural.ts';
import { HOUR, MINUTE } from '../../lib/core/time.ts';
import { systemClock } from '../../lib/runtime/clock.ts';
import type { CommandContext, Program } from '../shared/context.ts';
import { openServices, openStore, UserError } from '../shared/environment.ts';
import type { Output } from '../shared/output.ts';
import { pauseWarnings } from '../shared/pause-warnings.ts';
import { clean, oneLine } from '../shared/printable.ts';

/** A VM that is kept costs until somebody remembers it. */
const KEEP_MS = 24 * HOUR;
const LOOK_MS = 10_000;

export interface Saying {
  readonly store: Store;
  readonly config: Config;
  readonly clock: Clock;
  readonly output: Output;
  /** Whether the cloud has such a VM: asked for one that the reaper has not seen yet. */
  readonly exists: (worker: string) => Promise<boolean>;
  /** Who says it. May throw. */
  readonly user: () => string;
}

export interface SayOptions {
  readonly for?: string | undefined;
  readonly reason?: string | undefined;
  readonly by?: string | undefined;
  readonly all?: boolean | undefined;
}

const NEXT: Readonly<Record<'pause' | 'drain' | 'roll', string>> = {
  pause:
    'From the next pass on, within a minute, nothing is created and nothing deleted. Jobs that run go on, and workers still take jobs and leave by themselves. scaler resume ends it.',
  drain:
    'From the next pass on, within a minute, nothing is launched and no worker takes a further job. Free workers are deleted about a minute later, the others after their job. scaler undrain ends it; what drains by then still goes.',
  roll: 'From the next tick on, within a minute, no worker that is there now takes a further job. Each goes when it is free; new ones come as jobs need them.',
};

/** Pauses, drains or rolls pools. */
export async function sayOfPools(
  saying: Saying,
  kind: 'pause' | 'drain' | 'roll',
  names: readonly string[],
  options: SayOptions,
): Promise<number> {
  const { store, config, clock, output } = saying;
  const pools = poolsOf(config, kind, names, options.all ?? false);
  const now = clock.now();
  const said = { since: now, ...endOf(options, now), ...whoAndWhy(options, saying.user) };
  if (kind === 'drain') await drainPools(store, pools, { now, ...said });
  else
    await Promise.all(
      pools.map((target) => putControl(store, { kind, target, ...said, ...(kind === 'roll' ? rollOf(config, target, said, now) : {}) })),
    );
  return await tell(saying, [NEXT[kind], ...(kind === 'pause' ? [] : await pauseWarnings(store, pools, now))], output);
}

/** Nothing that is older can be there any more: then a roll is over by itself. */
function rollOf({ settings }: Config, target: string, { until }: { readonly until?: number }, now: number) {
  const ages = settings.pools.filter(({ pool }) => target === ALL_POOLS || pool.name === target).map(({ pool }) => pool.maxAgeMs);
  return { before: now, until: until ?? now + Math.max(...ages) + 24 * HOUR };
}

/** Takes back what was said of pools; without a name, all of the kind. */
export async function takeBackPools(
  saying: Saying,
  kind: 'pause' | 'drain' | 'roll',
  names: readonly string[],
  { all = kind === 'pause' && names.length === 0 }: { readonly all?: boolean | undefined },
): Promise<number> {
  const { store, config, clock, output } = saying;
  const there = (await readControls(store)).filter((c) => c.kind === kind);
  // A pool may have left the configuration meanwhile; what was said of it would hold again when it comes back.
  const said = there.map(({ target }) => target);
  const pools = poolsOf(config, kind, names, all, said);
  const ended = there.filter((c) => all || pools.includes(c.target));
  await Promise.all(ended.map((c) => endControl(store, kind, c.target)));
  const everywhere = all ? undefined : there.find((c) => c.target === ALL_POOLS && holds(c, clock.now()));
  const lines = ended.map((c) => `Over: ${controlText(c)}.`);
  if (lines.length === 0) lines.push(`There was no ${kind} of ${all ? 'any pool' : pools.join(', ')}.`);
  if (everywhere)
    lines.push(
      `But ${controlText(everywhere)}: that ends with ${kind === 'pause' ? 'scaler resume, without a pool' : `${undo(kind)} --all`}.`,
    );
  return await tell(saying, lines, output);
}

function undo(kind: 'pause' | 'drain' | 'roll'): string {
  return { pause: 'scaler resume', drain: 'scaler undrain', roll: 'scaler roll --end' }[kind];
}

/** Keeps a worker for somebody to look at. */
export async function keep(saying: Saying, worker: string, options: SayOptions): Promise<number> {
  const { store, config, clock, output } = saying;
  await mustExist(saying, worker);
  const now = clock.now();
  const { until = now + KEEP_MS } = endOf(options, now);
  await putControl(store, { kind: 'keep', target: worker, since: now, until, ...whoAndWhy(options, saying.user) });
  const pool = config.settings.pools.find((p) => isWorkerOf(p.pool, worker))?.pool;
  return await tell(
    saying,
    [
      'It is neither drained nor deleted, but costs money and counts against the limit. It still takes jobs, unless it drains already.',
      `It still powers itself off after max_builds (${pool?.maxBuilds}), its wait timeout and max_age; off, it is kept with its disk and console. scaler release ${worker} ends it.`,
    ],
    output,
  );
}

export async function release(saying: Saying, worker: string): Promise<number> {
  const { store, output } = saying;
  const kept = (await readControls(store)).find((c) => c.kind === 'keep' && c.target === worker);
  if (!kept) throw new UserError(`${worker} is not kept. scaler status shows what is.`);
  await endControl(store, 'keep', worker);
  return await tell(saying, [`${worker} is no longer kept: it goes when it is off, or when it would have gone otherwise.`], output);
}

/** Shows progress until no machine of the drained pools is left; 1 when it was ended before. */
export async function waitUntilZero(
  { store, config, clock, output }: Saying,
  names: readonly string[],
  all: boolean,
  signal: AbortSignal,
): Promise<number> {
  const pools = all ? config.settings.pools.map(({ pool }) => pool.name) : names;
  let last = '';
  const done = await waitForZero(store, pools, clock.now(), {
    clock,
    everyMs: LOOK_MS,
    signal,
    progress: ({ machines, working, age }) => {
      const late = age === undefined || age > 3 * MINUTE ? '; the reaper has not looked yet: does its timer run?' : '';
      const line = `${counted(machines, 'machine')} left, ${counted(working, 'at its last job', 'at their last job')}${late}`;
      if (line !== last) output.say(line);
      last = line;
    },
  });
  if (done) output.say(`No machine of ${pools.join(', ')} is left.`);
  return done ? 0 : 1;
}

function poolsOf(
  { settings }: Config,
  kind: ControlKind,
  names: readonly string[],
  all: boolean,
  others: readonly string[] = [],
): readonly string[] {
  const known = settings.pools.map(({ pool }) => pool.name);
  const unknown = names.filter((name) => !known.includes(name) && !others.includes(name));
  if (unknown.length > 0) throw new UserError(`There is no pool ${unknown.join(', ')}. The configuration has: ${known.join(', ')}.`);
  if (all && names.length > 0) throw new UserError('Say either pools or --all.');
  if (all || (kind === 'pause' && names.length === 0)) return [ALL_POOLS];
  if (names.length === 0) throw new UserError(`Say which pools (${known.join(', ')}), or --all.`);
  return [...new Set(names)];
}

async function mustExist({ store, config, exists }: Saying, worker: string): Promise<void> {
  if (!config.settings.pools.some(({ pool }) => isWorkerOf(pool, worker)))
    throw new UserError(
      `${worker} is no worker of a pool in the configuration: a name is <pool>-<26 letters and digits>. scaler status lists them.`,
    );
  const farm = await readFarm(store, {});
  if (farm?.workers.some(({ name }) => name === worker) || (await exists(worker))) return;
  throw new UserError(`There is no worker ${worker} (any more). scaler status lists those that are there.`);
}

function endOf({ for: span }: SayOptions, now: number): { readonly until?: number } {
  if (span === undefined) return {};
  const ms = parseDuration(span);
  if (ms === undefined || ms < 60_000 || ms > 366 * 24 * HOUR)
    throw new UserError(`--for ${span}: write a time span from 1m to 366d, such as 90m, 2h or 1d12h.`);
  return { until: now + ms };
}

function whoAndWhy({ by, reason }: SayOptions, user: () => string): { readonly by?: string; readonly reason?: string } {
  const who = by ?? nameOf(user);
  return defined({ by: who, reason });
}

/** A container's user often has no name (no line in passwd), and a pause must not fail for that. */
function nameOf(user: () => string): string | undefined {
  try {
    return user();
  } catch {
    return undefined;
  }
}

/** What was done, and all that holds now. */
async function tell({ store, clock }: Saying, lines: readonly string[], output: Output): Promise<number> {
  const controls = (await readControls(store)).filter((c: Control) => holds(c, clock.now()));
  if (output.json) output.data(JSON.stringify({ ok: true, controls }));
  else
    output.data(
      [
        ...lines.map(oneLine),
        ...(controls.length === 0
          ? ['Nothing is paused, drained, rolled or kept now.']
          : ['Now:', ...controls.map((c) => `  ${controlText(clean(c))}`)]),
      ].join('\n'),
    );
  return 0;
}

export function register(program: Program, context: CommandContext): void {
  const say = (json: true | undefined, work: (saying: Saying) => Promise<number>) =>
    context.run(json, async (output) => {
      const config = context.load();
      const exists = async (worker: string) => (await openServices(config).cloud.servers(worker)).some(({ name }) => name === worker);
      return await work({ store: openStore(config), config, clock: systemClock, output, exists, user: () => userInfo().username });
    });
  const command = (name: string, description: string) =>
    program
      .command(name)
      .description(description)
      .option('--for <span>', 'ends by itself after 90m, 2h, 1d …')
      .option('--reason <text>', 'for those who wonder')
      .option('--by <name>', 'who says so (default: your user name)')
      .option('--json', 'for programs');
  const back = (name: string, description: string) => program.command(name).description(description).option('--json', 'for programs');

  command('pause', 'create nothing and delete nothing, in some pools or in all')
    .argument('[pools...]', 'default: all')
    .action((pools, options) => say(options.json, (s) => sayOfPools(s, 'pause', pools, options)));
  back('resume', 'end the pause of some pools, or every pause')
    .argument('[pools...]', 'default: all')
    .action((pools, { json }) => say(json, (s) => takeBackPools(s, 'pause', pools, {})));
  command('drain', 'bring pools to zero: launch nothing, let jobs that run finish, delete what is free')
    .argument('[pools...]')
    .option('--all', 'every pool')
    .option('--wait', 'show progress until no machine is left')
    .action((pools, options) =>
      say(options.json, async (s) => {
        const code = await sayOfPools(s, 'drain', pools, options);
        if (!options.wait) return code;
        const stop = new AbortController();
        void context.stopSignal().then(() => stop.abort());
        return await waitUntilZero(s, pools, options.all ?? false, stop.signal);
      }),
    );
  back('undrain', 'end the drain of pools: they launch again')
    .argument('[pools...]')
    .option('--all', 'every drain')
    .action((pools, { json, all }) => say(json, (s) => takeBackPools(s, 'drain', pools, { all })));
  command('roll', 'replace the workers that are there now, each when it is free, while launching goes on: for a new image or flavor')
    .argument('[pools...]')
    .option('--all', 'every pool')
    .option('--end', 'end it: what is there stays')
    .action((pools, options) =>
      say(options.json, (s) => (options.end ? takeBackPools(s, 'roll', pools, options) : sayOfPools(s, 'roll', pools, options))),
    );
  command('keep', 'leave one worker alone, to look at it; for 24 hours unless --for says otherwise')
    .argument('<worker>', 'its name')
    .action((worker, options) => say(options.json, (s) => keep(s, worker, options)));
  back('release', 'end the keeping of a worker')
    .argument('<worker>', 'its name')
    .action((worker, { json }) => say(json, (s) => release(s, worker)));
}
