import { describe, expect, it } from 'vitest';
import { redactLine, redactUrls } from '../../../lib/http/redact.ts';

describe('text of the other side', () => {
  it('loses key ids, encoded runs, query strings and control characters', () => {
    const userData = Buffer.from('#cloud-config\ntoken: glrt-0123456789abcdefghij').toString('base64');
    const text = redactLine(`bad\n\u0007body ${userData} at https://b.example/k?Signature=abc ak:AKIDEXAMPLE,err`);
    expect(text).toBe('bad body … at https://b.example/k?… ak:…,err');
  });

  it.each(['glpat-a1.b2_c3-d4', 'glrt-xyz', 'gldt-0', 'whsec_abc/+=='])('loses the token %s', (token) => {
    expect(redactLine(`bad ${token} given`)).toBe('bad [token] given');
  });

  it('loses credentials in an address', () => {
    expect(redactLine('see https://user:s3cr3t@gitlab.example.com/a')).toBe('see https://gitlab.example.com/a');
  });

  it('is short', () => {
    expect(redactLine('word '.repeat(100))).toHaveLength(200);
  });
});

it('an address that was redacted stays as it is', () => {
  const once = redactUrls('GET https://b.example/k?Signature=abc#x failed');
  expect([once, redactUrls(once)]).toEqual(Array(2).fill('GET https://b.example/k?… failed'));
});
