import { createHash } from 'node:crypto';

/** Made-up identifiers that look random and are the same in each run. */
export class Ids {
  readonly #seed: string;
  #count = 0;

  constructor(seed: string) {
    this.#seed = seed;
  }

  /** `n` hexadecimal digits, at most 64. */
  hex(n: number): string {
    return createHash('sha256')
      .update(`${this.#seed}/${this.#count++}`)
      .digest('hex')
      .slice(0, n);
  }

  uuid(): string {
    const h = this.hex(32);
    return `${h.slice(0, 8)}-${h.slice(8, 12)}-4${h.slice(13, 16)}-a${h.slice(17, 20)}-${h.slice(20)}`;
  }
}
