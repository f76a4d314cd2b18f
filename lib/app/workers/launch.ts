import { defined } from '../../core/defined.ts';
import {
  ConflictError,
  describeError,
  QuotaError,
  SoldOutError,
  SubnetFullError,
  ThrottledError,
  UnclearError,
  UnsentError,
} from '../../core/errors.ts';
import { workerName } from '../../core/fleet/names.ts';
import { lifeOf } from '../../core/fleet/token-expiry.ts';
import { handoffKey } from '../../core/keys.ts';
import { REFUSAL_MS, refuse, throttle } from '../../core/launches/pause.ts';
import type { Launch, Pause, PoolState, Refusal } from '../../core/launches/types.ts';
import type { Action } from '../../core/plan/types.ts';
import type { PassContext } from '../pass-context.ts';
import type { NewRunner } from '../ports/index.ts';
import type { Deadline, Services } from '../services.ts';
import type { PoolSettings } from '../settings.ts';
import type { Images } from './images.ts';
import { orderDigest } from './order-digest.ts';

/** What became of one launch. */
export interface LaunchOutcome {
  readonly worker: string;
  readonly outcome: 'done' | 'failed' | 'skipped' | 'unclear';
  readonly launch?: Launch;
  readonly runnerId?: number;
  readonly serverId?: string;
  readonly flavor?: string;
  readonly zone?: string;
  readonly subnet?: string;
  readonly code?: string;
  readonly message?: string;
}

type LaunchAction = Extract<Action, { kind: 'launch' }>;

/** One way to buy a machine. */
interface Offer {
  readonly flavor: string;
  readonly zone: string;
  /** Only where the pool has several. */
  readonly subnet?: string;
}

export interface LauncherOptions {
  readonly settings: PoolSettings;
  readonly memory: PoolState;
  readonly images: Images;
  /** Machines of the pool before this pass. */
  readonly machines: number;
}

/**
 * Launches workers of one pool within one pass. Refusals that one launch meets spare the others the same call: an offer without capacity is
 * passed over, and what repeating does not cure ends the ordering.
 */
export class Launcher {
  readonly refusals: Refusal[] = [];
  /** Set by this pass; absent when what was remembered still holds. */
  pause: Pause | undefined;
  readonly #services: Services;
  readonly #installation: string;
  readonly #passTime: number;
  readonly #options: LauncherOptions;
  readonly #deadline: Deadline;
  #accepted = 0;
  #ready: Promise<string> | undefined;

  constructor({ services, settings, pass, deadline }: PassContext, options: LauncherOptions) {
    this.#services = services;
    this.#installation = settings.installation;
    this.#passTime = pass.time;
    this.#deadline = deadline;
    this.#options = options;
  }

  /** Name → runner → handoff → server, once all is known that can be known before; a failure undoes the steps before it. Never throws. */
  async launch(action: LaunchAction): Promise<LaunchOutcome> {
    const worker = workerName(this.#options.settings.pool.name, this.#services.ulid(this.#services.clock.now()));
    if (this.#deadline.act.aborted) return { worker, outcome: 'skipped', code: 'deadline' };
    let runner: NewRunner | undefined;
    try {
      this.#ready ??= this.#prepare();
      const imageId = await this.#ready;
      // Another launch may have met what would end this one, too.
      if (this.pause) return this.#skipped(worker, this.pause);
      runner = await this.#createRunner(worker);
      const userData = await this.#handOff(worker, runner);
      return await this.#order(worker, runner.id, userData, imageId, action);
    } catch (error) {
      const known = runner ? undefined : this.pause;
      this.#learn(error);
      if (known) return this.#skipped(worker, known);
      await this.#undo(worker, runner?.id);
      const { code, message } = describeError(error);
      return { worker, outcome: 'failed', ...(runner ? { runnerId: runner.id } : {}), code, message };
    }
  }

  #skipped(worker: string, { code, message }: Pause): LaunchOutcome {
    return { worker, outcome: 'skipped', code, message };
  }

  /** What would end a launch is looked for before anything is made: offers, the image, and a quota while one is remembered as used up. */
  async #prepare(): Promise<string> {
    if (this.#offers().length === 0) throw this.#exhausted();
    const { settings, images, memory } = this.#options;
    const [imageId] = await Promise.all([
      images.idOf(settings.machine.image),
      ...(memory.pause?.refused?.kind === 'quota' ? [this.#checkQuota(memory.pause)] : []),
    ]);
    return imageId;
  }

  /** Only whether there is any room at all: what a flavor needs is not known. Without an answer the order itself will tell. */
  async #checkQuota(pause: Pause): Promise<void> {
    const quotas = await this.#services.cloud.quotas({ signal: this.#deadline.act }).catch(() => []);
    const full = quotas.find(({ used, max }) => max !== undefined && used >= max);
    if (full) throw new QuotaError(pause.code, `the quota of ${full.name} is used up: ${full.used} of ${full.max}`);
  }

  async #createRunner(worker: string): Promise<NewRunner> {
    const { scope, pool, runner } = this.#options.settings;
    const { tags, runUntagged } = pool;
    const limits = runner.maximumTimeout === undefined ? {} : { maximumTimeout: runner.maximumTimeout };
    const spec = { scope, name: worker, tags, runUntagged, protectedOnly: runner.protectedOnly, ...limits };
    try {
      return await this.#services.forge.createRunner(spec, { signal: this.#deadline.act });
    } catch (error) {
      // It may exist all the same, but its token is shown only once: remove it, and let the next pass launch another.
      if (isOpen(error)) await this.#removeByName(worker);
      throw error;
    }
  }

  async #removeByName(worker: string): Promise<void> {
    const signal = this.#deadline.all;
    try {
      const found = await this.#services.forge.findRunners(this.#options.settings.scope, worker, { signal });
      for (const { id } of found) await this.#services.forge.deleteRunner(id, { signal });
    } catch (error) {
      this.#services.log.warn('runner of an unclear create not looked up; it will be forgotten later', { worker, ...describeError(error) });
    }
  }

  async #handOff(worker: string, runner: NewRunner): Promise<string> {
    const { store, clock, worker: templates } = this.#services;
    const { settings } = this.#options;
    const body = templates.handoff({ settings, worker, runnerId: runner.id, token: runner.token });
    await store.put(handoffKey(worker), body, { signal: this.#deadline.act, contentType: 'application/toml', expiresDays: 1 });
    const handoffUrl = store.presignGet(handoffKey(worker), clock.now() + settings.pool.bootTimeoutMs);
    const maxAgeMs = lifeOf(settings.pool.maxAgeMs, clock.now(), runner.tokenExpiresAt);
    return templates.userData({ settings, worker, handoffUrl, maxAgeMs });
  }

  /** Walks the offers until one is accepted. Throws what ends the launch. */
  async #order(worker: string, runnerId: number, userData: string, imageId: string, action: LaunchAction): Promise<LaunchOutcome> {
    const at = this.#passTime;
    for (let offer = this.#offers()[0]; offer; offer = this.#offers()[0]) {
      const done = { worker, runnerId, ...offer };
      const pending: Launch = { name: worker, at, ...offer, ...jobOf(action), listed: false, outcome: 'pending' };
      try {
        const { operationId, serverId } = await this.#createServer(worker, runnerId, userData, imageId, offer);
        this.#accepted += 1;
        return { ...done, outcome: 'done', serverId, launch: { ...pending, operationId } };
      } catch (error) {
        if (isOpen(error)) return await this.#look(done, pending, error);
        const isFull = error instanceof SubnetFullError && offer.subnet !== undefined;
        if (!isFull && !(error instanceof SoldOutError)) throw error;
        const { flavor, zone, subnet } = offer;
        const about = isFull && subnet !== undefined ? { subnet } : {};
        this.refusals.push({ flavor, zone, ...about, code: error.code, until: this.#services.clock.now() + REFUSAL_MS });
      }
    }
    throw this.#exhausted();
  }

  #createServer(worker: string, runnerId: number, userData: string, imageId: string, offer: Offer) {
    const { machine, pool } = this.#options.settings;
    const installation = this.#installation;
    const metadata = { 'managed-by': installation, pool: pool.name, 'runner-id': String(runnerId) };
    const tags = { 'managed-by': installation, pool: pool.name };
    const { vpcId, subnetIds, securityGroups, rootVolume, publicIp, keyName } = machine;
    const { flavor, zone, subnet: subnetId = subnetIds[0] ?? '' } = offer;
    const network = { vpcId, subnetId, securityGroups, ...defined({ publicIp }), ...(keyName ? { keyName } : {}) };
    return this.#services.cloud.createServer(
      { name: worker, flavor, zone, imageId, rootVolume, ...network, userData, metadata, tags },
      { signal: this.#deadline.act },
    );
  }

  /**
   * No clear answer to the create: look for the name. Not finding it proves nothing, because new servers are listed late; so nothing is undone.
   * If there is a VM it will serve; if not, its runner stops counting in a few minutes and is forgotten later.
   */
  async #look(done: Omit<LaunchOutcome, 'outcome'>, launch: Launch, error: UnclearError): Promise<LaunchOutcome> {
    try {
      const [found] = await this.#services.cloud.servers(launch.name, { signal: this.#deadline.all });
      if (found) return { ...done, outcome: 'done', serverId: found.id, launch: { ...launch, listed: true } };
    } catch {
      // Still unclear; the outcome says so.
    }
    return { ...done, outcome: 'unclear', launch, code: error.code, message: error.message };
  }

  /** In order of preference, without those that were refused a short while ago. */
  #offers(): readonly Offer[] {
    const refused = this.#refused();
    const { flavors, zones, subnetIds } = this.#options.settings.machine;
    const subnets = subnetIds.length > 1 ? subnetIds.map((subnet) => ({ subnet })) : [{}];
    return flavors
      .flatMap((flavor) => zones.flatMap((zone) => subnets.map((subnet): Offer => ({ flavor, zone, ...subnet }))))
      .filter((offer) => !refused.some((r) => isAbout(r, offer)));
  }

  #refused(): readonly Refusal[] {
    const { refusals, pause } = this.#options.memory;
    // An attempt made while all subnets were full looks at them anew: a machine that went may have left its address.
    const known = pause?.refused?.kind === 'quota' ? refusals.filter(({ subnet }) => subnet === undefined) : refusals;
    return [...known, ...this.refusals];
  }

  /** Nothing is left to try. Where all subnets are full, room comes with the next machine that goes: as with a quota. */
  #exhausted(): SoldOutError | QuotaError {
    const refused = this.#refused();
    const full = new Map(refused.flatMap(({ subnet, code }) => (subnet === undefined ? [] : [[subnet, code] as const])));
    const { subnetIds } = this.#options.settings.machine;
    const [code] = full.values();
    if (code !== undefined && subnetIds.every((id) => full.has(id))) {
      return new QuotaError(code, `no subnet has a free address: ${[...full.keys()].join(', ')}`);
    }
    const names = refused.map((r) => `${r.subnet === undefined ? `${r.flavor} in ${r.zone}` : `subnet ${r.subnet}`} (${r.code})`);
    return new SoldOutError('sold-out', `no capacity: ${names.join(', ')}`);
  }

  /** What must stop all ordering for a while: everything that another attempt right now would meet again. */
  #learn(error: unknown): void {
    if (this.pause || error instanceof UnclearError || error instanceof ConflictError) return;
    const { memory, machines, settings } = this.#options;
    const at = this.#passTime;
    const now = this.#services.clock.now();
    const { code, message } = describeError(error);
    if (error instanceof ThrottledError) {
      this.pause = throttle(memory.pause, error, now + error.retryAfterMs);
      return;
    }
    const refusal = { code, message, at, machines: machines + this.#accepted, settings: orderDigest(settings) };
    const [kind, until] =
      error instanceof SoldOutError
        ? (['sold-out', Math.min(...this.#refused().map((r) => r.until))] as const)
        : ([error instanceof QuotaError ? 'quota' : 'setting'] as const);
    this.pause = refuse(memory.pause, { kind, ...refusal, ...defined({ until }) }, now);
  }

  /** Best effort and step by step: what stays behind is a stray or an expired handoff, and later ticks remove it. */
  async #undo(worker: string, runnerId: number | undefined): Promise<void> {
    if (runnerId === undefined) return;
    const signal = this.#deadline.all;
    const steps = [this.#services.store.delete(handoffKey(worker), { signal }), this.#services.forge.deleteRunner(runnerId, { signal })];
    for (const step of await Promise.allSettled(steps)) {
      if (step.status === 'rejected') this.#services.log.warn('launch not undone completely', { worker, ...describeError(step.reason) });
    }
  }
}

function isAbout(refusal: Refusal, { flavor, zone, subnet }: Offer): boolean {
  if (refusal.subnet !== undefined) return refusal.subnet === subnet;
  return refusal.flavor === flavor && refusal.zone === zone;
}

/** It may have been carried out, or not. */
function isOpen(error: unknown): error is UnclearError {
  return error instanceof UnclearError && !(error instanceof UnsentError);
}

function jobOf({ jobId, retry }: LaunchAction): Pick<Launch, 'jobId' | 'retry'> {
  return defined({ jobId, retry });
}
