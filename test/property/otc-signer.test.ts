import { createRequire } from 'node:module';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { signedHeaders } from '../../lib/otc/signer.ts';

interface Vendor {
  readonly AKSKSigner: { sign(request: object, credential: { getAk(): string; getSk(): string }): object };
}

// Required and not imported: the vendor's type declarations do not compile.
const { AKSKSigner }: Vendor = createRequire(import.meta.url)('@huaweicloud/huaweicloud-sdk-core/auth/AKSKSigner.js');

/**
 * The vendor's signer as the oracle, within what it gets right: it signs the path undecoded, hashes JSON instead of bytes, sorts
 * query names as they are and does not trim header values, so paths stay unencoded, bodies are JSON and names are lower-case ASCII.
 */
const segment = fc.stringMatching(/^[A-Za-z0-9._~:@+,äß€-]{1,20}$/).filter((s) => s !== '.' && s !== '..');
const pathOf = fc.array(segment, { minLength: 1, maxLength: 6 }).map((parts) => `/${parts.join('/')}`);
const query = fc.dictionary(fc.stringMatching(/^[a-z][a-z0-9_-]{0,10}$/), fc.string({ unit: 'grapheme', maxLength: 20 }), {
  maxKeys: 5,
  noNullPrototype: true,
});
const body = fc.option(
  fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string({ unit: 'grapheme' }), { minKeys: 1, noNullPrototype: true }),
  { nil: undefined },
);
const headers = fc.record(
  {
    'x-project-id': fc.stringMatching(/^[0-9a-f]{32}$/),
    'content-type': fc.constantFrom('application/json', 'application/json;charset=utf8'),
    accept: fc.constant('application/json'),
    'user-agent': fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9/. ]{0,20}[A-Za-z0-9]$/),
  },
  { requiredKeys: ['content-type'], noNullPrototype: true },
);

describe('signing of OTC requests', () => {
  it('agrees with the vendor', () => {
    fc.assert(
      fc.property(
        fc.record({
          method: fc.constantFrom('GET', 'POST', 'PUT', 'DELETE'),
          path: pathOf,
          pairs: query,
          sent: headers,
          data: body,
          token: fc.option(fc.stringMatching(/^[A-Za-z0-9+/=]{1,60}$/), { nil: undefined }),
          now: fc.integer({ min: Date.UTC(2020, 0, 1), max: Date.UTC(2040, 0, 1) }),
        }),
        ({ method, path, pairs, sent, data, token, now }) => {
          const url = new URL(`https://ecs.eu-de.otc.t-systems.com:8443${path}`);
          for (const [name, value] of Object.entries(pairs)) url.searchParams.append(name, value);
          const text = data === undefined ? '' : JSON.stringify(data);
          const ours = signedHeaders(
            { method, url, headers: sent, body: text },
            { accessKey: 'AK', secretKey: 'SK', securityToken: token },
            now,
          );
          const { authorization, host, 'x-sdk-date': date, ...rest } = ours;
          const theirs: object = AKSKSigner.sign(
            {
              method,
              endpoint: `https://ecs.eu-de.otc.t-systems.com:8443${path}`,
              queryParams: pairs,
              headers: { ...rest, 'X-Sdk-Date': date },
              data,
            },
            { getAk: () => 'AK', getSk: () => 'SK' },
          );
          expect(theirs).toMatchObject({ Authorization: authorization, host });
        },
      ),
      { numRuns: 500 },
    );
  });
});
