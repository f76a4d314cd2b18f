import type { CallOptions } from '../../app/ports/index.ts';
import { AccessError, ConfigError, type ScalerError } from '../../core/errors.ts';
import { PAGE_KEY } from '../../core/keys.ts';
import { type Answer, send } from '../../http/client.ts';
import { obsCode, obsError } from './errors.ts';
import { asText, bucketUrl, type ObsCall, ObsHttp, type ObsOptions } from './http.ts';
import { type BucketPolicy, parsePolicy, policyText } from './policy.ts';
import { encodeKey, type ObsScheme } from './signer.ts';
import { elementText } from './xml.ts';

/** One file of a static website, with the headers that browsers are to get. */
export interface WebsiteFile {
  readonly key: string;
  readonly body: Uint8Array;
  readonly contentType: string;
  readonly cacheControl: string;
  /** `gzip` when `body` is compressed: the store does not compress by itself. */
  readonly contentEncoding?: string;
}

/** `ours`: `index.html` at the root and nothing else. `other`: somebody else's, e.g. a redirect. */
export type Hosting = 'none' | 'ours' | 'other';

const CONFIGURATION = `<WebsiteConfiguration><IndexDocument><Suffix>${PAGE_KEY}</Suffix></IndexDocument></WebsiteConfiguration>`;
/** The policy and the hosting of a bucket: what a publisher may do. Source: OTC OBS API reference, "Configuring a bucket policy". */
const RIGHTS = {
  policy: 'the key needs the rights GetBucketPolicy, PutBucketPolicy and DeleteBucketPolicy of this bucket',
  website: 'the key needs the rights GetBucketWebsite, PutBucketWebsite and DeleteBucketWebsite of this bucket',
} as const;

/** A bucket as a static website: its files, its hosting, and who may read them. */
export class BucketWebsite {
  readonly scheme: ObsScheme;
  readonly bucket: string;
  /** Where people find the page. */
  readonly url: string;
  /** Whether it needs website hosting: another S3 server may have none, and its page is shown as an object. */
  readonly hostable: boolean;
  readonly #http: ObsHttp;
  readonly #options: ObsOptions;

  constructor(options: ObsOptions) {
    this.#options = options;
    this.#http = new ObsHttp(options);
    this.scheme = this.#http.scheme;
    this.bucket = options.bucket;
    this.hostable = this.scheme === 'obs';
    this.url = websiteUrl(options.endpoint, options.bucket);
  }

  /** Whether exactly this is there already. */
  async holds(file: WebsiteFile, options: CallOptions = {}): Promise<boolean> {
    const answer = await this.#call({ name: 'obs.get', method: 'GET', key: file.key, repeat: true }, options);
    if (isAbsent(answer, 'NoSuchKey')) return false;
    if (answer.status !== 200) throw refused(answer, 'obs.get');
    const { headers, body } = answer;
    const same =
      headers['content-type'] === file.contentType &&
      headers['cache-control'] === file.cacheControl &&
      headers['content-encoding'] === file.contentEncoding;
    return same && body.equals(file.body);
  }

  async put({ key, body, contentType, cacheControl, contentEncoding }: WebsiteFile, options: CallOptions = {}): Promise<void> {
    const encoding: Record<string, string> = contentEncoding === undefined ? {} : { 'content-encoding': contentEncoding };
    const headers = { 'content-type': contentType, 'cache-control': cacheControl, ...encoding };
    await this.#change({ name: 'obs.put', method: 'PUT', key, headers, body: Buffer.from(body), repeat: true }, options);
  }

  async hosting(options: CallOptions = {}): Promise<Hosting> {
    const answer = await this.#call({ name: 'obs.website', method: 'GET', query: { website: '' }, repeat: true }, options);
    if (isAbsent(answer, 'NoSuchWebsiteConfiguration')) return 'none';
    if (answer.status !== 200) throw refused(answer, 'obs.website', RIGHTS.website);
    const xml = answer.body.toString('utf8');
    const plain = !/<(ErrorDocument|RedirectAllRequestsTo|RoutingRules)[\s>]/.test(xml);
    return plain && elementText(xml, 'Suffix') === PAGE_KEY ? 'ours' : 'other';
  }

  async host(options: CallOptions = {}): Promise<void> {
    const body = Buffer.from(CONFIGURATION);
    const headers = { 'content-type': 'application/xml' };
    await this.#change(
      { name: 'obs.website', method: 'PUT', query: { website: '' }, headers, body, repeat: true },
      options,
      RIGHTS.website,
    );
  }

  async unhost(options: CallOptions = {}): Promise<void> {
    await this.#change({ name: 'obs.website', method: 'DELETE', query: { website: '' }, repeat: true }, options, RIGHTS.website);
  }

  /** `undefined` when the bucket has none. */
  async policy(options: CallOptions = {}): Promise<BucketPolicy | undefined> {
    const answer = await this.#call({ name: 'obs.policy', method: 'GET', query: { policy: '' }, repeat: true }, options);
    if (isAbsent(answer, 'NoSuchBucketPolicy')) return undefined;
    if (answer.status !== 200) throw refused(answer, 'obs.policy', RIGHTS.policy);
    return parsePolicy(answer.body.toString('utf8'));
  }

  /** Replaces the whole policy; without one the bucket has none afterwards. */
  async setPolicy(policy: BucketPolicy | undefined, options: CallOptions = {}): Promise<void> {
    const query = { policy: '' };
    const call: ObsCall =
      policy === undefined
        ? { name: 'obs.policy', method: 'DELETE', query, repeat: true }
        : {
            name: 'obs.policy',
            method: 'PUT',
            query,
            headers: { 'content-type': 'application/json' },
            body: Buffer.from(policyText(policy)),
            repeat: true,
          };
    await this.#change(call, options, RIGHTS.policy);
  }

  /** The status that somebody without a key gets for an object of the bucket. */
  async anonymous(key: string, options: CallOptions = {}): Promise<number> {
    return await this.#plain(`${bucketUrl(this.#options.endpoint, this.bucket)}/${encodeKey(key)}`, options);
  }

  /** The status that somebody without a key gets for the page at its address. */
  async anonymousPage(options: CallOptions = {}): Promise<number> {
    return await this.#plain(this.url, options);
  }

  async #plain(url: string, { signal }: CallOptions): Promise<number> {
    const { deadlineMs = 5_000, backoffMs = 200, agents } = this.#options;
    const answer = await send({
      name: 'obs.anonymous',
      method: 'GET',
      url,
      headers: () => ({ 'user-agent': 'otc-gitlab-scaler', range: 'bytes=0-0' }),
      pausesMs: [backoffMs, 2 * backoffMs],
      deadlineMs,
      maxBytes: 1_000_000,
      decompress: false,
      signal,
      agents,
    });
    return answer.status;
  }

  async #call(call: ObsCall, { signal }: CallOptions): Promise<Answer> {
    return await this.#http.call({ ...call, signal });
  }

  async #change(call: ObsCall, options: CallOptions, right?: string): Promise<void> {
    const answer = await this.#call(call, options);
    if (answer.status < 200 || answer.status > 299) throw refused(answer, call.name, right);
  }
}

/** Just this is not there; any other 404, above all a bucket that is not there, is an error. */
function isAbsent(answer: Answer, code: string): boolean {
  return answer.status === 404 && obsCode(asText(answer)) === code;
}

function refused(answer: Answer, name: string, right?: string): ScalerError {
  const error = obsError(asText(answer), 'other', name);
  return right !== undefined && error instanceof AccessError ? new AccessError(error.code, `${error.message}: ${right}`) : error;
}

/** OTC, regions and endpoints: static websites have a host of their own beside the objects'. Any other server shows the object itself. */
export function websiteUrl(endpoint: string, bucket: string): string {
  const base = bucketUrl(endpoint, bucket);
  const { protocol, host } = new URL(endpoint);
  if (!host.startsWith('obs.') || base.endsWith(`/${bucket}`)) return `${base}/${PAGE_KEY}`;
  if (bucket.includes('.') && protocol === 'https:') {
    throw new ConfigError('bucket-invalid', `the name of the bucket ${bucket} has a dot: no certificate fits its website`);
  }
  return `${protocol}//${bucket}.obs-website.${host.slice('obs.'.length)}/`;
}
