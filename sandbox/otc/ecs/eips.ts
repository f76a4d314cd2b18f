import type { Ids } from '../ids.ts';

/** A public address. */
export interface Eip {
  readonly id: string;
  readonly address: string;
  readonly sizeMbit: number;
  /** The server it is bound to; without one it only costs. */
  serverId?: string;
}

/** The account's public addresses. */
export class Eips {
  readonly #ids: Ids;
  readonly #eips = new Map<string, Eip>();
  #count = 0;

  constructor(ids: Ids) {
    this.#ids = ids;
  }

  all(): readonly Eip[] {
    return [...this.#eips.values()];
  }

  allocate(sizeMbit: number): Eip {
    const n = this.#count++;
    const eip = { id: this.#ids.uuid(), address: `80.158.${(n >> 8) % 256}.${n % 256}`, sizeMbit };
    this.#eips.set(eip.id, eip);
    return eip;
  }

  /** Unbinds the server's address, and releases it when `forGood`. */
  release(serverId: string, forGood: boolean): void {
    for (const eip of this.#eips.values()) {
      if (eip.serverId !== serverId) continue;
      delete eip.serverId;
      if (forGood) this.#eips.delete(eip.id);
    }
  }
}
