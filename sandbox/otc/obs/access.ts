import { timingSafeEqual } from 'node:crypto';
import type { SandboxClock } from '../../clock.ts';
import type { Iam, KeyPair } from '../iam/iam.ts';
import type { Bucket } from './buckets.ts';
import { allows } from './policy.ts';
import { type ObsRequest, obsSignature, type Scheme } from './sign.ts';

/** Why a request may not pass: OBS's own code and its HTTP status. */
export interface Denied {
  readonly status: 403 | 400;
  readonly code: string;
  readonly message: string;
}

const SKEW_MS = 15 * 60_000;

/** Checks header signatures, presigned URLs and anonymous reads. `undefined` lets the request pass. */
export function denyObs(request: ObsRequest, iam: Iam, clock: SandboxClock, bucket: Bucket | undefined): Denied | undefined {
  const { headers, query } = request;
  const [, scheme, accessKey, signature] = /^(OBS|AWS) ([^:]+):(.+)$/.exec(headers.get('authorization') ?? '') ?? [];
  if ((scheme === 'OBS' || scheme === 'AWS') && accessKey !== undefined && signature !== undefined) {
    return denySkew(request, scheme, clock) ?? denySignature(request, iam, { scheme, accessKey, signature });
  }
  if (headers.has('authorization')) return { status: 400, code: 'InvalidArgument', message: 'Unsupported Authorization type' };
  if (query.has('Signature')) return denyPresigned(request, iam, clock);
  return denyAnonymous(request, bucket);
}

function denySkew(request: ObsRequest, scheme: Scheme, clock: SandboxClock): Denied | undefined {
  const date = request.headers.get(scheme === 'OBS' ? 'x-obs-date' : 'x-amz-date') ?? request.headers.get('date');
  const at = Date.parse(date ?? '');
  if (Number.isNaN(at)) return denied('AccessDenied', 'A valid Date or x-obs-date header is required.');
  if (Math.abs(at - clock.now()) <= SKEW_MS) return undefined;
  return denied('RequestTimeTooSkewed', 'The difference between the request time and the current time is too large.');
}

interface Claim {
  readonly scheme: Scheme;
  readonly accessKey: string;
  readonly signature: string;
  readonly expires?: string;
}

function denySignature(request: ObsRequest, iam: Iam, claim: Claim): Denied | undefined {
  const key = iam.key(claim.accessKey);
  if (!key || !bearsToken(request, key)) {
    return denied('InvalidAccessKeyId', 'The OBS Access Key Id you provided does not exist in our records.');
  }
  const expected = Buffer.from(obsSignature(claim.scheme, request, key.secretKey, claim.expires));
  const given = Buffer.from(claim.signature);
  if (expected.length === given.length && timingSafeEqual(expected, given)) return undefined;
  return denied('SignatureDoesNotMatch', 'The request signature we calculated does not match the signature you provided.');
}

/** Temporary keys are known only together with their token, in a header or, presigned, in the query. */
function bearsToken({ headers, query }: ObsRequest, key: KeyPair): boolean {
  if (key.securityToken === undefined) return true;
  return ['x-obs-security-token', 'x-amz-security-token'].some((n) => (headers.get(n) ?? query.get(n)) === key.securityToken);
}

function denyPresigned(request: ObsRequest, iam: Iam, clock: SandboxClock): Denied | undefined {
  const { query } = request;
  const scheme: Scheme = query.has('AWSAccessKeyId') ? 'AWS' : 'OBS';
  const accessKey = query.get('AWSAccessKeyId') ?? query.get('AccessKeyId') ?? '';
  const expires = query.get('Expires') ?? '';
  if (!/^\d+$/.test(expires)) return denied('AccessDenied', 'Query-string authentication requires the Expires parameter.');
  if (Number(expires) * 1000 < clock.now()) return denied('AccessDenied', 'Request has expired.');
  return denySignature(request, iam, { scheme, accessKey, signature: query.get('Signature') ?? '', expires });
}

/** Anybody may read what the policy opens. Of a key that is not there only who may list the bucket learns that: others get the same 403. */
export function denyAnonymous({ method, key, address }: ObsRequest, bucket: Bucket | undefined): Denied | undefined {
  const read = (method === 'GET' || method === 'HEAD') && key !== '';
  const open = read && bucket && (bucket.publicPrefixes.some((prefix) => key.startsWith(prefix)) || may(bucket, 'GetObject', key, address));
  if (open && (bucket.get(key) || may(bucket, 'ListBucket', '', address))) return undefined;
  return denied('AccessDenied', 'Access Denied');
}

function may(bucket: Bucket, action: string, key: string, address: string): boolean {
  return allows(bucket.policy, { action, resource: key === '' ? bucket.name : `${bucket.name}/${key}`, address });
}

function denied(code: string, message: string): Denied {
  return { status: 403, code, message };
}
