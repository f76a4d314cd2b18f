import type { CallOptions } from '../../app/ports/index.ts';
import { ConfigError } from '../../core/errors.ts';
import { send } from '../../http/client.ts';
import { obsError } from '../obs/errors.ts';
import { asText, ObsHttp, type ObsOptions } from '../obs/http.ts';
import { elementText } from '../obs/xml.ts';

const DEADLINE_MS = 5_000;
const MAX_BYTES = 64 * 1024 * 1024;

/** What an examination wants to know of a bucket and the farm does not ask. Read only. */
export class ObsSurvey {
  readonly #http: ObsHttp;

  constructor(options: ObsOptions) {
    this.#http = new ObsHttp(options);
  }

  /** HTTP status for somebody without a key. */
  async anonymousStatus(key: string, options: CallOptions = {}): Promise<number> {
    const [url = ''] = this.#http.presign(key, 0).split('?');
    const { status } = await send({
      name: 'obs.anonymous',
      method: 'HEAD',
      url,
      headers: () => ({ 'user-agent': 'otc-gitlab-scaler' }),
      pausesMs: [],
      deadlineMs: DEADLINE_MS,
      maxBytes: MAX_BYTES,
      decompress: false,
      signal: options.signal,
    });
    return status;
  }

  /** Source: OTC OBS API reference, "Obtaining Bucket Versioning Status". */
  async versioning(options: CallOptions = {}): Promise<'off' | 'enabled' | 'suspended'> {
    const answer = await this.#http.call({
      name: 'obs.versioning',
      method: 'GET',
      query: { versioning: '' },
      repeat: true,
      signal: options.signal,
    });
    if (answer.status === 404) {
      const error = obsError(asText(answer), 'other', 'obs.versioning');
      // A bucket that was never versioned has no such setting with some servers.
      if (error instanceof ConfigError) throw error;
      return 'off';
    }
    if (answer.status !== 200) throw obsError(asText(answer), 'other', 'obs.versioning');
    const status = elementText(answer.body.toString('utf8'), 'Status');
    if (status === 'Enabled') return 'enabled';
    return status === 'Suspended' ? 'suspended' : 'off';
  }
}
