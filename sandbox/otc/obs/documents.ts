import type * as z from 'zod';
import type { Bucket } from './buckets.ts';
import { readPolicy } from './policy.ts';
import { CorsDocument, LifecycleDocument, readXml, VersioningDocument, WebsiteDocument } from './read-xml.ts';

/** Settings of a bucket that are documents; only policy and website have an effect here. */
export type DocumentKind = 'policy' | 'lifecycle' | 'cors' | 'website' | 'location' | 'versioning';

const KINDS: readonly DocumentKind[] = ['policy', 'lifecycle', 'cors', 'website', 'location', 'versioning'];
const ABSENT: Readonly<Partial<Record<DocumentKind, string>>> = {
  policy: 'NoSuchBucketPolicy',
  lifecycle: 'NoSuchLifecycleConfiguration',
  cors: 'NoSuchCORSConfiguration',
  website: 'NoSuchWebsiteConfiguration',
};

const XML_KINDS: Readonly<Record<'lifecycle' | 'cors' | 'website' | 'versioning', z.ZodType>> = {
  lifecycle: LifecycleDocument,
  cors: CorsDocument,
  website: WebsiteDocument,
  versioning: VersioningDocument,
};

export function documentKind(query: ReadonlyMap<string, string>): DocumentKind | undefined {
  return KINDS.find((kind) => query.has(kind));
}

/** Returns the code of the refusal, if any. */
export function putDocument(bucket: Bucket, kind: DocumentKind, text: string, hasDigest: boolean): string | undefined {
  if (kind === 'location') return 'InvalidArgument';
  if ((kind === 'lifecycle' || kind === 'cors') && !hasDigest) return 'InvalidRequest';
  if (kind === 'policy') {
    const policy = readPolicy(text, bucket.name);
    if (!policy) return 'MalformedPolicy';
    bucket.policy = policy;
  } else if (readXml(text, XML_KINDS[kind]) === undefined) {
    return 'MalformedXML';
  }
  bucket.documents.set(kind, text);
  return undefined;
}

/** A document that is not there is gone all the same. */
export function deleteDocument(bucket: Bucket, kind: DocumentKind): void {
  bucket.documents.delete(kind);
  if (kind === 'policy') bucket.policy = [];
}

/** The object that a website shows at a path ending in a slash; `undefined` when the bucket is no website. */
export function indexDocument(bucket: Bucket): string | undefined {
  const site = readXml(bucket.documents.get('website') ?? '', WebsiteDocument)?.WebsiteConfiguration;
  return site && 'IndexDocument' in site ? site.IndexDocument.Suffix : undefined;
}

type Found = { readonly ok: true; readonly text: string; readonly type: string } | { readonly ok: false; readonly code: string };

export function getDocument(bucket: Bucket, kind: DocumentKind): Found {
  const text = bucket.documents.get(kind);
  if (text !== undefined) return { ok: true, text, type: kind === 'policy' ? 'application/json' : 'application/xml' };
  if (kind === 'location') return { ok: true, text: '<Location>eu-de</Location>', type: 'application/xml' };
  if (kind === 'versioning') return { ok: true, text: '<VersioningConfiguration/>', type: 'application/xml' };
  return { ok: false, code: ABSENT[kind] ?? 'NoSuchKey' };
}
