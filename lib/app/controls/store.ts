import * as z from 'zod/mini';
import type { Control, ControlKind } from '../../core/controls.ts';
import { defined } from '../../core/defined.ts';
import { ConfigError } from '../../core/errors.ts';
import { CONTROLS_PREFIX, controlIn, controlKey } from '../../core/keys.ts';
import { DAY } from '../../core/time.ts';
import type { CallOptions, Store } from '../ports/index.ts';
import { Time } from '../storage/bounds.ts';
import { readJson } from '../storage/json.ts';

/**
 * Content of a control, which is one object each, so that two people at once never undo each other. What is asked for stands in the key; the content says
 * how long, who and why.
 */
const Body = z.strictObject({
  version: z.literal(1),
  since: Time,
  until: z.exactOptional(Time),
  before: z.exactOptional(Time),
  by: z.exactOptional(z.string()),
  reason: z.exactOptional(z.string()),
});

/**
 * All controls, those that have run out included. One request while there is none. One whose content cannot be read comes as `unreadable`: its key
 * tells what it is. Anything but `.json` (a folder's marker, somebody's notes) is no control. Throws when they cannot be listed, or when there is one of a
 * kind that this version does not know.
 */
export async function readControls(store: Store, options: CallOptions = {}): Promise<readonly Control[]> {
  const keys = (await store.list(CONTROLS_PREFIX, options)).filter((key) => key.endsWith('.json'));
  return (await Promise.all(keys.map((key) => readControl(store, key, options)))).flat();
}

/** Code of the error about an object whose key names no control of this version: its text names the object and says what to do. */
export const UNKNOWN_CONTROL = 'unknown-control';

async function readControl(store: Store, key: string, options: CallOptions): Promise<readonly Control[]> {
  const named = controlIn(key);
  if (!named)
    throw new ConfigError(UNKNOWN_CONTROL, `${key} is no control that this version knows: delete it, or run the version that wrote it`);
  const { exists, value } = await readJson(store, key, Body, options).catch(() => ({ exists: true, value: undefined }));
  // Taken back between list and read.
  if (!exists) return [];
  if (!value) return [{ ...named, since: 0, unreadable: true }];
  const { version: _, ...body } = value;
  return [{ ...named, ...body }];
}

/** Begins a control, or replaces the one of the same kind and target. */
export async function putControl(store: Store, control: Omit<Control, 'unreadable'>, options: CallOptions = {}): Promise<void> {
  const { kind, target, ...body } = control;
  const { since, until } = control;
  // The bucket itself removes one that has run out, so that nobody needs to, and nobody removes a newer one.
  const expires = until === undefined ? {} : { expiresDays: Math.ceil((until - since) / DAY) + 1 };
  const text = `${JSON.stringify(Body.parse({ version: 1, ...body }))}\n`;
  await store.put(controlKey(kind, target), text, { ...options, ...expires, contentType: 'application/json' });
}

/** Takes a control back; one that is not there is success. */
export async function endControl(store: Store, kind: ControlKind, target: string, options: CallOptions = {}): Promise<void> {
  await store.delete(controlKey(kind, target), options);
}

/** Brings pools to zero: nothing is launched, and every worker that is free goes. They stay there until `undrain`. */
export async function drainPools(
  store: Store,
  pools: readonly string[],
  { now, until, by, reason }: { readonly now: number; readonly until?: number; readonly by?: string; readonly reason?: string },
  options: CallOptions = {},
): Promise<void> {
  const said = defined({ until, by, reason });
  await Promise.all(pools.map((target) => putControl(store, { kind: 'drain', target, since: now, ...said }, options)));
}
