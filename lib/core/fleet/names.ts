import type { Pool } from '../pool/pool.ts';

/** Crockford's base 32 without i, l, o and u, in lower case: what a ULID is made of. */
const WORKER = /^([a-z0-9-]+)-([0-7][0-9a-hjkmnp-tv-z]{25})$/;

/** `<pool>-<ulid>`: equal in the VM's name, its metadata and the runner's description. */
export function workerName(pool: string, ulid: string): string {
  return `${pool}-${ulid.toLowerCase()}`;
}

/** Whether the name is exactly one that `workerName` makes for this pool. */
export function isWorkerOf(pool: Pool, name: string): boolean {
  return WORKER.exec(name)?.[1] === pool.name;
}

const DIGITS = '0123456789abcdefghjkmnpqrstvwxyz';

/** When the worker was given its name: the first ten letters of a ULID are milliseconds. */
export function namedAt(worker: string): number {
  return [...worker.slice(-26, -16)].reduce((time, letter) => time * 32 + DIGITS.indexOf(letter), 0);
}
