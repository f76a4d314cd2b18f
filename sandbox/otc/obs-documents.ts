import * as z from 'zod';
import type { Bucket } from './obs-buckets.ts';

/** Settings of a bucket that are documents; only the policy has an effect here. */
export type DocumentKind = 'policy' | 'lifecycle' | 'cors' | 'website' | 'location' | 'versioning';

const KINDS: readonly DocumentKind[] = ['policy', 'lifecycle', 'cors', 'website', 'location', 'versioning'];
const ABSENT: Readonly<Partial<Record<DocumentKind, string>>> = {
  policy: 'NoSuchBucketPolicy',
  lifecycle: 'NoSuchLifecycleConfiguration',
  cors: 'NoSuchCORSConfiguration',
  website: 'NoSuchWebsiteConfiguration',
};

const Policy = z.object({
  Statement: z.array(
    z.object({
      Effect: z.enum(['Allow', 'Deny']),
      Principal: z.object({ ID: z.union([z.string(), z.array(z.string())]) }),
      Action: z.union([z.string(), z.array(z.string())]),
      Resource: z.union([z.string(), z.array(z.string())]),
    }),
  ),
});

export function documentKind(query: ReadonlyMap<string, string>): DocumentKind | undefined {
  return KINDS.find((kind) => query.has(kind));
}

/** Gives the code of the refusal, if any. */
export function putDocument(bucket: Bucket, kind: DocumentKind, text: string, hasDigest: boolean): string | undefined {
  if (kind === 'location') return 'InvalidArgument';
  if ((kind === 'lifecycle' || kind === 'cors') && !hasDigest) return 'InvalidRequest';
  if (kind === 'policy') {
    const prefixes = publicPrefixes(text, bucket.name);
    if (!prefixes) return 'MalformedPolicy';
    bucket.publicPrefixes = prefixes;
  }
  bucket.documents.set(kind, text);
  return undefined;
}

type Found = { readonly ok: true; readonly text: string; readonly type: string } | { readonly ok: false; readonly code: string };

export function getDocument(bucket: Bucket, kind: DocumentKind): Found {
  const text = bucket.documents.get(kind);
  if (text !== undefined) return { ok: true, text, type: kind === 'policy' ? 'application/json' : 'application/xml' };
  if (kind === 'location') return { ok: true, text: '<Location>eu-de</Location>', type: 'application/xml' };
  if (kind === 'versioning') return { ok: true, text: '<VersioningConfiguration/>', type: 'application/xml' };
  return { ok: false, code: ABSENT[kind] ?? 'NoSuchKey' };
}

/** What everybody may read by the policy; `undefined` when it is no policy. */
function publicPrefixes(text: string, bucket: string): readonly string[] | undefined {
  const parsed = Policy.safeParse(parseJson(text));
  if (!parsed.success) return undefined;
  const open = parsed.data.Statement.filter(
    (s) => s.Effect === 'Allow' && list(s.Principal.ID).includes('*') && list(s.Action).some((a) => a === 'GetObject' || a === '*'),
  );
  const resources = open.flatMap((s) => list(s.Resource)).filter((r) => r.startsWith(`${bucket}/`));
  return resources.map((r) => r.slice(bucket.length + 1).replace(/\*$/, ''));
}

function list(value: string | readonly string[]): readonly string[] {
  return typeof value === 'string' ? [value] : value;
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
