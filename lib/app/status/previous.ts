import pMap from 'p-map';
import { defined } from '../../core/defined.ts';
import { describeError } from '../../core/errors.ts';
import { ledgerKey, MANAGERS_PREFIX, managerIn, managerKey } from '../../core/keys.ts';
import { toIso } from '../../core/time.ts';
import type { PassInputs } from '../pass-context.ts';
import type { HookView } from '../ports/index.ts';
import type { Services } from '../services.ts';
import type { Settings } from '../settings.ts';
import { readTail } from '../storage/append.ts';
import { parseJsonLines, readJson } from '../storage/json.ts';
import { healthProblems, ManagerHealth } from './cache-manager.ts';
import { FarmAction, type FarmManager, type FarmStatus, readFarm } from './schema.ts';

/** Of the ledger's end: more than fifty actions, among plans of a few minutes. */
const ACTION_BYTES = 65_536;
const HOOK_EVERY_MS = 600_000;
const MOST_MANAGERS = 10;

/** What belongs to the view of the farm besides the pools. */
export interface PreviousStatus {
  readonly before: FarmStatus | undefined;
  readonly managers: readonly FarmManager[];
  /** Not all of them could be read now; those missing are shown as they were. */
  readonly managersUnread?: true;
  /** Actions of the last hour, whoever took them: hooks launch, too. The newest last. */
  readonly actions: readonly FarmAction[];
  /** Absent when they were not looked at now, or could not be. */
  readonly hooks?: readonly HookView[];
  readonly hookLookedAt?: number;
}

/** What can be read beside the pools: begun together with them. Never rejects; `undefined` when the last view could not be read. */
export async function readPrevious({ services, settings, deadline: { act: signal } }: PassInputs): Promise<PreviousStatus | undefined> {
  const now = services.clock.now();
  try {
    const [before, managers, actions] = await Promise.all([
      readFarm(services.store, { signal }),
      readManagers(services, now, signal),
      settings.append ? readActions(services, now, signal) : [],
    ]);
    const lookedAt = Math.min(before?.hookLookedAt ?? 0, now);
    const due = settings.hookUrl !== undefined && now - lookedAt >= HOOK_EVERY_MS;
    const hooks = due ? await readHooks(services, settings, signal) : undefined;
    return {
      before,
      ...managersOf(managers, before),
      actions,
      ...defined({ hooks }),
      ...(settings.hookUrl === undefined ? {} : { hookLookedAt: due ? now : lookedAt }),
    };
  } catch (error) {
    services.log.warn('farm view not read; alarms stay as they are', describeError(error));
    return undefined;
  }
}

/** From the end of the hour's ledger: one request. Without it, or without append, the view knows its own actions alone. */
async function readActions(services: Services, now: number, signal: AbortSignal): Promise<readonly FarmAction[]> {
  const { text } = await readTail(services.store, ledgerKey(now), ACTION_BYTES, { signal }).catch(() => ({ text: '' }));
  return parseJsonLines(FarmAction, text);
}

interface ManagerRead {
  readonly name: string;
  /** Absent when what is there is no health object. */
  readonly manager?: FarmManager | 'unread' | undefined;
}

/** Each for itself: one object that cannot be read says nothing of the others, nor of the farm. `undefined` when they cannot even be listed. */
async function readManagers(services: Services, now: number, signal: AbortSignal): Promise<readonly ManagerRead[] | undefined> {
  const tried = async <T>(work: () => Promise<T>, manager?: string): Promise<T | 'unread'> => {
    try {
      return await work();
    } catch (error) {
      services.log.warn('cache manager not looked at', { manager, ...describeError(error) });
      return 'unread';
    }
  };
  const keys = await tried(() => services.store.list(MANAGERS_PREFIX, { signal }));
  if (keys === 'unread') return undefined;
  const names = keys.flatMap((key) => managerIn(key) ?? []);
  return await pMap(names.slice(0, MOST_MANAGERS), async (name) => {
    const read = async () => managerOf((await readJson(services.store, managerKey(name), ManagerHealth, { signal })).value, now);
    return { name, manager: await tried(read, name) };
  });
}

/** Those that were read, and the others as they were. */
function managersOf(
  read: readonly ManagerRead[] | undefined,
  before: FarmStatus | undefined,
): Pick<PreviousStatus, 'managers' | 'managersUnread'> {
  const known = before?.managers ?? [];
  if (!read) return { managers: known, managersUnread: true };
  const unread = new Set(read.flatMap(({ name, manager }) => (manager === 'unread' ? [name] : [])));
  const managers = read.flatMap(({ manager }) => (manager && manager !== 'unread' ? [manager] : []));
  return { managers: [...managers, ...known.filter(({ name }) => unread.has(name))], ...(unread.size > 0 && { managersUnread: true }) };
}

function managerOf(health: ManagerHealth | undefined, now: number): FarmManager | undefined {
  if (!health) return undefined;
  const problems = healthProblems(health, now).map(({ what }) => what);
  return { name: health.name, time: toIso(health.at), phase: health.phase, problems };
}

/** A token that may not read hooks is no alarm: `scaler doctor` and the log say it. */
async function readHooks(services: Services, settings: Settings, signal: AbortSignal): Promise<readonly HookView[] | undefined> {
  const scopes = new Map(settings.pools.map(({ scope }) => [JSON.stringify(scope), scope]));
  try {
    return (await Promise.all([...scopes.values()].map((scope) => services.forge.hooks(scope, { signal })))).flat();
  } catch (error) {
    services.log.warn('hook not looked at', describeError(error));
    return undefined;
  }
}
