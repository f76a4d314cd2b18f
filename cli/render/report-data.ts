import type { Report } from '../../lib/core/report/report.ts';
import type { Timeline } from '../../lib/core/report/timeline.ts';
import type { Spread } from '../../lib/core/statistics.ts';
import { toIso } from '../../lib/core/time.ts';

/** The report for programs: times in ISO, durations in seconds, money in the currency's units. What is not known is null. */
export function reportJson(made: Report): Readonly<Record<string, unknown>> {
  const { from, to, pool, project, currency, steps, projects, jobless, pools, total, gaps, timelines } = made;
  return {
    version: 1,
    from: toIso(from),
    to: toIso(to),
    pool: pool ?? null,
    project: project ?? null,
    currency: currency ?? null,
    jobs: timelines.length,
    jobsOnNewWorkers: timelines.filter(({ fresh }) => fresh).length,
    steps: steps.map(({ step, ...row }) => ({ step, ...seconds(row) })),
    projects: projects.map((row) => ({
      project: row.project,
      jobs: row.jobs,
      wait: seconds(row.wait),
      runSeconds: row.runMs / 1000,
      overheadSeconds: row.overheadMs / 1000,
      cost: row.cost ?? null,
    })),
    jobless: { machines: jobless.machines, seconds: jobless.totalMs / 1000, cost: jobless.cost ?? null },
    pools: pools.map((row) => ({ pool: row.pool, ...use(row) })),
    total: use(total),
    gaps,
  };
}

function seconds({ n, p50, p95, max }: Spread) {
  const of = (ms: number | undefined) => (ms === undefined ? null : ms / 1000);
  return { n, p50: of(p50), p95: of(p95), max: of(max) };
}

function use(row: Report['total']) {
  return {
    machines: row.machines,
    seconds: row.totalMs / 1000,
    runSeconds: row.runMs / 1000,
    bootSeconds: row.bootMs / 1000,
    idleSeconds: row.idleMs / 1000,
    unknownSeconds: row.unknownMs / 1000,
    idleShare: row.idleShare === undefined ? null : Number(row.idleShare.toFixed(4)),
    cost: row.cost ?? null,
  };
}

const TIMES = ['created', 'pending', 'hook', 'noticed', 'accepted', 'active', 'online', 'running', 'finished'] as const;

/** One line for each job that began in the span, with all that is known of its way. */
export function reportCsv({ timelines }: Report): string {
  const head = ['job', 'project', 'pool', 'worker', 'status', 'new_worker', ...TIMES, 'wait_seconds', 'run_seconds'];
  return [head, ...timelines.map(csvFields)].map((fields) => `${fields.map(escaped).join(',')}\n`).join('');
}

function csvFields({ job, fresh, hookAt, noticedAt, acceptedAt, activeAt, onlineAt, steps }: Timeline): readonly string[] {
  const times = [job.createdAt, job.queuedAt, hookAt, noticedAt, acceptedAt, activeAt, onlineAt, job.startedAt, job.finishedAt];
  const wait = steps['pending-running'];
  const ran = job.startedAt === undefined || job.finishedAt === undefined ? undefined : job.finishedAt - job.startedAt;
  const inSeconds = [wait, ran].map((ms) => (ms === undefined ? '' : String(ms / 1000)));
  const text = times.map((at) => (at === undefined ? '' : toIso(at)));
  return [String(job.id), job.project, job.pool, job.worker, job.status, fresh ? 'yes' : 'no', ...text, ...inSeconds];
}

/** RFC 4180. */
function escaped(field: string): string {
  return /[",\r\n]/.test(field) ? `"${field.replaceAll('"', '""')}"` : field;
}
