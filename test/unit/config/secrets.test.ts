import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { needSecret, readSecrets, Secret } from '../../../lib/config/secrets.ts';
import { ConfigError } from '../../../lib/core/errors.ts';

const SIGNING = `whsec_${Buffer.alloc(32, 7).toString('base64')}`;
const read = (values: Readonly<Record<string, string>>) => readSecrets((key) => values[key]);

describe('Secret', () => {
  const secret = new Secret('glpat-TopSecret');

  it.each([
    ['as text', `${secret}`],
    ['in JSON', JSON.stringify({ secret })],
    ['inspected', inspect({ secret }, { depth: 9, showHidden: true })],
    ['as keys', JSON.stringify(Object.entries(secret))],
    ['in an error', String(new Error(`token ${secret}`))],
  ])('does not show itself %s', (_name, text) => {
    expect(text).not.toContain('TopSecret');
  });

  it('is there for who asks', () => {
    expect(secret.reveal()).toBe('glpat-TopSecret');
  });
});

describe('readSecrets', () => {
  it('reads all', () => {
    const secrets = read({
      GITLAB_TOKEN: ' glpat-a\n',
      HOOK_TOKENS: 'new, old  older,new',
      HOOK_SIGNING_TOKENS: SIGNING,
      OTC_ACCESS_KEY: 'AK',
      OTC_SECRET_KEY: 'SK',
      OTC_SECURITY_TOKEN: 'ST',
    });
    expect(secrets.gitlabToken?.reveal()).toBe('glpat-a');
    expect(secrets.hookTokens.map((s) => s.reveal())).toEqual(['new', 'old', 'older']);
    expect(secrets.hookSigningTokens.map((s) => s.reveal())).toEqual([SIGNING]);
    expect(secrets.otcKeys?.accessKey.reveal()).toBe('AK');
    expect(secrets.otcKeys?.secretKey.reveal()).toBe('SK');
    expect(secrets.otcKeys?.securityToken?.reveal()).toBe('ST');
  });

  it('takes empty values as absent', () => {
    expect(read({ GITLAB_TOKEN: ' ', HOOK_TOKENS: ' , ', HOOK_SIGNING_TOKENS: '', OTC_ACCESS_KEY: '', OTC_SECRET_KEY: '' })).toEqual({
      hookTokens: [],
      hookSigningTokens: [],
    });
  });

  it.each<readonly [string, Readonly<Record<string, string>>, RegExp]>([
    ['a signing token without its prefix', { HOOK_SIGNING_TOKENS: 'bm90LWEtdG9rZW4=' }, /HOOK_SIGNING_TOKENS.*whsec_/],
    ['a signing token that is too short', { HOOK_SIGNING_TOKENS: 'whsec_c2hvcnQ=' }, /HOOK_SIGNING_TOKENS/],
    ['a signing token that is no base64', { HOOK_SIGNING_TOKENS: `${SIGNING}!` }, /HOOK_SIGNING_TOKENS/],
    ['one bad signing token among good ones', { HOOK_SIGNING_TOKENS: `${SIGNING},whsec_x` }, /HOOK_SIGNING_TOKENS/],
    ['half a key pair', { OTC_ACCESS_KEY: 'TopSecret' }, /OTC_SECRET_KEY/],
    ['a session token without keys', { OTC_SECURITY_TOKEN: 'TopSecret' }, /OTC_ACCESS_KEY/],
    ['a pasted file', { GITLAB_TOKEN: 'TopSecret\nTopSecret' }, /GITLAB_TOKEN/],
  ])('refuses %s and never quotes it', (_name, values, message) => {
    expect(() => read(values)).toThrow(ConfigError);
    expect(() => read(values)).toThrow(message);
    for (const value of Object.values(values)) expect(() => read(values)).not.toThrow(value);
  });
});

describe('needSecret', () => {
  it('names the key that is missing', () => {
    expect(() => needSecret(undefined, 'GITLAB_TOKEN')).toThrow(/GITLAB_TOKEN is not set/);
  });

  it('gives what is there', () => {
    const secret = new Secret('x');
    expect(needSecret(secret, 'GITLAB_TOKEN')).toBe(secret);
  });
});
