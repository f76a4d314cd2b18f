import * as z from 'zod/mini';
import { ALARM_KINDS } from '../../core/alarms.ts';
import { CONTROL_KINDS } from '../../core/controls.ts';
import { FARM_KEY } from '../../core/keys.ts';
import type { CallOptions, Store } from '../ports/index.ts';
import { Time } from '../storage/bounds.ts';
import { readJson } from '../storage/json.ts';

const FarmAlarm = z.object({
  kind: z.enum(ALARM_KINDS),
  pool: z.optional(z.string()),
  subject: z.optional(z.string()),
  text: z.string(),
  since: Time,
  seen: Time,
  state: z.enum(['coming', 'raised', 'cleared']),
  untold: z.optional(z.literal(true)),
});

const FarmWorker = z.object({
  name: z.string(),
  pool: z.string(),
  phase: z.string(),
  /** Since when it is in this phase, as far as that is known; else since it was made. */
  since: z.string(),
  /** Ordered, and not listed by the cloud yet: no machine so far. */
  coming: z.catch(z.optional(z.literal(true)), undefined),
  /** Jobs that it had finished, which tells one job from the next. */
  done: z.catch(z.optional(z.number()), undefined),
  why: z.optional(z.string()),
  flavor: z.optional(z.string()),
  zone: z.optional(z.string()),
  costPerHour: z.optional(z.number()),
});
export type FarmWorker = z.infer<typeof FarmWorker>;

export const FarmAction = z.object({
  time: z.string(),
  kind: z.string(),
  pool: z.string(),
  worker: z.string(),
  why: z.string(),
  outcome: z.string(),
  code: z.optional(z.string()),
  alarm: z.optional(z.string()),
});
export type FarmAction = z.infer<typeof FarmAction>;

const FarmControl = z.object({ kind: z.enum(CONTROL_KINDS), target: z.string(), since: z.string(), until: z.optional(z.string()) });
export type FarmControl = z.infer<typeof FarmControl>;

const FarmManager = z.object({ name: z.string(), time: z.string(), phase: z.string(), problems: z.array(z.string()) });
export type FarmManager = z.infer<typeof FarmManager>;

/** A list of which what only a newer release knows is left out, so that the rest is not lost. */
function known<T extends z.core.$ZodType>(entry: T) {
  return z.pipe(
    z.array(z.catch(z.nullable(entry), null)),
    z.transform((list) => list.flatMap((one) => (one === null ? [] : [one]))),
  );
}

/** What everybody may see of the farm, written each minute: what dashboard and `scaler status` show. Times are ISO 8601, UTC; those of alarms milliseconds since 1970. */
export const FarmStatus = z.object({
  version: z.literal(1),
  time: z.string(),
  installation: z.string(),
  currency: z.optional(z.string()),
  pools: z.array(z.object({ name: z.string(), tags: z.array(z.string()), limit: z.number(), flavors: z.array(z.string()) })),
  workers: z.array(FarmWorker),
  waiting: z.array(z.object({ pool: z.string(), jobId: z.number(), since: z.string() })),
  /** The newest first. */
  actions: z.array(FarmAction),
  alarms: known(FarmAlarm),
  managers: z.array(FarmManager),
  /** What people have said with `scaler pause`, `drain`, `roll` and `keep`, as far as it holds. An older release does not write it. */
  controls: z.optional(known(FarmControl)),
  /** The hook was last looked at then. */
  hookLookedAt: z.catch(z.optional(Time), undefined),
  /** A line of the day's counts that was ahead of the clock when this was written. */
  ahead: z.catch(z.optional(z.object({ pool: z.string(), time: z.string() })), undefined),
});
export type FarmStatus = z.infer<typeof FarmStatus>;

/** `undefined` when there is none, or it is not one: then everything begins afresh. Throws what reading throws. */
export async function readFarm(store: Store, options: CallOptions): Promise<FarmStatus | undefined> {
  return (await readJson(store, FARM_KEY, FarmStatus, options)).value;
}

export async function writeFarm(store: Store, farm: FarmStatus, options: CallOptions): Promise<void> {
  await store.put(FARM_KEY, `${JSON.stringify(farm)}\n`, { ...options, contentType: 'application/json' });
}
