import type { Listing } from './buckets.ts';

const HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>';
const NAMESPACE = 'xmlns="http://obs.example.com/doc/2016-01-01/"';

function escapeXml(text: string): string {
  return text.replace(/[&<>"']/g, (c) => `&#${c.charCodeAt(0)};`);
}

function element(name: string, text: string | number | boolean): string {
  return text === '' ? `<${name}/>` : `<${name}>${escapeXml(String(text))}</${name}>`;
}

export function errorXml(code: string, message: string, resource: string, requestId: string): string {
  const parts = [element('Code', code), element('Message', message), element('Resource', resource), element('RequestId', requestId)];
  return `${HEAD}<Error>${parts.join('')}<HostId>sandbox</HostId></Error>`;
}

/** Versions 1 and 2 differ in how they go on. */
export function listXml(bucket: string, listing: Listing, version: 1 | 2): string {
  const { prefix, delimiter, from, maxKeys, next } = listing;
  const contents = listing.objects.map(
    (o) =>
      `<Contents>${element('Key', o.key)}<LastModified>${new Date(o.modifiedAt).toISOString()}</LastModified>` +
      `${element('ETag', `"${o.etag}"`)}${element('Size', o.body.length)}<StorageClass>STANDARD</StorageClass>` +
      `${o.appendable ? '<Type>APPENDABLE</Type>' : ''}</Contents>`,
  );
  const prefixes = listing.prefixes.map((p) => `<CommonPrefixes>${element('Prefix', p)}</CommonPrefixes>`);
  const going =
    version === 1
      ? [element('Marker', from), ...(next === undefined ? [] : [element('NextMarker', next)])]
      : [
          element('KeyCount', listing.objects.length + listing.prefixes.length),
          ...(next === undefined ? [] : [element('NextContinuationToken', next)]),
        ];
  const parts = [
    element('Name', bucket),
    element('Prefix', prefix),
    ...going,
    element('MaxKeys', maxKeys),
    ...(delimiter === '' ? [] : [element('Delimiter', delimiter)]),
    element('IsTruncated', next !== undefined),
    ...contents,
    ...prefixes,
  ];
  return `${HEAD}<ListBucketResult ${NAMESPACE}>${parts.join('')}</ListBucketResult>`;
}

export function bucketsXml(names: readonly string[], createdAt: number): string {
  const date = new Date(createdAt).toISOString();
  const buckets = names.map((n) => `<Bucket>${element('Name', n)}<CreationDate>${date}</CreationDate></Bucket>`);
  return `${HEAD}<ListAllMyBucketsResult ${NAMESPACE}><Owner><ID>sandbox</ID></Owner><Buckets>${buckets.join('')}</Buckets></ListAllMyBucketsResult>`;
}

export function multiDeleteXml(deleted: readonly string[]): string {
  const parts = deleted.map((key) => `<Deleted>${element('Key', key)}</Deleted>`);
  return `${HEAD}<DeleteResult ${NAMESPACE}>${parts.join('')}</DeleteResult>`;
}
