import type { CallOptions, Cloud } from '../../app/ports/index.ts';
import { ConfigError } from '../../core/errors.ts';
import type { OtcHttp } from '../http.ts';
import { imagesSchema } from './schema.ts';

/** Image Management Service. Source: OTC IMS API reference, querying_images. */
export class Ims implements Pick<Cloud, 'image'> {
  readonly #http: OtcHttp;
  readonly #endpoint: string;

  constructor(options: { readonly http: OtcHttp /** e.g. `https://ims.eu-de.otc.t-systems.com` */; readonly endpoint: string }) {
    this.#http = options.http;
    this.#endpoint = options.endpoint;
  }

  /** Public names (`…_latest`) move to a new image, hence a new id, with every refresh: do not remember the answer for ever. */
  async image(name: string, options: CallOptions = {}): Promise<{ readonly id: string; readonly minDiskGb: number }> {
    const { images } = await this.#http.call({
      name: 'ims.images',
      kind: 'read',
      method: 'GET',
      url: `${this.#endpoint}/v2/cloudimages`,
      query: { name, status: 'active', sort_key: 'created_at', sort_dir: 'desc', limit: 50 },
      schema: imagesSchema,
      signal: options.signal,
    });
    const [newest] = images.filter((image) => image.name === name && image.status === 'active').sort((a, b) => createdAt(b) - createdAt(a));
    if (!newest) throw new ConfigError('image-missing', `there is no active image named "${name}"`);
    return { id: newest.id, minDiskGb: newest.min_disk };
  }
}

function createdAt(image: { readonly created_at?: string | null | undefined }): number {
  return Date.parse(image.created_at ?? '') || 0;
}
