import { denyAnonymous } from './access.ts';
import type { Bucket } from './buckets.ts';
import { indexDocument } from './documents.ts';
import type { ObsRequest } from './sign.ts';

export interface Page {
  readonly status: number;
  readonly headers: Record<string, string>;
  readonly body: string | Uint8Array | null;
}

/**
 * What the website's host answers: pages for anybody, never signed, errors as pages. Whether the real one honours `Range` is not documented: this
 * one does not.
 */
export function showPage(bucket: Bucket | undefined, request: ObsRequest): Page {
  if (request.method !== 'GET' && request.method !== 'HEAD') return errorPage(405, 'MethodNotAllowed');
  const index = bucket && indexDocument(bucket);
  if (!bucket || index === undefined) return errorPage(404, bucket ? 'NoSuchWebsiteConfiguration' : 'NoSuchBucket');
  const key = request.key === '' || request.key.endsWith('/') ? `${request.key}${index}` : request.key;
  const denied = denyAnonymous({ ...request, key }, bucket);
  if (denied) return errorPage(denied.status, denied.code);
  const object = bucket.get(key);
  if (!object) return errorPage(404, 'NoSuchKey');
  const headers = { ...object.headers, etag: `"${object.etag}"`, 'content-length': String(object.body.length) };
  return { status: 200, headers, body: request.method === 'HEAD' ? null : object.body };
}

function errorPage(status: number, code: string): Page {
  return { status, headers: { 'content-type': 'text/html' }, body: `<h1>${status} ${code}</h1>` };
}
