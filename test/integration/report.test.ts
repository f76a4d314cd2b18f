import { describe, expect, it } from 'vitest';
import { type ReportOptions, report } from '../../cli/commands/report.ts';
import { explainJob, explainWorker } from '../../lib/app/ledger/explain.ts';
import { readReport } from '../../lib/app/report/read.ts';
import type { Report } from '../../lib/core/report/report.ts';
import { hasStarted } from '../../lib/core/report/timeline.ts';
import { HOUR, MINUTE, SECOND, START, startTestFarm, type TestFarm, type TestFarmOptions } from '../../testkit/test-farm.ts';

const PRICES = { currency: 'EUR', flavors: { 'c4.2xlarge.2': 0.36, 'c3.4xlarge.2': 0.7 } };
const PRICED = { document: { costs: PRICES } } satisfies TestFarmOptions;
const LIFE = 25 * HOUR;

async function reportOf(p: TestFarm, more: Partial<Parameters<typeof readReport>[1]> = {}): Promise<Report> {
  const now = p.clock.now();
  return await p.run((services) =>
    readReport(services.store, { from: START - 7 * SECOND, to: now, now, lifeMs: LIFE, costs: PRICES, ...more }),
  );
}

async function printed(p: TestFarm, options: Partial<ReportOptions> = {}): Promise<string> {
  const lines: string[] = [];
  const output = { json: false, data: (text: string) => void lines.push(text), say: (text: string) => void lines.push(text) };
  const whole = { from: '2026-11-23T08:00', to: 'now', timezone: 'UTC', format: 'table' as const, ...options };
  await p.run(({ store }) => report({ store, settings: p.farm.config.settings }, whole, p.clock.now(), output));
  return lines.join('\n');
}

/** Milliseconds that VMs existed, by the cloud's own word. */
function machineMs(p: TestFarm): number {
  const of = (kind: string) => new Map(p.events.filter((e) => e.kind === kind).map((e) => [String(e.fields.id), e.at]));
  const deleted = of('server-deleted');
  return [...of('server-created')].reduce((sum, [id, at]) => sum + (deleted.get(id) ?? p.clock.now()) - at, 0);
}

function gapKinds({ gaps }: Report): readonly string[] {
  return gaps.map(({ kind }) => kind);
}

describe('the report on a farm', () => {
  it('tells the way of one job, from its making to its start, as GitLab and the cloud know it', async () => {
    const p = await startTestFarm(PRICED);
    const [job] = p.push(1).jobs;
    await p.advance(40 * MINUTE);
    const made = await reportOf(p);

    const at = (kind: string) => Math.floor((p.events.find((e) => e.kind === kind)?.at ?? Number.NaN) / SECOND) * SECOND;
    const [line] = made.timelines;
    expect(made.timelines).toHaveLength(1);
    expect(line).toMatchObject({
      fresh: true,
      job: { id: job?.id, project: 'acme/product', status: 'success', createdAt: START, queuedAt: START, startedAt: at('job-running') },
      hookAt: START,
      noticedAt: START,
      acceptedAt: at('server-created'),
      activeAt: at('server-active'),
    });
    const { steps } = line ?? {};
    const chain = ['pending-noticed', 'noticed-accepted', 'accepted-active', 'active-online', 'online-running'] as const;
    expect(chain.reduce((sum, step) => sum + (steps?.[step] ?? Number.NaN), 0)).toBe((job?.startedAt ?? 0) - (job?.queuedAt ?? 0));
    expect(steps?.['accepted-active']).toBe(42 * SECOND);
    expect(steps?.['active-online']).toBe(90 * SECOND);
    expect(made.steps.find(({ step }) => step === 'pending-running')).toEqual({
      ...{ step: 'pending-running', n: 1 },
      ...{ p50: 132 * SECOND, p95: 132 * SECOND, max: 132 * SECOND },
    });
    expect(gapKinds(made)).toEqual([]);
  });

  it('gives a day of jobs, machines and money that agree with the sandbox and with each other', async () => {
    const p = await startTestFarm({ ...PRICED, pools: [{ limit: 3, idle_time: 300, max_builds: 3 }] });
    p.push(5);
    p.push([{ durationMs: 12 * MINUTE }, { durationMs: MINUTE, result: 'failed' }, {}], 'acme/deep/inside');
    await p.advance(20 * MINUTE);
    p.push(2);
    await p.advance(90 * MINUTE);
    const made = await reportOf(p);

    const truth = p.jobs();
    expect(truth.every(({ startedAt }) => startedAt !== undefined)).toBe(true);
    const seconds = (ms: number | undefined) => Math.floor((ms ?? Number.NaN) / SECOND);
    expect(made.timelines.map(({ job }) => [job.id, job.project, seconds(job.startedAt), seconds(job.finishedAt), job.status])).toEqual(
      [...truth]
        .sort((a, b) => seconds(a.startedAt) - seconds(b.startedAt) || a.id - b.id)
        .map((j) => [j.id, j.pipeline.project.path, seconds(j.startedAt), seconds(j.finishedAt), j.status]),
    );
    for (const { job, steps } of made.timelines) {
      const own = truth.find(({ id }) => id === job.id);
      expect(Math.abs((steps['pending-running'] ?? Number.NaN) - ((own?.startedAt ?? 0) - (own?.queuedAt ?? 0)))).toBeLessThan(2 * SECOND);
    }

    const { total, projects, pools, jobless } = made;
    expect(total.machines).toBe(p.count('server-created'));
    // Deleting takes 20 s here, which are after the order to delete.
    expect(Math.abs(total.totalMs + total.machines * 20 * SECOND - machineMs(p))).toBeLessThan(total.machines * 3 * SECOND);
    const ran = truth.reduce((sum, j) => sum + (j.finishedAt ?? 0) - (j.startedAt ?? 0), 0);
    expect(Math.abs(total.runMs - ran)).toBeLessThan(truth.length * 2 * SECOND);
    expect(total.runMs + total.bootMs + total.idleMs + total.unknownMs).toBe(total.totalMs);
    expect(projects.map(({ project, jobs }) => [project, jobs])).toEqual([
      ['acme/deep/inside', 3],
      ['acme/product', 7],
    ]);
    expect(projects.reduce((sum, row) => sum + row.runMs + row.overheadMs, 0) + jobless.totalMs).toBe(total.totalMs);
    expect(total.cost).toBeCloseTo((total.totalMs / HOUR) * 0.36, 3);
    const cents = (cost: number | undefined) => Math.round((cost ?? Number.NaN) * 10_000);
    expect(projects.reduce((sum, row) => sum + cents(row.cost), 0) + cents(jobless.cost)).toBe(cents(total.cost));
    expect(pools).toMatchObject([{ pool: 'pool0', machines: total.machines, cost: total.cost }]);
    expect(gapKinds(made)).toEqual([]);
  });

  it('asks GitLab once in the life of a worker', async () => {
    const p = await startTestFarm();
    p.push(3);
    await p.advance(40 * MINUTE);
    expect(p.runners()).toEqual([]);
    expect(p.faults.calls('gitlab.runner-jobs')).toBe(p.count('runner-deleted'));
  });

  it('leaves a gap, and nothing else undone, when GitLab does not tell what a worker ran', async () => {
    const p = await startTestFarm(PRICED);
    p.faults.inject({ operation: 'gitlab.runner-jobs', times: 1_000_000, status: 403 });
    p.push(2);
    await p.advance(40 * MINUTE);
    expect([p.vms(), p.runners(), p.jobs().map((j) => j.status)]).toEqual([[], [], ['success', 'success']]);
    const made = await reportOf(p);
    expect(gapKinds(made)).toEqual(['jobs-unread', 'never-here']);
    expect(made.gaps[0]).toMatchObject({ count: 2, text: expect.stringContaining('403') });
    expect(made.total).toMatchObject({ machines: 2, runMs: 0, idleMs: 0 });
    expect(made.total.unknownMs).toBeGreaterThan(0);
    expect(made.total.cost).toBeGreaterThan(0);
    expect(made.total.bootMs + made.total.unknownMs).toBe(made.total.totalMs);
  });

  it('tells of workers that are still there only with their own word', async () => {
    const p = await startTestFarm({ ...PRICED, pools: [{ idle_count: 1, idle_time: 3600 }] });
    p.push(1);
    await p.advance(30 * MINUTE);
    const without = await reportOf(p);
    expect(gapKinds(without)).toContain('still-there');
    expect(without.timelines).toEqual([]);
    const now = p.clock.now();
    const live = await p.run(({ store, forge }) =>
      readReport(store, { from: START - 7 * SECOND, to: now, now, lifeMs: LIFE, costs: PRICES, forge }),
    );
    expect(live.timelines.map(({ job }) => [job.id, job.status])).toEqual(p.jobs().map((j) => [j.id, j.status]));
    expect(live.total.totalMs).toBe(without.total.totalMs);
    expect(live.total.idleMs).toBeGreaterThan(20 * MINUTE);
    expect(gapKinds(live)).toEqual([]);
  });

  it('counts a machine that somebody deletes until that is noticed, and its job as run', async () => {
    const p = await startTestFarm(PRICED);
    p.push([{ durationMs: 30 * MINUTE }]);
    await p.advance(10 * MINUTE);
    p.sandbox.ecs.delete([p.vms()[0]?.id ?? ''], true);
    await p.advance(20 * MINUTE);
    const made = await reportOf(p);
    expect(gapKinds(made)).toEqual(['end-late']);
    expect(made.timelines).toMatchObject([{ job: { status: 'running' } }]);
    expect(made.total.machines).toBe(1);
    expect(made.total.totalMs).toBeLessThan(25 * MINUTE);
    expect(made.total.totalMs).toBeGreaterThan(10 * MINUTE);
  });

  it('is empty, and says so, where the scaler has not run', async () => {
    const p = await startTestFarm({ timer: false });
    await p.advance(HOUR);
    const made = await reportOf(p);
    expect(made.timelines.filter(({ job }) => hasStarted(job))).toEqual([]);
    expect(gapKinds(made)).toEqual(['silence']);
  });
});

describe('scaler report', () => {
  it('prints tables, JSON and CSV', async () => {
    const p = await startTestFarm(PRICED);
    const [job] = p.push(1).jobs;
    await p.advance(40 * MINUTE);
    const text = await printed(p);
    expect(text).toContain('1 job began, 1 of them on a worker that was started for waiting jobs.');
    const rows = text.split('\n').map((line) => line.split('│').map((cell) => cell.trim()));
    const row = (title: string) => rows.find((cells) => cells[1] === title)?.slice(2, -1);
    expect(row('order accepted → VM active')).toEqual(['1', '42 s', '42 s', '42 s']);
    expect(row('whole wait: pending → running')).toEqual(['1', '2 min 12 s', '2 min 12 s', '2 min 12 s']);
    // 553 s from the order to the deletion: 132 s of boot, 300 s of work, and idle until somebody came to delete it.
    expect(row('acme/product')).toEqual(['1', '2 min 12 s', '2 min 12 s', '2 min 12 s', '0.08 h', '0.07 h', '0.0540']);
    expect(row('pool0')).toEqual(['1', '0.15 h', '0.08 h', '0.04 h', '0.03 h', '0.00 h', '20.0 %', '0.0540']);
    expect(text).not.toContain('What is missing');
    const json = JSON.parse(await printed(p, { format: 'json' }));
    expect(json).toMatchObject({
      version: 1,
      currency: 'EUR',
      jobs: 1,
      projects: [{ project: 'acme/product', wait: { p50: 132 } }],
      gaps: [],
    });
    const [head, line, ...rest] = (await printed(p, { format: 'csv' })).split('\n');
    expect(head).toBe(
      'job,project,pool,worker,status,new_worker,created,pending,hook,noticed,accepted,active,online,running,finished,wait_seconds,run_seconds',
    );
    expect(line).toMatch(new RegExp(`^${job?.id},acme/product,pool0,pool0-\\w+,success,yes,2026-11-23T08:00:07Z,.*,132,300$`));
    expect(rest).toEqual([]);
    const other = JSON.parse(await printed(p, { format: 'json', project: 'acme/other', pool: 'pool0' }));
    expect(other).toMatchObject({ jobs: 0, projects: [], total: { machines: 1 } });
  });
});

describe('scaler explain', () => {
  it('tells where a job ran and what a worker ran', async () => {
    const p = await startTestFarm({ pools: [{ limit: 1 }] });
    const [first, second] = p.push(2).jobs;
    await p.advance(40 * MINUTE);
    const entries = await p.ledger();
    const [ran] = explainJob(entries, second?.id ?? 0).lines.slice(-1);
    expect(ran?.text).toMatch(
      new RegExp(`^pool0-\\w+ ran job ${second?.id}: running at .* after [\\d a-z]+ of waiting, success at .* \\(5 min\\)$`),
    );
    const worker = entries.find((e) => e.kind === 'launch')?.worker ?? '';
    const [life] = explainWorker(entries, worker).lines.filter(({ text }) => text.includes('was given'));
    expect(life?.text).toBe(`${worker} was given 2 jobs`);
    expect(life?.details?.map((line) => line.split(':')[0])).toEqual([first, second].map((j) => `job ${j?.id} of acme/product`));
  });
});
