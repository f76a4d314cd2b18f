import type { Hook } from '../model.ts';

type AlertStatus = 'executable' | 'temporarily_disabled' | 'disabled';

export function alertStatus(hook: Hook, now: number): AlertStatus {
  if (hook.disabledUntil === undefined || hook.disabledUntil <= now) return 'executable';
  return hook.disabledUntil === Number.POSITIVE_INFINITY ? 'disabled' : 'temporarily_disabled';
}
