import {
  AccessError,
  ConfigError,
  describeError,
  QuotaError,
  ScalerError,
  SoldOutError,
  ThrottledError,
  UnclearError,
} from '../core/errors.ts';
import { type Launch, PAUSE_MS, type PoolMemory, REFUSAL_MS, type Refusal } from '../core/memory.ts';
import { workerName } from '../core/names.ts';
import type { Action } from '../core/plan.ts';
import type { PoolSettings } from './settings.ts';
import type { Deadline, World } from './world.ts';

/** What became of one launch. */
export interface LaunchOutcome {
  readonly worker: string;
  readonly outcome: 'done' | 'failed' | 'skipped' | 'unclear';
  readonly launch?: Launch;
  readonly runnerId?: number;
  readonly serverId?: string;
  readonly flavor?: string;
  readonly zone?: string;
  readonly code?: string;
  readonly message?: string;
}

type LaunchAction = Extract<Action, { kind: 'launch' }>;

/** Key of the object that gives a worker its configuration, the runner's token included. */
export function handoffKey(worker: string): string {
  return `handoff/v1/${worker}.toml`;
}

/**
 * Launches workers of one pool within one pass. Refusals that one launch meets spare the others the same call: a rung without capacity is
 * passed over, and a quota, a throttle or a wrong setting ends the ordering.
 */
export class Launcher {
  readonly refusals: Refusal[] = [];
  pause: PoolMemory['pause'];
  readonly #world: World;
  readonly #settings: PoolSettings;
  readonly #memory: PoolMemory;
  readonly #deadline: Deadline;
  readonly #installation: string;
  #image: Promise<string> | undefined;

  constructor(world: World, settings: PoolSettings, installation: string, memory: PoolMemory, deadline: Deadline) {
    this.#world = world;
    this.#settings = settings;
    this.#installation = installation;
    this.#memory = memory;
    this.#deadline = deadline;
  }

  /** Name → runner → handoff → server; a failure undoes the steps before it. Never throws. */
  async launch(action: LaunchAction, at: number): Promise<LaunchOutcome> {
    const worker = workerName(this.#settings.pool.name, this.#world.ulid(this.#world.clock.now()));
    if (this.#deadline.act.aborted) return { worker, outcome: 'skipped', code: 'deadline' };
    if (this.pause) return { worker, outcome: 'skipped', code: this.pause.code, message: this.pause.message };
    if (this.#rungs().length === 0) return { worker, outcome: 'skipped', ...this.#soldOut() };
    let runner: { readonly id: number; readonly token: string } | undefined;
    try {
      // The image is looked up while GitLab answers; a failure of it is met below.
      this.#imageId().catch(() => undefined);
      runner = await this.#createRunner(worker);
      const userData = await this.#handOff(worker, runner);
      return await this.#order(worker, runner.id, userData, action, at);
    } catch (error) {
      this.#learn(error);
      await this.#undo(worker, runner?.id);
      const { code, message } = describeError(error);
      return { worker, outcome: 'failed', ...(runner ? { runnerId: runner.id } : {}), code, message };
    }
  }

  async #createRunner(worker: string): Promise<{ readonly id: number; readonly token: string }> {
    const { scope, pool, runner } = this.#settings;
    const { tags, runUntagged } = pool;
    const limits = runner.maximumTimeout === undefined ? {} : { maximumTimeout: runner.maximumTimeout };
    const spec = { scope, name: worker, tags, runUntagged, protectedOnly: runner.protectedOnly, ...limits };
    try {
      return await this.#world.forge.createRunner(spec, { signal: this.#deadline.act });
    } catch (error) {
      // It may exist all the same, but its token is shown only once: remove it, and let the next pass launch another.
      if (error instanceof UnclearError) await this.#removeByName(worker);
      throw error;
    }
  }

  async #removeByName(worker: string): Promise<void> {
    const signal = this.#deadline.all;
    try {
      const found = await this.#world.forge.findRunners(this.#settings.scope, worker, { signal });
      for (const { id } of found) await this.#world.forge.deleteRunner(id, { signal });
    } catch (error) {
      this.#world.log.warn('runner of an unclear create not looked up; it will be forgotten later', { worker, ...describeError(error) });
    }
  }

  async #handOff(worker: string, runner: { readonly id: number; readonly token: string }): Promise<string> {
    const { store, clock, worker: templates } = this.#world;
    const settings = this.#settings;
    const body = templates.handoff({ settings, worker, runnerId: runner.id, token: runner.token });
    await store.put(handoffKey(worker), body, { signal: this.#deadline.act, contentType: 'application/toml', expiresDays: 1 });
    const handoffUrl = store.presignGet(handoffKey(worker), clock.now() + settings.pool.bootTimeoutMs);
    return templates.userData({ settings, worker, handoffUrl });
  }

  /** Walks flavors × zones until one is accepted. Throws what ends the launch. */
  async #order(worker: string, runnerId: number, userData: string, action: LaunchAction, at: number): Promise<LaunchOutcome> {
    const imageId = await this.#imageId();
    for (let rung = this.#rungs()[0]; rung; rung = this.#rungs()[0]) {
      const done = { worker, runnerId, ...rung };
      const pending: Launch = { name: worker, at, ...rung, ...jobOf(action), listed: false, outcome: 'pending' };
      try {
        const { operationId, serverId } = await this.#createServer(worker, runnerId, userData, imageId, rung);
        return { ...done, outcome: 'done', serverId, launch: { ...pending, operationId } };
      } catch (error) {
        if (error instanceof UnclearError) return await this.#look(done, pending, error);
        if (!(error instanceof SoldOutError)) throw error;
        this.refusals.push({ ...rung, code: error.code, until: this.#world.clock.now() + REFUSAL_MS });
      }
    }
    const { code, message } = this.#soldOut();
    throw new SoldOutError(code, message);
  }

  #createServer(worker: string, runnerId: number, userData: string, imageId: string, rung: { flavor: string; zone: string }) {
    const { machine, pool } = this.#settings;
    const metadata = { 'managed-by': this.#installation, pool: pool.name, 'runner-id': String(runnerId) };
    const tags = { 'managed-by': this.#installation, pool: pool.name };
    const { vpcId, subnetId, securityGroups, rootVolume, publicIp, keyName } = machine;
    const network = { vpcId, subnetId, securityGroups, ...(publicIp ? { publicIp } : {}), ...(keyName ? { keyName } : {}) };
    return this.#world.cloud.createServer(
      { name: worker, ...rung, imageId, rootVolume, ...network, userData, metadata, tags },
      { signal: this.#deadline.act },
    );
  }

  /**
   * No clear answer to the create: look for the name. Not finding it proves nothing, because new servers are listed late; so nothing is undone.
   * If there is a VM it will serve; if not, its runner stops counting in a few minutes and is forgotten later.
   */
  async #look(done: Omit<LaunchOutcome, 'outcome'>, launch: Launch, error: UnclearError): Promise<LaunchOutcome> {
    try {
      const [found] = await this.#world.cloud.servers(launch.name, { signal: this.#deadline.all });
      if (found) return { ...done, outcome: 'done', serverId: found.id, launch: { ...launch, listed: true } };
    } catch {
      // Still unclear; the outcome says so.
    }
    return { ...done, outcome: 'unclear', launch, code: error.code, message: error.message };
  }

  #rungs(): readonly { readonly flavor: string; readonly zone: string }[] {
    const refused = [...this.#memory.refusals, ...this.refusals];
    const { flavors, zones } = this.#settings.machine;
    return flavors
      .flatMap((flavor) => zones.map((zone) => ({ flavor, zone })))
      .filter(({ flavor, zone }) => !refused.some((r) => r.flavor === flavor && r.zone === zone));
  }

  #soldOut(): { readonly code: string; readonly message: string } {
    const refused = [...this.#memory.refusals, ...this.refusals];
    return { code: 'sold-out', message: `no capacity: ${refused.map((r) => `${r.flavor} in ${r.zone} (${r.code})`).join(', ')}` };
  }

  #imageId(): Promise<string> {
    const { image } = this.#settings.machine;
    if ('id' in image) return Promise.resolve(image.id);
    this.#image ??= this.#world.cloud.image(image.name, { signal: this.#deadline.act }).then(({ id }) => id);
    return this.#image;
  }

  /** What must stop all ordering for a while. */
  #learn(error: unknown): void {
    if (!(error instanceof ScalerError) || error instanceof SoldOutError || error instanceof UnclearError) return;
    const stops = error instanceof QuotaError || error instanceof AccessError || error instanceof ConfigError;
    if (!stops && !(error instanceof ThrottledError)) return;
    const ms = error instanceof ThrottledError ? error.retryAfterMs : PAUSE_MS;
    this.pause ??= { until: this.#world.clock.now() + ms, code: error.code, message: error.message };
  }

  /** Best effort and step by step: what stays behind is a stray or an expired handoff, and later ticks remove it. */
  async #undo(worker: string, runnerId: number | undefined): Promise<void> {
    if (runnerId === undefined) return;
    const signal = this.#deadline.all;
    const steps = [this.#world.store.delete(handoffKey(worker), { signal }), this.#world.forge.deleteRunner(runnerId, { signal })];
    for (const step of await Promise.allSettled(steps)) {
      if (step.status === 'rejected') this.#world.log.warn('launch not undone completely', { worker, ...describeError(step.reason) });
    }
  }
}

function jobOf({ jobId, retry }: LaunchAction): Pick<Launch, 'jobId' | 'retry'> {
  return { ...(jobId !== undefined && { jobId }), ...(retry && { retry }) };
}
