import { Hono } from 'hono';
import type { SandboxContext } from '../../context.ts';
import { bytesOf, faultLayer, header, ReadyResponse, type SandboxEnv, type SandboxRequest } from '../../http.ts';
import type { Agencies } from '../iam/agencies.ts';
import type { Iam } from '../iam/iam.ts';
import { Ids } from '../ids.ts';
import { found, Refused } from '../refused.ts';
import { checkAccess } from './access.ts';
import { Bucket, type StoredObject } from './buckets.ts';
import { type DocumentKind, deleteDocument, documentKind, getDocument, putDocument } from './documents.ts';
import { partOf } from './range.ts';
import { goodDigest, isWebsite, kept, readObsRequest, type Verb, verbOf } from './read.ts';
import { NewBucket, readMultiDelete, readXml } from './read-xml.ts';
import { forbiddenAction, signerOf } from './rights.ts';
import type { ObsRequest } from './sign.ts';
import { pageOf } from './website.ts';
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
    this.app.onError((error, c) => {
      if (error instanceof Refused) return this.#error(c, error.status, error.code, error.message);
      return error instanceof URIError ? this.#error(c, 400, 'InvalidURI', '') : this.#error(c, 500, 'InternalError', error.message);
    });
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

  /** Throws when the bucket does not exist. */
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
      const { headers, etag, body: page } = pageOf(bucket, request);
      const described = { ...headers, etag: `"${etag}"`, 'content-length': String(page.length) };
      return this.#done(200, described, c.req.method === 'HEAD' ? null : page);
    }
    checkAccess(request, this.#iam, this.#ctx.clock, bucket);
    const verb = verbOf(request);
    const call = { request, verb, document: documentKind(request.query), body };
    const forbidden = this.#forbidden(call, bucket);
    if (forbidden) throw new Refused(403, 'AccessDenied', `No policy allows ${forbidden}.`);
    if (request.bucket === '') return this.#xml(bucketsXml([...this.#buckets.keys()], 0));
    if (!goodDigest(c, body)) throw new Refused(400, 'BadDigest', 'The Content-MD5 you specified did not match what we received.');
    if (verb === 'bucket-create') return this.#create(request.bucket, body);
    return this.#carryOut(c, found(bucket, new Refused(404, 'NoSuchBucket', 'The specified bucket does not exist')), call);
  }

  #forbidden(call: Call, bucket: Bucket | undefined): string | undefined {
    const agency = this.#iam.key(signerOf(call.request) ?? '')?.agency;
    if (agency === undefined) return undefined;
    return this.#agencies ? forbiddenAction(agency, this.#agencies, bucket, call) : 'anything';
  }

  #create(name: string, body: Buffer): Response {
    if (!/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/.test(name)) {
      throw new Refused(400, 'InvalidBucketName', 'The specified bucket is not valid.');
    }
    if (body.length > 0 && !readXml(body.toString('utf8'), NewBucket)) throw malformed();
    if (this.#buckets.has(name)) {
      throw new Refused(409, 'BucketAlreadyOwnedByYou', 'Your previous request to create the named bucket succeeded.');
    }
    this.#buckets.set(name, new Bucket(name, this.#ctx.clock));
    return this.#done(200, { location: `/${name}` });
  }

  #remove(bucket: Bucket): Response {
    if (!bucket.empty()) throw new Refused(409, 'BucketNotEmpty', 'The bucket you tried to delete is not empty.');
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
        return this.#get(c, found(bucket.get(key), new Refused(404, 'NoSuchKey', 'The specified key does not exist.')));
      case 'delete':
        bucket.delete(key);
        return this.#done(204);
      case 'list':
        return this.#list(bucket, call.request.query);
      case 'multi-delete':
        return this.#multiDelete(c, bucket, call);
      case 'bucket':
        return this.#done(200, { 'x-obs-version': '3.0', 'x-obs-bucket-location': 'eu-de' });
      case 'document':
        return this.#document(c, bucket, call);
      case 'bucket-delete':
        return this.#remove(bucket);
      case 'bucket-create':
      case 'other':
        throw new Refused(405, 'MethodNotAllowed', 'The specified method is not allowed against this resource.');
    }
  }

  #put(c: SandboxRequest, bucket: Bucket, { request, body }: Call): Response {
    if (header(c, 'content-length') === undefined) {
      throw new Refused(411, 'MissingContentLength', 'You must provide the Content-Length HTTP header.');
    }
    const days = header(c, 'x-obs-expires');
    const stored = bucket.put(request.key, body, kept(request), days === undefined ? undefined : Number(days));
    return this.#done(200, { etag: `"${stored.etag}"` });
  }

  #append(c: SandboxRequest, bucket: Bucket, call: Call): Response {
    if (this.append === 'refused') throw new Refused(405, 'MethodNotAllowed', 'The specified method is not allowed.');
    if (this.append === 'ignored') return this.#put(c, bucket, call);
    const position = call.request.query.get('position') ?? '';
    if (!/^\d+$/.test(position)) throw new Refused(400, 'InvalidArgument', 'position must be a non-negative integer');
    const appended = bucket.append(call.request.key, Number(position), call.body, kept(call.request));
    if (!appended.ok) throw new Refused(409, appended.code, 'The append was not carried out.');
    return this.#done(200, { etag: `"${appended.etag}"`, 'x-obs-next-append-position': String(appended.object.body.length) });
  }

  #get(c: SandboxRequest, object: StoredObject): Response {
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
    if (wanted !== undefined && wanted !== etag) throw new Refused(412, 'PreconditionFailed', 'A precondition did not hold.');
    const part = partOf(header(c, 'range'), object.body);
    return this.#done(part.status, { ...headers, ...part.headers }, c.req.method === 'HEAD' ? null : part.bytes);
  }

  #list(bucket: Bucket, query: ReadonlyMap<string, string>): Response {
    const maxKeys = Number(query.get('max-keys') ?? 1000);
    if (!Number.isInteger(maxKeys) || maxKeys < 1) throw new Refused(400, 'InvalidArgument', 'max-keys');
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
    if (header(c, 'content-md5') === undefined) throw new Refused(400, 'InvalidRequest', 'Missing required header: Content-MD5');
    const wanted = found(readMultiDelete(body), malformed());
    for (const key of wanted.keys) bucket.delete(key);
    return this.#xml(multiDeleteXml(wanted.quiet ? [] : wanted.keys));
  }

  #document(c: SandboxRequest, bucket: Bucket, { request, document, body }: Call): Response {
    if (document === undefined) throw new Refused(405, 'MethodNotAllowed', 'The specified method is not allowed.');
    if (request.method === 'PUT') {
      putDocument(bucket, document, body.toString('utf8'), header(c, 'content-md5') !== undefined);
      return this.#done(200);
    }
    if (request.method === 'DELETE') {
      deleteDocument(bucket, document);
      return this.#done(204);
    }
    const { text, type } = getDocument(bucket, document);
    return this.#done(200, { 'content-type': type }, text);
  }

  #xml(text: string): Response {
    return this.#done(200, { 'content-type': 'application/xml' }, text);
  }

  #error(c: SandboxRequest, status: number, code: string, message: string): Response {
    if (isWebsite(c)) return this.#done(status, { 'content-type': 'text/html' }, `<h1>${status} ${code}</h1>`);
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

function malformed(): Refused {
  return new Refused(400, 'MalformedXML', 'The XML you provided was not well-formed or did not validate against our published schema.');
}
