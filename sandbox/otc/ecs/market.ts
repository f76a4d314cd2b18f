import { found, Refused } from '../refused.ts';
import type { Catalogue, Flavor } from './catalogue.ts';
import type { CreateOrder } from './request.ts';

export interface SellOutOptions {
  /** The create is accepted and fails later in its operation (`Ecs.0219`); the flavor list does not show it. */
  readonly async?: boolean;
  /** The create is refused, but the flavor list still offers it. */
  readonly silent?: boolean;
}

export interface QuotaSettings {
  /** -1 is unlimited, as ECS prints it. */
  readonly servers?: number;
  readonly cores?: number;
  readonly ramMib?: number;
  readonly publicIps?: number;
  /**
   * Creates in parallel are all accepted because only servers whose operation has started count;
   * the surplus ends in ERROR and stays in the list. Real Nova does so.
   */
  readonly overshoot?: boolean;
}

export interface Usage {
  readonly servers: number;
  readonly cores: number;
  readonly ramMib: number;
  readonly publicIps: number;
}

export function usageOf({ flavor, eip }: Pick<CreateOrder, 'flavor' | 'eip'>, count: number): Usage {
  return { servers: count, cores: count * flavor.vcpus, ramMib: count * flavor.ramMib, publicIps: eip ? count : 0 };
}

/** What is sold where, and how much of it the account may have. */
export class Market {
  quota: Required<QuotaSettings> = { servers: 2000, cores: 20_480, ramMib: 25_165_824, publicIps: 500, overshoot: false };
  readonly #catalogue: Catalogue;
  readonly #soldOut = new Map<string, SellOutOptions>();

  constructor(catalogue: Catalogue) {
    this.#catalogue = catalogue;
  }

  sellOut(flavor: string, zone: string, options: SellOutOptions = {}): void {
    this.#soldOut.set(`${flavor}@${zone}`, options);
  }

  /** Everything is sold again; with arguments only that flavor in that zone. */
  restock(flavor?: string, zone?: string): void {
    if (flavor === undefined || zone === undefined) this.#soldOut.clear();
    else this.#soldOut.delete(`${flavor}@${zone}`);
  }

  /** Region-wide state, then exceptions by zone, which win (OTC ECS API reference, "Listing Flavor Details"). */
  conditions(flavor: Flavor): { readonly status: string; readonly zones: string } {
    const states = this.#catalogue.zones.map((zone) => `${zone}(${this.#advertised(flavor, zone) ? 'normal' : 'sellout'})`);
    return { status: 'normal', zones: states.join(', ') };
  }

  /** Flavors that the list shows when it is asked for one zone. */
  buyable(zone: string): readonly Flavor[] {
    return this.#catalogue.flavors.filter((f) => this.#advertised(f, zone));
  }

  /** The zone that a create goes to. Throws when it has no capacity. */
  place(flavor: Flavor, wanted: string | undefined): string {
    const zones = wanted === undefined ? this.#catalogue.zones : [wanted];
    const noCapacity = 'The current specification of the capacity is insufficient, please change the specification.';
    return found(
      zones.find((z) => this.#accepts(flavor, z)),
      new Refused(400, 'Ecs.0319', noCapacity),
    );
  }

  /** Accepted, but no host has room for it. */
  failsLater(flavor: Flavor, zone: string): boolean {
    return this.#soldOut.get(`${flavor.id}@${zone}`)?.async === true;
  }

  /** Which quota `wanted` more would exceed. */
  exceeded(used: Usage, wanted: Usage): Refused | undefined {
    const over = (limit: number, a: number, b: number) => limit >= 0 && b > 0 && a + b > limit;
    const { quota } = this;
    const beyond = (what: string) => new Refused(400, 'Ecs.0001', `${what} is beyond the quota limit.`);
    if (over(quota.servers, used.servers, wanted.servers)) return beyond('The number of ECSs');
    if (over(quota.cores, used.cores, wanted.cores)) return beyond('The number of vCPUs');
    if (over(quota.ramMib, used.ramMib, wanted.ramMib)) return beyond('The memory');
    if (over(quota.publicIps, used.publicIps, wanted.publicIps)) return new Refused(400, 'Ecs.0013', 'Insufficient EIP quota.');
    return undefined;
  }

  #advertised(flavor: Flavor, zone: string): boolean {
    const state = this.#soldOut.get(`${flavor.id}@${zone}`);
    return !state || state.async === true || state.silent === true;
  }

  #accepts(flavor: Flavor, zone: string): boolean {
    const state = this.#soldOut.get(`${flavor.id}@${zone}`);
    return !state || state.async === true;
  }
}
