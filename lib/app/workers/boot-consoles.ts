import pMap from 'p-map';
import { defined } from '../../core/defined.ts';
import { ConflictError, describeError } from '../../core/errors.ts';
import { type BootLog, parseBootLog } from '../../core/fleet/boot-log.ts';
import type { Worker } from '../../core/fleet/types.ts';
import type { Launch, PoolState } from '../../core/launches/types.ts';
import type { Plan } from '../../core/plan/types.ts';
import { MINUTE, toIso } from '../../core/time.ts';
import type { SettledEntry } from '../ledger/types.ts';
import { type PassInfo, recordHead } from '../pass-context.ts';
import type { Cloud } from '../ports/index.ts';
import type { PoolView } from '../reconcile/types.ts';

/** Consoles read of one pool in one pass: what they say is good to know, but nothing waits long for it. */
const MOST_CONSOLES = 10;
const CONSOLES_AT_ONCE = 5;
/** From power-on until it works a machine prints several hundred lines; what a job's containers print comes after them. */
const CONSOLE_LINES = 2000;
/** After this long an end is reported without its phases: no pass came to read them. */
const REPORT_MS = 5 * MINUTE;

/** What a console says, or why it could not be read. */
type ConsoleRead = { readonly log: BootLog } | { readonly unread: string } | undefined;

/** The consoles that this pass reads. */
export interface ConsoleReads {
  /** Names of their workers: their servers must not be deleted before `done`. */
  readonly workers: ReadonlySet<string>;
  /** Workers whose consoles are left to the next pass. */
  readonly later: ReadonlySet<string>;
  /** Never rejects. */
  readonly done: Promise<ReadonlyMap<string, ConsoleRead>>;
}

/** Where nothing may be removed no console is read. */
export const NO_CONSOLES: ConsoleReads = { workers: new Set(), later: new Set(), done: Promise.resolve(new Map()) };

/**
 * Reads the consoles of the workers whose boot has come to its end, once each, first of those whose servers are deleted next. Only where something
 * may be removed, so that no hook waits for it. A console that cannot be read costs its phases and nothing else.
 */
export function readConsoles(
  cloud: Pick<Cloud, 'consoleLog'>,
  {
    view,
    plan,
    now,
    signal,
  }: {
    readonly view: Pick<PoolView, 'workers' | 'memory'>;
    readonly plan: Pick<Plan, 'actions'>;
    /** Time of the pass. */
    readonly now: number;
    readonly signal: AbortSignal;
  },
): ConsoleReads {
  const servers = new Map((view.workers ?? []).flatMap((w) => (hasConsole(w) ? [[w.name, w.server] as const] : [])));
  const reaped = new Set(plan.actions.flatMap((a) => (a.kind === 'reap' ? [a.worker] : [])));
  const candidates = unreported(view.memory)
    .filter((l) => servers.has(l.name))
    .sort((a, b) => Number(reaped.has(b.name)) - Number(reaped.has(a.name)));
  const chosen = candidates.slice(0, MOST_CONSOLES);
  const later = candidates.slice(MOST_CONSOLES).filter((l) => !reaped.has(l.name) && !isOverdue(l, now));

  let useless: string | undefined;
  const readOne = async ({ name }: Launch): Promise<readonly [string, ConsoleRead]> => {
    if (useless !== undefined) return [name, { unread: useless }];
    try {
      const text = await cloud.consoleLog(servers.get(name)?.id ?? '', { lines: CONSOLE_LINES }, { signal });
      return [name, text === undefined ? undefined : { log: parseBootLog(text, name) }];
    } catch (error) {
      const { code } = describeError(error);
      // Missing rights, silence or a throttle are everybody's; a conflict is this server's own.
      if (!(error instanceof ConflictError)) useless ??= code;
      return [name, { unread: code }];
    }
  };
  const done = pMap(chosen, readOne, { concurrency: CONSOLES_AT_ONCE }).then((reads) => new Map(reads));
  return { workers: namesOf(chosen), later: namesOf(later), done };
}

/** A machine that is being built, or never came to be, has not printed anything. */
function hasConsole(worker: Worker): worker is Worker & { readonly server: NonNullable<Worker['server']> } {
  const { server } = worker;
  return server !== undefined && !server.deleting && server.status !== 'building' && server.status !== 'error';
}

function namesOf(launches: readonly Launch[]): ReadonlySet<string> {
  return new Set(launches.map((l) => l.name));
}

function unreported({ launches }: PoolState): readonly Launch[] {
  return launches.filter((l) => l.untold);
}

function isOverdue({ settledAt = 0 }: Launch, now: number): boolean {
  return now - settledAt >= REPORT_MS;
}

/**
 * The ledger's entries of launches that have come to their end. A pass that may not read consoles leaves them to one that may, as long as that
 * is not overdue.
 */
export function bootEntries(
  view: Pick<PoolView, 'workers' | 'memory'> & { readonly settings: { readonly pool: { readonly name: string } } },
  /** Absent where consoles are not read. */
  read: { readonly reads: ReadonlyMap<string, ConsoleRead>; readonly later: ReadonlySet<string> } | undefined,
  pass: PassInfo,
): readonly SettledEntry[] {
  const workers = new Map((view.workers ?? []).map((w) => [w.name, w]));
  return unreported(view.memory)
    .filter((l) => (read ? !read.later.has(l.name) : isOverdue(l, pass.time)))
    .map((l) => settledEntry(l, workers.get(l.name), read?.reads.get(l.name), { ...recordHead(pass), pool: view.settings.pool.name }));
}

function settledEntry(
  { name, at, outcome, settledAt = at, why }: Launch,
  worker: Worker | undefined,
  read: ConsoleRead,
  head: Pick<SettledEntry, 'time' | 'pass' | 'trigger' | 'pool'>,
): SettledEntry {
  const { createdAt, activeAt } = worker?.server ?? {};
  return {
    kind: outcome === 'booted' ? 'booted' : 'boot-failed',
    ...head,
    worker: name,
    ...defined({ why }),
    seconds: Math.round((settledAt - at) / 1000),
    ...(createdAt === undefined ? {} : { createdAt: toIso(createdAt) }),
    ...(activeAt === undefined ? {} : { activeAt: toIso(activeAt) }),
    ...(read && 'log' in read ? read.log : {}),
    ...(read && 'unread' in read ? { consoleUnread: read.unread } : {}),
  };
}

/** The memory once these ends are reported. */
export function markReported(memory: PoolState, entries: readonly SettledEntry[]): PoolState {
  const reported = new Set(entries.map((e) => e.worker));
  const mark = (launch: Launch): Launch => {
    const { untold: _, ...rest } = launch;
    return reported.has(launch.name) ? rest : launch;
  };
  return { ...memory, launches: memory.launches.map(mark) };
}
