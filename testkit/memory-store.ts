import { createHash } from 'node:crypto';
import type { Store, StoredObject } from '../lib/app/ports/index.ts';
import { ConfigError, ConflictError, UnclearError } from '../lib/core/errors.ts';

/** What happens to an append: carried out and answered, carried out and the answer lost, or lost before it arrives. */
export type AppendFate = 'ok' | 'answer-lost' | 'request-lost';

/**
 * A bucket in memory that keeps the port's promises. `turn` is awaited before each operation takes effect, so that a scheduler can interleave
 * callers; `fate` decides what becomes of each append.
 */
export class MemoryStore implements Store {
  readonly objects = new Map<string, { bytes: Buffer; appendable: boolean; appends?: number }>();
  readonly #turn: () => Promise<void>;
  readonly #fate: () => AppendFate;

  constructor(turn: () => Promise<void> = async () => undefined, fate: () => AppendFate = () => 'ok') {
    this.#turn = turn;
    this.#fate = fate;
  }

  text(key: string): string {
    return this.objects.get(key)?.bytes.toString() ?? '';
  }

  async get(key: string, options: Parameters<Store['get']>[1] = {}): Promise<StoredObject | undefined> {
    await this.#turn();
    const found = this.objects.get(key);
    if (!found) return undefined;
    const { range } = options;
    const from = range && 'from' in range ? range.from : 0;
    const start = range && 'last' in range ? Math.max(0, found.bytes.length - range.last) : from;
    const end = range && 'from' in range && range.length !== undefined ? start + range.length : found.bytes.length;
    return { body: found.bytes.subarray(start, end), size: found.bytes.length };
  }

  async put(key: string, body: string | Uint8Array): Promise<void> {
    await this.#turn();
    this.objects.set(key, { bytes: Buffer.from(body), appendable: false });
  }

  async append(key: string, position: number, body: string): Promise<number> {
    await this.#turn();
    const fate = this.#fate();
    if (fate === 'request-lost') throw new UnclearError('timeout', 'request lost');
    const found = this.objects.get(key) ?? { bytes: Buffer.alloc(0), appendable: true };
    const appends = (found.appends ?? 0) + 1;
    if (!found.appendable || appends > 10_000) throw new ConfigError('ObjectNotAppendable', 'made by put, or has its 10,000 appends');
    if (found.bytes.length !== position) throw new ConflictError('PositionNotEqualToLength', 'stale position');
    const bytes = Buffer.concat([found.bytes, Buffer.from(body)]);
    this.objects.set(key, { bytes, appendable: true, appends });
    if (fate === 'answer-lost') throw new UnclearError('timeout', 'answer lost');
    return bytes.length;
  }

  async delete(key: string): Promise<void> {
    await this.#turn();
    this.objects.delete(key);
  }

  async list(prefix: string, { startAfter = '', max }: Parameters<Store['list']>[1] = {}): Promise<readonly string[]> {
    await this.#turn();
    const keys = [...this.objects.keys()].filter((k) => k.startsWith(prefix) && k > startAfter);
    return keys.sort().slice(0, max);
  }

  presignGet(key: string, expiresAt: number): string {
    return `https://bucket.test/${key}?Signature=${createHash('sha1').update(`${key}${expiresAt}`).digest('hex')}`;
  }
}
