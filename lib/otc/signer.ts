import { createHash, createHmac } from 'node:crypto';
import { encode } from '../http/headers.ts';
import type { Credentials } from './credentials.ts';

const ALGORITHM = 'SDK-HMAC-SHA256';

/** The scoped dialect names region and service in the signature; the gateway takes both as they stand in the header, empty ones too. */
export interface Scope {
  readonly region: string;
  readonly service: string;
}

/** What a signature covers. `path` and `query` are decoded; `headers` are exactly those to sign. */
export interface SignedParts {
  readonly method: string;
  readonly path: string;
  readonly query: readonly (readonly [name: string, value: string])[];
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string | Uint8Array;
}

/** UTC as `yyyyMMddTHHmmssZ`, what `X-Sdk-Date` wants. OTC refuses more than 15 minutes of difference. */
export function sdkDate(now: number): string {
  return `${new Date(now).toISOString().slice(0, 19).replace(/[-:]/g, '')}Z`;
}

/**
 * The value of `Authorization`. Without a scope the dialect of OTC's own documents, with one that of the Terraform provider.
 * Source: OTC API Gateway reference, making_an_api_request, and the vectors in the tests.
 */
export function authorization(parts: SignedParts, credentials: Credentials, date: string, scope?: Scope): string {
  const headers = Object.entries(parts.headers)
    .map(([name, value]) => [name.toLowerCase(), value.trim()] as const)
    .sort(byBytes);
  const signedHeaders = headers.map(([name]) => name).join(';');
  const digest = sha256(canonicalRequest(parts, headers, signedHeaders));
  if (!scope) {
    const signature = hmac(credentials.secretKey, [ALGORITHM, date, digest].join('\n')).toString('hex');
    return `${ALGORITHM} Access=${credentials.accessKey}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
  }
  const day = date.slice(0, 8);
  const scopeText = `${day}/${scope.region}/${scope.service}/sdk_request`;
  const signature = hmac(scopedKey(credentials.secretKey, day, scope), [ALGORITHM, date, scopeText, digest].join('\n')).toString('hex');
  return `${ALGORITHM} Credential=${credentials.accessKey}/${scopeText}, SignedHeaders=${signedHeaders}, Signature=${signature}`;
}

export interface RequestToSign {
  readonly method: string;
  /** As it goes over the wire, so encoded. Query names in lower case: SDKs disagree on how to sort others. */
  readonly url: URL;
  /** Headers to send and sign besides those that signing adds. */
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array;
}

/**
 * The headers that make a request acceptable: the given ones, `host`, `x-sdk-date`, `authorization` and the token of temporary
 * credentials, which is signed as Huawei's SDK does.
 */
export function signedHeaders(request: RequestToSign, credentials: Credentials, now: number, scope?: Scope): Record<string, string> {
  const date = sdkDate(now);
  const headers: Record<string, string> = { ...request.headers, host: request.url.host, 'x-sdk-date': date };
  if (credentials.securityToken !== undefined) headers['x-security-token'] = credentials.securityToken;
  const parts = {
    method: request.method,
    path: request.url.pathname.split('/').map(decode).join('/'),
    query: [...request.url.searchParams],
    headers,
    body: request.body ?? '',
  };
  return { ...headers, authorization: authorization(parts, credentials, date, scope) };
}

function canonicalRequest(parts: SignedParts, headers: readonly (readonly [string, string])[], names: string): string {
  const path = parts.path.split('/').map(encode).join('/');
  const query = parts.query
    .map(([name, value]) => [encode(name), encode(value)] as const)
    .sort(byBytes)
    .map(([name, value]) => `${name}=${value}`)
    .join('&');
  const lines = headers.map(([name, value]) => `${name}:${value}\n`).join('');
  // Every implementation but the newest Python one signs a path that ends with a slash; the URL itself stays as it is.
  return [parts.method, path.endsWith('/') ? path : `${path}/`, query, lines, names, sha256(parts.body)].join('\n');
}

function scopedKey(secretKey: string, day: string, scope: Scope): Buffer {
  return [scope.region, scope.service, 'sdk_request'].reduce<Buffer>((key, part) => hmac(key, part), hmac(`SDK${secretKey}`, day));
}

function decode(segment: string): string {
  try {
    return decodeURIComponent(segment);
  } catch {
    return segment;
  }
}

function byBytes(a: readonly [string, string], b: readonly [string, string]): number {
  if (a[0] !== b[0]) return a[0] < b[0] ? -1 : 1;
  if (a[1] !== b[1]) return a[1] < b[1] ? -1 : 1;
  return 0;
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: string | Uint8Array, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}
