import { found, Refused } from '../refused.ts';
import { checkAnonymous } from './access.ts';
import type { Bucket, StoredObject } from './buckets.ts';
import { indexDocument } from './documents.ts';
import type { ObsRequest } from './sign.ts';

/** What the website's host answers: pages for anybody, never signed. Whether the real one honours `Range` is not documented: this one does not. */
export function pageOf(bucket: Bucket | undefined, request: ObsRequest): StoredObject {
  if (request.method !== 'GET' && request.method !== 'HEAD') throw new Refused(405, 'MethodNotAllowed', '');
  const site = found(bucket, new Refused(404, 'NoSuchBucket', ''));
  const index = found(indexDocument(site), new Refused(404, 'NoSuchWebsiteConfiguration', ''));
  const key = request.key === '' || request.key.endsWith('/') ? `${request.key}${index}` : request.key;
  checkAnonymous({ ...request, key }, site);
  return found(site.get(key), new Refused(404, 'NoSuchKey', ''));
}
