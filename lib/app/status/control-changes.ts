import { ALL_POOLS, type Control, type ControlKind } from '../../core/controls.ts';
import { defined } from '../../core/defined.ts';
import { toIso } from '../../core/time.ts';
import type { ControlEntry } from '../ledger/types.ts';
import { type PassInfo, recordHead } from '../pass-context.ts';
import type { Planned } from '../reconcile/types.ts';
import type { FarmControl, FarmView } from './schema.ts';

/** What people see of the controls that hold. Without who and why: the farm's view may be public. */
export function farmControls(before: FarmView | undefined, planned: readonly Planned[]): FarmControl[] {
  // Not known now is not taken back.
  if (planned.some(({ view }) => view.controls.unread)) return before?.controls ?? [];
  return said(planned).map((control) => (control.unreadable && earlier(before, control)) || viewOf(control));
}

/** As it was when it could be read: not known now is not another. */
function earlier(before: FarmView | undefined, { kind, target }: Control): FarmControl | undefined {
  return before?.controls?.find((c) => c.kind === kind && c.target === target);
}

function viewOf({ kind, target, since, until }: Control): FarmControl {
  return { kind, target, since: toIso(since), ...(until === undefined ? {} : { until: toIso(until) }) };
}

/** For the ledger: what has begun to hold since the last view, and what holds no more. */
export function controlChanges(
  before: FarmView | undefined,
  now: readonly FarmControl[],
  planned: readonly Planned[],
  pass: PassInfo,
): readonly ControlEntry[] {
  const known = new Set((before?.controls ?? []).map(keyOf));
  const held = new Set(now.map(keyOf));
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
  const told = new Map(said(planned).map((c) => [`${c.kind} ${c.target}`, c]));
  return [
    ...now
      .filter((c) => !known.has(keyOf(c)))
      .map((c) => {
        const { by, reason } = told.get(`${c.kind} ${c.target}`) ?? {};
        return entry('begun', c, defined({ by, reason }));
      }),
    ...(before?.controls ?? []).filter((c) => !held.has(keyOf(c))).map((c) => entry('ended', c)),
  ];
}

function said(planned: readonly Planned[]): readonly Control[] {
  const all = planned.flatMap(({ view }) => view.said);
  return [...new Map(all.map((c) => [`${c.kind} ${c.target}`, c])).values()];
}

function keyOf({ kind, target, since }: FarmControl): string {
  return `${kind} ${target} ${since}`;
}

/** Empty for what is about every pool. */
function poolOf(kind: ControlKind, target: string): string {
  if (target === ALL_POOLS) return '';
  return kind === 'keep' ? target.slice(0, target.lastIndexOf('-')) : target;
}
