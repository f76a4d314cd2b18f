import { defined } from '../../../core/defined.ts';
import { AccessError, ConfigError, ConflictError, describeError, UnclearError } from '../../../core/errors.ts';
import { probeKey } from '../../../core/keys.ts';
import type { CallOptions, Store } from '../../ports/index.ts';

/** How a bucket appends, found out by doing it. */
export interface ProbeOutcome {
  /** Absent: it appends as the farm needs it. */
  readonly broken?: string;
  /** Keys that could not be taken away again. */
  readonly left: readonly string[];
}

const ROUNDS = 10;
const WRITERS = 4;

class Broken extends Error {}

/**
 * About sixty small requests to two fresh keys, which are deleted afterwards: an append at the length goes through, one anywhere else and one to
 * what a PUT made do not, the end can be read with the length, and of several at one position exactly one goes through. Documentation of OBS
 * promises less than the farm needs, and servers are known that answer 200 and overwrite (docs/doctor.md). Throws what keeps it from knowing.
 */
export async function probeAppend(store: Store, nonce: string, options: CallOptions): Promise<ProbeOutcome> {
  const keys = { grown: probeKey(nonce, 'grown'), put: probeKey(nonce, 'put') };
  let broken: string | undefined;
  let stopped: { readonly failure: unknown } | undefined;
  try {
    await growing(store, keys.grown, options);
    await refusing(store, keys.put, options);
    await racing(store, keys.grown, options);
  } catch (failure) {
    broken = brokenBy(failure);
    if (broken === undefined) stopped = { failure };
  }
  const left = await tidyUp(store, Object.values(keys));
  if (stopped && left.length === 0) throw stopped.failure;
  if (stopped) return { broken: `the probe was cut short: ${describeError(stopped.failure).message}`, left };
  return { ...defined({ broken }), left };
}

async function growing(store: Store, key: string, options: CallOptions): Promise<void> {
  await store.append(key, 0, 'a', options);
  await refused(store, key, 0, 'a second append at 0', options);
  await store.append(key, 1, 'b', options);
  await refused(store, key, 99, 'an append beyond the end', options);
  const end = await store.get(key, { ...options, range: { last: 1 } });
  if (end?.size !== 2 || new TextDecoder().decode(end.body) !== 'b') throw new Broken('the end of the object is not what was appended');
}

async function refusing(store: Store, key: string, options: CallOptions): Promise<void> {
  await store.put(key, 'put', { ...options, contentType: 'text/plain' });
  await refused(store, key, 3, 'an append to what a PUT had made', options);
}

async function racing(store: Store, key: string, options: CallOptions): Promise<void> {
  let size = 2;
  for (let round = 0; round < ROUNDS; round++) {
    const position = size;
    const tries = await Promise.allSettled(
      Array.from({ length: WRITERS }, (_, writer) => store.append(key, position, `${writer}`, options)),
    );
    for (const tried of tries) {
      if (tried.status === 'rejected' && !(tried.reason instanceof ConflictError)) throw tried.reason;
    }
    const won = tries.filter(({ status }) => status === 'fulfilled').length;
    if (won !== 1) throw new Broken(`${won} of ${WRITERS} appends at the same position went through`);
    size += 1;
  }
  const whole = await store.get(key, options);
  if (whole?.size !== size) throw new Broken('the object is not as long as what was appended to it');
}

async function refused(store: Store, key: string, position: number, what: string, options: CallOptions): Promise<void> {
  try {
    await store.append(key, position, 'x', options);
  } catch (failure) {
    if (failure instanceof ConflictError || (failure instanceof ConfigError && failure.code === 'ObjectNotAppendable')) return;
    throw failure;
  }
  throw new Broken(`${what} went through`);
}

/** `undefined`: something else went wrong, and nothing is known. */
function brokenBy(failure: unknown): string | undefined {
  if (failure instanceof Broken) return failure.message;
  // The adapter looks for the next position in the answer; a server that overwrites has none.
  if (failure instanceof UnclearError && failure.code === 'append-position') return 'it takes an append for a PUT and overwrites';
  // Dialects sign an append differently, and nothing else: these keys have just listed the bucket.
  if (failure instanceof AccessError && failure.code === 'SignatureDoesNotMatch') return 'it refuses the signature of an append';
  if (failure instanceof ConfigError || failure instanceof ConflictError) return `it refuses to append (${failure.code})`;
  return undefined;
}

/** Not called off with the rest: what was made here goes away here. */
async function tidyUp(store: Store, keys: readonly string[]): Promise<readonly string[]> {
  const gone = await Promise.allSettled(keys.map((key) => store.delete(key)));
  return keys.filter((_, i) => gone[i]?.status === 'rejected');
}
