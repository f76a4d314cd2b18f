import { createHash, createHmac } from 'node:crypto';

/** A request as the API gateway sees it, for checking its SDK-HMAC-SHA256 signature. */
export interface SignedRequest {
  readonly method: string;
  /** Decoded. */
  readonly path: string;
  /** Decoded, in any order. */
  readonly query: readonly (readonly [name: string, value: string])[];
  /** Lower-case names. */
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

export interface Authorization {
  readonly accessKey: string;
  /** Absent in the unscoped dialect. */
  readonly scope?: { readonly day: string; readonly region: string; readonly service: string };
  readonly signedHeaders: readonly string[];
  readonly signature: string;
}

const SHAPE = /^SDK-HMAC-SHA256 (Access|Credential)=([^,]+), ?SignedHeaders=([^,]+), ?Signature=([0-9a-f]{64})$/;

/** `undefined` for anything that is no header of either dialect. */
export function parseAuthorization(header: string): Authorization | undefined {
  const [, kind, subject, names, signature] = SHAPE.exec(header) ?? [];
  if (!kind || !subject || !names || !signature) return undefined;
  const signedHeaders = names.split(';');
  if (kind === 'Access') return { accessKey: subject, signedHeaders, signature };
  const [accessKey, day, region, service, end, ...rest] = subject.split('/');
  if (!accessKey || !day || region === undefined || service === undefined || end !== 'sdk_request' || rest.length > 0) return undefined;
  return { accessKey, scope: { day, region, service }, signedHeaders, signature };
}

/** The signature that the request should bear (OTC API Gateway, "Calling APIs Through AK/SK Authentication"). */
export function expectedSignature(request: SignedRequest, authorization: Authorization, secretKey: string, date: string): string {
  const digest = sha256(canonical(request, authorization.signedHeaders));
  const { scope } = authorization;
  if (!scope) return hmac(secretKey, `SDK-HMAC-SHA256\n${date}\n${digest}`).toString('hex');
  const parts = [scope.day, scope.region, scope.service, 'sdk_request'];
  const key = parts.reduce<string | Buffer>((k, part) => hmac(k, part), `SDK${secretKey}`);
  return hmac(key, `SDK-HMAC-SHA256\n${date}\n${parts.join('/')}\n${digest}`).toString('hex');
}

function canonical(request: SignedRequest, signedHeaders: readonly string[]): string {
  const path = request.path.split('/').map(encode).join('/');
  const query = request.query
    .map(([name, value]) => `${encode(name)}\u0000${encode(value)}`)
    .sort()
    .map((pair) => pair.replace('\u0000', '='))
    .join('&');
  const headers = signedHeaders.map((name) => `${name}:${textOf(request.headers[name]).trim()}\n`).join('');
  const hash = textOf(request.headers['x-sdk-content-sha256']) || sha256(request.body);
  return `${request.method}\n${path.endsWith('/') ? path : `${path}/`}\n${query}\n${headers}\n${signedHeaders.join(';')}\n${hash}`;
}

function textOf(value: string | string[] | undefined): string {
  return Array.isArray(value) ? value.join(', ') : (value ?? '');
}

/** RFC 3986: encodeURIComponent leaves five more characters as they are. */
function encode(text: string): string {
  return encodeURIComponent(text).replace(/[!'()*]/g, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`);
}

function sha256(data: string | Uint8Array): string {
  return createHash('sha256').update(data).digest('hex');
}

function hmac(key: string | Buffer, data: string): Buffer {
  return createHmac('sha256', key).update(data).digest();
}
