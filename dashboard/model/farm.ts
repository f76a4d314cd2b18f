import type { FarmStatus } from '../../lib/app/status/schema.ts';
import { parseJson } from '../../lib/core/json.ts';

/** What the page shows of `counts/v1/farm.json`; the writer's type, so that both change together. */
export type Farm = Pick<
  FarmStatus,
  'time' | 'installation' | 'currency' | 'pools' | 'workers' | 'waiting' | 'actions' | 'alarms' | 'managers' | 'controls'
>;
export type FarmWorker = Farm['workers'][number];

/** What it is in: its phase, or that its VM is ordered and not there yet. */
export function stateOf({ phase, coming }: FarmWorker): string {
  return coming && phase === 'booting' ? 'ordered' : phase;
}

type Control = NonNullable<Farm['controls']>[number];

type Fields = Readonly<Record<string, unknown>>;

/**
 * `undefined` for what is none. Read by hand, since a schema library would be half of the page; an entry that lacks what it needs is left out, so that
 * a newer writer does not empty an older page.
 */
export function parseFarm(text: string): Farm | undefined {
  const farm = fields(parseJson(text));
  if (!farm || !Array.isArray(farm.workers)) return undefined;
  return {
    time: string(farm.time) ?? '',
    installation: string(farm.installation) ?? '',
    ...optional('currency', string(farm.currency)),
    pools: entries(farm.pools, ({ name, tags, limit, flavors }) =>
      string(name) === undefined
        ? undefined
        : { name: string(name) ?? '', tags: texts(tags), limit: number(limit) ?? 0, flavors: texts(flavors) },
    ),
    workers: entries(farm.workers, workerOf),
    waiting: entries(farm.waiting, ({ pool, jobId, since }) => {
      const id = number(jobId);
      return id === undefined ? undefined : { pool: string(pool) ?? '', jobId: id, since: string(since) ?? '' };
    }),
    actions: entries(farm.actions, actionOf),
    alarms: entries(farm.alarms, alarmOf),
    controls: entries(farm.controls, ({ kind, target, since, until }) => {
      return {
        kind: string(kind) as Control['kind'],
        target: string(target) ?? '',
        since: string(since) ?? '',
        ...optional('until', string(until)),
      };
    }),
    managers: entries(farm.managers, ({ name, time: at, phase, problems }) => {
      return { name: string(name) ?? '', time: string(at) ?? '', phase: string(phase) ?? '', problems: texts(problems) };
    }),
  };
}

function workerOf({ name, pool, phase, since, coming, why, flavor, zone, costPerHour }: Fields): FarmWorker | undefined {
  const known = { name: string(name), pool: string(pool), phase: string(phase) };
  if (known.name === undefined || known.pool === undefined || known.phase === undefined) return undefined;
  return {
    ...{ name: known.name, pool: known.pool, phase: known.phase },
    since: string(since) ?? '',
    ...optional('coming', coming === true ? true : undefined),
    ...optional('why', string(why)),
    ...optional('flavor', string(flavor)),
    ...optional('zone', string(zone)),
    ...optional('costPerHour', number(costPerHour)),
  };
}

function actionOf({ time, kind, pool, worker, why, outcome, code, alarm }: Fields): Farm['actions'][number] | undefined {
  const at = string(time);
  if (at === undefined) return undefined;
  const all = { kind: string(kind) ?? '', pool: string(pool) ?? '', worker: string(worker) ?? '', why: string(why) ?? '' };
  return { time: at, ...all, outcome: string(outcome) ?? '', ...optional('code', string(code)), ...optional('alarm', string(alarm)) };
}

/** `kind` may be one that this page does not know yet. */
function alarmOf({ kind, pool, subject, text, since, seen, state }: Fields): Farm['alarms'][number] | undefined {
  const states = ['coming', 'raised', 'cleared'] as const;
  const found = states.find((name) => name === state);
  if (string(text) === undefined || !found) return undefined;
  return {
    kind: string(kind) as Farm['alarms'][number]['kind'],
    ...optional('pool', string(pool)),
    ...optional('subject', string(subject)),
    ...{ text: string(text) ?? '', since: number(since) ?? 0, seen: number(seen) ?? 0, state: found },
  };
}

function optional<K extends string, V>(name: K, value: V | undefined): { readonly [name in K]?: V } {
  return (value === undefined ? {} : { [name]: value }) as { readonly [name in K]?: V };
}

function entries<T>(value: unknown, read: (entry: Fields) => T | undefined): T[] {
  if (!Array.isArray(value)) return [];
  return value.flatMap((entry) => {
    const found = fields(entry);
    const parsed = found && read(found);
    return parsed === undefined ? [] : [parsed];
  });
}

function fields(value: unknown): Fields | undefined {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Fields) : undefined;
}

function string(value: unknown): string | undefined {
  return typeof value === 'string' ? value : undefined;
}

function number(value: unknown): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter((entry) => typeof entry === 'string') : [];
}
