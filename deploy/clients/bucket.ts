import type { Answer } from '../../lib/http/client.ts';
import { obsCode, obsError } from '../../lib/otc/obs/errors.ts';
import { asText, type ObsCall, ObsHttp, type ObsOptions } from '../../lib/otc/obs/http.ts';
import { elements, elementText } from '../../lib/otc/obs/xml.ts';

/** Objects below a prefix that are deleted after so many days. */
export interface ExpiryRule {
  readonly id: string;
  readonly prefix: string;
  readonly days: number;
}

/** `others` are rules that are not ours, as they stand. */
export interface Lifecycle {
  readonly rules: readonly ExpiryRule[];
  readonly others: readonly string[];
}

/** By this our rules are known again. */
export const RULE_PREFIX = 'scaler-';

/** The bucket itself, not what is in it. Source: OTC OBS API reference, "Operations on Buckets", "Configuring Bucket Lifecycle". */
export class BucketAdmin {
  readonly #http: ObsHttp;
  readonly #region: string;

  constructor(options: ObsOptions, region: string) {
    this.#http = new ObsHttp(options);
    this.#region = region;
  }

  /** Throws `AccessError` when the name is somebody else's. */
  async exists(): Promise<boolean> {
    const answer = await this.#http.call({ name: 'obs.bucket-head', method: 'HEAD', repeat: true });
    if (isGood(answer)) return true;
    if (answer.status === 404) return false;
    throw obsError(asText(answer), 'other', 'obs.bucket-head');
  }

  /** Ours already is success. Throws `ConflictError` when the name is taken. */
  async create(): Promise<void> {
    const location = this.#http.scheme === 'obs' ? 'Location' : 'LocationConstraint';
    const body = `<CreateBucketConfiguration><${location}>${this.#region}</${location}></CreateBucketConfiguration>`;
    await this.#change({ name: 'obs.bucket-create', method: 'PUT', body: Buffer.from(body), headers: XML, repeat: true });
  }

  async lifecycle(): Promise<Lifecycle> {
    const answer = await this.#http.call({ name: 'obs.lifecycle', method: 'GET', query: { lifecycle: '' }, repeat: true });
    if (answer.status === 404 && obsCode(asText(answer)) !== 'NoSuchBucket') return { rules: [], others: [] };
    if (!isGood(answer)) throw obsError(asText(answer), 'other', 'obs.lifecycle');
    return parseLifecycle(answer.body.toString('utf8'));
  }

  /** Replaces all rules. */
  async setLifecycle({ rules, others }: Lifecycle): Promise<void> {
    const body = `<LifecycleConfiguration>${[...others, ...rules.map(ruleXml)].join('')}</LifecycleConfiguration>`;
    const query = { lifecycle: '' };
    await this.#change({ name: 'obs.lifecycle-update', method: 'PUT', query, body: Buffer.from(body), headers: XML, repeat: true });
  }

  async #change(call: ObsCall): Promise<void> {
    const answer = await this.#http.call(call);
    if (!isGood(answer)) throw obsError(asText(answer), 'other', call.name);
  }
}

const XML = { 'content-type': 'application/xml' };

export function parseLifecycle(xml: string): Lifecycle {
  const rules: ExpiryRule[] = [];
  const others: string[] = [];
  for (const content of elements(xml, 'Rule')) {
    const rule = `<Rule>${content}</Rule>`;
    const id = elementText(rule, 'ID') ?? '';
    if (!id.startsWith(RULE_PREFIX)) others.push(rule);
    else if (elementText(rule, 'Status') === 'Enabled')
      rules.push({ id, prefix: elementText(rule, 'Prefix') ?? '', days: Number(elementText(rule, 'Days')) });
  }
  return { rules, others };
}

function ruleXml({ id, prefix, days }: ExpiryRule): string {
  return `<Rule><ID>${id}</ID><Prefix>${prefix}</Prefix><Status>Enabled</Status><Expiration><Days>${days}</Days></Expiration></Rule>`;
}

function isGood({ status }: Answer): boolean {
  return status >= 200 && status < 300;
}
