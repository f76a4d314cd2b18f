import * as z from 'zod';
import type { SandboxEvent } from '../sandbox/context.ts';
import { clean, oneLine } from './printable.ts';

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
  'never-booted': 'it never asked for a job',
  'powered-off': 'it left by itself',
  drained: 'drained, and both sources say that it has no job',
  'vm-gone': 'its VM is gone',
};

/** Follows a day: one line for people for each event, and the figures of the summary. */
export class Story {
  readonly #say: (line: string) => void;
  readonly #jobs = new Map<number, { name: string; pendingAt?: number; runningAt?: number; end?: string }>();
  readonly #waits: { readonly job: number; readonly ms: number }[] = [];
  readonly #servers = new Map<string, number>();
  readonly #actions: Record<string, number> = {};
  #machineMs = 0;
  #peak = 0;
  #hooks = 0;
  #killed = 0;

  constructor(say: (line: string) => void) {
    this.#say = say;
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

  /** The longest wait of all. */
  longest(): { readonly job: number; readonly ms: number } | undefined {
    return [...this.#waits].sort((a, b) => b.ms - a.ms)[0];
  }

  summary(now: number) {
    const waits = this.#waits.map((w) => w.ms).sort((a, b) => a - b);
    const at = (share: number) => Math.round((waits[Math.min(waits.length - 1, Math.floor(waits.length * share))] ?? 0) / 1000);
    const ends = [...this.#jobs.values()].map((j) => j.end);
    const running = [...this.#servers.values()].reduce((sum, since) => sum + now - since, 0);
    return {
      jobs: this.#jobs.size,
      succeeded: ends.filter((e) => e === 'success').length,
      failed: ends.filter((e) => e === 'failed').length,
      cancelled: ends.filter((e) => e === 'canceled').length,
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
    const job = this.#jobs.get(id) ?? { name: oneLine(String(fields.name)) };
    this.#jobs.set(id, job);
    if (kind === 'job-pending' && job.pendingAt === undefined) {
      job.pendingAt = at;
      this.#line(at, 'job', `${this.#name(id)} waits (pipeline ${fields.pipeline})`);
    } else if (kind === 'job-running' && job.runningAt === undefined) {
      job.runningAt = at;
      const ms = at - (job.pendingAt ?? at);
      this.#waits.push({ job: id, ms });
      this.#line(at, 'job', `${this.#name(id)} runs, after ${Math.round(ms / 1000)} s`);
    } else if (kind === 'job-finished') {
      job.end = String(fields.status);
      const took = job.runningAt === undefined ? 'before it ran' : `after ${Math.round((at - job.runningAt) / 60_000)} min`;
      this.#line(at, 'job', `${this.#name(id)} ${job.end} ${took}`);
    } else if (kind === 'job-killed') {
      this.#killed += 1;
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
