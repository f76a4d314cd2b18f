import { describe, expect, it } from 'vitest';
import { ConfigError } from '../../../../lib/core/errors.ts';
import { credentialsOf, secretReader, secretsOf } from '../../../../lib/runtime/functiongraph/secret-source.ts';
import { context } from '../parts.ts';

const nothing = () => context({ getUserData: () => undefined });

describe('where a secret comes from, key by key', () => {
  const throwing = () =>
    context({
      getUserData: () => {
        throw new Error('not here');
      },
    });
  it.each([
    {
      name: 'user data through the context',
      fg: context({ getUserData: () => 'a' }),
      env: { RUNTIME_USERDATA: '{"K":"b"}', K: 'c' },
      value: 'a',
    },
    { name: 'user data in the environment', fg: nothing(), env: { RUNTIME_USERDATA: '{"K":"b"}', K: 'c' }, value: 'b' },
    { name: 'the environment', fg: nothing(), env: { RUNTIME_USERDATA: '{"X":"b"}', K: 'c' }, value: 'c' },
    { name: 'an empty value is none', fg: context({ getUserData: () => '' }), env: { RUNTIME_USERDATA: '{"K":""}', K: 'c' }, value: 'c' },
    { name: 'user data that is no JSON', fg: nothing(), env: { RUNTIME_USERDATA: '{', K: 'c' }, value: 'c' },
    { name: 'user data that is no object', fg: nothing(), env: { RUNTIME_USERDATA: 'null', K: 'c' }, value: 'c' },
    { name: 'user data that is no text', fg: nothing(), env: { RUNTIME_USERDATA: '{"K":1}', K: 'c' }, value: 'c' },
    { name: 'a getter that fails', fg: throwing(), env: { K: 'c' }, value: 'c' },
    { name: 'nowhere', fg: nothing(), env: {}, value: undefined },
  ])('$name', ({ fg, env, value }) => {
    expect(secretReader(env)(fg, 'K')).toBe(value);
  });

  it('what every object has is no secret', () => {
    expect(secretReader({ RUNTIME_USERDATA: '{}' })(nothing(), 'toString')).toBeUndefined();
  });
});

describe('credentials', () => {
  const env = { OTC_ACCESS_KEY: 'CONFIGURED', OTC_SECRET_KEY: 'configured-secret' };
  const agencyless = { getSecurityAccessKey: () => '', getSecuritySecretKey: () => '', getSecurityToken: () => '' };
  const secrets = (values: Readonly<Record<string, string>>) => secretsOf(secretReader(values), nothing());

  it("are the call's own when the function has an agency", () => {
    const { accessKey, secretKey, securityToken } = credentialsOf(context(), secrets(env));
    expect([accessKey, secretKey, securityToken]).toEqual(['TEMPORARYKEY', 'temporary-secret-key', 'temporary-security-token']);
  });

  it.each([
    { name: 'without an agency', fg: context(agencyless) },
    { name: 'where only half of the keys came', fg: context({ getSecuritySecretKey: () => '' }) },
    { name: 'where there is no such getter', fg: JSON.parse('{}') },
  ])('are the configured ones $name', ({ fg }) => {
    const { accessKey, secretKey, securityToken } = credentialsOf(fg, secrets(env));
    expect([accessKey, secretKey, securityToken]).toEqual(['CONFIGURED', 'configured-secret', undefined]);
  });

  it('are missed with one clear error', () => {
    expect(() => credentialsOf(context(agencyless), secrets({}))).toThrow(ConfigError);
  });
});
