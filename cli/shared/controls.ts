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
import { UserError } from './environment.ts';
import type { Output } from './output.ts';
import { pauseWarnings } from './pause-warnings.ts';
import { clean, oneLine } from './printable.ts';

/** A kept VM costs money until somebody remembers it. */
const KEEP_MS = 24 * HOUR;
const POLL_MS = 10_000;

export interface ControlContext {
  readonly store: Store;
  readonly config: Config;
  readonly clock: Clock;
  readonly output: Output;
  /** Whether the cloud has such a VM: used for a worker that the reaper has not seen yet. */
  readonly exists: (worker: string) => Promise<boolean>;
  /** Name of the person. May throw. */
  readonly user: () => string;
}

export interface ControlOptions {
  readonly for?: string | undefined;
  readonly reason?: string | undefined;
  readonly by?: string | undefined;
  readonly all?: boolean | undefined;
}

const NEXT: Readonly<Record<'pause' | 'drain' | 'roll', string>> = {
  pause:
    'Within a minute, from the next pass on, nothing is created and nothing is deleted. Running jobs continue, and workers still take jobs and power off by themselves. To end the pause: scaler resume.',
  drain:
    'Within a minute, from the next pass on, nothing is launched and no worker takes another job. Free workers are deleted about a minute later, the others after their job. To end the drain: scaler undrain; workers that already drain are still deleted.',
  roll: 'Within a minute, from the next tick on, no worker that exists now takes another job. Each is deleted when it is free; new workers are launched as jobs need them.',
};

/** Pauses, drains or rolls pools. Returns the exit code. */
export async function setControl(
  context: ControlContext,
  kind: 'pause' | 'drain' | 'roll',
  names: readonly string[],
  options: ControlOptions,
): Promise<number> {
  const { store, config, clock, output } = context;
  const pools = poolsOf(config, kind, names, options.all ?? false);
  const now = clock.now();
  const details = { since: now, ...endOf(options, now), ...whoAndWhy(options, context.user) };
  if (kind === 'drain') await drainPools(store, pools, { now, ...details });
  else
    await Promise.all(
      pools.map((target) =>
        putControl(store, { kind, target, ...details, ...(kind === 'roll' ? rollOf(config, target, details, now) : {}) }),
      ),
    );
  return await printResult(context, [NEXT[kind], ...(kind === 'pause' ? [] : await pauseWarnings(store, pools, now))], output);
}

/** Ends by itself once every worker that the roll replaces must be gone, because of its age. */
function rollOf({ settings }: Config, target: string, { until }: { readonly until?: number }, now: number) {
  const ages = settings.pools.filter(({ pool }) => target === ALL_POOLS || pool.name === target).map(({ pool }) => pool.maxAgeMs);
  return { before: now, until: until ?? now + Math.max(...ages) + 24 * HOUR };
}

/** Ends a pause, drain or roll of pools; a pause without a name, of all. Returns the exit code. */
export async function clearControl(
  context: ControlContext,
  kind: 'pause' | 'drain' | 'roll',
  names: readonly string[],
  { all = kind === 'pause' && names.length === 0 }: { readonly all?: boolean | undefined },
): Promise<number> {
  const { store, config, clock, output } = context;
  const existing = (await readControls(store)).filter((c) => c.kind === kind);
  // A pool may have left the configuration since; its control would apply again when the pool comes back.
  const targets = existing.map(({ target }) => target);
  const pools = poolsOf(config, kind, names, all, targets);
  const ended = existing.filter((c) => all || pools.includes(c.target));
  await Promise.all(ended.map((c) => endControl(store, kind, c.target)));
  const everywhere = all ? undefined : existing.find((c) => c.target === ALL_POOLS && holds(c, clock.now()));
  const lines = ended.map((c) => `Ended: ${controlText(c)}.`);
  if (lines.length === 0) lines.push(all ? `No pool had a ${kind}.` : `${pools.join(', ')} had no ${kind}.`);
  if (everywhere)
    lines.push(
      `But ${controlText(everywhere)}. To end this: ${kind === 'pause' ? 'scaler resume, without a pool' : `${endCommand(kind)} --all`}.`,
    );
  return await printResult(context, lines, output);
}

function endCommand(kind: 'pause' | 'drain' | 'roll'): string {
  return { pause: 'scaler resume', drain: 'scaler undrain', roll: 'scaler roll --end' }[kind];
}

/** Keeps a worker, so that somebody can look at it. */
export async function keep(context: ControlContext, worker: string, options: ControlOptions): Promise<number> {
  const { store, config, clock, output } = context;
  await mustExist(context, worker);
  const now = clock.now();
  const { until = now + KEEP_MS } = endOf(options, now);
  await putControl(store, { kind: 'keep', target: worker, since: now, until, ...whoAndWhy(options, context.user) });
  const pool = config.settings.pools.find((p) => isWorkerOf(p.pool, worker))?.pool;
  return await printResult(
    context,
    [
      'The worker is neither drained nor deleted, but it costs money and counts against the limit. It still takes jobs, unless it already drains.',
      `It still powers itself off after max_builds (${pool?.maxBuilds}), its wait timeout and max_age, and is then kept with its disk and console. To end this: scaler release ${worker}.`,
    ],
    output,
  );
}

export async function release(context: ControlContext, worker: string): Promise<number> {
  const { store, output } = context;
  const kept = (await readControls(store)).find((c) => c.kind === 'keep' && c.target === worker);
  if (!kept) throw new UserError(`${worker} is not kept. scaler status lists the workers that are.`);
  await endControl(store, 'keep', worker);
  return await printResult(
    context,
    [`${worker} is no longer kept: the usual rules apply to it again, and it is deleted if it is powered off.`],
    output,
  );
}

/** Shows progress until no machine of the drained pools is left. Returns the exit code: 1 when it was stopped before. */
export async function waitUntilZero(
  { store, config, clock, output }: ControlContext,
  names: readonly string[],
  all: boolean,
  signal: AbortSignal,
): Promise<number> {
  const pools = all ? config.settings.pools.map(({ pool }) => pool.name) : names;
  let last = '';
  const done = await waitForZero(store, pools, clock.now(), {
    clock,
    everyMs: POLL_MS,
    signal,
    progress: ({ machines, working, age }) => {
      const late = age === undefined || age > 3 * MINUTE ? '; the reaper has not run yet: check its timer' : '';
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
  if (unknown.length > 0) throw new UserError(`The configuration has no pool ${unknown.join(', ')}. It has: ${known.join(', ')}.`);
  if (all && names.length > 0) throw new UserError('Give either pools or --all, not both.');
  if (all || (kind === 'pause' && names.length === 0)) return [ALL_POOLS];
  if (names.length === 0) throw new UserError(`Give the names of pools (${known.join(', ')}), or --all.`);
  return [...new Set(names)];
}

async function mustExist({ store, config, exists }: ControlContext, worker: string): Promise<void> {
  if (!config.settings.pools.some(({ pool }) => isWorkerOf(pool, worker)))
    throw new UserError(
      `${worker} does not belong to a pool in the configuration: names are <pool>-<26 letters and digits>. scaler status lists the workers.`,
    );
  const farm = await readFarm(store, {});
  if (farm?.workers.some(({ name }) => name === worker) || (await exists(worker))) return;
  throw new UserError(`The worker ${worker} does not exist, or no longer. scaler status lists the workers.`);
}

function endOf({ for: span }: ControlOptions, now: number): { readonly until?: number } {
  if (span === undefined) return {};
  const ms = parseDuration(span);
  if (ms === undefined || ms < 60_000 || ms > 366 * 24 * HOUR)
    throw new UserError(`--for ${span}: give a time span from 1m to 366d, such as 90m, 2h or 1d12h.`);
  return { until: now + ms };
}

function whoAndWhy({ by, reason }: ControlOptions, user: () => string): { readonly by?: string; readonly reason?: string } {
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

/** Prints what was done, and all controls that apply now. */
async function printResult({ store, clock }: ControlContext, lines: readonly string[], output: Output): Promise<number> {
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
