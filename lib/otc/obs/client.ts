import type { CallOptions, Store, StoredObject } from '../../app/ports/index.ts';
import { ConfigError, NotFoundError, UnclearError } from '../../core/errors.ts';
import type { Answer } from '../../http/client.ts';
import { obsError } from './errors.ts';
import { asText, ObsHttp, type ObsOptions } from './http.ts';
import { readRange, type Span, wholeObject } from './range.ts';
import { readPage } from './xml.ts';

const PAGE_SIZE = 1_000;

/** One bucket of the Object Storage Service, or of an S3 server. Source: OTC OBS API reference; Huawei's AppendObject. */
export class Obs implements Store {
  readonly #http: ObsHttp;
  readonly #appendVerb: 'POST' | 'PUT';

  constructor(options: ObsOptions) {
    this.#http = new ObsHttp(options);
    this.#appendVerb = options.appendVerb ?? (this.#http.scheme === 'obs' ? 'POST' : 'PUT');
  }

  async get(key: string, options: CallOptions & { readonly range?: Span } = {}): Promise<StoredObject | undefined> {
    const span = usefulSpan(options.range);
    const first = await this.#read(key, span, options);
    if (first !== 'grown') return first;
    const second = await this.#read(key, span, options);
    if (second === 'grown') throw new UnclearError('InvalidRange', 'obs.get: the range is refused although the object is long enough');
    return second;
  }

  /** `grown`: the object was shorter than the range when it was read and is longer now. */
  async #read(key: string, span: Span | undefined, options: CallOptions): Promise<StoredObject | 'grown' | undefined> {
    const answer = await this.#http.call({
      name: 'obs.get',
      method: 'GET',
      key,
      headers: span ? { range: rangeHeader(span) } : {},
      repeat: true,
      signal: options.signal,
    });
    if (answer.status === 200) return wholeObject(answer.body, span);
    if (answer.status === 206 && span) return readRange(answer.body, answer.headers['content-range'], span);
    if (answer.status !== 416 || !span) return missing(answer, 'obs.get');
    const size = unsatisfiedSize(answer) ?? (await this.#size(key, options));
    if (size === undefined) return undefined;
    const nothingThere = 'last' in span ? size === 0 : size <= span.from;
    return nothingThere ? { body: new Uint8Array(), size } : 'grown';
  }

  async put(
    key: string,
    body: string | Uint8Array,
    options: CallOptions & { readonly contentType?: string; readonly expiresDays?: number } = {},
  ): Promise<void> {
    const expires =
      options.expiresDays !== undefined && this.#http.scheme === 'obs' ? { 'x-obs-expires': String(options.expiresDays) } : {};
    const answer = await this.#http.call({
      name: 'obs.put',
      method: 'PUT',
      key,
      headers: { 'content-type': options.contentType ?? 'application/octet-stream', ...expires },
      body: Buffer.from(body),
      repeat: true,
      signal: options.signal,
    });
    if (!isSuccess(answer)) throw obsError(asText(answer), 'other', 'obs.put');
  }

  async append(
    key: string,
    position: number,
    body: string,
    options: CallOptions & { readonly contentType?: string } = {},
  ): Promise<number> {
    // Nothing appended leaves the length as it is, and then success would not mean that nobody came between.
    if (body === '') throw new ConfigError('append-empty', 'obs.append: nothing to append');
    const bytes = Buffer.from(body);
    const answer = await this.#http.call({
      name: 'obs.append',
      method: this.#appendVerb,
      key,
      query: { append: '', position: String(position) },
      headers: { 'content-type': options.contentType ?? 'text/plain' },
      body: bytes,
      repeat: false,
      signal: options.signal,
    });
    if (!isSuccess(answer)) throw obsError(asText(answer), 'append', 'obs.append');
    const next = answer.headers['x-obs-next-append-position'] ?? answer.headers['x-rgw-next-append-position'];
    // A server that does not know append answers 200 as well, and has overwritten the object.
    if (Number(next) !== position + bytes.length)
      throw new UnclearError('append-position', 'obs.append: the answer does not confirm the append');
    return position + bytes.length;
  }

  async delete(key: string, options: CallOptions = {}): Promise<void> {
    const answer = await this.#http.call({ name: 'obs.delete', method: 'DELETE', key, repeat: true, signal: options.signal });
    if (!isSuccess(answer)) missing(answer, 'obs.delete');
  }

  async list(
    prefix: string,
    options: CallOptions & { readonly startAfter?: string; readonly max?: number } = {},
  ): Promise<readonly string[]> {
    const max = options.max ?? Number.POSITIVE_INFINITY;
    const keys: string[] = [];
    let marker = options.startAfter ?? '';
    while (keys.length < max) {
      const page = await this.#page(prefix, marker, Math.min(PAGE_SIZE, max - keys.length), options);
      keys.push(...page.keys);
      if (page.next === undefined) break;
      if (page.next === marker) throw new UnclearError('unexpected-answer', 'obs.list: the list does not move on');
      marker = page.next;
    }
    return keys.slice(0, max);
  }

  presignGet(key: string, expiresAt: number): string {
    return this.#http.presign(key, expiresAt);
  }

  async #page(prefix: string, marker: string, size: number, options: CallOptions) {
    const answer = await this.#http.call({
      name: 'obs.list',
      method: 'GET',
      query: { prefix, ...(marker === '' ? {} : { marker }), 'max-keys': String(size) },
      repeat: true,
      signal: options.signal,
    });
    if (answer.status !== 200) throw obsError(asText(answer), 'other', 'obs.list');
    return readPage(answer.body.toString('utf8'));
  }

  async #size(key: string, options: CallOptions): Promise<number | undefined> {
    const answer = await this.#http.call({ name: 'obs.head', method: 'HEAD', key, repeat: true, signal: options.signal });
    if (answer.status !== 200) return missing(answer, 'obs.head');
    const size = Number(answer.headers['content-length']);
    if (!Number.isSafeInteger(size)) throw new UnclearError('unexpected-answer', 'obs.head: no length');
    return size;
  }
}

/** A range from the beginning is no range; asked of an empty object it would be refused. */
function usefulSpan(range: Span | undefined): Span | undefined {
  return range && 'from' in range && range.from <= 0 && range.length === undefined ? undefined : range;
}

function rangeHeader(span: Span): string {
  if ('last' in span) return `bytes=-${Math.max(1, span.last)}`;
  return `bytes=${span.from}-${span.length === undefined ? '' : span.from + span.length - 1}`;
}

/** A 416 of OBS may tell the length: an asterisk for the range, then the size. radosgw's does not. */
function unsatisfiedSize(answer: Answer): number | undefined {
  const match = /^bytes \*\/(\d+)$/.exec(answer.headers['content-range'] ?? '');
  return match ? Number(match[1]) : undefined;
}

/** `undefined` when the object is not there; a bucket that is not there is an error. */
function missing(answer: Answer, name: string): undefined {
  const error = obsError(asText(answer), 'other', name);
  if (!(error instanceof NotFoundError)) throw error;
}

function isSuccess(answer: Answer): boolean {
  return answer.status >= 200 && answer.status < 300;
}
