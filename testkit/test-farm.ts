import { onTestFinished } from 'vitest';
import { readLedger } from '../lib/app/ledger/read.ts';
import type { ReadEntry } from '../lib/app/ledger/schema.ts';
import type { Services } from '../lib/app/services.ts';
import { needSecret } from '../lib/config/secrets.ts';
import { defined } from '../lib/core/defined.ts';
import { dayKey } from '../lib/core/keys.ts';
import { GitLab } from '../lib/gitlab/client.ts';
import { Ecs } from '../lib/otc/ecs/client.ts';
import { otcCloud } from '../lib/otc/ecs/cloud.ts';
import { Ims } from '../lib/otc/ecs/ims.ts';
import { OtcHttp } from '../lib/otc/http.ts';
import { Obs } from '../lib/otc/obs/client.ts';
import { composeServices, type ServicesInputs } from '../lib/runtime/compose.ts';
import { SteppedClock } from '../sandbox/clock.ts';
import type { SandboxEvent } from '../sandbox/context.ts';
import type { Job, JobSpec, Pipeline } from '../sandbox/gitlab/model.ts';
import type { Vm } from '../sandbox/otc/ecs/vm.ts';
import { type Farm, type FarmOptions, startFarm } from './farm.ts';

export const SECOND = 1_000;
export const MINUTE = 60_000;
export const HOUR = 60 * MINUTE;
/** A Monday. */
export const START = Date.parse('2026-11-23T08:00:07Z');
export const PROJECT = 'acme/product';

export interface TestFarmOptions extends Partial<FarmOptions> {
  readonly start?: number;
  /** Fire the reaper's timer each minute; default true. */
  readonly timer?: boolean;
}

/** Machines that come and go in seconds, so that a whole life fits into a few ticks. */
export const FAST_MACHINES = {
  times: { acceptMs: SECOND, buildMs: 5 * SECOND, deleteMs: 5 * SECOND, listLagMs: 2 * SECOND },
  worker: { bootMs: 10 * SECOND },
} satisfies TestFarmOptions;

/** A farm on a clock that jumps, with its log and its events. Closed at the end of the test. */
/** Longer than the farm waits before anything that it does to what looks left over: two minutes without a VM before its runner is forgotten. */
const LASTS_MS = 3 * MINUTE;

export class TestFarm {
  readonly farm: Farm;
  readonly clock: SteppedClock;
  readonly logs: string[];
  readonly events: SandboxEvent[];
  /** Most VMs of ours that existed at one time, deleting ones included. */
  mostMachines = 0;

  constructor(farm: Farm, clock: SteppedClock, logs: string[], events: SandboxEvent[]) {
    this.farm = farm;
    this.clock = clock;
    this.logs = logs;
    this.events = events;
  }

  get sandbox() {
    return this.farm.sandbox;
  }

  get gitlab() {
    return this.farm.sandbox.gitlab;
  }

  get faults() {
    return this.farm.sandbox.ctx.faults;
  }

  /** One pipeline with all the jobs in one stage; each takes 5 min and has the first pool's tag by default. */
  push(jobs: number | readonly Partial<JobSpec>[], project = PROJECT): Pipeline {
    const specs = typeof jobs === 'number' ? Array.from({ length: jobs }, () => ({})) : jobs;
    return this.gitlab.createPipeline(
      project,
      specs.map((spec, i) => ({ name: `job-${i}`, tags: ['pool0'], durationMs: 5 * MINUTE, ...spec })),
    );
  }

  advance(ms: number): Promise<void> {
    return this.clock.advance(ms);
  }

  /**
   * Advances in minutes until `done`, which is checked after each, and some more: what was reached must last. At most `ms`; the test's own expectations
   * then report what is missing.
   */
  async settle(ms: number, done: () => boolean): Promise<void> {
    const end = this.clock.now() + ms;
    while (this.clock.now() < end - LASTS_MS && !done()) await this.advance(Math.min(MINUTE, end - LASTS_MS - this.clock.now()));
    await this.advance(Math.min(LASTS_MS, end - this.clock.now()));
  }

  /** Every job has ended and nothing is left: no VM, no runner, no handoff. */
  isEmpty(): boolean {
    return this.hasServed() && this.vms().length === 0 && this.runners().length === 0 && this.keys('handoff/').length === 0;
  }

  /** Every job has ended. */
  hasServed(): boolean {
    return this.jobs().every((job) => job.finishedAt !== undefined);
  }

  /** One tick of the reaper, with 20 s for its calls to time out. */
  async tick(): Promise<void> {
    const done = this.farm.tick();
    await this.clock.advance(20 * SECOND);
    await done;
  }

  /** Runs work of the test's own on the stepped clock, e.g. a call of an adapter. */
  run<T>(work: (services: Services) => Promise<T>): Promise<T> {
    return this.clock.track(work(this.farm.services()));
  }

  /** VMs of ours that exist, listed or not. */
  vms(): readonly Vm[] {
    return this.sandbox.ecs.all().filter((vm) => vm.order.metadata['managed-by'] === 'sandbox');
  }

  runners() {
    return [...this.gitlab.runners.values()];
  }

  jobs(): readonly Job[] {
    return [...this.gitlab.jobs.all.values()];
  }

  keys(prefix: string): readonly string[] {
    const { objects } = this.bucket().list({ prefix, delimiter: '', from: '', maxKeys: 100_000 });
    return objects.map((o) => o.key);
  }

  text(key: string): string {
    return this.bucket().get(key)?.body.toString() ?? '';
  }

  bucket() {
    return this.sandbox.obs.bucket(this.sandbox.bucket);
  }

  userData(vm: Vm): string {
    return Buffer.from(vm.order.userData, 'base64').toString();
  }

  /** Everything in the ledger so far. */
  ledger(): Promise<readonly ReadEntry[]> {
    return this.run((services) => readLedger(services.store, START - HOUR, this.clock.now()));
  }

  /** The day's series, as rows by column. */
  series(at = this.clock.now()): readonly Readonly<Record<string, string>>[] {
    const [head = '', ...lines] = this.text(dayKey(at)).trimEnd().split('\n');
    const columns = head.split(',');
    return lines.map((line) => {
      const fields = line.split(',');
      return Object.fromEntries(columns.map((column, i) => [column, fields[i] ?? '']));
    });
  }

  count(kind: string, from = 0): number {
    return this.events.filter((e) => e.kind === kind && e.at >= from).length;
  }

  /** Log lines with this message. */
  logged(message: string): readonly Record<string, unknown>[] {
    return this.logs.map((line) => JSON.parse(line) as Record<string, unknown>).filter((line) => line.msg === message);
  }
}

export async function startTestFarm(options: TestFarmOptions = {}): Promise<TestFarm> {
  const { start = START, timer = true, ...rest } = options;
  const clock = new SteppedClock(start);
  const logs: string[] = [];
  const events: SandboxEvent[] = [];
  let made: TestFarm | undefined;
  const farm = await startFarm({
    clock,
    onLog: (line) => logs.push(line),
    onEvent: (event) => {
      events.push(event);
      if (made && event.kind === 'server-created') made.mostMachines = Math.max(made.mostMachines, made.vms().length);
    },
    ...rest,
  });
  onTestFinished(() => farm.close());
  if (timer) farm.sandbox.functions.timer('reaper', MINUTE, '', 'minute');
  made = new TestFarm(farm, clock, logs, events);
  return made;
}

/** A VM of ours that could not be created, an hour ago, and whose runner is gone: nothing can ever have run on it. */
export function neverRan({ sandbox, clock }: TestFarm): void {
  const metadata = { 'managed-by': 'sandbox', 'runner-id': '9999' };
  sandbox.ecs.addForeign({ name: `pool0-01m${'0'.repeat(23)}`, status: 'ERROR', createdAt: clock.now() - HOUR, metadata });
}

/**
 * The adapters as `composeServices` builds them, but no real time goes by before a repetition, and a call that is never answered is given up after
 * `patienceMs` of it.
 */
export function impatientServices(patienceMs = 10_000): (inputs: ServicesInputs) => Services {
  return (inputs) => {
    const { config, credentials, clock, secrets, signal } = inputs;
    const { projectId, endpoints } = config.otc;
    const patience = { deadlineMs: patienceMs, backoffMs: 1 };
    const http = new OtcHttp({ credentials, projectId, clock, ...patience });
    const ecs = new Ecs({ http, endpoint: endpoints.ecs, projectId, installation: config.settings.installation });
    const token = needSecret(secrets.gitlabToken, 'GITLAB_TOKEN').reveal();
    const gitlab = { url: config.settings.gitlabUrl, token, clock, ...defined({ signal }) };
    return {
      ...composeServices(inputs),
      // The list of a group's projects has three eighths of a call's time.
      forge: new GitLab({ ...gitlab, deadlineMs: 3 * patienceMs, tryTimeoutMs: patienceMs }),
      cloud: otcCloud(ecs, new Ims({ http, endpoint: endpoints.ims })),
      store: new Obs({ endpoint: endpoints.obs, bucket: config.bucket.name, credentials, clock, ...patience }),
    };
  };
}
