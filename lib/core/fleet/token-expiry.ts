import { MINUTE } from '../time.ts';

/** From the last moment that a worker may take a job to the end of its token: ticks that are late, and the boot of the one that follows it. */
const ROOM_MS = 10 * MINUTE;

/**
 * When a worker must take no further job because its token ends: a while before, of a short-lived token a quarter of its life, so that it is of use
 * at all (GitLab lets none end within two hours).
 */
export function tokenUsableUntil(createdAt: number, expiresAt: number): number {
  return expiresAt - Math.min(ROOM_MS, Math.max(0, expiresAt - createdAt) / 4);
}

/** How long a worker that is made now may take jobs: for `maxAgeMs`, or less where its token ends before. */
export function lifeOf(maxAgeMs: number, now: number, expiresAt: number | undefined): number {
  return expiresAt === undefined ? maxAgeMs : Math.max(0, Math.min(maxAgeMs, tokenUsableUntil(now, expiresAt) - now));
}
