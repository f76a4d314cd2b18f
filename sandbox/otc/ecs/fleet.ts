import type { SandboxContext, SimulatedVm } from '../../context.ts';
import { Ids } from '../ids.ts';
import { found, Refused } from '../refused.ts';
import type { Catalogue } from './catalogue.ts';
import { Eips } from './eips.ts';
import { type ForeignServer, foreignVm } from './foreign.ts';
import { Market, type QuotaSettings, type SellOutOptions, type Usage, usageOf } from './market.ts';
import { FAILURES, type Failure, finish, type Operation, Operations, type Step } from './operations.ts';
import type { CreateOrder } from './request.ts';
import { type FleetTimes, inside, newVm, print, type Vm } from './vm.ts';

export interface EcsOptions {
  readonly catalogue: Catalogue;
  readonly times: FleetTimes;
  /** A server has become ACTIVE: start what runs on it. */
  readonly onActive: (vm: SimulatedVm) => void;
}

/** All servers of the project, and their lives: accepted, BUILD, ACTIVE, perhaps SHUTOFF or ERROR, deleting, gone. */
export class EcsFleet {
  readonly catalogue: Catalogue;
  readonly times: FleetTimes;
  readonly market: Market;
  readonly eips: Eips;
  /** Servers created so far, rolled back ones included. */
  created = 0;
  readonly #ctx: SandboxContext;
  readonly #onActive: EcsOptions['onActive'];
  readonly #ids = new Ids('ecs');
  readonly #vms = new Map<string, Vm>();
  readonly #operations = new Operations(this.#ids);
  #brokenBoots = 0;
  #errorBoots = 0;

  constructor(ctx: SandboxContext, options: EcsOptions) {
    this.#ctx = ctx;
    this.#onActive = options.onActive;
    this.catalogue = options.catalogue;
    this.times = { ...options.times };
    this.market = new Market(options.catalogue);
    this.eips = new Eips(this.#ids);
  }

  sellOut(flavor: string, zone: string, options?: SellOutOptions): void {
    this.market.sellOut(flavor, zone, options);
  }

  restock(flavor?: string, zone?: string): void {
    this.market.restock(flavor, zone);
  }

  setQuota(quota: QuotaSettings): void {
    this.market.quota = { ...this.market.quota, ...quota };
  }

  /** The next `n` servers become ACTIVE, but nothing ever runs on them. */
  brokenBoots(n: number | 'all'): void {
    this.#brokenBoots = n === 'all' ? Number.POSITIVE_INFINITY : n;
  }

  /** The next `n` servers end in ERROR and stay listed. */
  errorBoots(n: number | 'all'): void {
    this.#errorBoots = n === 'all' ? Number.POSITIVE_INFINITY : n;
  }

  create(order: CreateOrder): { readonly operationId: string; readonly serverIds: readonly string[] } {
    const zone = this.market.place(order.flavor, order.zone);
    const exceeded = this.market.exceeded(this.usage(), usageOf(order, order.count));
    if (exceeded) throw exceeded;
    const { total, used } = this.addresses(order.subnetId);
    if (total - used < order.count) throw new Refused(400, 'Ecs.0012', 'Insufficient IP addresses in the subnet.');
    const vms = Array.from({ length: order.count }, (_, i) => this.#add(order, zone, i));
    const operation = this.#operations.open('create', vms, 'INIT', this.#ctx.clock.now());
    this.#later(this.times.acceptMs, () => {
      operation.started = true;
      for (const [i, vm] of vms.entries()) this.#accept(vm, operation.steps[i]);
    });
    return { operationId: operation.id, serverIds: vms.map((vm) => vm.id) };
  }

  /** Addresses that the subnet has for servers, and those of them that are taken. */
  addresses(subnetId: string): { readonly total: number; readonly used: number } {
    const network = this.catalogue.networks.find((n) => n.subnetId === subnetId);
    // The system has five of each subnet (VPC API reference, "Querying IP Address Usage on a Specified Network").
    const total = 2 ** (32 - Number(network?.cidr.split('/')[1])) - 5;
    return { total, used: (network?.usedByOthers ?? 0) + this.all().filter(({ order }) => order.subnetId === subnetId).length };
  }

  /** All or nothing: one id that is not known refuses the batch. */
  delete(ids: readonly string[], publicIp: boolean | undefined): Operation {
    const vms = ids.map((id) => this.need(id));
    const busy = vms.find((vm) => vm.deleting);
    if (busy) throw new Refused(400, 'Ecs.0100', `Instance[${busy.id}] is in task_state deleting, the operation is not allowed.`);
    const operation = this.#operations.open('delete', vms, 'RUNNING', this.#ctx.clock.now());
    for (const [i, vm] of vms.entries()) this.#startDelete(vm, publicIp, operation.steps[i]);
    return operation;
  }

  /** `undefined` while it is being accepted and once it is gone. */
  known(id: string): Vm | undefined {
    const vm = this.#vms.get(id);
    return vm && vm.knownAt <= this.#ctx.clock.now() ? vm : undefined;
  }

  /** Throws a 404 for one that is not known. */
  need(id: string): Vm {
    return found(this.known(id), new Refused(404, 'Ecs.0114', `Instance[${id}] could not be found.`));
  }

  /** What a list shows now, newest first. */
  listed(): readonly Vm[] {
    const now = this.#ctx.clock.now();
    return [...this.#vms.values()].filter((vm) => vm.listedAt <= now).sort((a, b) => b.createdAt - a.createdAt || (a.id < b.id ? -1 : 1));
  }

  /** Every server that exists, listed or not. */
  all(): readonly Vm[] {
    return [...this.#vms.values()];
  }

  operation(id: string): Operation | undefined {
    return this.#operations.find(id);
  }

  usage(counts: (vm: Vm) => boolean = (vm) => !this.market.quota.overshoot || vm.accepted): Usage {
    const vms = this.all().filter(counts);
    return {
      servers: vms.length,
      cores: vms.reduce((sum, vm) => sum + vm.order.flavor.vcpus, 0),
      ramMib: vms.reduce((sum, vm) => sum + vm.order.flavor.ramMib, 0),
      publicIps: this.eips.all().length,
    };
  }

  /** Stops a server from outside: it stays listed as SHUTOFF and whatever ran on it has ended. */
  stop(id: string): void {
    const vm = this.#vms.get(id);
    vm?.stop.abort();
    if (vm) this.#off(vm);
  }

  /** Writes to a server's console, as whatever runs on it would. */
  print(id: string, text: string): void {
    const vm = this.#vms.get(id);
    if (vm) print(vm, text);
  }

  /** A server made by somebody else, e.g. by hand; nothing runs on it. Returns its id. */
  addForeign(server: ForeignServer): string {
    const vm = foreignVm(server, this.catalogue, { id: this.#ids.uuid(), now: this.#ctx.clock.now() });
    this.#vms.set(vm.id, vm);
    return vm.id;
  }

  #add(order: CreateOrder, zone: string, index: number): Vm {
    const now = this.#ctx.clock.now();
    const name = order.count > 1 ? `${order.name}-${String(index).padStart(4, '0')}` : order.name;
    const eip = order.eip && this.eips.allocate(order.eip.sizeMbit);
    const { acceptMs, listLagMs } = this.times;
    const vm = newVm({
      id: this.#ids.uuid(),
      name,
      order,
      zone,
      createdAt: now,
      knownAt: now + acceptMs,
      listedAt: now + Math.max(acceptMs, listLagMs),
      address: `192.168.${(this.created >> 8) % 16}.${this.created % 256}`,
      ...(eip ? { floatingAddress: eip.address } : {}),
    });
    if (eip) eip.serverId = vm.id;
    this.#vms.set(vm.id, vm);
    this.created += 1;
    this.#emit('server-created', vm);
    return vm;
  }

  #accept(vm: Vm, step: Step | undefined): void {
    if (!step) return;
    step.state = 'RUNNING';
    const others = this.usage((other) => other.accepted);
    vm.accepted = true;
    const surplus = this.market.quota.overshoot ? this.market.exceeded(others, { ...usageOf(vm.order, 1), publicIps: 0 }) : undefined;
    if (surplus) this.#fail(vm, step, { code: surplus.code, reason: surplus.message });
    else if (this.market.failsLater(vm.order.flavor, vm.zone)) this.#later(this.times.buildMs / 2, () => this.#rollBack(vm, step));
    else this.#later(this.times.buildMs, () => this.#boot(vm, step));
  }

  /** A failed v1 create is taken back: the server that was visible for a moment vanishes. */
  #rollBack(vm: Vm, step: Step): void {
    this.eips.release(vm.id, true);
    this.#remove(vm);
    finish(step, this.#ctx.clock.now(), FAILURES.noHost);
  }

  #boot(vm: Vm, step: Step): void {
    const now = this.#ctx.clock.now();
    if (vm.deleting || !this.#vms.has(vm.id)) {
      finish(step, now, FAILURES.gone);
    } else if (this.#errorBoots > 0) {
      this.#errorBoots -= 1;
      this.#fail(vm, step, FAILURES.broken);
    } else {
      Object.assign(vm, { status: 'ACTIVE', activeAt: now, updatedAt: now } satisfies Partial<Vm>);
      finish(step, now);
      this.#emit('server-active', vm);
      if (this.#brokenBoots > 0) this.#brokenBoots -= 1;
      else this.#onActive(inside(vm, () => this.#off(vm)));
    }
  }

  #fail(vm: Vm, step: Step, failure: Failure): void {
    vm.status = 'ERROR';
    vm.updatedAt = this.#ctx.clock.now();
    finish(step, vm.updatedAt, failure);
    this.#emit('server-error', vm);
  }

  #off(vm: Vm): void {
    if (vm.status !== 'ACTIVE' || vm.deleting) return;
    vm.status = 'SHUTOFF';
    vm.updatedAt = this.#ctx.clock.now();
    this.#emit('server-off', vm);
  }

  #startDelete(vm: Vm, publicIp: boolean | undefined, step: Step | undefined): void {
    vm.deleting = true;
    vm.updatedAt = this.#ctx.clock.now();
    vm.stop.abort();
    this.#later(this.times.deleteMs, () => {
      this.eips.release(vm.id, publicIp ?? vm.order.eip?.deleteOnTermination ?? false);
      this.#remove(vm);
      if (step) finish(step, this.#ctx.clock.now());
    });
  }

  #remove(vm: Vm): void {
    this.#vms.delete(vm.id);
    vm.stop.abort();
    this.#emit('server-deleted', vm);
  }

  #later(ms: number, task: () => void): void {
    this.#ctx.clock.after(ms, task);
  }

  #emit(kind: string, vm: Vm): void {
    this.#ctx.emit({ at: this.#ctx.clock.now(), kind, fields: { id: vm.id, name: vm.name, flavor: vm.order.flavor.id, zone: vm.zone } });
  }
}
