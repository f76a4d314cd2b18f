import * as z from 'zod/mini';
import { parseJson } from '../../core/json.ts';
import type { CallOptions, Store } from '../ports/index.ts';

/** An object of the bucket: not there, there without being what the schema wants (then `value` is absent), or read. */
export interface JsonRead<T> {
  readonly exists: boolean;
  readonly value?: T;
}

/**
 * Reads one object. What it holds is never an error, because another release or another hand may have written it: callers that cannot do without it look at
 * `exists`. Throws what `store.get` throws, so that an object that could not be read is never taken for an absent one.
 */
export async function readJson<T>(store: Store, key: string, schema: z.core.$ZodType<T>, options: CallOptions = {}): Promise<JsonRead<T>> {
  const found = await store.get(key, options);
  if (!found) return { exists: false };
  const value = parseJsonAs(schema, new TextDecoder().decode(found.body));
  return value === undefined ? { exists: true } : { exists: true, value };
}

/** `undefined` for a text that is not what the schema wants. */
export function parseJsonAs<T>(schema: z.core.$ZodType<T>, text: string): T | undefined {
  return z.safeParse(schema, parseJson(text)).data;
}

/** One value a line; a line that is not what the schema wants is left out. */
export function parseJsonLines<T>(schema: z.core.$ZodType<T>, text: string): readonly T[] {
  return text.split('\n').flatMap((line) => parseJsonAs(schema, line) ?? []);
}
