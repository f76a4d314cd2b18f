import type { Ids } from '../ids.ts';

/** One step of an operation: ECS calls it a sub job. */
export interface Step {
  readonly id: string;
  readonly serverId: string;
  state: OperationState;
  endedAt?: number;
  failure?: Failure;
}

export interface Operation {
  readonly id: string;
  readonly kind: 'create' | 'delete';
  readonly beganAt: number;
  readonly steps: readonly Step[];
  started: boolean;
}

export type OperationState = 'INIT' | 'RUNNING' | 'SUCCESS' | 'FAIL';

export interface Failure {
  readonly code: string;
  readonly reason: string;
}

/** An operation is over when all its steps are, and has failed when one has. */
export function operationState(operation: Operation): OperationState {
  if (!operation.started) return 'INIT';
  if (operation.steps.some((s) => s.state === 'INIT' || s.state === 'RUNNING')) return 'RUNNING';
  return operation.steps.some((s) => s.state === 'FAIL') ? 'FAIL' : 'SUCCESS';
}

export function finish(step: Step, at: number, failure?: Failure): void {
  step.state = failure ? 'FAIL' : 'SUCCESS';
  step.endedAt = at;
  if (failure) step.failure = failure;
}

export const FAILURES = {
  noHost: { code: 'Ecs.0219', reason: 'No valid host was found.' },
  gone: { code: 'Ecs.0204', reason: 'The server was deleted while it was being created.' },
  broken: { code: 'Ecs.0204', reason: 'Build of instance aborted: Failed to allocate the network(s).' },
} satisfies Record<string, Failure>;

/** All operations so far. */
export class Operations {
  readonly #ids: Ids;
  readonly #operations = new Map<string, Operation>();

  constructor(ids: Ids) {
    this.#ids = ids;
  }

  find(id: string): Operation | undefined {
    return this.#operations.get(id);
  }

  /** With a step for each server; `state` is theirs. */
  open(kind: Operation['kind'], servers: readonly { readonly id: string }[], state: 'INIT' | 'RUNNING', now: number): Operation {
    const steps = servers.map(({ id }): Step => ({ id: this.#ids.hex(32), serverId: id, state }));
    const operation: Operation = { id: this.#ids.hex(32), kind, beganAt: now, steps, started: state === 'RUNNING' };
    this.#operations.set(operation.id, operation);
    return operation;
  }
}
