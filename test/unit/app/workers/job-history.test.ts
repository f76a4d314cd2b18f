import { describe, expect, it } from 'vitest';
import type { PassInfo } from '../../../../lib/app/pass-context.ts';
import type { JobView } from '../../../../lib/app/ports/index.ts';
import type { PoolView } from '../../../../lib/app/reconcile/types.ts';
import { JobHistoryRecorder } from '../../../../lib/app/workers/job-history.ts';
import { AccessError } from '../../../../lib/core/errors.ts';
import { NOW, nameOf, pool, runner, worker } from '../../../../testkit/builders.ts';

const PASS: PassInfo = { id: '01PASS', trigger: 'timer', time: NOW };
const HEAD = { kind: 'ran', time: '2026-11-23T12:00:00Z', pass: '01PASS', trigger: 'timer', pool: 'bake' };
const NEVER = new AbortController().signal;

function job(id: number, change: Partial<JobView> = {}): JobView {
  const times = { createdAt: NOW - 5_000_900, queuedAt: NOW - 4_000_000, startedAt: NOW - 3_000_000, finishedAt: NOW - 2_000_000 };
  return { id, projectId: 7, project: 'acme/product', status: 'success', tags: [], ...times, ...change };
}

function notes(workers: PoolView['workers'], read: (runnerId: number) => { jobs: readonly JobView[]; complete: boolean }) {
  const asked: number[] = [];
  const forge = {
    runnerJobs: async (id: number) => {
      asked.push(id);
      return read(id);
    },
  };
  const settings = { pool: pool() } as PoolView['settings'];
  return { notes: new JobHistoryRecorder(forge, { settings, ...(workers && { workers }) }, PASS), asked };
}

describe('what a worker ran', () => {
  it('is one entry, with times to the second', async () => {
    const { notes: made } = notes([worker(1, 'gone', { done: 1 })], () => ({ jobs: [job(9, { name: 'image' })], complete: true }));
    await made.record(nameOf(1), 1, NEVER);
    expect(made.entries).toEqual([
      {
        ...HEAD,
        worker: nameOf(1),
        runnerId: 1,
        jobs: [
          {
            ...{ id: 9, project: 'acme/product', name: 'image', status: 'success' },
            ...{ created: '2026-11-23T10:36:39Z', queued: '2026-11-23T10:53:20Z' },
            ...{ started: '2026-11-23T11:10:00Z', finished: '2026-11-23T11:26:40Z' },
          },
        ],
      },
    ]);
  });

  it('is several entries of at most a hundred jobs, and what is missing is said in the last one', async () => {
    const jobs = Array.from({ length: 250 }, (_, i) => job(1000 - i));
    const { notes: made } = notes([worker(1, 'gone', { done: 253 })], () => ({ jobs, complete: true }));
    await made.record(nameOf(1), 1, NEVER);
    expect(made.entries.map((e) => [e.jobs.length, e.unseen])).toEqual([
      [100, undefined],
      [100, undefined],
      [50, 3],
    ]);
    expect(made.entries.flatMap((e) => e.jobs.map(({ id }) => id))).toEqual(jobs.map(({ id }) => id));
  });

  it('may be nothing: an idle worker that was never needed', async () => {
    const { notes: made } = notes([worker(1, 'gone')], () => ({ jobs: [], complete: true }));
    await made.record(nameOf(1), 1, NEVER);
    expect(made.entries).toEqual([{ ...HEAD, worker: nameOf(1), runnerId: 1, jobs: [] }]);
  });

  it('is not asked for where it never asked for a job', async () => {
    const dead = worker(1, 'gone', { booted: false, runner: runner(1) });
    const { notes: made, asked } = notes([dead], () => ({ jobs: [], complete: true }));
    await made.record(nameOf(1), 1, NEVER);
    expect([asked, made.entries]).toEqual([[], []]);
  });

  it('names a project that GitLab does not name by its number, and says when there were more than are read', async () => {
    const { project: _, ...bare } = job(9);
    const { notes: made } = notes([worker(1, 'gone', { done: 4000 })], () => ({ jobs: [bare], complete: false }));
    await made.record(nameOf(1), 1, NEVER);
    expect(made.entries).toMatchObject([{ jobs: [{ project: '#7' }], more: true }]);
    expect(made.entries[0]?.unseen).toBeUndefined();
  });

  it('is a gap where it cannot be read, and the next worker is not asked about in vain', async () => {
    const workers = [worker(1, 'gone', { done: 1 }), worker(2, 'gone', { done: 1 })];
    const { notes: made, asked } = notes(workers, () => {
      throw new AccessError('http-403', 'no');
    });
    await made.record(nameOf(1), 1, NEVER);
    await made.record(nameOf(2), 2, NEVER);
    expect(asked).toEqual([1]);
    expect(made.entries.map((e) => [e.worker, e.jobs, e.jobsUnread])).toEqual([
      [nameOf(1), [], 'http-403'],
      [nameOf(2), [], 'http-403'],
    ]);
  });
});
