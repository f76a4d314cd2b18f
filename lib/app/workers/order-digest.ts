import { createHash } from 'node:crypto';
import type { PoolSettings } from '../settings.ts';

/** Tells whether the settings that an order is made of have changed: what refused the old ones says nothing about the new. */
export function orderDigest({ machine, scope }: Pick<PoolSettings, 'machine' | 'scope'>): string {
  return createHash('sha256').update(JSON.stringify({ machine, scope })).digest('hex').slice(0, 12);
}
