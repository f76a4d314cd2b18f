import type { Cloud } from '../ports/index.ts';
import type { Machine } from '../settings.ts';

/** Ids of images, each name looked up once a pass: a public name moves on to a new image now and then. */
export class Images {
  readonly #cloud: Cloud;
  readonly #signal: AbortSignal;
  readonly #found = new Map<string, Promise<string>>();

  constructor(cloud: Cloud, signal: AbortSignal) {
    this.#cloud = cloud;
    this.#signal = signal;
  }

  /** Looks them up without waiting. */
  begin(images: readonly Machine['image'][]): void {
    // A failure is met where the id is needed, if it is.
    for (const image of images) this.idOf(image).catch(() => undefined);
  }

  /** Throws as `Cloud.image` does. */
  async idOf(image: Machine['image']): Promise<string> {
    if ('id' in image) return image.id;
    const { name } = image;
    const found = this.#found.get(name) ?? this.#cloud.image(name, { signal: this.#signal }).then(({ id }) => id);
    this.#found.set(name, found);
    return found;
  }
}
