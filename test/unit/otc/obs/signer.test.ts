import { describe, expect, it } from 'vitest';
import { encodeKey, obsAuthorization, presignedQuery, stringToSign } from '../../../../lib/otc/obs/signer.ts';
import fixture from '../../../fixtures/obs-signatures.json' with { type: 'json' };

interface Vector {
  readonly name: string;
  readonly method?: string;
  readonly bucket?: string;
  readonly key?: string;
  readonly query?: Readonly<Record<string, string | undefined>>;
  readonly headers?: Readonly<Record<string, string | undefined>>;
  readonly stringToSign: string;
  readonly signature: string;
}

const vectors: readonly Vector[] = fixture.vectors;
const credentials = { accessKey: fixture.ak, secretKey: fixture.sk };

function defined(record: Readonly<Record<string, string | undefined>> = {}): Record<string, string> {
  return Object.fromEntries(Object.entries(record).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

describe('signing of OBS requests', () => {
  it.each(vectors.filter((v) => v.method).map((v) => [v.name, v] as const))('computes the vector %s', (_, vector) => {
    const request = {
      method: vector.method ?? '',
      bucket: vector.bucket ?? '',
      key: vector.key ?? '',
      query: defined(vector.query),
      headers: defined(vector.headers),
    };
    expect(stringToSign(request, 'obs')).toBe(vector.stringToSign);
    expect(obsAuthorization(request, credentials, 'obs')).toBe(`OBS ${fixture.ak}:${vector.signature}`);
  });

  it('computes the vector of a presigned URL', () => {
    const vector = fixture.vectors.find((v) => v.name === 'presigned-get');
    const query = presignedQuery({ method: 'GET', bucket: 'fleet-metrics', key: 'v1/2026/11/23.csv' }, 1795453200, credentials, 'obs');
    expect(query).toBe(new URL(vector?.url ?? '').search.slice(1));
  });

  it('has all nine vectors', () => {
    expect(vectors).toHaveLength(9);
  });

  it.each<['obs' | 'aws', string]>([
    ['obs', 'POST\n\n\nD\n/b/k?append&position=42'],
    ['aws', 'POST\n\n\nD\n/b/k'],
  ])('treats an append as %s wants it', (scheme, text) => {
    const request = {
      method: 'POST',
      bucket: 'b',
      key: 'k',
      query: { append: '', position: '42' },
      headers: { Date: 'D', 'X-Other': '1' },
    };
    expect(stringToSign(request, scheme)).toBe(text);
  });

  it('takes the headers of the scheme and no others', () => {
    const headers = { Date: 'D', 'X-Amz-Security-Token': ' t ', 'X-Obs-Acl': 'private' };
    const request = { method: 'GET', bucket: 'b', key: 'k', query: {}, headers };
    expect(stringToSign(request, 'aws')).toBe('GET\n\n\nD\nx-amz-security-token:t\n/b/k');
    expect(stringToSign(request, 'obs')).toBe('GET\n\n\nD\nx-obs-acl:private\n/b/k');
  });

  it.each<['obs' | 'aws', string, string]>([
    ['obs', 'AccessKeyId', 'x-obs-security-token'],
    ['aws', 'AWSAccessKeyId', 'x-amz-security-token'],
  ])('puts the token into a presigned URL of scheme %s and signs it', (scheme, keyName, name) => {
    const request = { method: 'GET', bucket: 'b', key: 'k' };
    const bare = new URLSearchParams(presignedQuery(request, 1000, credentials, scheme));
    const full = new URLSearchParams(presignedQuery(request, 1000, { ...credentials, securityToken: 'to+ken' }, scheme));
    expect([full.get(keyName), full.get('Expires'), full.get(name)]).toEqual([fixture.ak, '1000', 'to+ken']);
    expect(full.get('Signature')).not.toBe(bare.get('Signature'));
  });

  it('encodes keys', () => {
    expect(encodeKey("a b/ü+(1)!*'~.txt")).toBe('a%20b/%C3%BC%2B%281%29%21%2A%27~.txt');
  });
});
