import { createHmac } from 'node:crypto';

/** The two spellings of one algorithm (OTC OBS API reference, "Authentication of Signature in a Header"). */
export type Scheme = 'OBS' | 'AWS';

export interface ObsRequest {
  readonly method: string;
  /** '' for the list of buckets. */
  readonly bucket: string;
  /** Decoded; '' for calls on the bucket. */
  readonly key: string;
  readonly query: ReadonlyMap<string, string>;
  /** Lower-case names. */
  readonly headers: ReadonlyMap<string, string>;
  /** IP address that it comes from. */
  readonly address: string;
  /** By the website's host name: nothing but anonymous reading. */
  readonly website: boolean;
}

/** Parts of a query that belong to the resource and are signed; `append` is Huawei's addition to OTC's list. */
const SUB_RESOURCES = new Set(
  `acl append attname cors customdomain delete deletebucket encryption inventory length lifecycle location logging metadata modify name
   notification object-lock partNumber policy position quota rename replication requestPayment response-cache-control
   response-content-disposition response-content-encoding response-content-language response-content-type response-expires restore
   retention storageClass storagePolicy storageinfo tagging torrent truncate uploadId uploads versionId versioning versions website
   x-obs-security-token x-amz-security-token`.split(/\s+/),
);

/** `expires` is the query's, for a presigned URL; it stands where the date would. */
export function obsSignature(scheme: Scheme, request: ObsRequest, secretKey: string, expires?: string): string {
  return createHmac('sha1', secretKey)
    .update(stringToSign(scheme, request, expires))
    .digest('base64');
}

function stringToSign(scheme: Scheme, { method, bucket, key, query, headers }: ObsRequest, expires: string | undefined): string {
  const prefix = scheme === 'OBS' ? 'x-obs-' : 'x-amz-';
  const get = (name: string) => headers.get(name)?.trim() ?? '';
  const own = [...headers.keys()].filter((name) => name.startsWith(prefix)).sort();
  const date = headers.has(`${prefix}date`) ? '' : get('date');
  const signed = [...query.keys()].filter((name) => SUB_RESOURCES.has(name)).sort();
  const subs = signed.map((name) => (query.get(name) === '' ? name : `${name}=${query.get(name)}`)).join('&');
  const resource = bucket === '' ? '/' : `/${bucket}/${key.split('/').map(encode).join('/')}`;
  return [
    method,
    get('content-md5'),
    get('content-type'),
    expires ?? date,
    ...own.map((name) => `${name}:${get(name)}`),
    subs ? `${resource}?${subs}` : resource,
  ].join('\n');
}

/** RFC 3986: encodeURIComponent leaves five more characters as they are. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}
