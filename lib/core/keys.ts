import { ALL_POOLS, CONTROL_KINDS, type ControlKind } from './controls.ts';
import { dayOf, toIso } from './time.ts';

/**
 * The objects of the bucket: each key is built and read back here and nowhere else. ARCHITECTURE.md, "In the bucket", says what is in them. Times are
 * milliseconds since 1970, days `2026-11-23`, both UTC.
 */

/** What people may be given to read: pages and counts. */
export const COUNTS_PREFIX = 'counts/';
export const PAGE_KEY = 'index.html';
export const ASSETS_PREFIX = 'assets/';

export const HANDOFF_PREFIX = 'handoff/';
export const STATE_PREFIX = 'state/';
export const CONTROL_PREFIX = 'control/';
/** What nobody may read without a key: tokens of runners, and who did what. */
export const PRIVATE_PREFIXES = [STATE_PREFIX, HANDOFF_PREFIX, 'ledger/', 'manager/', CONTROL_PREFIX] as const;

export const FARM_KEY = 'counts/v1/farm.json';
export const LATEST_KEY = 'counts/v1/latest.json';
export const INDEX_KEY = 'counts/v1/index.json';
export const DAYS_PREFIX = 'counts/v1/day/';
export const MONTHS_PREFIX = 'counts/v1/month/';
export const YEARS_PREFIX = 'counts/v1/year/';
export const RAW_PREFIX = 'counts/v1/raw/';

/** A day's samples of all pools. */
export function dayKey(at: number): string {
  return `${daysPrefix(dayOf(at))}${dayOf(at)}.csv`;
}

/** All days of the day's month. */
export function daysPrefix(day: string): string {
  return `${DAYS_PREFIX}${day.slice(0, 7).replace('-', '/')}/`;
}

/** The day that an object holds, or one of its further parts. */
export function dayIn(key: string): string | undefined {
  return /(\d{4}-\d{2}-\d{2})(?:-\d)?\.csv$/.exec(key)?.[1];
}

/** A month's hours. */
export function monthKey(day: string): string {
  return `${MONTHS_PREFIX}${day.slice(0, 7)}.csv`;
}

/** A year's days. */
export function yearKey(day: string): string {
  return `${YEARS_PREFIX}${day.slice(0, 4)}.csv`;
}

/** A day's single minutes, in a bucket that cannot append. */
export function rawPrefix(day: string): string {
  return `${RAW_PREFIX}${slashed(day)}/`;
}

export function rawKey(at: number): string {
  return `${rawPrefix(dayOf(at))}${toIso(at).slice(11, 16).replace(':', '')}.csv`;
}

/** An object that can grow no more goes on in its next part, up to this many. */
export const MOST_PARTS = 9;

/** `name.csv`, then `name-2.csv` and so on. */
export function partKey(key: string, part: number): string {
  return part === 1 ? key : key.replace(/(\.\w+)$/, `-${part}$1`);
}

export const LEDGER_PREFIX = 'ledger/v1/';

/** A day's ledger. */
export function ledgerPrefix(at: number): string {
  return `${LEDGER_PREFIX}${slashed(dayOf(at))}/`;
}

/** An hour's ledger, where the bucket can append. */
export function ledgerKey(at: number): string {
  return `${ledgerPrefix(at)}${toIso(at).slice(11, 13)}.ndjson`;
}

/** One pass's ledger, where it cannot. */
export function passLedgerKey(at: number, pass: string): string {
  return `${ledgerPrefix(at)}${pass}.ndjson`;
}

export const TURNSTILE_PREFIX = 'state/v1/turnstile/';

/** An hour's log of the turnstile. */
export function turnstileKey(at: number): string {
  return `${TURNSTILE_PREFIX}${toIso(at).slice(0, 13)}.log`;
}

export function poolStateKey(pool: string): string {
  return `state/v1/pools/${pool}.json`;
}

/** What passes beside a holder of the turnstile have left for the next holder. */
export function besideKey(pool: string): string {
  return `state/v1/pools/${pool}.beside.json`;
}

/** Where the next reading of a scope's waiting jobs begins. */
export function demandKey(scope: string): string {
  return `state/v1/demand/${encodeURIComponent(scope)}.json`;
}

export const CONTROLS_PREFIX = `${CONTROL_PREFIX}v1/`;

export function controlKey(kind: ControlKind, target: string): string {
  return `${CONTROLS_PREFIX}${kind}/${target}.json`;
}

/** `undefined` for a control that this version does not know. */
export function controlIn(key: string): { readonly kind: ControlKind; readonly target: string } | undefined {
  const [, kind, target] = new RegExp(`^${CONTROLS_PREFIX}(\\w+)/([a-z0-9-]+|${ALL_POOLS})\\.json$`).exec(key) ?? [];
  const known = CONTROL_KINDS.find((one) => one === kind);
  return known && target !== undefined ? { kind: known, target } : undefined;
}

export const MANAGERS_PREFIX = 'manager/v1/';

/** The state of a cache manager; the manager itself writes it (cloud-init/programs/manager/health.py). */
export function managerKey(name: string): string {
  return `${MANAGERS_PREFIX}${name}.json`;
}

export function managerIn(key: string): string | undefined {
  return key.endsWith('.json') ? key.slice(MANAGERS_PREFIX.length, -'.json'.length) : undefined;
}

export const HANDOFFS_PREFIX = `${HANDOFF_PREFIX}v1/`;

/** The object that gives a worker its configuration, the runner's token included. */
export function handoffKey(worker: string): string {
  return `${HANDOFFS_PREFIX}${worker}.toml`;
}

/** The worker that a handoff is for. */
export function handoffIn(key: string): string | undefined {
  return key.endsWith('.toml') ? key.slice(HANDOFFS_PREFIX.length, -'.toml'.length) : undefined;
}

/** Objects with which `scaler doctor --probe` tries how the bucket appends. */
export function probeKey(nonce: string, name: string): string {
  return `probe/v1/${nonce}-${name}.txt`;
}

function slashed(day: string): string {
  return day.replaceAll('-', '/');
}
