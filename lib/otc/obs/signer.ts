import { createHmac } from 'node:crypto';
import { encode } from '../../http/headers.ts';
import type { Credentials } from '../credentials.ts';

/** `obs`: OBS's own protocol. `aws`: S3 signature version 2, byte for byte the same but for names; for S3 servers such as radosgw. */
export type ObsScheme = 'obs' | 'aws';

interface Dialect {
  readonly label: string;
  readonly headerPrefix: string;
  readonly tokenName: string;
  readonly accessKeyParameter: string;
  readonly subResources: ReadonlySet<string>;
}

/** Query parameters that are part of what is signed. Source: OBS API reference, authentication_of_signature_in_a_header. */
const SUB_RESOURCES = [
  ...['acl', 'attname', 'cors', 'customdomain', 'delete', 'deletebucket', 'encryption', 'inventory', 'length', 'lifecycle', 'location'],
  ...['logging', 'metadata', 'modify', 'name', 'notification', 'object-lock', 'partNumber', 'policy', 'quota', 'rename', 'replication'],
  ...['requestPayment', 'response-cache-control', 'response-content-disposition', 'response-content-encoding'],
  ...['response-content-language', 'response-content-type', 'response-expires', 'restore', 'retention', 'storageClass', 'storageinfo'],
  ...['storagePolicy', 'tagging', 'torrent', 'truncate', 'uploadId', 'uploads', 'versionId', 'versioning', 'versions', 'website'],
];

const DIALECTS: Readonly<Record<ObsScheme, Dialect>> = {
  obs: {
    label: 'OBS',
    headerPrefix: 'x-obs-',
    tokenName: 'x-obs-security-token',
    accessKeyParameter: 'AccessKeyId',
    // OTC's list lacks `append` and `position`; Huawei's list and every SDK have them.
    subResources: new Set([...SUB_RESOURCES, 'append', 'position', 'x-obs-security-token']),
  },
  aws: {
    label: 'AWS',
    headerPrefix: 'x-amz-',
    tokenName: 'x-amz-security-token',
    accessKeyParameter: 'AWSAccessKeyId',
    subResources: new Set([...SUB_RESOURCES, 'x-amz-security-token']),
  },
};

export interface ObsRequest {
  readonly method: string;
  /** Empty: the list of buckets. */
  readonly bucket: string;
  /** Decoded; empty: the bucket itself. */
  readonly key: string;
  /** Decoded; an empty value stands for a bare name. */
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string>>;
}

/** The key as it goes into the URL and into the signature: slashes stay, everything but unreserved characters is encoded. */
export function encodeKey(key: string): string {
  return key.split('/').map(encode).join('/');
}

/** The name of the header, and of the query parameter, that carries the token of temporary credentials. */
export function tokenName(scheme: ObsScheme): string {
  return DIALECTS[scheme].tokenName;
}

export function stringToSign(request: ObsRequest, scheme: ObsScheme): string {
  const { headerPrefix } = DIALECTS[scheme];
  const headers = new Map(Object.entries(request.headers).map(([name, value]) => [name.toLowerCase(), value.trim()]));
  const own = [...headers.keys()].filter((name) => name.startsWith(headerPrefix)).sort();
  return [
    request.method,
    headers.get('content-md5') ?? '',
    headers.get('content-type') ?? '',
    headers.has(`${headerPrefix}date`) ? '' : (headers.get('date') ?? ''),
    ...own.map((name) => `${name}:${headers.get(name)}`),
    canonicalResource(request, scheme),
  ].join('\n');
}

/** The value of `Authorization`. */
export function obsAuthorization(request: ObsRequest, credentials: Credentials, scheme: ObsScheme): string {
  return `${DIALECTS[scheme].label} ${credentials.accessKey}:${sign(credentials.secretKey, stringToSign(request, scheme))}`;
}

/** The query of a URL that may be used until `expires` (seconds of Unix time), or until temporary credentials end. */
export function presignedQuery(
  request: Pick<ObsRequest, 'method' | 'bucket' | 'key'>,
  expires: number,
  credentials: Credentials,
  scheme: ObsScheme,
): string {
  const { tokenName: name, accessKeyParameter } = DIALECTS[scheme];
  const token: Record<string, string> = credentials.securityToken === undefined ? {} : { [name]: credentials.securityToken };
  const text = stringToSign({ ...request, query: token, headers: { date: String(expires) } }, scheme);
  const pairs = {
    [accessKeyParameter]: credentials.accessKey,
    Expires: String(expires),
    Signature: sign(credentials.secretKey, text),
    ...token,
  };
  return queryString(pairs);
}

/** Encoded for the wire; an empty value gives the bare name. */
export function queryString(query: Readonly<Record<string, string>>): string {
  return Object.entries(query)
    .map(([name, value]) => (value === '' ? encode(name) : `${encode(name)}=${encode(value)}`))
    .join('&');
}

/** Always with the bucket, however the URL names it. Values of sub-resources are signed decoded. */
function canonicalResource(request: ObsRequest, scheme: ObsScheme): string {
  const { subResources } = DIALECTS[scheme];
  const signed = Object.entries(request.query)
    .filter(([name]) => subResources.has(name))
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, value]) => (value === '' ? name : `${name}=${value}`));
  const path = request.bucket === '' ? '/' : `/${request.bucket}/${encodeKey(request.key)}`;
  return signed.length === 0 ? path : `${path}?${signed.join('&')}`;
}

function sign(secretKey: string, text: string): string {
  return createHmac('sha1', secretKey).update(text).digest('base64');
}
