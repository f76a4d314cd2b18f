import { Hono } from 'hono';
import type { SandboxContext } from '../../context.ts';
import { bytesOf, faultLayer, header, ReadyResponse, type SandboxEnv, type SandboxRequest } from '../../http.ts';
import type { Agencies } from '../iam/agencies.ts';
import type { Iam } from '../iam/iam.ts';
import { Ids } from '../ids.ts';
import { denyObs } from './access.ts';
import { Bucket, type StoredObject } from './buckets.ts';
import { type DocumentKind, deleteDocument, documentKind, getDocument, putDocument } from './documents.ts';
import { sliceOf } from './range.ts';
import { goodDigest, kept, readObsRequest, type Verb, verbOf } from './read.ts';
import { NewBucket, readMultiDelete, readXml } from './read-xml.ts';
import { forbiddenAction, signerOf } from './rights.ts';
import type { ObsRequest } from './sign.ts';
import { showPage } from './website.ts';
import { bucketsXml, errorXml, listXml, multiDeleteXml } from './write-xml.ts';

export interface ObsOptions {
  readonly iam: Iam;
  readonly buckets: readonly string[];
  /** Keys of every bucket that anyone may read. */
  readonly publicPrefixes?: readonly string[];
  readonly append?: AppendMode;
  /** Whose policies bind the keys that carry an agency; such keys may do nothing when absent. */
  readonly agencies?: Agencies;
}

/** `ignored`: as servers do that do not know `?append`: they overwrite and answer 200. `refused`: 405. */
export type AppendMode = 'works' | 'ignored' | 'refused';

interface Call {
  readonly request: ObsRequest;
  readonly verb: Verb;
  readonly document: DocumentKind | undefined;
  readonly body: Buffer;
}

/** The object store (OTC OBS API reference), path style or virtual-hosted by the Host header. */
export class Obs {
  readonly app = new Hono<SandboxEnv>();
  append: AppendMode;
  readonly #ctx: SandboxContext;
  readonly #iam: Iam;
  readonly #agencies: Agencies | undefined;
  readonly #ids = new Ids('obs');
  readonly #buckets = new Map<string, Bucket>();

  constructor(ctx: SandboxContext, options: ObsOptions) {
    this.#ctx = ctx;
    this.#iam = options.iam;
    this.#agencies = options.agencies;
    this.append = options.append ?? 'works';
    for (const name of options.buckets) this.#buckets.set(name, new Bucket(name, ctx.clock, options.publicPrefixes));
    const operation = faultLayer(ctx, (c, status, code) => this.#error(c, status ?? (code ? 400 : 500), code ?? 'InternalError', ''));
    this.app.onError((error, c) =>
      error instanceof URIError ? this.#error(c, 400, 'InvalidURI', '') : this.#error(c, 500, 'InternalError', error.message),
    );
    this.app.all(
      '*',
      operation((c) => `obs.${verbOf(readObsRequest(c))}`),
      (c) => this.#answer(c),
    );
  }

  buckets(): readonly string[] {
    return [...this.#buckets.keys()];
  }

  find(name: string): Bucket | undefined {
    return this.#buckets.get(name);
  }

  /** Throws when there is no such bucket. */
  bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name);
    if (!bucket) throw new Error(`the sandbox has no bucket ${name}`);
    return bucket;
  }

  async #answer(c: SandboxRequest): Promise<Response> {
    const request = readObsRequest(c);
    const body = await bytesOf(c);
    const bucket = this.#buckets.get(request.bucket);
    if (request.website) {
      const page = showPage(bucket, request);
      return this.#done(page.status, page.headers, page.body);
    }
    const denied = denyObs(request, this.#iam, this.#ctx.clock, bucket);
    if (denied) return this.#error(c, denied.status, denied.code, denied.message);
    const verb = verbOf(request);
    const call = { request, verb, document: documentKind(request.query), body };
    const forbidden = this.#forbidden(call, bucket);
    if (forbidden) return this.#error(c, 403, 'AccessDenied', `No policy allows ${forbidden}.`);
    if (request.bucket === '') return this.#xml(bucketsXml([...this.#buckets.keys()], 0));
    if (!goodDigest(c, body)) return this.#error(c, 400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.');
    if (verb === 'bucket-create') return this.#create(c, request.bucket, body);
    if (!bucket) return this.#error(c, 404, 'NoSuchBucket', 'The specified bucket does not exist');
    return this.#carryOut(c, bucket, call);
  }

  #forbidden(call: Call, bucket: Bucket | undefined): string | undefined {
    const agency = this.#iam.key(signerOf(call.request) ?? '')?.agency;
    if (agency === undefined) return undefined;
    return this.#agencies ? forbiddenAction(agency, this.#agencies, bucket, call) : 'anything';
  }

  #create(c: SandboxRequest, name: string, body: Buffer): Response {
    if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name)) {
      return this.#error(c, 400, 'InvalidBucketName', 'The specified bucket is not valid.');
    }
    if (body.length > 0 && !readXml(body.toString('utf8'), NewBucket)) return this.#malformed(c);
    if (this.#buckets.has(name)) {
      return this.#error(c, 409, 'BucketAlreadyOwnedByYou', 'Your previous request to create the named bucket succeeded.');
    }
    this.#buckets.set(name, new Bucket(name, this.#ctx.clock));
    return this.#done(200, { location: `/${name}` });
  }

  #remove(c: SandboxRequest, bucket: Bucket): Response {
    if (!bucket.empty()) return this.#error(c, 409, 'BucketNotEmpty', 'The bucket you tried to delete is not empty.');
    this.#buckets.delete(bucket.name);
    return this.#done(204);
  }

  #carryOut(c: SandboxRequest, bucket: Bucket, call: Call): Response {
    const { key } = call.request;
    switch (call.verb) {
      case 'put':
        return this.#put(c, bucket, call);
      case 'append':
        return this.#append(c, bucket, call);
      case 'get':
      case 'head':
        return this.#get(c, bucket.get(key));
      case 'delete':
        bucket.delete(key);
        return this.#done(204);
      case 'list':
        return this.#list(c, bucket, call.request.query);
      case 'multi-delete':
        return this.#multiDelete(c, bucket, call);
      case 'bucket':
        return this.#done(200, { 'x-obs-version': '3.0', 'x-obs-bucket-location': 'eu-de' });
      case 'document':
        return this.#document(c, bucket, call);
      case 'bucket-delete':
        return this.#remove(c, bucket);
      case 'bucket-create':
      case 'other':
        return this.#error(c, 405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.');
    }
  }

  #put(c: SandboxRequest, bucket: Bucket, { request, body }: Call): Response {
    if (header(c, 'content-length') === undefined) {
      return this.#error(c, 411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.');
    }
    const days = header(c, 'x-obs-expires');
    const stored = bucket.put(request.key, body, kept(request), days === undefined ? undefined : Number(days));
    return this.#done(200, { etag: `"${stored.etag}"` });
  }

  #append(c: SandboxRequest, bucket: Bucket, call: Call): Response {
    if (this.append === 'refused') return this.#error(c, 405, 'MethodNotAllowed', 'The specified method is not allowed.');
    if (this.append === 'ignored') return this.#put(c, bucket, call);
    const position = call.request.query.get('position') ?? '';
    if (!/^\d+$/.test(position)) return this.#error(c, 400, 'InvalidArgument', 'position must be a non-negative integer');
    const appended = bucket.append(call.request.key, Number(position), call.body, kept(call.request));
    if (!appended.ok) return this.#error(c, 409, appended.code, 'The append was not carried out.');
    return this.#done(200, { etag: `"${appended.etag}"`, 'x-obs-next-append-position': String(appended.object.body.length) });
  }

  #get(c: SandboxRequest, object: StoredObject | undefined): Response {
    if (!object) return this.#error(c, 404, 'NoSuchKey', 'The specified key does not exist.');
    const etag = `"${object.etag}"`;
    const headers = {
      ...object.headers,
      etag,
      'accept-ranges': 'bytes',
      'last-modified': new Date(object.modifiedAt).toUTCString(),
      ...(object.appendable
        ? { 'x-obs-object-type': 'Appendable', 'x-obs-next-append-position': String(object.body.length) }
        : { 'x-obs-object-type': 'Normal' }),
    };
    if (header(c, 'if-none-match') === etag) return this.#done(304, headers);
    const wanted = header(c, 'if-match');
    if (wanted !== undefined && wanted !== etag) return this.#error(c, 412, 'PreconditionFailed', 'A precondition did not hold.');
    return this.#slice(c, object.body, headers);
  }

  #slice(c: SandboxRequest, body: Buffer, headers: Record<string, string>): Response {
    const slice = sliceOf(header(c, 'range'), body.length);
    if (slice.kind === 'unsatisfiable') return this.#error(c, 416, 'InvalidRange', 'The requested range cannot be satisfied.');
    const part = slice.kind === 'whole' ? body : body.subarray(slice.start, slice.end + 1);
    const range = slice.kind === 'whole' ? {} : { 'content-range': `bytes ${slice.start}-${slice.end}/${body.length}` };
    const all = { ...headers, ...range, 'content-length': String(part.length) };
    return this.#done(slice.kind === 'whole' ? 200 : 206, all, c.req.method === 'HEAD' ? null : part);
  }

  #list(c: SandboxRequest, bucket: Bucket, query: ReadonlyMap<string, string>): Response {
    const maxKeys = Number(query.get('max-keys') ?? 1000);
    if (!Number.isInteger(maxKeys) || maxKeys < 1) return this.#error(c, 400, 'InvalidArgument', 'max-keys');
    const version = query.get('list-type') === '2' ? 2 : 1;
    const from = version === 1 ? query.get('marker') : (query.get('continuation-token') ?? query.get('start-after'));
    const listing = bucket.list({
      prefix: query.get('prefix') ?? '',
      delimiter: query.get('delimiter') ?? '',
      from: from ?? '',
      maxKeys: Math.min(maxKeys, 1000),
    });
    return this.#xml(listXml(bucket.name, listing, version));
  }

  #multiDelete(c: SandboxRequest, bucket: Bucket, { body }: Call): Response {
    if (header(c, 'content-md5') === undefined) return this.#error(c, 400, 'InvalidRequest', 'Missing required header: Content-MD5');
    const wanted = readMultiDelete(body);
    if (!wanted) return this.#malformed(c);
    for (const key of wanted.keys) bucket.delete(key);
    return this.#xml(multiDeleteXml(wanted.quiet ? [] : wanted.keys));
  }

  #document(c: SandboxRequest, bucket: Bucket, { request, document, body }: Call): Response {
    if (document === undefined) return this.#error(c, 405, 'MethodNotAllowed', 'The specified method is not allowed.');
    if (request.method === 'PUT') {
      const wrong = putDocument(bucket, document, body.toString('utf8'), header(c, 'content-md5') !== undefined);
      return wrong ? this.#error(c, 400, wrong, 'The document was not accepted.') : this.#done(200);
    }
    if (request.method === 'DELETE') {
      deleteDocument(bucket, document);
      return this.#done(204);
    }
    const found = getDocument(bucket, document);
    return found.ok ? this.#done(200, { 'content-type': found.type }, found.text) : this.#error(c, 404, found.code, 'Not configured.');
  }

  #malformed(c: SandboxRequest): Response {
    return this.#error(
      c,
      400,
      'MalformedXML',
      'The XML you provided was not well-formed or did not validate against our published schema.',
    );
  }

  #xml(text: string): Response {
    return this.#done(200, { 'content-type': 'application/xml' }, text);
  }

  #error(c: SandboxRequest, status: number, code: string, message: string): Response {
    const requestId = this.#ids.hex(32).toUpperCase();
    const path = (c.env.incoming.url ?? '/').split('?')[0] ?? '/';
    const headers = { 'content-type': 'application/xml', 'x-obs-request-id': requestId, 'x-obs-error-code': code };
    return this.#done(status, headers, c.req.method === 'HEAD' ? null : errorXml(code, message, path, requestId));
  }

  #done(status: number, headers: Record<string, string> = {}, body: string | Uint8Array | null = null): Response {
    const date = new Date(this.#ctx.clock.now()).toUTCString();
    const common = { server: 'OBS', date, 'x-obs-request-id': this.#ids.hex(32).toUpperCase() };
    return new ReadyResponse(body, { status, headers: { ...common, ...headers } });
  }
}
