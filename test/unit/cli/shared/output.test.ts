import { describe, expect, it } from 'vitest';
import { renderReport } from '../../../../cli/shared/output.ts';
import type { ActionEntry } from '../../../../lib/app/ledger/write.ts';
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

describe('the jobs of a report', () => {
  it('are told by whether they have a worker, get one now, or have none', () => {
    expect(said(() => [])).toContain('waiting jobs: 4: 0 with a worker, 2 to be ordered now, 2 without');
  });

  it('have only those workers that could be ordered', () => {
    expect(said(() => [done('done'), done('done')])).toContain('waiting jobs: 4: 0 with a worker, 2 just ordered, 2 without');
    expect(said(() => [done('failed'), done('done')])).toContain('waiting jobs: 4: 0 with a worker, 1 just ordered, 3 without');
  });
});
