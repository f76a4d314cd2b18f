import * as z from 'zod/mini';
import { besideKey, poolStateKey } from '../../core/keys.ts';
import { mergePoolStates } from '../../core/launches/merge.ts';
import { plausible } from '../../core/launches/plausible.ts';
import { EMPTY_POOL_STATE, type PoolState } from '../../core/launches/types.ts';
import { stableText } from '../../core/stable-text.ts';
import type { CallOptions, Clock, Store } from '../ports/index.ts';
import { Count, Time } from '../storage/bounds.ts';
import { readJson } from '../storage/json.ts';

const Memory = z.object({
  launches: z.array(
    z.object({
      name: z.string(),
      at: Time,
      operationId: z.exactOptional(z.string()),
      flavor: z.string(),
      zone: z.string(),
      subnet: z.exactOptional(z.string()),
      jobId: z.exactOptional(Count),
      retry: z.exactOptional(z.literal(true)),
      listed: z.boolean(),
      outcome: z.enum(['pending', 'booted', 'failed']),
      settledAt: z.exactOptional(Time),
      why: z.exactOptional(z.string()),
      use: z.exactOptional(z.enum(['job', 'passed-over', 'none'])),
      untold: z.exactOptional(z.literal(true)),
    }),
  ),
  refusals: z.array(z.object({ flavor: z.string(), zone: z.string(), subnet: z.exactOptional(z.string()), code: z.string(), until: Time })),
  pause: z.exactOptional(
    z.object({
      until: Time,
      code: z.string(),
      message: z.string(),
      // An older release did not write it.
      refused: z.exactOptional(
        z.object({
          kind: z.enum(['setting', 'quota', 'sold-out']),
          at: Time,
          tries: Count,
          machines: Count,
          settings: z.exactOptional(z.string()),
        }),
      ),
    }),
  ),
  idle: z.record(z.string(), z.object({ since: Time, done: Count })),
  // An older release did not write it.
  passedOver: z._default(
    z.record(z.string(), z.object({ tries: Count, lastAt: Time, projectId: z.exactOptional(z.int().check(z.positive())) })),
    {},
  ),
  attempts: z.exactOptional(z.object({ inVain: Count, lastAt: Time })),
  watched: z._default(z.record(z.string(), z.object({ projectId: z.int().check(z.positive()), queuedAt: Time })), {}),
  suspects: z._default(z.record(z.string(), z.object({ since: Time, jobId: Count, done: Count })), {}),
});

/** `merged`: id of what a pass beside has left that is part of it. */
const Stored = z.extend(Memory, { merged: z.exactOptional(z.string()) });

/** What passes beside a holder of the turnstile have made of the memory, for the next holder to merge. */
const Beside = z.object({ id: z.string(), before: Memory, after: Memory });

/** What the pool remembers; starts afresh when there is nothing or nothing readable. Throws only when the bucket gives no clear answer. */
export async function readPoolState(store: Store, pool: string, options: CallOptions): Promise<PoolState> {
  return (await readStored(store, pool, options)).memory;
}

/** The memory as a whole, and what of it passes beside have left; `open` until it is part of the memory's own object. */
async function readStored(store: Store, pool: string, options: CallOptions) {
  const [main, { value: beside }] = await Promise.all([
    readJson(store, poolStateKey(pool), Stored, options),
    readJson(store, besideKey(pool), Beside, options),
  ]);
  const { merged, ...memory } = main.value ?? { ...EMPTY_POOL_STATE, merged: undefined };
  if (!beside) return { memory };
  if (beside.id === merged) return { memory, beside };
  return { memory: mergePoolStates(beside.before, beside.after, memory), beside, open: beside };
}

/** A write that took longer leaves room for another one between its read and its put. */
const QUICK_MS = 1_000;
const MOST_ROUNDS = 3;

/** What a pass made of the memory that it began with. */
export interface PoolStateChange {
  readonly before: PoolState;
  readonly after: PoolState;
  /** Id of a pass that works beside the holder of the turnstile. */
  readonly beside?: string;
}

/**
 * Writes what a pass made of the memory. A pass beside it may have written meanwhile: both are kept. OBS has no conditional PUT (OBS API reference,
 * PutObject), so of two that write one object the slower one could overwrite the other, and neither would notice. So only the holder of the turnstile writes
 * the memory itself; who works beside it leaves its part in an object of its own. Where there is no turnstile, a second look after a slow write tells
 * whether a neighbour's put has fallen on ours.
 */
export async function writePoolState(
  { store, clock }: { readonly store: Store; readonly clock: Pick<Clock, 'now'> },
  pool: string,
  { before, after, beside }: PoolStateChange,
  options: CallOptions,
): Promise<void> {
  const put = (key: string, value: unknown) => store.put(key, JSON.stringify(value), { ...options, contentType: 'application/json' });
  if (beside !== undefined) {
    const { open } = await readStored(store, pool, options);
    const both = open ? { before: open.before, after: mergePoolStates(before, after, open.after) } : { before, after };
    return await put(besideKey(pool), { id: beside, ...both });
  }
  for (let round = 1; round <= MOST_ROUNDS; round += 1) {
    const began = clock.now();
    const stored = await readStored(store, pool, options);
    // What the pass left out as untrue must not come back with the merge.
    const memory = plausible(stored.memory, began);
    const merged = mergePoolStates(before, after, memory);
    if (round > 1 && stableText(merged) === stableText(memory)) return;
    await put(poolStateKey(pool), { ...merged, ...(stored.beside && { merged: stored.beside.id }) });
    if (clock.now() - began < QUICK_MS) return;
  }
}
