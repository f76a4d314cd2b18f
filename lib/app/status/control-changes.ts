import { ALL_POOLS, type Control, type ControlKind } from '../../core/controls.ts';
import { defined } from '../../core/defined.ts';
import { toIso } from '../../core/time.ts';
import type { ControlEntry } from '../ledger/types.ts';
import { type PassInfo, recordHead } from '../pass-context.ts';
import type { PoolPlan } from '../reconcile/types.ts';
import type { FarmControl, FarmStatus } from './schema.ts';

/** What people see of the controls that hold. Without who and why: the farm's view may be public. */
export function farmControls(before: FarmStatus | undefined, plans: readonly PoolPlan[]): FarmControl[] {
  // Not known now is not taken back.
  if (plans.some(({ view }) => view.controls.unread)) return before?.controls ?? [];
  return activeControls(plans).map((control) => (control.unreadable && earlier(before, control)) || toFarmControl(control));
}

/** As it was when it could be read: not known now is not another. */
function earlier(before: FarmStatus | undefined, { kind, target }: Control): FarmControl | undefined {
  return before?.controls?.find((c) => c.kind === kind && c.target === target);
}

function toFarmControl({ kind, target, since, until }: Control): FarmControl {
  return { kind, target, since: toIso(since), ...(until === undefined ? {} : { until: toIso(until) }) };
}

/** For the ledger: what has begun to hold since the last view, and what holds no more. */
export function controlChanges(
  before: FarmStatus | undefined,
  now: readonly FarmControl[],
  plans: readonly PoolPlan[],
  pass: PassInfo,
): readonly ControlEntry[] {
  const known = new Set((before?.controls ?? []).map(controlId));
  const held = new Set(now.map(controlId));
  const entry = (state: ControlEntry['state'], control: FarmControl, more: Pick<Control, 'by' | 'reason'> = {}): ControlEntry => {
    const { kind, target, until } = control;
    return {
      kind: 'control',
      ...recordHead(pass),
      pool: poolOf(kind, target),
      control: kind,
      subject: target,
      state,
      ...defined({ until }),
      ...more,
    };
  };
  const controls = new Map(activeControls(plans).map((c) => [`${c.kind} ${c.target}`, c]));
  return [
    ...now
      .filter((c) => !known.has(controlId(c)))
      .map((c) => {
        const { by, reason } = controls.get(`${c.kind} ${c.target}`) ?? {};
        return entry('begun', c, defined({ by, reason }));
      }),
    ...(before?.controls ?? []).filter((c) => !held.has(controlId(c))).map((c) => entry('ended', c)),
  ];
}

function activeControls(plans: readonly PoolPlan[]): readonly Control[] {
  const all = plans.flatMap(({ view }) => view.activeControls);
  return [...new Map(all.map((c) => [`${c.kind} ${c.target}`, c])).values()];
}

function controlId({ kind, target, since }: FarmControl): string {
  return `${kind} ${target} ${since}`;
}

/** Empty for what is about every pool. */
function poolOf(kind: ControlKind, target: string): string {
  if (target === ALL_POOLS) return '';
  return kind === 'keep' ? target.slice(0, target.lastIndexOf('-')) : target;
}
