import { describe, expect, it } from 'vitest';
import { withinDeadline } from '../../cli/shared/environment.ts';
import { renderReport } from '../../cli/shared/output.ts';
import { explainJob } from '../../lib/app/ledger/explain.ts';
import { dryExecutor } from '../../lib/app/reconcile/executor.ts';
import { reconcile } from '../../lib/app/reconcile/reconcile.ts';
import type { FarmStatus } from '../../lib/app/status/schema.ts';
import { FARM_KEY } from '../../lib/core/keys.ts';
import {
  FAST_MACHINES,
  impatientServices,
  MINUTE,
  SECOND,
  startTestFarm,
  type TestFarm,
  type TestFarmOptions,
} from '../../testkit/test-farm.ts';

const OTHER = 'acme/other';
const EVER = 1_000_000;
const FAST = { ...FAST_MACHINES, composeServices: impatientServices(5_000) } satisfies TestFarmOptions;
const BROKEN = { operation: 'gitlab.jobs', times: EVER, status: 500 } as const;

/** More pipelines than one query shows: the project is read by REST. Their jobs are for nobody's tags. */
function makeLarge(p: TestFarm, project: string): void {
  for (let i = 0; i < 51; i += 1) p.push([{ tags: ['nobody'] }], project);
}

function projectId(p: TestFarm, path: string): number {
  const found = [...p.gitlab.projects.values()].find((project) => project.path === path);
  if (!found) throw new Error(`no project ${path}`);
  return found.id;
}

function farm(p: TestFarm): FarmStatus {
  return JSON.parse(p.text(FARM_KEY));
}

async function planText(p: TestFarm): Promise<string> {
  const options = { trigger: 'person', mayLaunch: true, mayRemove: true } as const;
  const report = p.run((services) =>
    withinDeadline(60_000, (deadline) => reconcile({ services, settings: p.farm.config.settings, deadline }, options, dryExecutor)),
  );
  await p.advance(20 * SECOND);
  return renderReport(await report);
}

async function explained(p: TestFarm, job: number): Promise<string> {
  return explainJob(await p.ledger(), job)
    .lines.map(({ text }) => text)
    .join('\n');
}

describe('a project whose jobs cannot be read', () => {
  it('costs only its own jobs: the others are served, and it is named in alarm, plan, log and explain', async () => {
    const p = await startTestFarm({ ...FAST, pools: [{}, {}] });
    p.gitlab.createProject(OTHER);
    makeLarge(p, OTHER);
    p.faults.inject(BROKEN);
    const [unseen] = [...p.push([{ durationMs: MINUTE, tags: ['pool1'] }], OTHER).jobs.values()];
    p.push([{ durationMs: MINUTE }]);
    await p.advance(6 * MINUTE);

    const id = projectId(p, OTHER);
    expect(p.jobs().filter(({ status }) => status === 'success')).toHaveLength(1);
    const text = `not all jobs can be read: jobs of project ${id} (http-500); the others are served, and nothing idle is drained`;
    expect(farm(p).alarms.map(({ kind, subject, state, text: what }) => [kind, subject, state, what])).toEqual([
      ['unread', 'jobs', 'raised', text],
      ['unread', 'jobs', 'raised', text],
    ]);
    expect(p.logged('source unread').at(-1)).toMatchObject({ source: 'jobs', part: `jobs of project ${id}`, code: 'http-500' });
    expect(await planText(p)).toContain(`! jobs of project ${id} could not be read: http-500`);
    expect(await explained(p, unseen?.id ?? 0)).toMatch(
      new RegExp(`not seen waiting, or among what could not be read: jobs of project ${id} could not be read \\(http-500`),
    );
    // Their number is not known, and is not given as if it were.
    expect(p.series().at(-1)).toMatchObject({ pending: '', unmet: '', oldest_wait: '' });
    expect(p.count('job-killed')).toBe(0);

    p.faults.clear();
    await p.advance(6 * MINUTE);
    expect(p.jobs().filter(({ status }) => status === 'success')).toHaveLength(2);
    expect(farm(p).alarms).toEqual([]);
  });

  it('keeps idle workers where they are', async () => {
    // Its night keeps workers, so that they do not leave by themselves within idle_time.
    const night = { periods: ['* * 0-5 * * * *'], timezone: 'UTC', idle_count: 1, idle_time: '1h' };
    const p = await startTestFarm({ ...FAST, pools: [{ idle_time: 30, periods: [night] }] });
    p.push([{ durationMs: 20 * SECOND }]);
    await p.advance(90 * SECOND);
    p.gitlab.createProject(OTHER);
    makeLarge(p, OTHER);
    p.faults.inject(BROKEN);
    await p.advance(5 * MINUTE);
    expect(p.logged('action').filter(({ kind }) => kind === 'drain')).toEqual([]);
    expect(p.vms()).toHaveLength(1);
    p.faults.clear();
    await p.advance(5 * MINUTE);
    expect(p.vms()).toEqual([]);
  });
});

it('a farm with more than can be read in one pass is read in turn, over passes and calls', async () => {
  const p = await startTestFarm({ ...FAST, timer: false });
  const others = Array.from({ length: 12 }, (_, i) => `acme/large-${i}`);
  for (const path of others) {
    p.gitlab.createProject(path);
    makeLarge(p, path);
  }
  p.push([{}]);
  // GitLab asks for quiet at the first of them.
  p.faults.inject({ operation: 'gitlab.jobs', times: EVER, status: 429 });
  await p.tick();
  expect(p.vms()).toHaveLength(1);
  const [key] = p.keys('state/v1/demand/');
  const left: { readonly projects: readonly number[] } = JSON.parse(p.text(key ?? ''));
  expect(left.projects).toHaveLength(12);

  // What was not asked for comes first.
  p.faults.clear();
  const before = p.sandbox.ctx.faults.calls('gitlab.jobs');
  await p.tick();
  expect(p.sandbox.ctx.faults.calls('gitlab.jobs') - before).toBe(12);
  expect(p.keys('state/v1/demand/')).toEqual([]);
});
