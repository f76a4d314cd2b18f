import { createHash } from 'node:crypto';
import { isIP } from 'node:net';
import type { Clock } from '../../app/ports/index.ts';
import { ConfigError } from '../../core/errors.ts';
import type { Agents } from '../../http/agents.ts';
import { type Answer, send } from '../../http/client.ts';
import type { ObsCallName } from '../calls.ts';
import type { Credentials } from '../credentials.ts';
import type { TextAnswer } from '../errors.ts';
import { obsCode } from './errors.ts';
import { encodeKey, type ObsScheme, obsAuthorization, presignedQuery, queryString, tokenName } from './signer.ts';

export interface ObsOptions {
  /** e.g. `https://obs.eu-de.otc.t-systems.com`. Hosts that are an address or `localhost` are addressed by path. */
  readonly endpoint: string;
  readonly bucket: string;
  readonly credentials: Credentials;
  readonly clock: Pick<Clock, 'now'>;
  /** `obs` unless another S3 server is used. */
  readonly scheme?: ObsScheme;
  /** POST with `obs`, PUT with `aws`, unless said otherwise. */
  readonly appendVerb?: 'POST' | 'PUT';
  /** Per call with its repetitions, in real milliseconds. */
  readonly deadlineMs?: number;
  readonly maxBytes?: number;
  /** Before the first repetition; doubles. */
  readonly backoffMs?: number;
  readonly agents?: Partial<Agents>;
}

export interface ObsCall {
  readonly name: ObsCallName;
  readonly method: 'GET' | 'HEAD' | 'PUT' | 'POST' | 'DELETE';
  /** Absent: the call is about the bucket. An empty key is an error, since a delete of it would be one of the bucket. */
  readonly key?: string;
  readonly query?: Readonly<Record<string, string>>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Buffer;
  readonly repeat: boolean;
  readonly signal?: AbortSignal | undefined;
}

const MAX_BYTES = 64 * 1024 * 1024;

/** Signed calls to one bucket. Any status is an answer; no answer is an `UnclearError`. */
export class ObsHttp {
  readonly scheme: ObsScheme;
  readonly #options: ObsOptions;
  readonly #base: string;
  /** What OBS's clock is ahead of ours; learnt from its answers. */
  #offsetMs = 0;

  constructor(options: ObsOptions) {
    this.scheme = options.scheme ?? 'obs';
    this.#options = options;
    this.#base = bucketUrl(options.endpoint, options.bucket);
  }

  /** Repeats once with OBS's time when OBS refused ours: such a call was not carried out. */
  async call(call: ObsCall): Promise<Answer> {
    const answer = await this.#send(call);
    if (answer.status !== 403 || obsCode(asText(answer)) !== 'RequestTimeTooSkewed') return answer;
    const theirs = Date.parse(answer.headers.date ?? '');
    if (Number.isNaN(theirs)) return answer;
    this.#offsetMs = theirs - this.#options.clock.now();
    return this.#send(call);
  }

  presign(key: string, expiresAt: number): string {
    checkKey(key);
    const { bucket, credentials } = this.#options;
    const expires = Math.floor((expiresAt + this.#offsetMs) / 1000);
    return `${this.#base}/${encodeKey(key)}?${presignedQuery({ method: 'GET', bucket, key }, expires, credentials, this.scheme)}`;
  }

  async #send(call: ObsCall): Promise<Answer> {
    if (call.key !== undefined) checkKey(call.key);
    const query = queryString(call.query ?? {});
    const { deadlineMs = 5_000, maxBytes = MAX_BYTES, backoffMs = 200, agents } = this.#options;
    return send({
      name: call.name,
      method: call.method,
      url: `${this.#base}/${encodeKey(call.key ?? '')}${query === '' ? '' : `?${query}`}`,
      body: call.body,
      headers: () => this.#headers(call),
      pausesMs: call.repeat ? [backoffMs, 2 * backoffMs] : [],
      deadlineMs,
      maxBytes,
      // What lies in the bucket is wanted as it lies there, ranges above all.
      decompress: false,
      signal: call.signal,
      agents,
    });
  }

  #headers(call: ObsCall): Record<string, string> {
    const { bucket, credentials, clock } = this.#options;
    const headers: Record<string, string> = { ...call.headers, date: new Date(clock.now() + this.#offsetMs).toUTCString() };
    // A body that is cut off on its way then fails as a whole instead of leaving half a line.
    if (call.body) headers['content-md5'] = createHash('md5').update(call.body).digest('base64');
    if (credentials.securityToken !== undefined) headers[tokenName(this.scheme)] = credentials.securityToken;
    const request = { method: call.method, bucket, key: call.key ?? '', query: call.query ?? {}, headers };
    return { ...headers, 'user-agent': 'otc-gitlab-scaler', authorization: obsAuthorization(request, credentials, this.scheme) };
  }
}

export function asText(answer: Answer): TextAnswer {
  return { status: answer.status, headers: answer.headers, text: answer.body.toString('utf8') };
}

/** OBS wants the bucket in the host name (`VirtualHostDomainRequired`); an address or a local name has no room for it. */
export function bucketUrl(endpoint: string, bucket: string): string {
  if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(bucket)) throw new ConfigError('bucket-invalid', `"${bucket}" is no name of a bucket`);
  if (!URL.canParse(endpoint)) throw new ConfigError('endpoint-invalid', 'the endpoint of obs is no URL');
  const { protocol, host, hostname } = new URL(endpoint);
  const byPath = hostname.startsWith('[') || isIP(hostname) !== 0 || hostname === 'localhost' || hostname.endsWith('.localhost');
  return byPath ? `${protocol}//${host}/${bucket}` : `${protocol}//${bucket}.${host}`;
}

/** A URL would resolve `.` and `..`, and the signature would be of another key. */
function checkKey(key: string): void {
  const odd = key === '' || key.startsWith('/') || key.split('/').some((part) => part === '.' || part === '..');
  if (odd || Buffer.byteLength(key) > 1024) throw new ConfigError('key-invalid', 'an object key is empty, too long or not plain');
}
