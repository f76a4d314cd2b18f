import { timingSafeEqual } from 'node:crypto';
import type { SandboxClock } from '../../clock.ts';
import type { Iam, KeyPair } from '../iam/iam.ts';
import { Refused } from '../refused.ts';
import type { Bucket } from './buckets.ts';
import { allows } from './policy.ts';
import { type ObsRequest, obsSignature, type Scheme } from './sign.ts';

const SKEW_MS = 15 * 60_000;

/** Checks header signatures, presigned URLs and anonymous reads. Throws unless the request may pass. */
export function checkAccess(request: ObsRequest, iam: Iam, clock: SandboxClock, bucket: Bucket | undefined): void {
  const { headers, query } = request;
  const [, scheme, accessKey, signature] = /^(OBS|AWS) ([^:]+):(.+)$/.exec(headers.get('authorization') ?? '') ?? [];
  if ((scheme === 'OBS' || scheme === 'AWS') && accessKey !== undefined && signature !== undefined) {
    checkDate(request, scheme, clock);
    checkSignature(request, iam, { scheme, accessKey, signature });
  } else if (headers.has('authorization')) {
    throw new Refused(400, 'InvalidArgument', 'Unsupported Authorization type');
  } else if (query.has('Signature')) {
    checkPresigned(request, iam, clock);
  } else {
    checkAnonymous(request, bucket);
  }
}

function checkDate(request: ObsRequest, scheme: Scheme, clock: SandboxClock): void {
  const date = request.headers.get(scheme === 'OBS' ? 'x-obs-date' : 'x-amz-date') ?? request.headers.get('date');
  const at = Date.parse(date ?? '');
  if (Number.isNaN(at)) throw denied('AccessDenied', 'A valid Date or x-obs-date header is required.');
  if (Math.abs(at - clock.now()) <= SKEW_MS) return;
  throw denied('RequestTimeTooSkewed', 'The difference between the request time and the current time is too large.');
}

interface Claim {
  readonly scheme: Scheme;
  readonly accessKey: string;
  readonly signature: string;
  readonly expires?: string;
}

function checkSignature(request: ObsRequest, iam: Iam, claim: Claim): void {
  const key = iam.key(claim.accessKey);
  if (!key || !bearsToken(request, key)) {
    throw denied('InvalidAccessKeyId', 'The OBS Access Key Id you provided does not exist in our records.');
  }
  const expected = Buffer.from(obsSignature(claim.scheme, request, key.secretKey, claim.expires));
  const given = Buffer.from(claim.signature);
  if (expected.length === given.length && timingSafeEqual(expected, given)) return;
  throw denied('SignatureDoesNotMatch', 'The request signature we calculated does not match the signature you provided.');
}

/** Temporary keys are known only together with their token, in a header or, presigned, in the query. */
function bearsToken({ headers, query }: ObsRequest, key: KeyPair): boolean {
  if (key.securityToken === undefined) return true;
  return ['x-obs-security-token', 'x-amz-security-token'].some((n) => (headers.get(n) ?? query.get(n)) === key.securityToken);
}

function checkPresigned(request: ObsRequest, iam: Iam, clock: SandboxClock): void {
  const { query } = request;
  const scheme: Scheme = query.has('AWSAccessKeyId') ? 'AWS' : 'OBS';
  const accessKey = query.get('AWSAccessKeyId') ?? query.get('AccessKeyId') ?? '';
  const expires = query.get('Expires') ?? '';
  if (!/^\d+$/.test(expires)) throw denied('AccessDenied', 'Query-string authentication requires the Expires parameter.');
  if (Number(expires) * 1000 < clock.now()) throw denied('AccessDenied', 'Request has expired.');
  checkSignature(request, iam, { scheme, accessKey, signature: query.get('Signature') ?? '', expires });
}

/** Anybody may read what the policy opens. Only a caller that may list the bucket learns that a key does not exist: others get the same 403. */
export function checkAnonymous({ method, key, address }: ObsRequest, bucket: Bucket | undefined): void {
  const read = (method === 'GET' || method === 'HEAD') && key !== '';
  const open = read && bucket && (bucket.publicPrefixes.some((prefix) => key.startsWith(prefix)) || may(bucket, 'GetObject', key, address));
  if (!open || !(bucket.get(key) || may(bucket, 'ListBucket', '', address))) throw denied('AccessDenied', 'Access Denied');
}

function may(bucket: Bucket, action: string, key: string, address: string): boolean {
  return allows(bucket.policy, { action, resource: key === '' ? bucket.name : `${bucket.name}/${key}`, address });
}

function denied(code: string, message: string): Refused {
  return new Refused(403, code, message);
}
