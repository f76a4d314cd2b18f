import { describe, expect, it } from 'vitest';
import { renderReport } from '../../../../cli/shared/output.ts';
import type { ActionEntry } from '../../../../lib/app/ledger/types.ts';
import type { PoolReport } from '../../../../lib/app/reconcile/reconcile.ts';
import { planPool } from '../../../../lib/core/plan/plan.ts';
import { jobs, NOW, planInput, pool, worker } from '../../../../testkit/builders.ts';

function said(actions: (plan: NonNullable<PoolReport['plan']>) => readonly ActionEntry[]): string {
  const plan = planPool(planInput({ pool: pool({ limit: 3 }), workers: [worker(1, 'busy')], jobs: jobs(4) }));
  const report = { pool: 'bake', plan, waiting: [], said: [], unread: [], actions: actions(plan) };
  return renderReport({ pass: 'x', at: NOW, pools: [report], unrecorded: [] });
}

const done = (outcome: ActionEntry['outcome']): ActionEntry => {
  return { kind: 'launch', time: '', pass: 'x', trigger: 'timer', pool: 'bake', worker: 'w', why: 'demand', jobId: 1, outcome };
};

it.each([
  [0, 'bake: 1 of at most 1 machine (0 booting, 0 idle, 1 busy, 0 draining, 0 failed)\n'],
  [1, 'bake: 1 of at most 1 machine (0 booting, 0 idle, 1 busy, 0 draining, 0 failed), 1 on its way\n'],
  [2, ', 2 on their way\n'],
])('a report of %d that are on their way', (coming, text) => {
  const plan = planPool(planInput({ pool: pool({ limit: 1 }), workers: [worker(1, 'busy')], jobs: [] }));
  const numbers = { ...plan.numbers, coming };
  const report = { pool: 'bake', plan: { ...plan, numbers }, waiting: [], said: [], unread: [], actions: [] };
  expect(renderReport({ pass: 'x', at: NOW, pools: [report], unrecorded: [] })).toContain(text);
});

describe('the jobs of a report', () => {
  it('are told by whether they have a worker, get one now, or have none', () => {
    expect(said(() => [])).toContain('waiting jobs: 4: 0 with a worker, 2 to be ordered now, 2 without');
  });

  it('have only those workers that could be ordered', () => {
    expect(said(() => [done('done'), done('done')])).toContain('waiting jobs: 4: 0 with a worker, 2 just ordered, 2 without');
    expect(said(() => [done('failed'), done('done')])).toContain('waiting jobs: 4: 0 with a worker, 1 just ordered, 3 without');
  });
});
