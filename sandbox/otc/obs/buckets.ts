import { createHash } from 'node:crypto';
import type { SandboxClock } from '../../clock.ts';
import type { PolicyStatement } from './policy.ts';

export interface StoredObject {
  readonly key: string;
  readonly body: Buffer;
  readonly etag: string;
  readonly modifiedAt: number;
  readonly appendable: boolean;
  readonly appends: number;
  /** Content-Type and the like, and own metadata, as they are sent back. */
  readonly headers: Readonly<Record<string, string>>;
  /** From `x-obs-expires`. */
  readonly expiresAt?: number;
}

export interface Listing {
  readonly prefix: string;
  readonly delimiter: string;
  /** The last key that is not shown any more. */
  readonly from: string;
  readonly maxKeys: number;
  readonly objects: readonly StoredObject[];
  readonly prefixes: readonly string[];
  /** Where the next page begins; absent on the last one. */
  readonly next?: string;
}

export interface ListQuery {
  readonly prefix: string;
  readonly delimiter: string;
  readonly from: string;
  readonly maxKeys: number;
}

export type Appended =
  | { readonly ok: true; readonly object: StoredObject; readonly etag: string }
  | { readonly ok: false; readonly code: 'PositionNotEqualToLength' | 'ObjectNotAppendable'; readonly length: number };

/** Huawei OBS API reference, "Appending an Object". */
const APPENDS_PER_OBJECT = 10_000;

/** One bucket: an ordered map whose every change is one synchronous step, hence atomic. */
export class Bucket {
  readonly name: string;
  readonly createdAt: number;
  /** Keys that anyone may read regardless of the policy, for tests that are not about policies. */
  readonly publicPrefixes: readonly string[];
  /** Of the bucket policy that was put last. */
  policy: readonly PolicyStatement[] = [];
  /** Documents of `?policy`, `?lifecycle` and so on as they were put. */
  readonly documents = new Map<string, string>();
  readonly #clock: SandboxClock;
  readonly #objects = new Map<string, StoredObject>();
  /** Sorted by bytes; rebuilt when keys have come or gone. */
  #sorted: readonly string[] | undefined;

  constructor(name: string, clock: SandboxClock, publicPrefixes: readonly string[] = []) {
    this.name = name;
    this.#clock = clock;
    this.createdAt = clock.now();
    this.publicPrefixes = publicPrefixes;
  }

  get(key: string): StoredObject | undefined {
    const object = this.#objects.get(key);
    if (object?.expiresAt === undefined || object.expiresAt > this.#clock.now()) return object;
    this.delete(key);
    return undefined;
  }

  put(key: string, body: Buffer, headers: Readonly<Record<string, string>>, expiresDays?: number): StoredObject {
    const object = { key, body, etag: md5(body), modifiedAt: this.#clock.now(), appendable: false, appends: 0, headers };
    return this.#set(expiresDays === undefined ? object : { ...object, expiresAt: this.#clock.now() + expiresDays * 86_400_000 });
  }

  /** Compare-and-swap on the length: of any number of appends at one position one succeeds. */
  append(key: string, position: number, chunk: Buffer, headers: Readonly<Record<string, string>>): Appended {
    const now = this.get(key);
    const length = now?.body.length ?? 0;
    if (now && (!now.appendable || now.appends >= APPENDS_PER_OBJECT)) return { ok: false, code: 'ObjectNotAppendable', length };
    if (position !== length) return { ok: false, code: 'PositionNotEqualToLength', length };
    const body = now ? Buffer.concat([now.body, chunk]) : chunk;
    const object = this.#set({
      key,
      body,
      etag: md5(body),
      modifiedAt: this.#clock.now(),
      appendable: true,
      appends: (now?.appends ?? 0) + 1,
      // Only the creating append sets them.
      headers: now?.headers ?? headers,
    });
    return { ok: true, object, etag: md5(chunk) };
  }

  empty(): boolean {
    return this.#keys().every((key) => this.get(key) === undefined);
  }

  delete(key: string): void {
    if (this.#objects.delete(key)) this.#sorted = undefined;
  }

  list(query: ListQuery): Listing {
    const { prefix, delimiter, from, maxKeys } = query;
    const objects: StoredObject[] = [];
    const prefixes: string[] = [];
    let last = from;
    for (const key of this.#keys().filter((k) => k.startsWith(prefix) && compare(k, from) > 0)) {
      const group = groupOf(key, prefix, delimiter);
      // A group that was shown stands for all its keys, on this page and on the ones before.
      if (group !== undefined && (group === prefixes.at(-1) || group === from)) continue;
      const object = this.get(key);
      if (!object) continue;
      if (objects.length + prefixes.length >= maxKeys) return { ...query, objects, prefixes, next: last };
      if (group === undefined) objects.push(object);
      else prefixes.push(group);
      last = group ?? key;
    }
    return { ...query, objects, prefixes };
  }

  #keys(): readonly string[] {
    this.#sorted ??= [...this.#objects.keys()].sort(compare);
    return this.#sorted;
  }

  #set(object: StoredObject): StoredObject {
    if (!this.#objects.has(object.key)) this.#sorted = undefined;
    this.#objects.set(object.key, object);
    return object;
  }
}

function groupOf(key: string, prefix: string, delimiter: string): string | undefined {
  const at = delimiter === '' ? -1 : key.indexOf(delimiter, prefix.length);
  return at < 0 ? undefined : key.slice(0, at + delimiter.length);
}

function compare(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b));
}

function md5(data: Buffer): string {
  return createHash('md5').update(data).digest('hex');
}
