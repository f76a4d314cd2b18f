import { describe, expect, it } from 'vitest';
import { SecretCredentials } from '../../../lib/otc/credentials.ts';
import { authorization, sdkDate, signedHeaders } from '../../../lib/otc/signer.ts';
import fixture from '../../fixtures/otc-signatures.json' with { type: 'json' };

interface Vector {
  readonly id: string;
  readonly ak: string;
  readonly sk: string;
  readonly xSdkDate: string;
  readonly scope?: { readonly region: string; readonly service: string };
  readonly method: string;
  readonly url: string;
  readonly query?: readonly (readonly string[])[];
  readonly signedHeaders: Readonly<Record<string, string | undefined>>;
  readonly body: string;
  readonly authorization: string;
}

const vectors: readonly Vector[] = fixture.vectors;

function headersOf(vector: Vector): Record<string, string> {
  return Object.fromEntries(Object.entries(vector.signedHeaders).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])));
}

describe('signing of OTC requests', () => {
  it.each(vectors.map((vector) => [vector.id, vector] as const))('computes vector %s', (_, vector) => {
    const url = new URL(vector.url);
    const query = vector.query?.map(([name = '', value = '']) => [name, value] as const) ?? [...url.searchParams];
    const signed = authorization(
      { method: vector.method, path: decodeURIComponent(url.pathname), query, headers: headersOf(vector), body: vector.body },
      { accessKey: vector.ak, secretKey: vector.sk },
      vector.xSdkDate,
      vector.scope,
    );
    expect(signed).toBe(vector.authorization);
  });

  it('has all eleven vectors', () => {
    expect(vectors).toHaveLength(11);
  });

  it('signs the token of temporary credentials (vector V6)', () => {
    const vector = vectors.find((v) => v.id === 'V6');
    const headers = signedHeaders(
      {
        method: 'POST',
        url: new URL(vector?.url ?? ''),
        headers: { 'content-type': 'application/json;charset=utf8', 'x-project-id': 'a1b2c3d4e5f60718293a4b5c6d7e8f90' },
        body: vector?.body ?? '',
      },
      new SecretCredentials(vector?.ak ?? '', vector?.sk ?? '', 'SECURITYTOKENEXAMPLE'),
      Date.UTC(2026, 7, 23, 10, 11, 12),
    );
    expect(headers.authorization).toBe(vector?.authorization);
    expect(headers['x-security-token']).toBe('SECURITYTOKENEXAMPLE');
    expect(headers['x-sdk-date']).toBe('20260823T101112Z');
  });

  it('signs the same whether the colons of a URN are encoded in the URL or not', () => {
    const sign = (path: string) =>
      signedHeaders({ method: 'POST', url: new URL(`https://h.example${path}`), headers: {} }, { accessKey: 'a', secretKey: 's' }, 0)
        .authorization;
    expect(sign('/v2/p/fgs/functions/urn:fss:eu-de:p:function:default:f:latest')).toBe(
      sign('/v2/p/fgs/functions/urn%3Afss%3Aeu-de%3Ap%3Afunction%3Adefault%3Af%3Alatest'),
    );
  });

  it('signs the port where it is not the usual one', () => {
    const host = (url: string) =>
      signedHeaders({ method: 'GET', url: new URL(url), headers: {} }, { accessKey: 'a', secretKey: 's' }, 0).host;
    expect(host('https://h.example/')).toBe('h.example');
    expect(host('http://127.0.0.1:8080/')).toBe('127.0.0.1:8080');
  });

  it('writes the date as OTC wants it', () => {
    expect(sdkDate(Date.UTC(2026, 10, 23, 16, 5, 9, 987))).toBe('20261123T160509Z');
  });
});
