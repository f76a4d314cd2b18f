import * as z from 'zod';
import { mergeMemories } from '../../core/launches/merge.ts';
import { plausible } from '../../core/launches/plausible.ts';
import { EMPTY_MEMORY, type PoolMemory } from '../../core/launches/pool-state.ts';
import { stableText } from '../../core/stable-text.ts';
import type { CallOptions, Clock, Store } from '../ports/index.ts';
import { Count, Time } from '../storage/bounds.ts';

const Memory = z.object({
  launches: z.array(
    z.object({
      name: z.string(),
      at: Time,
      operationId: z.string().optional(),
      flavor: z.string(),
      zone: z.string(),
      subnet: z.string().optional(),
      jobId: Count.optional(),
      retry: z.literal(true).optional(),
      listed: z.boolean(),
      outcome: z.enum(['pending', 'booted', 'failed']),
      settledAt: Time.optional(),
      why: z.string().optional(),
      use: z.enum(['job', 'passed-over', 'none']).optional(),
      untold: z.literal(true).optional(),
    }),
  ),
  refusals: z.array(z.object({ flavor: z.string(), zone: z.string(), subnet: z.string().optional(), code: z.string(), until: Time })),
  pause: z
    .object({
      until: Time,
      code: z.string(),
      message: z.string(),
      // An older release did not write it.
      refused: z
        .object({
          kind: z.enum(['setting', 'quota', 'sold-out']),
          at: Time,
          tries: Count,
          machines: Count,
          settings: z.string().optional(),
        })
        .optional(),
    })
    .optional(),
  idle: z.record(z.string(), z.object({ since: Time, done: Count })),
  // An older release did not write it.
  passedOver: z.record(z.string(), z.object({ tries: Count, lastAt: Time, projectId: z.int().positive().optional() })).default({}),
  attempts: z.object({ inVain: Count, lastAt: Time }).optional(),
  watched: z.record(z.string(), z.object({ projectId: z.int().positive(), queuedAt: Time })).default({}),
  suspects: z.record(z.string(), z.object({ since: Time, jobId: Count, done: Count })).default({}),
});

export function memoryKey(pool: string): string {
  return `state/v1/pools/${pool}.json`;
}

/** What the pool remembers; starts afresh when there is nothing or nothing readable. Throws only when the bucket gives no clear answer. */
export async function readMemory(store: Store, pool: string, options: CallOptions): Promise<PoolMemory> {
  const found = await store.get(memoryKey(pool), options);
  if (!found) return EMPTY_MEMORY;
  try {
    const parsed = Memory.safeParse(JSON.parse(new TextDecoder().decode(found.body)));
    return parsed.success ? (stripUndefined(parsed.data) as PoolMemory) : EMPTY_MEMORY;
  } catch {
    return EMPTY_MEMORY;
  }
}

/** A write that took longer leaves room for another one between its read and its put. */
const QUICK_MS = 1_000;
const MOST_ROUNDS = 3;

/**
 * Writes what a pass made of the memory that it began with. A pass beside it may have written meanwhile: both are kept. OBS has no conditional PUT
 * (OBS API reference, PutObject), so after a slow write a second look tells whether a neighbour's put has fallen on ours.
 */
export async function writeMemory(
  { store, clock }: { readonly store: Store; readonly clock: Pick<Clock, 'now'> },
  pool: string,
  { before, after }: { readonly before: PoolMemory; readonly after: PoolMemory },
  options: CallOptions,
): Promise<void> {
  for (let round = 1; round <= MOST_ROUNDS; round += 1) {
    const began = clock.now();
    // What the pass left out as untrue must not come back with the merge.
    const stored = plausible(await readMemory(store, pool, options), began);
    const merged = mergeMemories(before, after, stored);
    if (round > 1 && stableText(merged) === stableText(stored)) return;
    await store.put(memoryKey(pool), JSON.stringify(merged), { ...options, contentType: 'application/json' });
    if (clock.now() - began < QUICK_MS) return;
  }
}

/** zod leaves `undefined` for optional members; exact optional types want them absent. JSON drops exactly those. */
function stripUndefined(value: z.infer<typeof Memory>): unknown {
  return JSON.parse(JSON.stringify(value));
}
