import type { SandboxContext } from '../../context.ts';
import type { Apig } from '../../otc/apig/apig.ts';
import type { GatewayInstance } from '../../otc/apig/types.ts';
import { Ids } from '../../otc/ids.ts';
import { found, Refused } from '../../otc/refused.ts';
import type { FunctionGraph } from '../functiongraph.ts';
import type { Gateway } from '../gateway.ts';
import { readSchedule, type Schedule } from './schedule.ts';
import type { ApiData, TimerData, TriggerOrder } from './schema.ts';
import { timerEvent } from './timer.ts';

/** The function that a trigger belongs to. */
export interface TriggerOwner {
  readonly name: string;
  /** Without the version. */
  readonly urn: string;
}

export type Trigger = TriggerOrder & {
  readonly id: string;
  readonly owner: TriggerOwner;
  readonly createdAt: number;
  updatedAt: number;
  status: 'ACTIVE' | 'DISABLED';
  /** What the answer adds to the data of the order. */
  readonly added: Readonly<Record<string, string>>;
  /** Ends its work: the timer, or the API and its route. */
  stop: () => void;
};

export interface TriggerOptions {
  readonly ctx: SandboxContext;
  readonly functions: FunctionGraph;
  readonly gateway: Gateway;
  readonly apig: Apig;
}

const PER_FUNCTION = 10;

/** The triggers of deployed functions: timers on the sandbox's clock, and APIs of dedicated gateways. */
export class Triggers {
  readonly #options: TriggerOptions;
  readonly #ids = new Ids('trigger');
  readonly #triggers = new Map<string, Trigger>();

  constructor(options: TriggerOptions) {
    this.#options = options;
  }

  of(owner: TriggerOwner): readonly Trigger[] {
    return this.all().filter((t) => t.owner.name === owner.name);
  }

  all(): readonly Trigger[] {
    return [...this.#triggers.values()];
  }

  find(owner: TriggerOwner, type: string, id: string): Trigger | undefined {
    const found = this.#triggers.get(id);
    return found?.type === type && found.owner.name === owner.name ? found : undefined;
  }

  create(owner: TriggerOwner, order: TriggerOrder): Trigger {
    if (this.of(owner).length >= PER_FUNCTION) throw new Refused(400, 'FSS.1110', `At most ${PER_FUNCTION} triggers per function.`);
    return order.type === 'TIMER' ? this.#createTimer(owner, order) : this.#createApi(owner, order);
  }

  /** Nothing but the status of a trigger can be changed, and an API's not even that. */
  update(trigger: Trigger, status: Trigger['status']): void {
    if (trigger.type !== 'TIMER') throw new Refused(400, 'FSS.1107', 'An APIG trigger can only be deleted.');
    const schedule = readSchedule(trigger.data.schedule_type, trigger.data.schedule);
    trigger.stop();
    trigger.status = status;
    trigger.updatedAt = this.#now();
    if (status === 'ACTIVE') trigger.stop = this.#arm(trigger.owner, trigger.data, schedule);
  }

  delete(trigger: Trigger): void {
    trigger.stop();
    this.#triggers.delete(trigger.id);
  }

  deleteAll(owner: TriggerOwner): void {
    for (const trigger of this.of(owner)) this.delete(trigger);
  }

  close(): void {
    for (const trigger of this.all()) trigger.stop();
  }

  #createTimer(owner: TriggerOwner, order: TriggerOrder & { readonly type: 'TIMER' }): Trigger {
    const { data } = order;
    const twice = this.of(owner).some((t) => t.type === 'TIMER' && t.data.name === data.name);
    if (twice) throw new Refused(409, 'FSS.1148', `The timer ${data.name} already exists.`);
    const schedule = readSchedule(data.schedule_type, data.schedule);
    const stop = order.status === 'ACTIVE' ? this.#arm(owner, data, schedule) : () => undefined;
    return this.#add(owner, order, this.#ids.uuid(), {}, stop);
  }

  #arm(owner: TriggerOwner, data: TimerData, schedule: Schedule): () => void {
    const { ctx, functions } = this.#options;
    let cancel = () => {};
    const arm = () => {
      const now = ctx.clock.now();
      const next = schedule(now);
      if (next === undefined) return;
      cancel = ctx.clock.after(next - now, () => {
        arm();
        functions.invokeAsync(owner.name, timerEvent(ctx.clock.now(), data.name, data.user_event));
      });
    };
    arm();
    return () => cancel();
  }

  #createApi(owner: TriggerOwner, order: TriggerOrder & { readonly type: 'DEDICATEDGATEWAY' }): Trigger {
    const { data } = order;
    const { apig, gateway } = this.#options;
    const instance = apig.instances.get(data.instance_id);
    if (!instance || !apig.ready(instance)) throw new Refused(400, 'FSS.1417', `The gateway ${data.instance_id} does not exist.`);
    const group = found(instance.groups.get(data.group_id), new Refused(400, 'FSS.1107', `The API group ${data.group_id} does not exist.`));
    checkConflicts(instance, data);
    const api = apig.addApi(instance, {
      groupId: group.id,
      name: data.name,
      path: data.path,
      method: data.req_method,
      match: data.match_mode,
      protocol: data.protocol,
      auth: data.auth,
      functionUrn: owner.urn,
    });
    const unpublish = gateway.publish({
      functionName: owner.name,
      path: data.path,
      match: data.match_mode === 'SWA' ? 'prefix' : 'exact',
      ...(data.req_method === 'ANY' ? {} : { method: data.req_method }),
      timeoutMs: data.func_info.timeout,
      hosts: () => [group.subDomain, ...[...group.domains.values()].map((d) => d.name)],
      closed: data.auth !== 'NONE',
      asynchronous: data.func_info.invocation_type === 'async',
      apiId: api.id,
    });
    const id = this.#ids.uuid();
    const scheme = data.protocol === 'HTTP' ? 'http' : 'https';
    const added = { triggerid: id, api_id: api.id, api_name: api.name, invoke_url: `${scheme}://${group.subDomain}${data.path}` };
    return this.#add(owner, order, id, added, () => {
      unpublish();
      instance.apis.delete(api.id);
    });
  }

  #add(owner: TriggerOwner, order: TriggerOrder, id: string, added: Trigger['added'], stop: () => void): Trigger {
    const now = this.#now();
    const trigger: Trigger = { ...order, id, owner, added, stop, createdAt: now, updatedAt: now };
    this.#triggers.set(id, trigger);
    return trigger;
  }

  #now(): number {
    return this.#options.ctx.clock.now();
  }
}

function checkConflicts({ apis }: GatewayInstance, data: ApiData): void {
  const ofGroup = [...apis.values()].filter((api) => api.groupId === data.group_id);
  if (ofGroup.some((api) => api.name === data.name)) throw new Refused(409, 'FSS.1146', `The API ${data.name} already exists.`);
  const same = ofGroup.some(
    (api) => api.path === data.path && (api.method === data.req_method || api.method === 'ANY' || data.req_method === 'ANY'),
  );
  if (same) throw new Refused(409, 'FSS.1147', `The path ${data.path} already exists in the group.`);
}
