import { createHash } from 'node:crypto';
import { header, type SandboxRequest, target } from '../../http.ts';
import { documentKind } from './documents.ts';
import type { ObsRequest } from './sign.ts';

export type Verb =
  | 'put'
  | 'get'
  | 'head'
  | 'delete'
  | 'append'
  | 'list'
  | 'multi-delete'
  | 'bucket'
  | 'bucket-create'
  | 'bucket-delete'
  | 'document'
  | 'other';

const KEPT_HEADERS = ['content-type', 'cache-control', 'content-disposition', 'content-encoding', 'content-language', 'expires'];

/** Each is asked for twice: for the name of its operation and to be answered. */
const read = new WeakMap<SandboxRequest, ObsRequest>();

/** Throws `URIError` on a broken percent sequence. */
export function readObsRequest(c: SandboxRequest): ObsRequest {
  const request = read.get(c) ?? parse(c);
  read.set(c, request);
  return request;
}

/** Path style, or virtual-hosted by the Host header. */
function parse(c: SandboxRequest): ObsRequest {
  const { path, query } = target(c);
  const host = (header(c, 'host') ?? '').replace(/:\d+$/, '');
  const headers = new Map(Object.keys(c.env.incoming.headers).map((name) => [name, header(c, name) ?? '']));
  const address = c.env.incoming.socket.remoteAddress ?? '';
  const website = isWebsite(c);
  const common = { method: c.req.method, query: new Map(query), headers, address, website };
  if (!isPathStyle(host)) return { ...common, bucket: host.split('.')[0] ?? '', key: path.slice(1) };
  const slash = path.indexOf('/', 1);
  if (slash < 0) return { ...common, bucket: path.slice(1), key: '' };
  return { ...common, bucket: path.slice(1, slash), key: path.slice(slash + 1) };
}

/** By the website's host name. */
export function isWebsite(c: SandboxRequest): boolean {
  return header(c, 'host')?.split('.')[1] === 'obs-website';
}

/** What the request is to do; also the second half of the operation's name. */
export function verbOf({ method, key, query }: ObsRequest): Verb {
  if (key !== '') {
    if (method === 'POST') return query.has('append') ? 'append' : 'other';
    return ({ PUT: 'put', GET: 'get', HEAD: 'head', DELETE: 'delete' } as const)[method] ?? 'other';
  }
  if (method === 'POST') return query.has('delete') ? 'multi-delete' : 'other';
  if (documentKind(query)) return 'document';
  if (method === 'GET') return 'list';
  return ({ PUT: 'bucket-create', HEAD: 'bucket', DELETE: 'bucket-delete' } as const)[method] ?? 'other';
}

function isPathStyle(host: string): boolean {
  return /^[\d.]+$/.test(host) || host === 'localhost' || host.startsWith('obs.');
}

export function goodDigest(c: SandboxRequest, body: Buffer): boolean {
  const digest = header(c, 'content-md5');
  return digest === undefined || digest === createHash('md5').update(body).digest('base64');
}

/** Headers that are kept with the object. */
export function kept({ headers }: ObsRequest): Record<string, string> {
  const names = [...headers.keys()].filter((n) => KEPT_HEADERS.includes(n) || n.startsWith('x-obs-meta-'));
  return { 'content-type': 'binary/octet-stream', ...Object.fromEntries(names.map((n) => [n, headers.get(n) ?? ''])) };
}
