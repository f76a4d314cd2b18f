import * as z from 'zod';
import { counted } from '../../lib/core/plural.ts';
import { formatDuration, SECOND, toIso } from '../../lib/core/time.ts';
import type { SandboxEvent } from '../../sandbox/context.ts';
import { clean, oneLine } from '../shared/printable.ts';

/** What the functions log about an action. */
const ActionLine = z.object({
  msg: z.literal('action'),
  kind: z.string(),
  worker: z.string(),
  why: z.string(),
  outcome: z.string(),
  jobId: z.number().optional(),
  flavor: z.string().optional(),
  zone: z.string().optional(),
  code: z.string().optional(),
  alarm: z.string().optional(),
});

const REASONS: Readonly<Record<string, string>> = {
  demand: 'a job waits and no worker is free',
  'idle-target': 'the period keeps workers ready',
  probe: 'earlier machines did not boot, one is tried',
  idle: 'idle for longer than idle_time, and nobody needs it',
  'max-builds': 'it has done max_builds jobs',
  'max-age': 'it is older than max_age',
  'token-expires': 'the token of its runner ends soon',
  unresponsive: 'it looks idle and let a job wait',
  'never-booted': 'it never asked for a job',
  'powered-off': 'it left by itself',
  drained: 'drained, and both sources say that it has no job',
  'vm-gone': 'its VM is gone',
};

interface Job {
  readonly name: string;
  pendingAt?: number;
  runningAt?: number;
  /** As GitLab last showed it. */
  status: string;
}

const ENDS = ['success', 'failed', 'canceled', 'skipped'];

/** Follows the days: one line for people for each event, and the figures of each day. */
export class Story {
  readonly #say: (line: string) => void;
  readonly #jobs = new Map<number, Job>();
  readonly #servers = new Map<string, number>();
  #since: number;
  #waits: { readonly job: number; readonly ms: number }[] = [];
  #actions: Record<string, number> = {};
  /** Jobs that were there before the day began. */
  #carried = 0;
  #machineMs = 0;
  #peak = 0;
  #hooks = 0;
  #killed = 0;
  #killedEver = 0;

  constructor(say: (line: string) => void, since: number) {
    this.#say = say;
    this.#since = since;
  }

  get killedEver(): number {
    return this.#killedEver;
  }

  /** Begins another day: what is not over goes on, all else is of the day before. */
  nextDay(now: number): void {
    for (const [id, { status }] of this.#jobs) if (ENDS.includes(status)) this.#jobs.delete(id);
    for (const id of this.#servers.keys()) this.#servers.set(id, now);
    this.#since = now;
    this.#carried = this.#jobs.size;
    this.#waits = [];
    this.#actions = {};
    this.#machineMs = 0;
    this.#peak = this.#servers.size;
    this.#hooks = 0;
    this.#killed = 0;
  }

  /** An event of the sandbox. */
  event({ at, kind, fields }: SandboxEvent): void {
    if (kind.startsWith('job-')) this.#job(at, kind, Number(fields.job), fields);
    if (kind.startsWith('server-')) this.#server(at, kind, String(fields.id), String(fields.name));
    if (kind === 'hook-delivered') this.#hooks += 1;
  }

  /** A line that a function logged. */
  log(line: string, at: number): void {
    const action = clean(ActionLine.safeParse(JSON.parse(line)).data);
    if (!action) return;
    const { kind, worker, why, outcome, jobId, flavor, zone, code, alarm } = action;
    if (outcome === 'done') this.#actions[kind] = (this.#actions[kind] ?? 0) + 1;
    const job = jobId === undefined ? '' : ` for job ${this.#name(jobId)}`;
    const place = flavor ? `, ${flavor} in ${zone}` : '';
    const end = outcome === 'done' ? '' : `  → ${outcome}: ${code ?? ''}`;
    this.#line(at, kind, `${worker}${job}: ${REASONS[why] ?? why}${place}${alarm ? `  ALARM ${alarm}` : ''}${end}`);
  }

  /** The longest wait of the day. */
  longest(): { readonly job: number; readonly ms: number } | undefined {
    return [...this.#waits].sort((a, b) => b.ms - a.ms)[0];
  }

  summary(now: number) {
    const waits = this.#waits.map((w) => w.ms).sort((a, b) => a - b);
    const at = (share: number) => Math.round((waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? 0) / 1000);
    const count = (...statuses: string[]) => [...this.#jobs.values()].filter(({ status }) => statuses.includes(status)).length;
    const running = [...this.#servers.values()].reduce((sum, since) => sum + now - since, 0);
    return {
      since: this.#since,
      until: now,
      jobs: this.#jobs.size,
      carriedOver: this.#carried,
      succeeded: count('success'),
      failed: count('failed'),
      cancelled: count('canceled'),
      skipped: count('skipped'),
      stillRunning: count('running', 'canceling'),
      stillWaiting: count('pending'),
      /** In a later stage of a pipeline whose earlier ones are not over. */
      notBegun: this.#jobs.size - count(...ENDS, 'running', 'canceling', 'pending'),
      killedByScaling: this.#killed,
      waitSeconds: { p50: at(0.5), p95: at(0.95), max: at(1) },
      machineHours: Math.round((this.#machineMs + running) / 36_000) / 100,
      peakMachines: this.#peak,
      machinesLeft: this.#servers.size,
      workers: {
        launched: this.#actions.launch ?? 0,
        drained: this.#actions.drain ?? 0,
        reaped: this.#actions.reap ?? 0,
        forgotten: this.#actions.forget ?? 0,
      },
      hooksDelivered: this.#hooks,
    };
  }

  #job(at: number, kind: string, id: number, fields: SandboxEvent['fields']): void {
    const job: Job = this.#jobs.get(id) ?? { name: oneLine(String(fields.name)), status: '' };
    this.#jobs.set(id, job);
    if (kind !== 'job-killed') job.status = kind === 'job-finished' ? String(fields.status) : kind.slice('job-'.length);
    if (kind === 'job-pending' && job.pendingAt === undefined) {
      job.pendingAt = at;
      this.#line(at, 'job', `${this.#name(id)} waits (pipeline ${fields.pipeline})`);
    } else if (kind === 'job-running' && job.runningAt === undefined) {
      job.runningAt = at;
      const ms = at - (job.pendingAt ?? at);
      this.#waits.push({ job: id, ms });
      this.#line(at, 'job', `${this.#name(id)} runs, after ${formatDuration(ms, 'fine')}`);
    } else if (kind === 'job-finished') {
      const took = job.runningAt === undefined ? 'before it ran' : `after ${formatDuration(at - job.runningAt)}`;
      this.#line(at, 'job', `${this.#name(id)} ${job.status} ${took}`);
    } else if (kind === 'job-killed') {
      this.#killed += 1;
      this.#killedEver += 1;
      this.#line(at, 'KILLED', `${this.#name(id)} lost its machine`);
    }
  }

  #server(at: number, kind: string, id: string, name: string): void {
    if (kind === 'server-created') {
      this.#servers.set(id, at);
      this.#peak = Math.max(this.#peak, this.#servers.size);
    } else if (kind === 'server-deleted') {
      this.#machineMs += at - (this.#servers.get(id) ?? at);
      this.#servers.delete(id);
    } else if (kind === 'server-off') this.#line(at, 'worker', `${oneLine(name)} powers itself off`);
  }

  #name(id: number): string {
    return `${id} ${this.#jobs.get(id)?.name ?? ''}`.trim();
  }

  #line(at: number, what: string, text: string): void {
    this.#say(`${new Date(at).toISOString().slice(11, 19)}  ${what.padEnd(7)} ${text}`);
  }
}

/** The figures of a day, for people. */
export function dayInFigures(figures: ReturnType<Story['summary']>, alwaysOn: number): string {
  const { waitSeconds: wait, workers, since, until } = figures;
  const moment = (at: number) => toIso(at).slice(0, 16).replace('T', ' ');
  const jobs = [
    [figures.succeeded, 'succeeded'],
    [figures.failed, 'failed'],
    [figures.cancelled, 'cancelled'],
    [figures.skipped, 'skipped'],
    [figures.stillRunning, 'still running'],
    [figures.stillWaiting, 'still waiting'],
    [figures.notBegun, 'not begun'],
  ] as const;
  const parts = jobs.filter(([count], i) => count > 0 || i < 3).map(([count, word]) => `${count} ${word}`);
  const carried = figures.carriedOver === 0 ? '' : ` (${figures.carriedOver} from the day before)`;
  const always = Math.round((alwaysOn * (until - since)) / 36_000) / 100;
  return `
The day in figures (${moment(since)} to ${moment(until)} UTC)
  jobs             ${figures.jobs}${carried}: ${parts.join(', ')}; ${figures.killedByScaling} killed by scaling
  waiting          p50 ${formatDuration(wait.p50 * SECOND, 'fine')}, p95 ${formatDuration(wait.p95 * SECOND, 'fine')}, longest ${formatDuration(wait.max * SECOND, 'fine')}
  machine hours    ${figures.machineHours} (${counted(alwaysOn, 'machine that is', 'machines that are')} always on: ${always}), at most ${figures.peakMachines} at once, ${figures.machinesLeft} at the end
  workers          ${workers.launched} launched, ${workers.drained} drained, ${workers.reaped} reaped, ${workers.forgotten} forgotten
  hooks            ${figures.hooksDelivered} delivered`;
}
