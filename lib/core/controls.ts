import { defined } from './defined.ts';
import { isWorkerOf } from './fleet/names.ts';
import type { Pool } from './pool/pool.ts';
import { SKEW_MS } from './time.ts';

/** What people have told the farm to do, or to leave. Each is one object in the bucket (lib/app/controls/store.ts). */
export const CONTROL_KINDS = ['pause', 'drain', 'roll', 'keep'] as const;
export type ControlKind = (typeof CONTROL_KINDS)[number];

/** Target of a control of every pool. */
export const ALL_POOLS = '_all';

export interface Control {
  /**
   * `pause`: create nothing, delete nothing. `drain`: a pool to zero. `roll`: workers launched before a time are replaced. `keep`: one worker is
   * left alone.
   */
  readonly kind: ControlKind;
  /** A pool, `ALL_POOLS`, or the worker that is kept. */
  readonly target: string;
  readonly since: number;
  /** Without it the control holds until it is taken back. */
  readonly until?: number;
  /** Of a roll. */
  readonly before?: number;
  readonly by?: string;
  readonly reason?: string;
  /** It is there, and its content could not be read: how long it holds is not known. */
  readonly unreadable?: true;
}

/** What holds for one pool at one moment. */
export interface PoolControls {
  /** Nothing is created and nothing deleted. */
  readonly pause?: Control;
  /** Nothing is created, and every worker that is free goes. */
  readonly drain?: Control;
  /** Workers born before this go when they are free. */
  readonly rollBefore?: number;
  /** Workers that are left alone. */
  readonly kept: ReadonlySet<string>;
  /** What people have said could not be read: nothing is deleted, because they may have said to leave it. */
  readonly unread?: true;
}

export const NO_CONTROLS: PoolControls = { kept: new Set() };
export const UNREAD_CONTROLS: PoolControls = { kept: new Set(), unread: true };

/** Whether the control holds now. One whose content cannot be read does until somebody takes it back. */
export function holds({ until }: Control, now: number): boolean {
  return until === undefined || now < until;
}

/** A roll of workers that are not born yet was not meant by anybody: each worker would leave after one job. It counts as one that cannot be read. */
export function credible(control: Control, now: number): Control {
  const { before, ...rest } = control;
  return before !== undefined && before > now + SKEW_MS ? { ...rest, unreadable: true } : control;
}

/** Whether it is about this pool: all pools, this one, or a worker of it. */
export function isAbout({ kind, target }: Control, pool: Pool): boolean {
  return kind === 'keep' ? isWorkerOf(pool, target) : target === pool.name || target === ALL_POOLS;
}

/** What of all controls holds for one pool. Of several of a kind the one that holds longer counts. */
export function poolControls(pool: string, controls: readonly Control[], now: number): PoolControls {
  const held = controls.filter((c) => holds(c, now));
  const of = (kind: ControlKind) => held.filter((c) => c.kind === kind && (c.target === pool || c.target === ALL_POOLS)).sort(longestFirst);
  const [pause] = of('pause');
  const [drain] = of('drain');
  // Of a roll that cannot be read nobody knows which workers it means.
  const before = of('roll').flatMap((c) => c.before ?? []);
  return {
    kept: new Set(held.flatMap((c) => (c.kind === 'keep' ? [c.target] : []))),
    ...defined({ pause, drain }),
    ...(before.length > 0 ? { rollBefore: Math.max(...before) } : {}),
  };
}

function longestFirst(a: Control, b: Control): number {
  return (b.until ?? Number.MAX_VALUE) - (a.until ?? Number.MAX_VALUE);
}
