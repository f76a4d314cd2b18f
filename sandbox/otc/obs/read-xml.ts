import { XMLParser, XMLValidator } from 'fast-xml-parser';
import * as z from 'zod';

const LISTS = new Set(
  `Object Rule Transition NoncurrentVersionTransition RoutingRule
   CORSRule AllowedOrigin AllowedMethod AllowedHeader ExposeHeader`.split(/\s+/),
);
const TEXT = '#text';
const parser = new XMLParser({
  ignoreDeclaration: true,
  // Namespaces are all that the references have of them.
  ignoreAttributes: true,
  parseTagValue: false,
  // A space at either end of a key is part of it.
  trimValues: false,
  textNodeName: TEXT,
  // Numeric references, too, which are no HTML.
  htmlEntities: true,
  isArray: (name) => LISTS.has(name),
});

/** The elements of a body, or `undefined` when it is not well-formed or has others than the schema. */
export function readXml<T>(text: string, schema: z.ZodType<T>): T | undefined {
  // The library takes both, and leaves unknown entities as they are.
  if (/<!DOCTYPE|&(?!(?:amp|lt|gt|quot|apos|#\d+|#x[\da-f]+);)/i.test(text)) return undefined;
  if (XMLValidator.validate(text) !== true) return undefined;
  return schema.safeParse(withoutIndentation(parser.parse(text))).data;
}

/** Drops white space between elements; other text there stays, so that a strict schema refuses it. */
function withoutIndentation(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutIndentation);
  if (typeof value !== 'object' || value === null) return value;
  const members = Object.entries(value).filter(([name, content]) => name !== TEXT || String(content).trim() !== '');
  return Object.fromEntries(members.map(([name, content]) => [name, withoutIndentation(content)]));
}

const MOST_KEYS = 1000;

/** OTC OBS API reference, "Deleting Objects". */
const MultiDelete = z.strictObject({
  Delete: z.strictObject({
    Quiet: z.enum(['true', 'false']).optional(),
    Object: z
      .array(z.strictObject({ Key: z.string().min(1), VersionId: z.string().optional() }))
      .min(1)
      .max(MOST_KEYS),
  }),
});

/** `undefined` when the body is no request of this kind. */
export function readMultiDelete(body: Buffer): { readonly keys: readonly string[]; readonly quiet: boolean } | undefined {
  const wanted = readXml(body.toString('utf8'), MultiDelete)?.Delete;
  return wanted && { keys: wanted.Object.map(({ Key }) => Key), quiet: wanted.Quiet === 'true' };
}

/** "Creating a Bucket". */
export const NewBucket = z.strictObject({ CreateBucketConfiguration: z.strictObject({ Location: z.string().min(1) }) });

const Days = z.string().regex(/^[1-9]\d*$/);
const When = z.union([z.strictObject({ Days }), z.strictObject({ Date: z.string().regex(/^\d{4}-\d\d-\d\dT00:00:00(\.000)?Z$/) })]);
const StorageClass = z.enum(['WARM', 'COLD']);
const Rule = z
  .strictObject({
    ID: z.string().min(1).max(255).optional(),
    Prefix: z.string(),
    Status: z.enum(['Enabled', 'Disabled']),
    Expiration: When.optional(),
    Transition: z.array(z.union(When.options.map((one) => one.extend({ StorageClass })))).optional(),
    NoncurrentVersionExpiration: z.strictObject({ NoncurrentDays: Days }).optional(),
    NoncurrentVersionTransition: z.array(z.strictObject({ NoncurrentDays: Days, StorageClass })).optional(),
    AbortIncompleteMultipartUpload: z.strictObject({ DaysAfterInitiation: Days }).optional(),
  })
  // Besides its three names a rule has something to do.
  .refine(({ ID, Prefix, Status, ...actions }) => Object.keys(actions).length > 0);

/** "Configuring Bucket Lifecycle Rules". */
export const LifecycleDocument = z.strictObject({
  LifecycleConfiguration: z.strictObject({
    Rule: z
      .array(Rule)
      .min(1)
      .max(1000)
      .refine((rules) => {
        const ids = rules.flatMap(({ ID }) => ID ?? []);
        return new Set(ids).size === ids.length;
      }),
  }),
});

const Protocol = z.enum(['http', 'https']);
const Text = z.string().min(1);
const RoutingRule = z.strictObject({
  Condition: z.strictObject({ KeyPrefixEquals: Text.optional(), HttpErrorCodeReturnedEquals: Text.optional() }).optional(),
  Redirect: z.strictObject({
    Protocol: Protocol.optional(),
    HostName: Text.optional(),
    ReplaceKeyPrefixWith: z.string().optional(),
    ReplaceKeyWith: z.string().optional(),
    HttpRedirectCode: Text.optional(),
  }),
});

/** "Configuring Static Website Hosting for a Bucket": pages of the bucket, or a redirection of all requests. */
export const WebsiteDocument = z.strictObject({
  WebsiteConfiguration: z.union([
    z.strictObject({
      IndexDocument: z.strictObject({ Suffix: z.string().regex(/^[^/]+$/) }),
      ErrorDocument: z.strictObject({ Key: Text }).optional(),
      RoutingRules: z.strictObject({ RoutingRule: z.array(RoutingRule).min(1) }).optional(),
    }),
    z.strictObject({ RedirectAllRequestsTo: z.strictObject({ HostName: Text, Protocol: Protocol.optional() }) }),
  ]),
});

/** "Configuring Bucket CORS". */
export const CorsDocument = z.strictObject({
  CORSConfiguration: z.strictObject({
    CORSRule: z
      .array(
        z.strictObject({
          ID: z.string().max(255).optional(),
          AllowedMethod: z.array(z.enum(['GET', 'PUT', 'HEAD', 'POST', 'DELETE'])).min(1),
          AllowedOrigin: z.array(Text).min(1),
          AllowedHeader: z.array(Text).optional(),
          MaxAgeSeconds: z.string().regex(/^\d+$/).optional(),
          ExposeHeader: z.array(Text).optional(),
        }),
      )
      .min(1)
      .max(100),
  }),
});

/** "Configuring Versioning for a Bucket". */
export const VersioningDocument = z.strictObject({
  VersioningConfiguration: z.strictObject({ Status: z.enum(['Enabled', 'Suspended']) }),
});
