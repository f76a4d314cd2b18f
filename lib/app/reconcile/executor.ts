import type { PassContext } from '../pass-context.ts';
import type { PoolOutcome, PoolPlan } from './types.ts';

/** What becomes of the plans of a pass. */
export interface Executor {
  execute(context: PassContext, plans: readonly PoolPlan[]): Promise<Execution>;
}

export interface Execution {
  /** One for each plan, in their order; none when nothing is carried out. */
  readonly outcomes: readonly PoolOutcome[];
  /** Records that could not be written. */
  readonly unrecorded: readonly string[];
}

/** Changes, logs and records nothing. */
export const dryExecutor: Executor = { execute: async () => ({ outcomes: [], unrecorded: [] }) };
