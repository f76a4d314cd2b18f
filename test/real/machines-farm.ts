import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { readLedger } from '../../lib/app/ledger/read.ts';
import type { ReadEntry } from '../../lib/app/ledger/schema.ts';
import type { WorkerTemplates } from '../../lib/app/services.ts';
import { HOUR } from '../../lib/core/time.ts';
import { composeServices } from '../../lib/runtime/compose.ts';
import { RunningClock } from '../../sandbox/clock.ts';
import type { SandboxEvent, SimulatedVm } from '../../sandbox/context.ts';
import type { Job, JobSpec, Runner } from '../../sandbox/gitlab/model.ts';
import { LAB_ADDRESS, type MachineOrder } from '../../sandbox/machines/lab.ts';
import type { Machine } from '../../sandbox/machines/machine.ts';
import { type Farm, type FarmOptions, startFarm } from '../../testkit/farm.ts';

/** Between two ticks of the reaper. A minute in production; nothing here depends on it but the length of the test. */
const TICK_MS = 2_000;
/** Where each machine's console is kept after the test. */
const CONSOLES = path.resolve(import.meta.dirname, '../../reports/machines');
const PROJECT = 'acme/product';

type UserDataInput = Parameters<WorkerTemplates['userData']>[0];

export interface MachineFarmOptions extends Pick<FarmOptions, 'pools' | 'document'> {
  /** Starts a real machine for a server that the scaler has created. */
  readonly start: (order: MachineOrder) => Promise<Machine>;
  /** What the user data is rendered from, where a test needs what no configuration may say, e.g. an age of seconds. */
  readonly renderedFrom?: (input: UserDataInput, presign: (key: string, expiresAt: number) => string) => UserDataInput;
}

/** The whole installation on real time: GitLab and OTC are the sandbox, the scaler is the scaler, the workers are real machines. */
export class MachineFarm {
  readonly events: SandboxEvent[] = [];
  readonly #machines = new Map<string, Machine>();
  readonly #started: string[] = [];
  readonly #listeners = new Set<() => void>();
  readonly #complaints: string[] = [];
  #farm: Farm | undefined;

  static async start(options: MachineFarmOptions): Promise<MachineFarm> {
    const made = new MachineFarm();
    const { start, renderedFrom, ...rest } = options;
    const farm = await startFarm({
      ...rest,
      clock: new RunningClock(),
      host: LAB_ADDRESS,
      times: { acceptMs: 100, buildMs: 400, deleteMs: 500, listLagMs: 200 },
      onEvent: (event) => made.#saw(event),
      onLog: (line) => {
        if (!line.includes('"level":"info"')) made.#complaints.push(line);
      },
      machines: (vm) => made.#live(vm, start),
      composeServices: (inputs) => {
        const services = composeServices(inputs);
        const presign = (key: string, expiresAt: number) => services.store.presignGet(key, expiresAt);
        const userData = (input: UserDataInput) => services.worker.userData(renderedFrom?.(input, presign) ?? input);
        return { ...services, worker: { ...services.worker, userData } };
      },
    });
    farm.sandbox.functions.timer('reaper', TICK_MS, '', 'tick');
    made.#farm = farm;
    return made;
  }

  get farm(): Farm {
    if (!this.#farm) throw new Error('the farm has not started');
    return this.#farm;
  }

  /** One pipeline of these jobs, all at once. */
  push(specs: readonly (Omit<JobSpec, 'name'> & { readonly name?: string })[]): readonly Job[] {
    return this.farm.sandbox.gitlab.createPipeline(
      PROJECT,
      specs.map((spec, i) => ({ name: `job-${i}`, ...spec })),
    ).jobs;
  }

  /** The n-th machine of a pool, from 0, once it is switched on. */
  async machine(pool: string, n = 0, withinSeconds = 60): Promise<Machine> {
    const names = () => this.#started.filter((name) => poolOf(name) === pool);
    await this.until(`machine ${n} of pool ${pool}`, withinSeconds, () => names().length > n);
    const found = this.#machines.get(names()[n] ?? '');
    if (!found) throw new Error(`machine ${n} of pool ${pool} did not start`);
    return found;
  }

  async running(job: Job, withinSeconds: number): Promise<void> {
    await this.until(`job ${job.name} running`, withinSeconds, () => job.status !== 'created' && job.status !== 'pending');
  }

  /** Its trace, once it is over. */
  async finished(job: Job, withinSeconds: number): Promise<string> {
    await this.until(`the end of job ${job.name}`, withinSeconds, () => job.finishedAt !== undefined);
    return traceOf(job);
  }

  /** The scaler has deleted the server. */
  removed(name: string, withinSeconds: number): Promise<void> {
    const { ecs } = this.farm.sandbox;
    return this.until(`server ${name} removed`, withinSeconds, () => !ecs.all().some((vm) => vm.name === name));
  }

  runner(name: string): Runner {
    const found = [...this.farm.sandbox.gitlab.runners.values()].find((runner) => runner.description === name);
    if (!found) throw new Error(`no runner ${name}`);
    return found;
  }

  server(name: string): { readonly id: string; readonly userData: string } {
    const vm = this.farm.sandbox.ecs.all().find((candidate) => candidate.name === name);
    if (!vm) throw new Error(`no server ${name}`);
    return { id: vm.id, userData: Buffer.from(vm.order.userData, 'base64').toString() };
  }

  ledger(): Promise<readonly ReadEntry[]> {
    return readLedger(this.farm.services().store, Date.now() - HOUR, Date.now());
  }

  /** What becomes true by something that happens in the sandbox: looked at after each of its events, and each second. */
  until(what: string, withinSeconds: number, check: () => boolean): Promise<void> {
    return new Promise((resolve, reject) => {
      const done = (act: () => void) => {
        clearTimeout(timer);
        clearInterval(again);
        this.#listeners.delete(look);
        act();
      };
      const look = () => {
        if (check()) done(resolve);
      };
      const timer = setTimeout(
        () => done(() => reject(new Error(`${what}: not within ${withinSeconds} s\n${this.#story()}`))),
        withinSeconds * 1000,
      );
      const again = setInterval(look, 1000);
      this.#listeners.add(look);
      look();
    });
  }

  async close(): Promise<void> {
    await this.#farm?.close();
    await mkdir(CONSOLES, { recursive: true });
    const ended = [...this.#machines.values()].map(async (machine) => {
      await machine.kill();
      await writeFile(path.join(CONSOLES, `${machine.name}.log`), machine.text);
    });
    await Promise.all(ended);
  }

  async #live(vm: SimulatedVm, start: MachineFarmOptions['start']): Promise<void> {
    const machine = await start({ name: vm.name, userData: vm.userData, onConsole: (text) => vm.console(text) });
    this.#machines.set(vm.name, machine);
    this.#started.push(vm.name);
    this.#notify();
    const kill = () => void machine.kill();
    if (vm.gone.aborted) kill();
    vm.gone.addEventListener('abort', kill);
    await machine.ended;
    vm.powerOff();
  }

  #saw(event: SandboxEvent): void {
    this.events.push(event);
    this.#notify();
  }

  #notify(): void {
    for (const listener of [...this.#listeners]) listener();
  }

  /** The newest events, and how each machine's console ends: what whoever looks at a failure wants to see. */
  #story(): string {
    const events = this.events.slice(-15).map(({ kind, fields }) => `${kind} ${JSON.stringify(fields)}`);
    const consoles = [...this.#machines.values()].map(({ name, over, text }) => {
      const lines = text.replaceAll('\r', '').split('\n');
      const own = lines.filter((line) => line.includes('gl-scaler worker='));
      return `${name}${over ? ' (off)' : ''}:\n  ${[...own, ...lines.slice(-5)].join('\n  ')}`;
    });
    return [...this.#complaints.slice(-5), ...events, ...consoles].join('\n');
  }
}

export function traceOf(job: Job): string {
  return job.trace.toString();
}

function poolOf(name: string): string {
  return name.slice(0, name.lastIndexOf('-'));
}
