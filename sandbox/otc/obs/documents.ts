import type * as z from 'zod';
import { found, Refused } from '../refused.ts';
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

/** Where none was put. */
const PRESET: Readonly<Partial<Record<DocumentKind, string>>> = {
  location: '<Location>eu-de</Location>',
  versioning: '<VersioningConfiguration/>',
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

export function putDocument(bucket: Bucket, kind: DocumentKind, text: string, hasDigest: boolean): void {
  const refusal = (code: string) => new Refused(400, code, 'The document was not accepted.');
  if (kind === 'location') throw refusal('InvalidArgument');
  if ((kind === 'lifecycle' || kind === 'cors') && !hasDigest) throw refusal('InvalidRequest');
  if (kind === 'policy') bucket.policy = found(readPolicy(text, bucket.name), refusal('MalformedPolicy'));
  else if (readXml(text, XML_KINDS[kind]) === undefined) throw refusal('MalformedXML');
  bucket.documents.set(kind, text);
}

/** Deleting an absent document is no error. */
export function deleteDocument(bucket: Bucket, kind: DocumentKind): void {
  bucket.documents.delete(kind);
  if (kind === 'policy') bucket.policy = [];
}

/** The object that a website shows at a path ending in a slash; `undefined` when the bucket is no website. */
export function indexDocument(bucket: Bucket): string | undefined {
  const site = readXml(bucket.documents.get('website') ?? '', WebsiteDocument)?.WebsiteConfiguration;
  return site && 'IndexDocument' in site ? site.IndexDocument.Suffix : undefined;
}

export function getDocument(bucket: Bucket, kind: DocumentKind): { readonly text: string; readonly type: string } {
  const text = bucket.documents.get(kind) ?? PRESET[kind];
  return {
    text: found(text, new Refused(404, ABSENT[kind] ?? 'NoSuchKey', 'Not configured.')),
    type: kind === 'policy' ? 'application/json' : 'application/xml',
  };
}
