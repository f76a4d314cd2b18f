import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { SecretCredentials } from '../../../lib/otc/credentials.ts';

describe('credentials', () => {
  const credentials = new SecretCredentials('AK-VISIBLE', 'SK-SECRET', 'TOKEN-SECRET');

  it.each([
    ['JSON', JSON.stringify({ credentials })],
    ['inspect', inspect({ credentials }, { depth: 9, showHidden: true })],
    ['string', `${credentials}`],
    ['spread', JSON.stringify({ ...credentials })],
    ['assign', inspect(Object.assign({}, credentials))],
  ])('do not show themselves in %s', (_, text) => {
    expect(text).not.toContain('SECRET');
  });

  it('give what signing needs', () => {
    expect([credentials.accessKey, credentials.secretKey, credentials.securityToken]).toEqual(['AK-VISIBLE', 'SK-SECRET', 'TOKEN-SECRET']);
    expect(new SecretCredentials('a', 's', '').securityToken).toBeUndefined();
  });

  it.each([
    ['access key', '', 's'],
    ['secret key', 'a', ''],
  ])('are refused without %s', (_, accessKey, secretKey) => {
    expect(() => new SecretCredentials(accessKey, secretKey)).toThrow(
      expect.objectContaining({ name: 'ConfigError', code: 'credentials-missing' }),
    );
  });
});
