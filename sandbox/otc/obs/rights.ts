import type { Agencies } from '../iam/agencies.ts';
import type { Bucket } from './buckets.ts';
import type { DocumentKind } from './documents.ts';
import { allows } from './policy.ts';
import { readMultiDelete } from './read-xml.ts';
import type { ObsRequest } from './sign.ts';

export interface ObsWish {
  readonly request: ObsRequest;
  readonly verb: string;
  readonly document: DocumentKind | undefined;
  readonly body: Buffer;
}

/** OBS API reference, "IAM Policies and Supported Actions", of buckets and of objects. */
const ACTIONS: Readonly<Record<string, string>> = {
  put: 'obs:object:PutObject',
  append: 'obs:object:PutObject',
  get: 'obs:object:GetObject',
  head: 'obs:object:GetObject',
  delete: 'obs:object:DeleteObject',
  'multi-delete': 'obs:object:DeleteObject',
  list: 'obs:bucket:ListBucket',
  bucket: 'obs:bucket:HeadBucket',
  'bucket-create': 'obs:bucket:CreateBucket',
  'bucket-delete': 'obs:bucket:DeleteBucket',
};
const DOCUMENTS: Readonly<Record<DocumentKind, readonly [get: string, put: string, remove: string]>> = {
  policy: ['GetBucketPolicy', 'PutBucketPolicy', 'DeleteBucketPolicy'],
  lifecycle: ['GetLifecycleConfiguration', 'PutLifecycleConfiguration', 'PutLifecycleConfiguration'],
  cors: ['GetBucketCORS', 'PutBucketCORS', 'PutBucketCORS'],
  website: ['GetBucketWebsite', 'PutBucketWebsite', 'DeleteBucketWebsite'],
  location: ['GetBucketLocation', 'GetBucketLocation', 'GetBucketLocation'],
  versioning: ['GetBucketVersioning', 'PutBucketVersioning', 'PutBucketVersioning'],
};

/** Whose key signed it, in a header or in the query. */
export function signerOf({ headers, query }: ObsRequest): string | undefined {
  const [, inHeader] = /^(?:OBS|AWS) ([^:]+):/.exec(headers.get('authorization') ?? '') ?? [];
  return inHeader ?? query.get('AWSAccessKeyId') ?? query.get('AccessKeyId');
}

/** The first action that neither the agency's policies nor the bucket's allow. */
export function forbiddenAction(agency: string, agencies: Agencies, bucket: Bucket | undefined, wish: ObsWish): string | undefined {
  const { request } = wish;
  if (request.bucket === '')
    return agencies.may(agency, { action: 'obs:bucket:ListAllMyBuckets' }) ? undefined : 'obs:bucket:ListAllMyBuckets';
  const action = actionOf(wish);
  const keys = wish.verb === 'multi-delete' ? (readMultiDelete(wish.body)?.keys ?? []) : [request.key];
  const may = (what: string, key: string) =>
    agencies.may(agency, { action: what, resource: resourceOf(what, request.bucket, key) }) || opened(bucket, what, key, request.address);
  if (!keys.every((key) => may(action, key))) return action;
  // Only a caller that may list the bucket learns that a key does not exist.
  const missing = action === 'obs:object:GetObject' && bucket && !bucket.get(request.key);
  return missing && !may('obs:bucket:ListBucket', '') ? 'obs:bucket:ListBucket' : undefined;
}

function actionOf({ verb, document, request }: ObsWish): string {
  if (!document || verb !== 'document') return ACTIONS[verb] ?? 'obs:bucket:unknown';
  const [get, put, remove] = DOCUMENTS[document];
  const name = request.method === 'PUT' ? put : request.method === 'DELETE' ? remove : get;
  return `obs:bucket:${name}`;
}

function resourceOf(action: string, bucket: string, key: string): string {
  return action.startsWith('obs:object:') ? `obs:*:*:object:${bucket}/${key}` : `obs:*:*:bucket:${bucket}`;
}

/** The bucket's policy for everybody holds for keys, too. */
function opened(bucket: Bucket | undefined, action: string, key: string, address: string): boolean {
  if (!bucket) return false;
  const resource = action.startsWith('obs:object:') ? `${bucket.name}/${key}` : bucket.name;
  return allows(bucket.policy, { action: action.split(':')[2] ?? '', resource, address });
}
